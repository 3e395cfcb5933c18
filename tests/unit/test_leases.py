"""Several runs on one store: they share the work, take over what a dead run had, and an older store is brought up to date."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from _toy_studies import CALLS, toy, without_times
from _toy_workers import TROUBLE, toil
from neurofn._errors import StoreError
from neurofn.studies import _code, _leases, run
from neurofn.studies._cells import Cell, Outcome
from neurofn.studies._store import FILE, Store

DRIVER = "import sys; from _toy_workers import toil; from neurofn.studies import run; run(toil, out=sys.argv[1])"
CELL = Cell({}, {}, (0,), "a")


@pytest.fixture(autouse=True)
def one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    monkeypatch.setenv("TOY_CODE", "the code")
    monkeypatch.setattr(_code, "_package_code", lambda studies: "the code")


def leases(folder: Path) -> list[str]:
    connection = sqlite3.connect(folder / FILE)
    try:
        return [row[0] for row in connection.execute("SELECT key FROM leases")]
    finally:
        connection.close()


def test_two_drivers_share_the_work_and_double_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), TROUBLE: str(tmp_path), "TOY_SECONDS": "0.3"}
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "out")]
    drivers = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [driver.wait(120) for driver in drivers] == [0, 0]
    lines = [line.split() for line in (tmp_path / "computed.log").read_text().splitlines()]
    assert Counter(cell for cell, _ in lines) == dict.fromkeys({cell for cell, _ in lines}, 1)
    assert len(lines) == 8
    assert len({process for _, process in lines}) == 2
    assert leases(tmp_path / "out") == []
    assert without_times(run(toil, out=tmp_path / "out").table) == without_times(run(toil).table)


def test_a_cell_is_one_runs_at_a_time(tmp_path: Path) -> None:
    with Store(tmp_path) as one, Store(tmp_path) as other:
        assert one.claim("a") is True
        assert one.claim("a") is True
        assert other.claim("a") is False
        one.add("toy", CELL, Outcome(rows=({"seed": 0, "diverged": False, "metrics": {}},)), code="c")
        found = other.claim("a")
        assert isinstance(found, Outcome)
        assert found.rows[0]["seed"] == 0
        assert one.claim("b") is True
    with Store(tmp_path) as third:
        assert third.claim("b") is True


def test_a_failure_is_taken_over_by_runs_of_its_time_and_not_by_later_ones(tmp_path: Path) -> None:
    with Store(tmp_path) as one, Store(tmp_path) as other:
        one.add("toy", CELL, Outcome(error="ValueError: no"), code="c")
        found = other.claim("a")
        assert isinstance(found, Outcome)
        assert found.error == "ValueError: no"
    with Store(tmp_path) as later:
        assert later.claim("a") is True


@pytest.mark.parametrize(
    ("host", "seconds", "free"), [("", 60, True), ("elsewhere", 60, False), ("elsewhere", -1, True)]
)
def test_what_a_dead_run_had_is_taken_over(tmp_path: Path, host: str, seconds: float, free: bool) -> None:
    """At once where it was on this machine, else at the end of its lease."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with Store(tmp_path) as store:
        owner = f"{host or socket.gethostname()}:{gone.pid}:1"
        store._connection.execute("INSERT INTO leases VALUES ('a', ?, ?)", (owner, time.time() + seconds))
        assert store.claim("a") is free


def test_leases_are_renewed_while_their_run_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_leases, "SECONDS", 0.4)
    with Store(tmp_path) as one, Store(tmp_path) as other:
        assert one.claim("a") is True
        monkeypatch.setattr(_leases, "_lives", lambda owner: True)
        for _ in range(8):
            time.sleep(0.1)
            assert other.claim("a") is False


def test_a_store_of_the_first_version_goes_on(tmp_path: Path) -> None:
    run(toy, seeds=5, out=tmp_path)
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("DROP TABLE leases")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    CALLS.clear()
    assert run(toy, seeds=10, out=tmp_path).complete
    assert len(CALLS) == 4


def test_a_store_of_a_later_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(StoreError, match=r"nothing was changed in it; move it away .* or choose another folder"):
        Store(tmp_path)
