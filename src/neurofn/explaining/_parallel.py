"""Units one after another, or side by side on the workers that the caller hands over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from ._signatures import Hits, Signatures
from .search import Found

__all__ = ["Parallel", "Search", "find_each"]

Call = tuple[Callable[..., list[Found]], tuple[Any, ...], dict[str, Any]]
Parallel = Callable[[Iterable[Call]], Iterable[list[Found]]]
"""Such as ``joblib.Parallel(n_jobs=2)``: makes calls (function, arguments, keywords) and gives the results in their order."""

_AT_ONCE = 16  # units that go to a worker together


class Search(Protocol):
    """Such as Exact or Beam."""

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""


def find_each(
    search: Search, signatures: Signatures, hits: Hits, *, parallel: Parallel | None = None
) -> Iterator[Found]:
    """What ``search`` finds for each unit, in their order; each as soon as it is known.

    parallel: a ``joblib.Parallel``, whose backend and workers are those it was made with, or those of the
    ``joblib.parallel_config(...)`` around it: processes, threads, a Dask or a Ray cluster. The results are the same.

    >>> import joblib
    >>> import numpy as np
    >>> from neurofn.explaining._signatures import grouped, hits_of
    >>> from neurofn.explaining.search import Beam
    >>> masks = np.random.default_rng(0).random((3, 200)) < 0.4
    >>> signatures, place = grouped("abc", masks)
    >>> hits = hits_of(masks, place, len(signatures))
    >>> [found.formula.first for found in find_each(Beam(1), signatures, hits, parallel=joblib.Parallel())]
    [0, 1, 2]
    """
    if parallel is None:
        for unit in range(len(hits)):
            yield search.find(signatures, hits, unit)
        return
    signatures.postings  # noqa: B018 - workers get what all units share, not each its own
    calls: Iterator[Call] = (
        (find_some, (search, signatures, hits.take(low, low + _AT_ONCE)), {}) for low in range(0, len(hits), _AT_ONCE)
    )
    for part in parallel(calls):
        yield from part


def find_some(search: Search, signatures: Signatures, hits: Hits) -> list[Found]:
    """What ``search`` finds for all of these units."""
    return [search.find(signatures, hits, unit) for unit in range(len(hits))]
