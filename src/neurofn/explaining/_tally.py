"""One count engine for every search: positions of concepts, of pairs, and of a formula joined with every concept at once.

The sums are loops of `_loops` where numba is installed, else NumPy and SciPy; they are integers, and equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._compiled import AVAILABLE
from ._signatures import Hits, Signatures

__all__ = ["Tally", "pair_sums", "sums"]

Array = np.ndarray[Any, Any]


def sums(signatures: Signatures, rows: Array, weights: Array) -> Array:
    """For each concept the sum of weights over these sets that have it; weights[k] belongs to rows[k].

    >>> signatures = Signatures(("a", "b"), np.array([0, 1, 3]), np.array([0, 0, 1]), np.array([5, 2]))
    >>> sums(signatures, np.array([0, 1]), np.array([5, 2])).tolist()
    [7, 2]
    """
    size = len(signatures.concepts)
    if AVAILABLE:
        from . import _loops

        return _loops.sums(signatures.indptr, signatures.indices, rows, weights, size)
    labels, place = _entries(signatures, rows)
    # Sums of floats are exact below 2**53, far above any number of positions.
    return np.bincount(labels, weights=weights[place], minlength=size).astype(np.int64)


def pair_sums(signatures: Signatures, rows: Array, weights: Array) -> Array:
    """For each pair of concepts the sum of weights over these sets that have both: int64 (concepts, concepts)."""
    size = len(signatures.concepts)
    if AVAILABLE:
        from . import _loops

        return _loops.pair_sums(signatures.indptr, signatures.indices, rows, weights, size)
    from scipy import sparse

    labels, place = _entries(signatures, rows)
    has = sparse.csr_array((np.ones(len(labels), np.int64), (place, labels)), shape=(len(rows), size))
    return np.asarray((has.T @ (has * weights[:, None])).todense(), dtype=np.int64)


def _entries(signatures: Signatures, rows: Array) -> tuple[Array, Array]:
    """The labels of these sets one after another, and for each the place of its set in ``rows``."""
    lengths = np.diff(signatures.indptr)[rows]
    place = np.repeat(np.arange(len(rows)), lengths)
    starts = np.repeat(signatures.indptr[rows] - np.concatenate([[0], lengths.cumsum()[:-1]]), lengths)
    return signatures.indices[starts + np.arange(len(place))], place


class Tally:
    """Counts for one unit. ``single`` and ``inside`` are the positions of each concept, all and those where the unit fires."""

    def __init__(self, signatures: Signatures, hits: Hits, unit: int) -> None:
        self.signatures = signatures
        self.rows, self.counts = hits.of(unit)
        self.total = int(hits.totals[unit])
        self.inside = sums(signatures, self.rows, self.counts)
        self.single = self.all.diagonal()
        self._both: Array | None = None

    @property
    def all(self) -> Array:
        """Positions with concepts i and j: (concepts, concepts), the same for all units."""
        shared: Array | None = self.signatures.__dict__.get("_pairs")
        if shared is None:
            shared = pair_sums(self.signatures, np.arange(len(self.signatures)), self.signatures.weights)
            self.signatures.__dict__["_pairs"] = shared  # a cache, not state
        return shared

    @property
    def both(self) -> Array:
        """Those of them where the unit fires."""
        if self._both is None:
            self._both = pair_sums(self.signatures, self.rows, self.counts)
        return self._both

    def inside_with(self, member: Array) -> Array:
        """Positions where the unit fires with a formula AND each concept; member: bool (sets,), where the formula is true."""
        some = member[self.rows]
        return sums(self.signatures, self.rows[some], self.counts[some])

    def all_with(self, rows: Array) -> Array:
        """Positions in these sets with each concept."""
        return sums(self.signatures, rows, self.signatures.weights[rows])

    def of(self, member: Array) -> tuple[int, int]:
        """(both, all) of a formula."""
        return int(self.counts[member[self.rows]].sum()), int(self.signatures.weights[member].sum())
