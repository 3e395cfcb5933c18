"""Positions grouped by their sets of labels, batch by batch: never a table of positions times concepts for all data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ._store import Store

__all__ = ["Grouped", "Labels", "from_codes", "from_masks", "from_sets", "group"]

Array = np.ndarray[Any, Any]
NOWHERE = -1  # the id of padding: no position at all


@dataclass(frozen=True, eq=False)
class Labels:
    """One batch. ids: int (samples, *grid), which label set each position has, -1 for padding. The sets are
    indices[indptr[i]:indptr[i + 1]], sorted numbers of concepts."""

    ids: Array
    indptr: Array
    indices: Array


@dataclass(frozen=True, eq=False)
class Grouped:
    """All samples: the ids of their positions in a store, and the label sets that the ids number."""

    ids: Store
    indptr: Array
    indices: Array

    @property
    def sets(self) -> int:
        """How many different label sets there are."""
        return len(self.indptr) - 1

    def weights(self, samples: Array) -> Array:
        """How many positions of these samples have each set: int64 (sets,)."""
        counts = np.zeros(self.sets, np.int64)
        for some in np.array_split(samples, max(1, len(samples) // 64)):
            ids = self.ids.take(some, fill=NOWHERE).ravel()
            counts += np.bincount(ids[ids >= 0], minlength=self.sets)
        return counts

    def per_sample(self) -> Grouped:
        """Every sample as one position that has the labels of all its positions."""
        rows = []
        for sample in range(len(self.ids)):
            ids = np.unique(self.ids.take(np.array([sample]), fill=NOWHERE))
            found = [self.indices[self.indptr[i] : self.indptr[i + 1]] for i in ids if i >= 0]
            rows.append(np.unique(np.concatenate(found)) if found else np.zeros(0, np.int32))
        return group([from_sets(rows)])

    def widened(self, joined: Sequence[Sequence[int]], first: int) -> Grouped:
        """With one more concept, numbered from ``first`` on, for each entry: there where a label is among its numbers."""
        asks: dict[int, list[int]] = {}
        for new, members in enumerate(joined, start=first):
            for member in members:
                asks.setdefault(member, []).append(new)
        rows = []
        for i in range(self.sets):
            row = self.indices[self.indptr[i] : self.indptr[i + 1]].tolist()
            rows.append(np.array([*row, *sorted({new for label in row for new in asks.get(label, ())})], np.int32))
        # Sets that differ still differ, so the ids stay as they are.
        return Grouped(self.ids, *_csr(rows))


def group(batches: Iterable[Labels]) -> Grouped:
    """Merge batches: equal label sets get one number."""
    table: dict[bytes, int] = {}
    store = Store()
    for batch in batches:
        sets, bounds = batch.indices.astype(np.int32), batch.indptr.tolist()
        keys = (sets[start:stop].tobytes() for start, stop in pairwise(bounds))
        numbers = np.array([*(table.setdefault(key, len(table)) for key in keys), NOWHERE], np.int32)
        store.append(numbers[batch.ids])  # padding, -1, takes the last entry
    lengths = np.array([len(key) // 4 for key in table], np.int64)
    indices = np.frombuffer(b"".join(table), np.int32)
    return Grouped(store, np.concatenate([[0], lengths.cumsum()]).astype(np.int64), indices)


def from_masks(masks: Array) -> Labels:
    """Masks, bool (samples, concepts, *grid), as labels."""
    last = np.moveaxis(masks, 1, -1)
    grid, concepts = last.shape[:-1], last.shape[-1]
    packed = np.packbits(last.reshape(-1, concepts), axis=1)
    rows, ids = _unique_rows(packed)
    flags = np.unpackbits(rows, axis=1, count=concepts).astype(bool)
    indptr = np.concatenate([[0], flags.sum(axis=1).cumsum()])
    return Labels(ids.reshape(grid), indptr, flags.nonzero()[1])


def from_codes(codes: Sequence[Array]) -> Labels:
    """Planes of numbers, each (samples, *grid), as labels: number k > 0 is concept k - 1, 0 is none."""
    grid = codes[0].shape
    stacked = np.ascontiguousarray(np.stack([code.ravel() for code in codes], axis=1).astype(np.int32))
    rows, ids = _unique_rows(stacked.view(np.uint8))
    found = [np.unique(row[row > 0]) - 1 for row in np.ascontiguousarray(rows).view(np.int32)]
    return Labels(ids.reshape(grid), *_csr(found))


def from_sets(rows: Sequence[Array], lengths: Sequence[int] | None = None) -> Labels:
    """Label sets, one a position. lengths: how many positions each sample has; without it each sample is one position."""
    table: dict[bytes, int] = {}
    ids = np.array([table.setdefault(np.asarray(row, np.int32).tobytes(), len(table)) for row in rows], np.int64)
    if lengths is not None:
        bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
        padded = np.full((len(lengths), max(lengths, default=0)), NOWHERE, np.int64)
        for sample, (start, stop) in enumerate(pairwise(bounds)):
            padded[sample, : stop - start] = ids[start:stop]
        ids = padded
    return Labels(ids, *_csr([np.frombuffer(key, np.int32) for key in table]))


def _csr(rows: Sequence[Array]) -> tuple[Array, Array]:
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return indptr, np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32)


def _unique_rows(rows: Array) -> tuple[Array, Array]:
    """The different rows of bytes, and which one each row is."""
    width = rows.shape[1]
    if len(rows) == 0 or width == 0:
        return rows[:1], np.zeros(len(rows), np.int64)
    if width <= 8:  # numbers sort far faster than bytes
        wide = np.zeros((len(rows), 8), np.uint8)
        wide[:, :width] = rows
        _, first, ids = np.unique(wide.view(np.uint64).ravel(), return_index=True, return_inverse=True)
    else:
        keys = np.ascontiguousarray(rows).view(np.dtype((np.void, width))).ravel()
        _, first, ids = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], ids.ravel()
