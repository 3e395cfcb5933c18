"""Cells: what is computed and stored at once, and the identity under which it is stored.

A cell is one combination of factor levels and one stack of seeds. Its identity is a hash of everything that its
numbers may depend on, so that a run finds what was computed before, by whichever run, and never takes numbers of
other settings, data or code.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import inspect
import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import DefinitionError
from ._base import Study
from ._data import READING_COLUMNS, Readings, canonical

if TYPE_CHECKING:
    from ..tasks import Task

# What cannot change a number: texts, pictures, checks, the command line.
_NO_RESULTS = ("reporting", "testing", "cli.py", "__main__.py", "_about.py", "_doctor.py", "_terminal.py")


@dataclass(frozen=True)
class Cell:
    """One combination of factor levels and one stack of seeds of a study; ``key`` is its identity."""

    factors: Mapping[str, Any]
    arguments: Mapping[str, Any]
    seeds: tuple[int, ...]
    key: str

    @property
    def label(self) -> str:
        """In words, for progress and for the list of what is missing."""
        levels = ", ".join(f"{name}={level}" for name, level in self.factors.items())
        seeds = f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"seeds {self.seeds[0]}-{self.seeds[-1]}"
        return f"{levels}, {seeds}" if levels else seeds


@dataclass(frozen=True)
class Outcome:
    """What computing a cell gave: per seed {"seed", "diverged", "metrics"} and the readings; or ``error``, in words."""

    rows: tuple[Mapping[str, Any], ...] = ()
    readings: Readings = field(default_factory=Readings)
    error: str | None = None
    seconds: float = 0.0


def cut(study: Study, settings: Mapping[str, Any]) -> list[Cell]:
    """All cells of a study under these settings: all combinations with the first stack, then with the second, ...

    Stacks have the study's size always; the seeds of the last one that were not asked for are computed and kept for
    later.
    """
    combinations = study.combinations(settings)
    arguments = [study.arguments(combination, settings) for combination in combinations]
    code = {"code": code_version(study), "torch": torch_version(), "threads": study.threads}
    common = {"study": study.name, **code}
    bases = [
        {**common, "arguments": given, "data": _data_of(given.get("task", settings.get("task")))} for given in arguments
    ]
    cells = []
    for start in range(0, settings["seeds"], study.stack):
        seeds = tuple(range(start, start + study.stack))
        for combination, given, base in zip(combinations, arguments, bases, strict=True):
            key = hashlib.sha256(canonical({**base, "seeds": seeds}).encode()).hexdigest()
            cells.append(Cell(combination, given, seeds, key))
    return cells


def torch_version() -> str:
    """The version of PyTorch that is installed, without importing it; "none" where it is not."""
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _data_of(task: Any) -> str | None:
    """The checksum of the data of a task, where a setting names one; raises DataError where they are wrong."""
    if not isinstance(task, str):
        return None
    from ..tasks import catalogue as tasks

    return _checksum(tasks[task])


@functools.cache  # by the task, not by its name: at a prompt the same name may come to mean other data
def _checksum(task: Task) -> str:
    return task.load().checksum


def code_version(study: Study) -> str:
    """SHA-256 over the source that can change the numbers of this study: our files, and the file of its cell.

    Of a cell that was typed at a prompt or in a notebook, the cell alone is known, not what it calls.
    """
    return hashlib.sha256(_package_code().encode() + _cell_code(inspect.unwrap(study.cell))).hexdigest()


def _cell_code(cell: Any) -> bytes:
    try:
        home = Path(inspect.getsourcefile(cell) or "")
        if home.is_file():
            return b"" if home.resolve().is_relative_to(_package()) else home.read_bytes()
        return inspect.getsource(cell).encode()
    except (TypeError, OSError):
        return _instructions(getattr(cell, "__code__", None))


def _instructions(code: Any) -> bytes:
    """What a function without source does: its instructions, names and constants, those of inner functions too."""
    if not isinstance(code, CodeType):
        return repr(code).encode() if isinstance(code, (str, bytes, int, float, tuple, type(None))) else b""
    inner = b"".join(_instructions(constant) for constant in code.co_consts)
    return code.co_code + repr(code.co_names).encode() + inner


def _package() -> Path:
    return Path(__file__).resolve().parent.parent


@functools.cache
def _package_code() -> str:
    digest = hashlib.sha256()
    for path in sorted(_package().rglob("*.py")):
        name = path.relative_to(_package()).as_posix()
        if name.split("/")[0] not in _NO_RESULTS:
            digest.update(f"{name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def measured(cell: Cell, answer: Any) -> Outcome:
    """The answer of a study's function, checked and made plain; raises DefinitionError where it is not what a study returns."""
    if not isinstance(answer, Sequence) or len(answer) != len(cell.seeds):
        size = len(answer) if isinstance(answer, Sequence) else type(answer).__name__
        raise DefinitionError(
            f"the cell returned {size}, expected a list of {len(cell.seeds)} dictionaries, one per seed"
        )
    rows, readings = [], []
    for seed, entry in zip(cell.seeds, answer, strict=True):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("metrics"), Mapping):
            raise DefinitionError(
                f"the cell returned {entry!r:.80} for seed {seed}, expected {{'metrics': {{...}}, ...}}"
            )
        metrics = {name: _number(name, value) for name, value in entry["metrics"].items()}
        if clash := sorted(set(metrics) & {*cell.factors, "seed", "diverged"}):
            raise DefinitionError(f"the cell returned metrics called {clash}, which are columns already; rename them")
        rows.append({"seed": seed, "diverged": bool(entry.get("diverged", False)), "metrics": metrics})
        if entry.get("record") is not None:
            readings.append(_of_record(entry["record"], seed))
    return Outcome(tuple(rows), Readings.joined(readings))


def _number(name: str, value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"metric {name!r} is {value!r:.60}, expected a number") from error
    return number if math.isfinite(number) else None


def _of_record(record: Any, seed: int) -> Readings:
    """The columns of a Record; rows of no seed in particular are of this one."""
    columns = {name: np.asarray(record.columns[name]) for name in READING_COLUMNS}
    columns["seed"] = np.full(len(columns["value"]), seed, dtype=np.int64)
    return Readings(columns)


def failed(error: Exception) -> Outcome:
    """An exception as an outcome: its type, its message, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return Outcome(error=f"{type(error).__name__}: {error}{where}")
