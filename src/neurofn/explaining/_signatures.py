"""What the search counts on: label sets with how many positions have them, and where units fire among them.

Positions with equal label sets cannot be told apart by any formula, so they are grouped into one weighted *signature*, and the
search never sees positions. Both tables are sparse rows (indptr, indices).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import ShapeError

__all__ = ["Hits", "Signatures"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Signatures:
    """The different label sets: set i is the sorted concepts ``indices[indptr[i]:indptr[i + 1]]``, at ``weights[i]`` positions.

    ``neighbors`` names concepts that stand for several others.

    >>> masks = np.array([[1, 1, 0, 0], [0, 1, 0, 0]], bool)
    >>> found = Signatures.from_masks(("a", "b"), masks)
    >>> sorted(found.weights.tolist()), found.positions
    ([1, 1, 2], 4)
    """

    concepts: tuple[str, ...]
    indptr: Array
    indices: Array
    weights: Array
    neighbors: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def positions(self) -> int:
        """How many positions there are in all."""
        return int(self.weights.sum())

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def from_masks(cls, concepts: Sequence[str], masks: Array) -> Signatures:
        """Signatures of bool masks (concepts, positions); raises ShapeError where names and masks do not match."""
        return grouped(concepts, masks)[0]

    def where(self, concept: int) -> Array:
        """The numbers of the sets that have a concept, in rising order."""
        starts, rows = self._postings()
        return rows[starts[concept] : starts[concept + 1]]

    def _postings(self) -> tuple[Array, Array]:
        found: tuple[Array, Array] | None = self.__dict__.get("_by_concept")
        if found is None:
            rows = np.repeat(np.arange(len(self)), np.diff(self.indptr))
            order = np.argsort(self.indices, kind="stable")
            starts = np.searchsorted(self.indices[order], np.arange(len(self.concepts) + 1))
            found = starts, rows[order]
            self.__dict__["_by_concept"] = found  # a cache, not state
        return found


@dataclass(frozen=True, eq=False)
class Hits:
    """Where units fire: unit u fires at ``counts[k]`` positions of the set ``indices[k]``, k from indptr[u] to indptr[u + 1].

    ``totals`` is at how many positions in all each unit fires.
    """

    indptr: Array
    indices: Array
    counts: Array
    totals: Array

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def of(self, unit: int) -> tuple[Array, Array]:
        """The sets where a unit fires, and at how many of their positions."""
        rows = slice(self.indptr[unit], self.indptr[unit + 1])
        return self.indices[rows], self.counts[rows]


def grouped(concepts: Sequence[str], masks: Array) -> tuple[Signatures, Array]:
    """Signatures of bool masks (concepts, positions), and for each position the number of its set.

    >>> grouped(("a",), np.array([[True, False, True]]))[1].tolist()
    [1, 0, 1]
    """
    if masks.ndim != 2 or len(masks) != len(concepts):
        raise ShapeError(
            f"{len(concepts)} concepts need masks of shape ({len(concepts)}, positions), got {masks.shape}"
        )
    packed = np.packbits(masks, axis=0).T.copy()
    rows = packed.view([("", packed.dtype)] * packed.shape[1]).ravel() if packed.size else np.zeros(masks.shape[1])
    _, first, place, counts = np.unique(rows, return_index=True, return_inverse=True, return_counts=True)
    sets, members = np.nonzero(masks[:, first].T)
    indptr = np.searchsorted(sets, np.arange(len(first) + 1)).astype(np.int64)
    return Signatures(tuple(concepts), indptr, members.astype(np.int32), counts.astype(np.int64)), place.ravel()


def hits_of(units: Array, place: Array, sets: int) -> Hits:
    """Hits of bool units (units, positions) among the sets that ``place`` numbers for the positions.

    >>> hits_of(np.array([[True, False, True]]), np.array([1, 0, 1]), 2).of(0)
    (array([1], dtype=int32), array([2]))
    """
    rows = [np.bincount(place[unit], minlength=sets) for unit in units]
    kept = [np.flatnonzero(row) for row in rows]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in kept])]).astype(np.int64)
    indices = np.concatenate([np.zeros(0, np.int64), *kept])
    counts = np.concatenate([np.zeros(0, np.int64), *(row[one] for row, one in zip(rows, kept, strict=True))])
    return Hits(indptr, indices.astype(np.int32), counts, units.sum(axis=1).astype(np.int64))
