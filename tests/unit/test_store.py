"""The store: whole rows or none, shared by several runs, and clear words where it cannot be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from _toy_studies import CALLS, toy, without_times
from neurofn._errors import StoreError
from neurofn.studies import _code, _run, run
from neurofn.studies._cells import Cell, Outcome
from neurofn.studies._data import Readings
from neurofn.studies._store import FILE, Store

TESTS = Path(__file__).resolve().parent.parent
# The code version is the same in all processes of a test, even while somebody edits the sources.
CHILD = """
import sys
from _toy_studies import toy
from neurofn.studies import _code, run
_code._package_code = lambda studies: "the code"
run(toy, seeds=10, out=sys.argv[1])
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    monkeypatch.setattr(_code, "_package_code", lambda studies: "the code")


def cell(key: str = "a") -> Cell:
    return Cell({"neuron": "good"}, {"neuron": "good", "steps": 3}, (0, 1), key)


def outcome(score: float = 0.1) -> Outcome:
    rows = tuple({"seed": seed, "diverged": False, "metrics": {"z": score, "a": None}} for seed in (0, 1))
    readings = Readings.of([{"seed": 0, "step": 3, "reading": "rank", "site": "0", "instrument": "I", "value": score}])
    return Outcome(rows, readings, None, 1.5)


def child(folder: Path, *, seconds: float) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])
    environment = {**os.environ, "PYTHONPATH": path, "TOY_SECONDS": str(seconds)}
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], env=environment, stderr=subprocess.PIPE)


def stored(folder: Path) -> int:
    """How many cells are stored, read as another program would."""
    if not (folder / FILE).exists():
        return 0
    connection = sqlite3.connect(folder / FILE, timeout=10)
    try:
        return int(connection.execute("SELECT count(*) FROM cells").fetchone()[0])
    except sqlite3.OperationalError:  # the table is not made yet
        return 0
    finally:
        connection.close()


# --- Keeping and finding ----------------------------------------------------------------------------------------------


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    with Store(tmp_path / "new" / "folder") as store:
        store.add("toy", cell(), outcome(1 / 3), code="c")
    with Store(tmp_path / "new" / "folder") as store:
        (found,) = store.find(["b", "a"]).values()
    assert found.rows == outcome(1 / 3).rows
    assert list(found.rows[0]["metrics"]) == ["z", "a"]
    assert found.seconds == 1.5
    for name, column in outcome(1 / 3).readings.columns.items():
        np.testing.assert_array_equal(found.readings[name], column)
        assert found.readings[name].dtype == column.dtype


def test_a_finished_cell_is_never_replaced_and_a_failed_one_is(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add("toy", cell(), Outcome(error="ValueError: no"), code="c")
        assert store.find(["a"]) == {}
        store.add("toy", cell(), outcome(0.5), code="c")
        store.add("toy", cell(), outcome(0.7), code="c")
        store.add("toy", cell(), Outcome(error="ValueError: no"), code="c")
        assert store.find(["a"])["a"].rows == outcome(0.5).rows
    assert stored(tmp_path) == 1


def test_the_store_is_in_wal_mode(tmp_path: Path) -> None:
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


# --- Several processes, and kill ----------------------------------------------------------------------------------------


def test_kill_in_the_middle_and_a_second_run_give_the_table_of_one_run(tmp_path: Path) -> None:
    process = child(tmp_path, seconds=0.2)
    deadline = time.monotonic() + 60
    while stored(tmp_path) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = stored(tmp_path)
    assert process.returncode == -signal.SIGKILL
    assert 2 <= kept < 8
    second = run(toy, seeds=10, out=tmp_path)
    assert len(CALLS) == 8 - kept
    once = run(toy, seeds=10)
    assert without_times(second.table) == without_times(once.table)
    assert second.readings == once.readings
    assert second.verdicts == once.verdicts
    assert stored(tmp_path) == 8


def test_three_runs_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    processes = [child(tmp_path, seconds=0.01) for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert stored(tmp_path) == 8
    again = run(toy, seeds=10, out=tmp_path)
    assert CALLS == []
    assert without_times(again.table) == without_times(run(toy, seeds=10).table)


# --- What cannot be used ------------------------------------------------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all, but it is long enough to be read as one" * 100)


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE birds (name TEXT)")
    connection.execute("PRAGMA user_version = 1")  # other programs count their versions too
    connection.close()


def _newer(path: Path) -> None:
    Store(path.parent).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoil", [_garbage, _foreign, _newer, _folder])
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / FILE)
    before = (tmp_path / FILE).read_bytes() if (tmp_path / FILE).is_file() else b""
    with pytest.raises(StoreError, match="--out DIR"):
        run(toy, out=tmp_path)
    assert CALLS == []
    assert before == ((tmp_path / FILE).read_bytes() if (tmp_path / FILE).is_file() else b"")


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    for folder in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(StoreError, match=r"cannot use the folder .* choose another with --out DIR"):
            run(toy, out=folder)
    assert CALLS == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("rows", "[1]"), ("rows", "no json"), ("rows", "3"), ("readings", b"PK no npz"), ("readings", b"\x80\x04pickle")],
)
def test_a_damaged_row_is_named_before_anything_is_computed(tmp_path: Path, column: str, value: object) -> None:
    run(toy, size="smoke", out=tmp_path)
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute(f"UPDATE cells SET {column} = ?", (value,))
    connection.commit()
    connection.close()
    CALLS.clear()
    with pytest.raises(StoreError, match=r"results\.sqlite.*move it away"):
        run(toy, size="smoke", out=tmp_path)
    assert CALLS == []


def test_pickled_readings_are_not_loaded() -> None:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, value=np.array([print], dtype=object))
    with pytest.raises(StoreError, match="cannot be read"):
        Readings.from_bytes(buffer.getvalue())


def test_damage_within_the_file(tmp_path: Path) -> None:
    run(toy, seeds=10, out=tmp_path)
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    content[100:-100] = b"\xff" * (len(content) - 200)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="move it away"):
        run(toy, seeds=10, out=tmp_path)


# --- A store that breaks on the way -------------------------------------------------------------------------------------


class Full(Store):
    """A store on a disk that is full after the first cell."""

    def add(self, study: str, cell: Cell, outcome: Outcome, *, code: str) -> None:
        if stored(self.path.parent):
            # As SQLite does it: no page beyond those that the file has.
            pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
            self._connection.execute(f"PRAGMA max_page_count = {pages}")
        super().add(study, cell, outcome, code=code)


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "Store", Full)
    with pytest.warns(RuntimeWarning, match="kept in memory only.*disk is full.*free some space"):
        result = run(toy, seeds=10, out=tmp_path)
    monkeypatch.setattr(_run, "Store", Store)
    assert result.complete
    assert len(result.problems) == 1
    assert without_times(result.table) == without_times(run(toy, seeds=10).table)
    kept = stored(tmp_path)
    assert 1 <= kept < 8
    CALLS.clear()
    run(toy, seeds=10, out=tmp_path)
    assert len(CALLS) == 8 - kept


class Broken(Store):
    """A store that cannot be written at all."""

    def add(self, study: str, cell: Cell, outcome: Outcome, *, code: str) -> None:
        raise OSError(28, "No space left on device")


def test_a_store_that_cannot_be_written_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "Store", Broken)
    with pytest.warns(RuntimeWarning, match="No space left"):
        result = run(toy, seeds=5, out=tmp_path)
    assert len(result.table["rows"]) == 20
    assert result.verdicts[0].verdict == "holds"
