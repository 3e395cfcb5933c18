"""Cells: what is computed and stored at once, and the identity under which it is stored.

A cell is one combination of factor levels and one stack of seeds. Its identity is a hash of everything that its
numbers may depend on, so that a run finds what was computed before, by whichever run, and never takes numbers of
other settings, data or code.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._base import Study
from ._code import code_version, torch_version
from ._data import Readings, canonical

if TYPE_CHECKING:
    from ..tasks import Task


@dataclass(frozen=True)
class Cell:
    """One combination of factor levels and one stack of seeds of a study; ``key`` is its identity.

    ``made`` is what the numbers depend on besides arguments and seeds: code, PyTorch, threads, and the data's checksums.
    """

    factors: Mapping[str, Any]
    arguments: Mapping[str, Any]
    seeds: tuple[int, ...]
    key: str
    made: Mapping[str, Any] = field(default_factory=dict)

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
    code = made(study)
    bases = [{**code, "data": data_of({"task": settings.get("task"), **given})} for given in arguments]
    cells = []
    for start in range(0, settings["seeds"], study.stack):
        seeds = tuple(range(start, start + study.stack))
        for combination, given, base in zip(combinations, arguments, bases, strict=True):
            key = hashlib.sha256(canonical({**base, "arguments": given, "seeds": seeds}).encode()).hexdigest()
            cells.append(Cell(combination, given, seeds, key, base))
    return cells


def made(study: Study) -> dict[str, Any]:
    """With what a study's numbers are made: its function, the version of the code and of PyTorch, the number of threads.

    Studies that measure with the same function share what it gave. A function that others made (a closure, a lambda, a
    partial) may hold anything, so its results are for studies of this name alone.
    """
    cell = study.cell
    name = getattr(cell, "__qualname__", "<")
    own = "<" in name or getattr(cell, "__closure__", None) is not None or not inspect.isfunction(cell)
    what = f"study {study.name}" if own else f"{cell.__module__}:{name}"
    return {"what": what, "code": code_version(study), "torch": torch_version(), "threads": study.threads}


def data_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The checksums of the data of all tasks that settings name, by task.

    Raises UnknownNameError where "task" is no task, and DataError where its data are wrong.
    """
    from ..tasks import catalogue as tasks

    names = {text for text in _texts(given) if text in tasks}
    if isinstance(task := given.get("task"), str):
        names.add(task)
    return {name: _checksum(tasks[name]) for name in sorted(names)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


@functools.cache  # by the task, not by its name: at a prompt the same name may come to mean other data
def _checksum(task: Task) -> str:
    return task.load().checksum
