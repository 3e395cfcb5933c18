"""Units one after another, or side by side on workers that the caller hands over: one way for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import SettingError
from ._signatures import Hits, Signatures
from .search import Found

__all__ = ["OnWorkers", "Search", "find_each"]

Part = tuple[int, list[Found]]
Call = tuple[Callable[..., Part], tuple[Any, ...], dict[str, Any]]
Parallel = Callable[[Iterable[Call]], Iterable[Part]]
"""Such as ``joblib.Parallel(n_jobs=2)``: makes calls (function, arguments, keywords) and gives their results, in any order."""

_TOGETHER = 4  # units in one call


class Search(Protocol):
    """Such as Exact or Beam."""

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""


@dataclass(frozen=True, eq=False)
class OnWorkers:
    """A search whose units are searched side by side, with equal results: on processes, threads, a Dask or a Ray cluster.

    parallel: a ``joblib.Parallel``; it uses the backend and workers that it was made with, or those of the
    ``joblib.parallel_config(...)`` around. units: how many are handed over at a time. As many may be lost by Ctrl-C, and
    `progress` moves on after as many, unless parallel was made with return_as="generator"; give 8 a worker or more.

    It is part of the search, since which formulas are found and where they are computed is all that a search decides; what
    `explain` does with them does not depend on it. Raises SettingError for fewer than 1 unit.

    >>> import joblib
    >>> import numpy as np
    >>> from neurofn.explaining import Concepts, Exact, Units, explain
    >>> masks = np.random.default_rng(0).random((3, 60, 20)) < 0.3
    >>> units, concepts = Units.from_masks(masks), Concepts.from_masks({"a": masks[0], "b": masks[1], "c": masks[2]})
    >>> rows = explain(units, concepts, search=OnWorkers(Exact(length=2), joblib.Parallel(n_jobs=1)))
    >>> rows == explain(units, concepts, search=Exact(length=2)), [row.formula for row in rows]
    (True, ['a', 'b', 'c'])
    """

    search: Search
    parallel: Parallel
    units: int = 64

    def __post_init__(self) -> None:
        if self.units < 1:
            raise SettingError(f"units={self.units}: hand over at least 1 at a time, for example 64")

    @property
    def measure(self) -> str:
        """That of the search."""
        return str(getattr(self.search, "measure", "iou"))

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit, found here."""
        return self.search.find(signatures, hits, unit)


def find_each(
    search: Search, signatures: Signatures, hits: Hits, *, units: Sequence[int] | None = None
) -> Iterator[Found]:
    """What ``search`` finds for each of ``units`` (all if not given), in their order; each as soon as it is known.

    Whatever fails for a unit, or for the workers that search it, is the ``problem`` of what was found for it.

    >>> import numpy as np
    >>> from neurofn.explaining._signatures import grouped, hits_of
    >>> from neurofn.explaining.search import Beam
    >>> masks = np.random.default_rng(0).random((3, 200)) < 0.4
    >>> signatures, place = grouped("abc", masks)
    >>> hits = hits_of(masks, place, len(signatures))
    >>> [found.formula.first for found in find_each(Beam(1), signatures, hits, units=[2, 0])]
    [2, 0]
    """
    rest = list(range(len(hits)) if units is None else units)
    if isinstance(search, OnWorkers) and rest:
        # The first one here: it fills the tables that all units share, before they are sent to the workers.
        yield _find(search.search, signatures, hits, rest[0])
        shared = _Shared(signatures)
        for start in range(1, len(rest), search.units):
            yield from _side_by_side(search, shared, hits, rest[start : start + search.units])
        return
    for unit in rest:
        yield _find(search, signatures, hits, unit)


def _side_by_side(search: OnWorkers, shared: _Shared, hits: Hits, units: list[int]) -> Iterator[Found]:
    parts = [units[start : start + _TOGETHER] for start in range(0, len(units), _TOGETHER)]
    calls: Iterator[Call] = (
        (_find_some, (k, search.search, shared, hits.take(part)), {}) for k, part in enumerate(parts)
    )
    waiting: dict[int, list[Found]] = {}
    done = 0
    problem = "the workers gave no result"
    try:
        for number, found in search.parallel(calls):
            waiting[number] = found
            while done in waiting:
                yield from waiting.pop(done)
                done += 1
    except Exception as error:
        problem = f"the workers failed: {_said(error)}"
    for k in range(done, len(parts)):
        yield from waiting.get(k, [Found(None, 0.0, problem=problem) for _ in parts[k]])


class _Shared:
    """What all units share. Clusters look at the size of an argument to decide whether to send it once or with every call."""

    def __init__(self, signatures: Signatures) -> None:
        self.signatures = signatures

    def __sizeof__(self) -> int:
        return int(self.signatures.indices.nbytes + self.signatures.indptr.nbytes + self.signatures.weights.nbytes)


def _find_some(number: int, search: Search, shared: _Shared, hits: Hits) -> Part:
    return number, [_find(search, shared.signatures, hits, unit) for unit in range(len(hits))]


def _find(search: Search, signatures: Signatures, hits: Hits, unit: int) -> Found:
    try:
        return search.find(signatures, hits, unit)
    except Exception as error:  # whatever one unit brings up, the others keep their results
        return Found(None, 0.0, problem=_said(error))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
