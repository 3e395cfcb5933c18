"""Executors: the table of one process, whatever happens to the workers; limits; studies by import path; versions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from _toy_studies import altered
from _toy_workers import TROUBLE, bare, toil
from neurofn._errors import SettingError
from neurofn.studies import Limits, Local, Progress, Result, _code, run
from neurofn.studies._cells import cut
from neurofn.studies._executor import Here, LostError, answer, job, unpacked
from neurofn.studies._process import Process


@pytest.fixture(autouse=True)
def one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """One version of the code in all processes, even while somebody edits the sources."""
    monkeypatch.setenv("TOY_CODE", "the code")
    monkeypatch.setattr(_code, "_package_code", lambda studies: "the code")


@pytest.fixture
def trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which cells find what is to happen to them, and leave a line each."""
    folder = tmp_path / "trouble"
    folder.mkdir()
    monkeypatch.setenv(TROUBLE, str(folder))
    return folder


def computed(folder: Path) -> Counter[str]:
    """How often each cell was computed to its end."""
    log = folder / "computed.log"
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def numbers(result: Result) -> tuple[Any, ...]:
    """All that a run tells, times aside."""
    return result.table, result.readings, result.verdicts, result.summaries, result.missing, result.settings


def test_two_processes_in_every_trouble_end_with_the_table_of_one(tmp_path: Path, trouble: Path) -> None:
    """One run, since each process imports torch: a death, two deaths, an exception, a hang and a greedy cell."""
    whole = run(toil)
    for name in ("good-1-0.die-once", "good-2-0.die", "bad-1-0.raise", "bad-2-0.hang", "bad-2-2.eat"):
        (trouble / name).touch()
    (trouble / "computed.log").unlink()
    states: list[Progress] = []
    executor = Local(workers=2, limits=Limits(seconds=2, bytes=2**29))
    part = run(toil, out=tmp_path / "out", executor=executor, progress=states.append)
    reasons = dict(text.split(": failed with ") for text in part.missing)
    assert len(reasons) == 4
    assert "killed by signal 9, and so did the 1 after it" in reasons["neuron=good, width=2, seeds 0-1"]
    assert reasons["neuron=bad, width=1, seeds 0-1"].startswith("ValueError: no such number (_toy_workers.py:")
    assert "longer than 2 s" in reasons["neuron=bad, width=2, seeds 0-1"]
    assert "MemoryError" in reasons["neuron=bad, width=2, seeds 2-3"]
    assert [state.done for state in states] == list(range(9))
    rows = [row for row in whole.table["rows"] if row in part.table["rows"]]
    assert part.table["rows"] == rows
    assert len(rows) == 8
    for path in trouble.glob("*.*-*"):
        path.unlink()
    for path in [*trouble.glob("*.die"), *trouble.glob("*.raise"), *trouble.glob("*.hang"), *trouble.glob("*.eat")]:
        path.unlink()
    assert numbers(run(toil, out=tmp_path / "out")) == numbers(whole)
    assert set(computed(trouble).values()) == {1}


def test_ctrl_c_ends_the_workers_and_keeps_what_is_there(tmp_path: Path, trouble: Path) -> None:
    made: list[int] = []

    def stop(state: Progress) -> None:
        if state.done == 2:
            made.extend(int(line.split()[1]) for line in (trouble / "computed.log").read_text().splitlines())
            raise KeyboardInterrupt

    part = run(toil, out=tmp_path / "out", executor=Local(workers=1), progress=stop)
    assert part.interrupted
    assert len(part.missing) == 6
    for process in made:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("neurofn")]
    assert numbers(run(toil, out=tmp_path / "out")) == numbers(run(toil))


def test_a_worker_ends_with_its_driver() -> None:
    """In the middle of a cell too: its standard input ends, as it does when a driver is killed."""
    process = Process(Limits())
    process._start()
    worker = process._process
    assert worker is not None
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait(30) == 0
    process.end()
    with pytest.raises(LostError, match="stopped"):
        process.compute({})


def test_a_worker_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurofn.studies._process._START", "raise SystemExit(7)")
    with pytest.warns(RuntimeWarning, match="exit code 7 before it was ready.*goes on from here"):
        result = run(bare, seeds=5, executor=Local(workers=2))
    assert len(result.missing) == 4
    assert len(result.problems) == 1


def test_jobs_survive_json_and_answers_are_those_of_this_process() -> None:
    cell = cut(toil, toil.settings("small", bias=0.1))[5]
    ((_, here),) = Here().outcomes(toil, iter([cell]))
    there = unpacked(answer(job(toil, cell)))
    assert there.rows == here.rows
    assert list(there.readings.rows()) == list(here.readings.rows())


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("code", "old", "another version of neurofn"),
        ("torch", "1.0", "another PyTorch"),
        ("data", {"x": "y"}, "other data"),
    ],
)
def test_a_worker_of_another_version_refuses(entry: str, value: Any, words: str) -> None:
    work = job(toil, cut(toil, toil.settings())[0])
    work["made"][entry] = value
    with pytest.raises(SettingError, match=f"{words}.*install the same"):
        unpacked(answer(work))


def test_a_study_that_no_worker_can_import_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(SettingError, match=r"no worker can import it; write it into a file.*FILE.py:toy"):
        run(altered(), executor=Local())


@pytest.mark.parametrize("count", [0, -1, 1.5, True, 10**6])
def test_counts_and_limits_that_are_none(count: Any) -> None:
    with pytest.raises(SettingError, match="whole number"):
        Local(workers=count)
    if count is not True and count < 1:
        with pytest.raises(SettingError, match="above 0"):
            Limits(seconds=count)


def test_a_script_without_its_guard_is_told(tmp_path: Path) -> None:
    """A worker that imports a script must not start the script's run within itself."""
    script = tmp_path / "alone.py"
    script.write_text(
        "from neurofn.studies import Study, run, Local\n"
        "def cell(*, seeds): return [{'metrics': {}} for _ in seeds]\n"
        "part = Study(name='part', cell=cell, question='?')\n"
        "run(part, executor=Local(1), seeds=1)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "if __name__ == '__main__'" in done.stderr
