"""One count engine for every search: positions of concepts, of pairs, and of a formula joined with every concept at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._signatures import Hits, Signatures

__all__ = ["Tally", "pairs"]

Array = np.ndarray[Any, Any]


def _entries(signatures: Signatures, rows: Array) -> tuple[Array, Array]:
    """The labels of these sets one after another, and for each the place of its set in ``rows``."""
    lengths = np.diff(signatures.indptr)[rows]
    place = np.repeat(np.arange(len(rows)), lengths)
    starts = np.repeat(signatures.indptr[rows] - np.concatenate([[0], lengths.cumsum()[:-1]]), lengths)
    return signatures.indices[starts + np.arange(len(place))], place


def pairs(signatures: Signatures, rows: Array, weights: Array) -> Array:
    """Positions that have both of two concepts: int64 (concepts, concepts), over the given sets with these weights."""
    from scipy import sparse

    labels, place = _entries(signatures, rows)
    size = (len(rows), len(signatures.concepts))
    has = sparse.csr_array((np.ones(len(labels), np.int64), (place, labels)), shape=size)
    return np.asarray((has.T @ (has * weights[:, None])).todense(), dtype=np.int64)


class Tally:
    """Counts for one unit: ``all[i, j]`` are the positions with concepts i and j, ``both[i, j]`` those where the unit fires."""

    def __init__(self, signatures: Signatures, hits: Hits, unit: int) -> None:
        self.signatures = signatures
        self.rows, counts = hits.of(unit)
        self.fires = np.zeros(len(signatures), np.int64)
        self.fires[self.rows] = counts
        self.total = int(hits.totals[unit])
        self.both = pairs(signatures, self.rows, counts)
        shared: Array | None = signatures.__dict__.get("_pairs")
        if shared is None:
            shared = pairs(signatures, np.arange(len(signatures)), signatures.weights)
            signatures.__dict__["_pairs"] = shared  # the same for all units
        self.all = shared

    def joined(self, member: Array) -> tuple[Array, Array]:
        """(both, all) of a formula AND each concept; member: bool (sets,), where the formula is true."""
        rows = np.flatnonzero(member)
        labels, place = _entries(self.signatures, rows)
        size = len(self.signatures.concepts)
        counts = [
            np.bincount(labels, weights=of[rows][place], minlength=size) for of in (self.fires, self.signatures.weights)
        ]
        return counts[0].astype(np.int64), counts[1].astype(np.int64)

    def of(self, member: Array) -> tuple[int, int]:
        """(both, all) of a formula."""
        return int(self.fires[member].sum()), int(self.signatures.weights[member].sum())
