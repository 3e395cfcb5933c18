"""The conformance checks of tasks. Each takes a task and its splits as read, and raises AssertionError in words.

The checks read the splits themselves rather than through ``Task.load``, which would refuse bad data: each must be able to
fail alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from .._errors import DataError
from ..tasks import Splits, Task
from ..tasks._base import SPLIT_NAMES, checksum

Check = Callable[[Task, Splits], None]
SOURCE = re.compile(r"^(https://doi\.org/10\.\d{4,}/\S+|arXiv:\d{4}\.\d{4,5}|@\w+\{.+\})$", re.DOTALL)


def _require(holds: object, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def source_and_licence_are_stated(task: Task, splits: Splits) -> None:
    """The source is a DOI, an arXiv id or a BibTeX entry; licence and description are given."""
    _require(
        SOURCE.match(task.source), f"source {task.source!r} is no DOI (https://doi.org/...), arXiv id or BibTeX entry"
    )
    _require(task.licence.strip(), "the licence is not stated")
    _require(task.description.strip(), "the description is not given")
    _require(task.locate().strip(), "locate() does not say where the data lie")


def shapes_and_dtypes(task: Task, splits: Splits) -> None:
    """x is (n, inputs) float32; y is (n,) int64 labels or (n, outputs) float32 values; n is at least 2."""
    for name, split in zip(SPLIT_NAMES, splits, strict=True):
        rows = len(split.x)
        _require(rows >= 2, f"{name} has {rows} rows")
        labels = task.kind == "classification"
        expected = ((rows, task.inputs), "float32", (rows,) if labels else (rows, task.outputs))
        _require((split.x.shape, str(split.x.dtype), split.y.shape) == expected, f"{name} is not of shape {expected}")
        _require(
            split.y.dtype == (np.int64 if labels else np.float32), f"the targets of {name} have dtype {split.y.dtype}"
        )


def all_finite(task: Task, splits: Splits) -> None:
    """No NaN and no infinity in any split."""
    for name, split in zip(SPLIT_NAMES, splits, strict=True):
        _require(np.isfinite(split.x).all() and np.isfinite(split.y).all(), f"{name} holds NaN or infinity")


def labels_in_range(task: Task, splits: Splits) -> None:
    """Labels are 0 to outputs - 1, and every class occurs in every split."""
    if task.kind != "classification":
        return
    for name, split in zip(SPLIT_NAMES, splits, strict=True):
        found = set(np.unique(split.y).tolist())
        _require(
            found == set(range(task.outputs)), f"{name} has the labels {sorted(found)}, expected 0..{task.outputs - 1}"
        )


def splits_are_disjoint(task: Task, splits: Splits) -> None:
    """Each split says which rows of the source it holds, and no row is held twice."""
    taken: set[int] = set()
    for name, split in zip(SPLIT_NAMES, splits, strict=True):
        rows = [] if split.rows is None else split.rows.tolist()
        _require(len(rows) == len(split.x), f"{name} does not say which rows of the source it holds")
        _require(len(set(rows)) == len(rows), f"{name} holds a row twice")
        _require(not taken & set(rows), f"{name} holds rows of an earlier split")
        taken |= set(rows)


def inputs_of_order_one(task: Task, splits: Splits) -> None:
    """Training inputs are centred and of order one, as initialisations and bounded domains of edges expect."""
    x = splits.train.x[np.isfinite(splits.train.x)].astype(np.float64)
    spread = float(np.sqrt((x**2).mean()))
    _require(abs(x.mean()) <= 0.1, f"the mean of the training inputs is {x.mean():.3g}, expected within 0.1 of 0")
    _require(0.3 <= spread <= 3, f"the root mean square of the training inputs is {spread:.3g}, expected 0.3 to 3")


def same_every_time(task: Task, splits: Splits) -> None:
    """Reading again gives the same numbers, and global random state is not used for it."""
    before = str(np.random.get_state())
    again = task.read()
    _require(checksum(again) == checksum(splits), "reading twice gives different data")
    first, second = ([None if s.rows is None else s.rows.tolist() for s in one] for one in (splits, again))
    _require(first == second, "reading twice gives different rows")
    _require(str(np.random.get_state()) == before, "reading moves numpy's global random state")


def load_gives_what_is_read(task: Task, splits: Splits) -> None:
    """load() returns the splits as read, with their checksum; data it refuses are for the other checks to report."""
    try:
        data = task.load()
    except DataError:
        return
    loaded = Splits(data.train, data.validation, data.test)
    _require(data.checksum == checksum(loaded), "the checksum is not that of the loaded arrays")


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        source_and_licence_are_stated,
        shapes_and_dtypes,
        all_finite,
        labels_in_range,
        splits_are_disjoint,
        inputs_of_order_one,
        same_every_time,
        load_gives_what_is_read,
    )
}


def failures(task: Task) -> dict[str, str]:
    """Check name -> what is wrong, for every check that ``task`` fails. Data that are not there raise as in ``task.read``.

    >>> from neurofn.tasks import catalogue
    >>> failures(catalogue["function-1d"])
    {}
    """
    splits = task.read()
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            check(task, splits)
        except AssertionError as error:
            found[name] = str(error)
    return found
