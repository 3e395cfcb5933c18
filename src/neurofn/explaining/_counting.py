"""Where units fire among label sets: activations are scaled up to the grid of the labels and counted, a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import ShapeError
from ._block import Block
from ._labels import Grouped

__all__ = ["Counted", "count", "fires_at"]

Array = np.ndarray[Any, Any]
_SAMPLES = 32  # that are looked at together
_POSITIONS = 2**22  # of maps that are scaled up together
_ENTRIES = 2**22  # of counts that are gathered before equal ones are added


class Counted:
    """Sums by (unit, label set), gathered piece by piece."""

    def __init__(self, units: int, sets: int) -> None:
        self.units, self.sets = units, sets
        self._keys: list[Array] = []
        self._sums: list[Array] = []
        self._held = 0

    def add(self, units: Array, sets: Array) -> None:
        """One position for each entry."""
        keys, sums = np.unique(units.astype(np.int64) * self.sets + sets, return_counts=True)
        self._keys.append(keys)
        self._sums.append(sums)
        self._held += len(keys)
        if self._held > _ENTRIES:
            self._merge()

    def _merge(self) -> None:
        keys = np.concatenate([np.zeros(0, np.int64), *self._keys])
        sums = np.concatenate([np.zeros(0, np.int64), *self._sums])
        unique, place = np.unique(keys, return_inverse=True)
        total = np.zeros(len(unique), np.int64)
        np.add.at(total, place, sums)
        self._keys, self._sums, self._held = [unique], [total], 0

    def csr(self) -> tuple[Array, Array, Array]:
        """(indptr, indices, counts): rows are units, columns label sets in rising order."""
        self._merge()
        keys = self._keys[0]
        indptr = np.searchsorted(keys, np.arange(self.units + 1, dtype=np.int64) * self.sets)
        return indptr.astype(np.int64), (keys % max(self.sets, 1)).astype(np.int32), self._sums[0]


def count(
    block: Block, ranges: tuple[Array, Array], grouped: Grouped, samples: Array, *, labels_of: Array | None = None
) -> Counted:
    """How often each unit fires at each label set, over ``samples``.

    ranges: (low, high), each (units,): firing is low < activation <= high. labels_of: for each sample the one whose labels
    it gets, itself if not given: a null draws others. Raises ShapeError where the grids do not fit.
    """
    found = Counted(block.units, grouped.sets)
    labels_of = samples if labels_of is None else labels_of
    for start in range(0, len(samples), _SAMPLES):
        values = block.store.take(samples[start : start + _SAMPLES], fill=np.nan)
        ids = grouped.ids.take(labels_of[start : start + _SAMPLES], fill=-1)
        _count_some(found, values, ids, ranges)
    return found


def _count_some(found: Counted, values: Array, ids: Array, ranges: tuple[Array, Array]) -> None:
    places, grid = values.shape[2:], ids.shape[1:]
    _refuse_misfit(places, grid, ids)
    if len(places) == 1 and len(grid) == 1:
        shared = min(places[0], grid[0])
        values, ids, grid = values[..., :shared], ids[:, :shared], (shared,)
    elif grid == () and places:
        values = values.reshape(*values.shape[:2], -1)
    flat, ids = values.reshape(*values.shape[:2], -1), ids.reshape(len(ids), -1)
    low, high = ranges
    if flat.shape[2] == 0:
        return
    maybe = (flat.max(axis=2) > low) & (flat.min(axis=2) <= high)
    maybe |= np.isnan(flat).any(axis=2)
    samples, units = maybe.nonzero()
    together = max(1, _POSITIONS // max(1, int(np.prod(grid)), flat.shape[2]))
    for start in range(0, len(samples), together):
        sample, unit = samples[start : start + together], units[start : start + together]
        pair, position = fires_at(values[sample, unit], grid, (low[unit], high[unit])).nonzero()
        sets = ids[sample[pair], position]
        there = sets >= 0
        found.add(unit[pair][there], sets[there])


def fires_at(maps: Array, grid: tuple[int, ...], ranges: tuple[Array, Array]) -> Array:
    """Where activations (n, *places), each with its own range (low, high), fire on the grid: bool (n, positions)."""
    if maps.shape[1:] != grid and len(grid) == 2:
        maps = _scaled(maps, grid)
    elif len(grid) == 1:
        maps = maps[:, : grid[0]]
    flat = maps.reshape(len(maps), -1)
    fires = (flat > ranges[0][:, None]) & (flat <= ranges[1][:, None])
    # A sample as a whole fires where one of its places does.
    return np.asarray(fires.any(axis=1, keepdims=True)) if grid == () else fires


def _scaled(maps: Array, grid: tuple[int, ...]) -> Array:
    """Maps (n, h, w) at the size of the grid: bilinear with half-pixel centres (align_corners=False), as in the paper."""
    import torch

    wide = torch.nn.functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))[:, None],
        size=grid, mode="bilinear", align_corners=False,
    )  # fmt: skip
    return np.asarray(wide[:, 0].numpy())


def _refuse_misfit(places: tuple[int, ...], grid: tuple[int, ...], ids: Array) -> None:
    if places == grid or grid == () or (len(places) == len(grid) == 2):
        return
    if len(places) == len(grid) == 1:
        if places[0] >= grid[0] or not (ids[:, places[0] :] >= 0).any():
            return
        raise ShapeError(f"the units have {places[0]} places in a text whose concepts have more; give the same tokens")
    hint = "; take concepts.per_sample()" if places == () else ""
    raise ShapeError(f"the units have places {places} in each sample, the concepts have {grid}{hint}")
