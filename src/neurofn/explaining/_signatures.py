"""Positions grouped by their set of concepts (a signature), and where units fire among these groups.

Whether a formula is true at a position depends on the signature alone, so a search never looks at positions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import DataError, SettingError, ShapeError, did_you_mean

__all__ = ["Hits", "Signatures", "gather"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Signatures:
    """The distinct label sets, as rows of concept numbers, and how many positions have each.

    concepts: names. indptr: int64 (signatures + 1,), indices: int32: row s is ``indices[indptr[s]:indptr[s + 1]]``, concept
    numbers in rising order. weights: int64 (signatures,), positions with this label set. neighbors: for each concept that
    joins others, such as NEIGHBORS(dog), its name and the numbers of the concepts that it joins; it counts as any other.

    >>> signatures = Signatures.from_rows(("a", "b"), [{"a"}, set(), {"a"}, {"a", "b"}])
    >>> signatures.weights.tolist(), signatures.indices.tolist(), signatures.positions
    ([1, 2, 1], [0, 0, 1], 4)
    """

    concepts: tuple[str, ...]
    indptr: Array
    indices: Array
    weights: Array
    neighbors: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def __post_init__(self) -> None:
        if len(self.indptr) != len(self.weights) + 1:
            raise ShapeError(
                f"{len(self.indptr)} row starts for {len(self.weights)} signatures: give one more than signatures"
            )
        if len(self.indices) and not 0 <= int(self.indices.min()) <= int(self.indices.max()) < len(self.concepts):
            raise DataError(f"concept numbers must be from 0 to {len(self.concepts) - 1}, one for each concept")

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def positions(self) -> int:
        """How many positions there are in all."""
        return int(self.weights.sum())

    @property
    def rows(self) -> Array:
        """For each entry of ``indices`` its signature."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    @classmethod
    def from_rows(cls, concepts: Sequence[str], rows: Iterable[Iterable[str | int]]) -> Signatures:
        """From one label set for each position, of names or numbers.

        Raises DataError for a name or number that is no concept, SettingError for concepts of one name.
        """
        number = {name: k for k, name in enumerate(_unique(concepts))}
        sets = [sorted({_number(label, number) for label in row}) for row in rows]
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in sets])]).astype(np.int64)
        indices = np.fromiter(itertools.chain.from_iterable(sets), np.int32, count=int(indptr[-1]))
        return cls(tuple(concepts), indptr, indices, np.ones(len(sets), np.int64))._grouped()[0]

    @classmethod
    def from_masks(cls, concepts: Sequence[str], masks: Any) -> Signatures:
        """From bool masks (concepts, positions). Raises ShapeError for other shapes, DataError for values that are no bools."""
        return cls.with_positions(concepts, masks)[0]

    @classmethod
    def with_positions(cls, concepts: Sequence[str], masks: Any) -> tuple[Signatures, Array]:
        """From bool masks (concepts, positions), and the signature of each position, int64 (positions,).

        >>> signatures, where = Signatures.with_positions(("a", "b"), np.array([[True, False, True], [False, False, True]]))
        >>> where.tolist(), signatures.weights.tolist()
        ([1, 0, 2], [1, 1, 1])
        """
        masks = np.asarray(masks)
        if masks.ndim != 2 or len(masks) != len(_unique(concepts)):
            raise ShapeError(f"masks have shape {masks.shape}, expected ({len(concepts)} concepts, positions)")
        if masks.dtype != bool:
            raise DataError(f"masks must be bool, not {masks.dtype}; compare them with a threshold first")
        positions, labels = masks.T.nonzero()
        indptr = np.searchsorted(positions, np.arange(masks.shape[1] + 1)).astype(np.int64)
        ones = np.ones(masks.shape[1], np.int64)
        return cls(tuple(concepts), indptr, labels.astype(np.int32), ones)._grouped()

    def merge(self, other: Signatures) -> tuple[Signatures, Array, Array]:
        """Both together, and where the signatures of each went: int64 maps. Raises SettingError for unequal concepts.

        >>> a = Signatures.from_rows(("x", "y"), [{"x"}, {"y"}])
        >>> both, here, there = a.merge(Signatures.from_rows(("x", "y"), [{"y"}, {"x", "y"}]))
        >>> both.weights.tolist(), here.tolist(), there.tolist()
        ([1, 2, 1], [0, 1], [1, 2])
        """
        if (self.concepts, self.neighbors) != (other.concepts, other.neighbors):
            raise SettingError(
                "signatures over unequal concepts cannot be merged: give both the same names in one order"
            )
        joined = Signatures(
            self.concepts,
            np.concatenate([self.indptr, self.indptr[-1] + other.indptr[1:]]),
            np.concatenate([self.indices, other.indices]),
            np.concatenate([self.weights, other.weights]),
            self.neighbors,
        )
        merged, where = joined._grouped()
        return merged, where[: len(self)], where[len(self) :]

    def _grouped(self) -> tuple[Signatures, Array]:
        """Equal rows as one, in an order that depends on the rows alone, and where each row went."""
        lengths = np.diff(self.indptr)
        where = np.zeros(len(self), np.int64)
        indices, counts, found = [], [], 0
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            table = np.ascontiguousarray(self.indices[self.indptr[rows][:, None] + np.arange(length)], ">i4")
            # Big-endian bytes sort as the numbers do; an empty row is one byte, since a void needs some.
            keys = table.view(f"V{4 * length}").ravel() if length else np.zeros(len(rows), np.uint8)
            _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
            where[rows] = found + inverse.ravel()
            indices.append(table[first].astype(np.int32).ravel())
            counts.append(np.full(len(first), length))
            found += len(first)
        indptr = np.concatenate([[0], *counts]).cumsum().astype(np.int64)
        weights = np.zeros(found, np.int64)
        np.add.at(weights, where, self.weights)
        flat = np.concatenate([np.zeros(0, np.int32), *indices])
        return Signatures(self.concepts, indptr, flat, weights, self.neighbors), where


@dataclass(frozen=True, eq=False)
class Hits:
    """How often each unit fires at each signature, sparse: the rows are units.

    indptr: int64 (units + 1,), indices: int32 signatures in rising order, counts: int64 of positions where the unit fires.
    totals: int64 (units,), positions where the unit fires at all.

    >>> hits = Hits.from_masks(np.array([[True, True, False]]), np.array([0, 1, 1]))
    >>> hits.row(0)[0].tolist(), hits.row(0)[1].tolist(), hits.totals.tolist()
    ([0, 1], [1, 1], [2])
    """

    indptr: Array
    indices: Array
    counts: Array
    totals: Array

    def __len__(self) -> int:
        return len(self.totals)

    @classmethod
    def from_masks(cls, units: Any, where: Array) -> Hits:
        """From bool masks (units, positions) and the signature of each position.

        Raises ShapeError where these do not fit, DataError for values that are no bools.
        """
        units = np.asarray(units)
        if units.ndim != 2 or units.shape[1] != len(where):
            raise ShapeError(f"units have shape {units.shape}, expected (units, {len(where)} positions)")
        if units.dtype != bool:
            raise DataError(f"where units fire must be bool, not {units.dtype}; compare with a threshold first")
        found = [np.unique(where[fires], return_counts=True) for fires in units]
        indptr = np.concatenate([[0], np.cumsum([len(sets) for sets, _ in found])]).astype(np.int64)
        indices = np.concatenate([np.zeros(0, np.int32), *(sets for sets, _ in found)]).astype(np.int32)
        counts = np.concatenate([np.zeros(0, np.int64), *(number for _, number in found)]).astype(np.int64)
        return cls(indptr, indices, counts, units.sum(axis=1).astype(np.int64))

    def row(self, unit: int) -> tuple[Array, Array]:
        """The signatures at which a unit fires, and how often."""
        some = slice(self.indptr[unit], self.indptr[unit + 1])
        return self.indices[some], self.counts[some]

    def take(self, units: range) -> Hits:
        """The hits of some units that follow each other."""
        low, high = self.indptr[units.start], self.indptr[units.stop]
        indptr = self.indptr[units.start : units.stop + 1] - low
        return Hits(indptr, self.indices[low:high], self.counts[low:high], self.totals[units.start : units.stop])


def gather(indptr: Array, rows: Array) -> Array:
    """Where the entries of some rows of a sparse matrix are, row after row.

    >>> gather(np.array([0, 2, 5]), np.array([1, 0])).tolist()
    [2, 3, 4, 0, 1]
    """
    lengths = indptr[rows + 1] - indptr[rows]
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.repeat(indptr[rows] - ends + lengths, lengths) + np.arange(total))


def _unique(concepts: Sequence[str]) -> Sequence[str]:
    if len(set(concepts)) != len(concepts):
        twice = sorted({name for name in concepts if list(concepts).count(name) > 1})
        raise SettingError(f"concepts must have different names; {', '.join(map(repr, twice[:3]))} is there twice")
    return concepts


def _number(label: str | int, number: dict[str, int]) -> int:
    if isinstance(label, str):
        if label not in number:
            raise DataError(f"no concept is called {label!r}; {did_you_mean(label, number, what='concept')}")
        return number[label]
    if not 0 <= label < len(number):
        raise DataError(f"no concept has number {label}: there are {len(number)}, counted from 0")
    return int(label)
