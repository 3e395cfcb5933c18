"""What the search counts on: label sets with how many positions have them, and where units fire among them.

Positions with equal label sets cannot be told apart by any formula, so they are grouped into one weighted *signature*, and the
search never sees positions. Both tables are sparse rows (indptr, indices).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import DataError, ShapeError

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
        starts, rows = self.postings
        return rows[starts[concept] : starts[concept + 1]]

    @property
    def postings(self) -> tuple[Array, Array]:
        """Sparse rows (starts, sets): for each concept the numbers of the sets that have it."""
        found: tuple[Array, Array] | None = self.__dict__.get("_by_concept")
        if found is None:
            rows = np.repeat(np.arange(len(self)), np.diff(self.indptr))
            order = np.argsort(self.indices, kind="stable")
            starts = np.searchsorted(self.indices[order], np.arange(len(self.concepts) + 1))
            found = starts, rows[order]
            self.__dict__["_by_concept"] = found  # a cache, not state
        return found

    @classmethod
    def from_rows(cls, concepts: Sequence[str], rows: Iterable[Iterable[int]]) -> Signatures:
        """Signatures of one label set for each position, of concept numbers; raises DataError for a number of no concept.

        >>> Signatures.from_rows(("a", "b"), [{0}, set(), {0}, {0, 1}]).weights.tolist()
        [1, 2, 1]
        """
        sets = [sorted(set(row)) for row in rows]
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in sets])]).astype(np.int64)
        indices = np.fromiter(itertools.chain.from_iterable(sets), np.int32, count=int(indptr[-1]))
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < len(concepts):
            raise DataError(f"concept numbers must be from 0 to {len(concepts) - 1}, one for each concept")
        return cls(tuple(concepts), indptr, indices, np.ones(len(sets), np.int64))._united()[0]

    def merge(self, other: Signatures) -> tuple[Signatures, Array, Array]:
        """Both together, and to which numbers the sets of each went. Raises ShapeError for unequal concepts.

        >>> a = Signatures.from_rows(("x", "y"), [{0}, {1}])
        >>> both, here, there = a.merge(Signatures.from_rows(("x", "y"), [{1}, {0, 1}]))
        >>> both.weights.tolist(), here.tolist(), there.tolist()
        ([1, 2, 1], [0, 1], [1, 2])
        """
        if (self.concepts, self.neighbors) != (other.concepts, other.neighbors):
            raise ShapeError("signatures of unequal concepts cannot be merged: give both the same names in one order")
        joined = Signatures(
            self.concepts,
            np.concatenate([self.indptr, self.indptr[-1] + other.indptr[1:]]),
            np.concatenate([self.indices, other.indices]),
            np.concatenate([self.weights, other.weights]),
            self.neighbors,
        )
        merged, place = joined._united()
        return merged, place[: len(self)], place[len(self) :]

    def _united(self) -> tuple[Signatures, Array]:
        """Equal rows as one, shorter ones first and then in the order of their labels, and the number of each row."""
        lengths = np.diff(self.indptr)
        place = np.zeros(len(self), np.int64)
        indices, counts, found = [np.zeros(0, np.int32)], [np.zeros(1, np.int64)], 0
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            # Big-endian bytes sort as the numbers do; an empty row is one byte, since a void needs some.
            table = np.ascontiguousarray(self.indices[self.indptr[rows][:, None] + np.arange(length)], ">i4")
            keys = table.view(f"V{4 * length}").ravel() if length else np.zeros(len(rows), np.uint8)
            _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
            place[rows] = found + inverse.ravel()
            indices.append(table[first].astype(np.int32).ravel())
            counts.append(np.full(len(first), length, np.int64))
            found += len(first)
        weights = np.zeros(found, np.int64)
        np.add.at(weights, place, self.weights)
        indptr = np.concatenate(counts).cumsum()
        return Signatures(self.concepts, indptr, np.concatenate(indices), weights, self.neighbors), place


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

    def take(self, units: Sequence[int]) -> Hits:
        """Those of some units, numbered from 0 in the order given.

        >>> hits = Hits(np.array([0, 1, 3]), np.array([5, 0, 2]), np.array([7, 1, 1]), np.array([7, 2]))
        >>> hits.take([1]).of(0)
        (array([0, 2]), array([1, 1]))
        """
        rows = [slice(self.indptr[unit], self.indptr[unit + 1]) for unit in units]
        starts = np.cumsum([0, *(row.stop - row.start for row in rows)])
        indices, counts = (
            np.concatenate([part[:0], *(part[row] for row in rows)]) for part in (self.indices, self.counts)
        )
        return Hits(starts, indices, counts, self.totals[list(units)])


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
