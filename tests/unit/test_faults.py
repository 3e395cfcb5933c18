"""Processes killed in the middle of a study, by a seeded schedule: whatever was hit, the table ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from _toy_workers import TROUBLE, toil
from neurofn.studies import Result, _code, run

DRIVER = """
import sys, warnings
from _toy_workers import toil
from neurofn.studies import Dask, Local, run
warnings.simplefilter("ignore", RuntimeWarning)
where = Dask(sys.argv[2], patience=4.0) if len(sys.argv) > 2 else Local(workers=2)
result = run(toil, seeds=8, out=sys.argv[1], executor=where)
sys.exit(0 if result.complete else 3)
"""
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_CODE", "the code")
    monkeypatch.setattr(_code, "_package_code", lambda studies: "the code")


class Machine:
    """The processes of a test: all are killed at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        path = os.pathsep.join(sys.path)
        self.environment = {**os.environ, "PYTHONPATH": path, TROUBLE: str(folder), "TOY_SECONDS": "0.3"}
        self.environment |= {"OMP_NUM_THREADS": "1"}

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            [sys.executable, *words], env=self.environment, stdout=quiet, stderr=quiet, cwd=self.folder
        )
        self.processes.append(process)
        return process

    def driver(self, *where: str) -> subprocess.Popen[bytes]:
        return self.start("-c", DRIVER, str(self.folder / "out"), *where)

    def computed(self) -> list[int]:
        """The processes that computed a cell each, in order."""
        log = self.folder / "computed.log"
        return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []

    def wait_for(self, done: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def as_undisturbed(folder: Path) -> None:
    """What is in the store is complete, and the same as without a store; times are not looked at."""
    again, once = run(toil, seeds=8, out=folder), run(toil, seeds=8)

    def told(result: Result) -> tuple[Any, ...]:
        return result.table, result.readings, result.summaries, result.verdicts, result.missing

    assert told(again) == told(once)
    assert "16 of 16 cells were computed by an earlier run" in again.notes[0]


def test_a_worker_killed_and_then_the_driver(machine: Machine) -> None:
    """The driver's workers end with it; a second driver computes what is left, and nothing twice."""
    first = machine.driver()
    machine.wait_for(lambda: len(machine.computed()) >= 1)
    kill(machine.computed()[0])
    machine.wait_for(lambda: len(machine.computed()) >= 4)
    first.kill()
    first.wait()
    machine.wait_for(lambda: not any(alive(process) for process in machine.computed()))
    assert machine.driver().wait(PATIENCE) == 0
    as_undisturbed(machine.folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_schedule_of_kills_on_one_machine(seed: int, machine: Machine) -> None:
    schedule = random.Random(seed)
    for _ in range(6):
        driver = machine.driver()
        known = len(machine.computed())
        machine.wait_for(
            lambda known=known, driver=driver: len(machine.computed()) > known or driver.poll() is not None
        )
        time.sleep(schedule.uniform(0.0, 1.0))
        for process in sorted(set(machine.computed()[known:])):
            if schedule.random() < 0.5:
                kill(process)
        time.sleep(schedule.uniform(0.0, 0.5))
        driver.kill()
        driver.wait()
    machine.wait_for(lambda: machine.driver().wait(PATIENCE) == 0)  # a cell whose workers were hit twice is tried again
    as_undisturbed(machine.folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5])
def test_a_schedule_of_kills_on_a_cluster(seed: int, machine: Machine) -> None:
    """Workers, drivers and schedulers; a scheduler that is gone ends the run, and the next one goes on."""
    pytest.importorskip("distributed")
    schedule = random.Random(seed)
    for round_ in range(5):
        meet = machine.folder / f"scheduler-{round_}.json"
        file = ["--scheduler-file", str(meet)]
        scheduler = machine.start("-m", "distributed.cli.dask_scheduler", *file, "--port", "0", "--no-dashboard")
        workers = [
            machine.start("-m", "distributed.cli.dask_worker", *file, "--nthreads", "1", "--no-dashboard")
            for _ in range(2)
        ]
        machine.wait_for(meet.exists)
        address = _address(meet, machine)
        driver = machine.driver(address)
        known = len(machine.computed())
        machine.wait_for(
            lambda known=known, driver=driver: len(machine.computed()) > known or driver.poll() is not None
        )
        hit = schedule.choice(["scheduler", "driver", "worker", "nothing"])
        time.sleep(schedule.uniform(0.0, 0.7))
        if hit == "worker":
            kill(machine.computed()[-1])
        elif hit != "nothing":
            {"scheduler": scheduler, "driver": driver}[hit].kill()
        assert driver.wait(PATIENCE) == {"scheduler": 3, "driver": -signal.SIGKILL}.get(hit, 0) or _complete(driver)
        for process in (*workers, scheduler):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
    machine.wait_for(lambda: machine.driver().wait(PATIENCE) == 0)
    as_undisturbed(machine.folder / "out")


def _complete(driver: subprocess.Popen[bytes]) -> bool:
    """Whether it had ended before it was hit."""
    return driver.returncode == 0


def _address(meet: Path, machine: Machine) -> str:
    found: dict[str, Any] = {}

    def read() -> bool:
        with suppress(ValueError):
            found.update(json.loads(meet.read_text()))
        return bool(found)

    machine.wait_for(read)
    return str(found["address"])
