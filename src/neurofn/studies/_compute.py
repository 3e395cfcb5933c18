"""One cell computed: the study's function is called, with the threads of the study, and its answer checked and made plain."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import DefinitionError
from ._base import Study
from ._cells import Cell, Outcome
from ._data import READING_COLUMNS, Readings


def compute(study: Study, cell: Cell) -> Outcome:
    """What the cell gives, or the exception that it raises, in words; with the seconds that it took."""
    start = time.perf_counter()
    try:
        with _threads(study.threads):
            outcome = measured(cell, study.cell(**cell.arguments, seeds=cell.seeds))
    except Exception as error:
        outcome = failed(error)
    seconds = time.perf_counter() - start
    return Outcome(outcome.rows, outcome.readings, outcome.error, round(seconds, 3))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """PyTorch computes with ``count`` threads inside, and with as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
