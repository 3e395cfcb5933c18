"""Chance, fast: what a fixed formula counts on held-out samples when the unit's firing is dealt out to other samples.

The formula was found on other samples, so nothing was chosen on these. `null.by_chance` says the same plainly, on masks; here a
position is a bit, rows of the grid lie in bytes of their own, and samples in which the unit never fires are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._block import Block
from ._counting import fires_at
from ._labels import Grouped
from .null import Move

__all__ = ["Firing", "Overlaps", "benjamini_hochberg", "overlaps"]

Array = np.ndarray[Any, Any]
_BITS = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)
_SAMPLES = 256


@dataclass(frozen=True, eq=False)
class Firing:
    """One unit: where its activations are, and its range."""

    block: Block
    unit: int
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Positions, real and for each draw of each null: with both the unit and the formula, with the unit; with the formula; all.

    ``samples``: how many have a position with both, with the formula, with the unit.
    """

    both: Array
    unit: Array
    formula: int
    positions: int
    samples: tuple[int, int, int]


def overlaps(
    firing: Firing, member: Array, grouped: Grouped, *, samples: Array, moves: Iterable[Move] = ()
) -> Overlaps:
    """Count over ``samples``, first as they are, then after each move.

    member: bool (label sets,), where the formula is true.
    """
    bits = _Bits.of(firing, member, grouped, samples)
    both: list[int] = []
    unit: list[int] = []
    for order, steps in ((np.arange(len(samples)), None), *moves):
        others = order[bits.active]
        own = bits.fires if steps is None else bits.rolled(steps[bits.active])
        both.append(_count(own & bits.holds[others]))
        if bits.ragged or not unit:  # firing that falls beyond the end of a text does not count
            unit.append(_count(own & bits.exists[others]))
    counts = unit if bits.ragged else unit * len(both)
    shared, true = (int(flags.any(axis=(1, 2)).sum()) for flags in (bits.fires & bits.holds[bits.active], bits.holds))
    return Overlaps(
        np.array(both), np.array(counts), _count(bits.holds), _count(bits.exists), (shared, true, len(bits.active))
    )


@dataclass(frozen=True, eq=False)
class _Bits:
    """Packed bits (samples, rows, bytes): where the formula is true, where there is a position, and where the unit fires, which
    is for the ``active`` samples, in which it does."""

    grid: tuple[int, ...]
    active: Array
    fires: Array
    holds: Array
    exists: Array
    ragged: bool

    @classmethod
    def of(cls, firing: Firing, member: Array, grouped: Grouped, samples: Array) -> _Bits:
        grid = grouped.ids.shape or (1,)
        found: list[list[Array]] = [[], [], []]
        padded = np.append(member, False)  # padding, -1, takes the last entry
        for start in range(0, len(samples), _SAMPLES):
            some = samples[start : start + _SAMPLES]
            ids = grouped.ids.take(some, fill=-1)
            exists = ids >= 0
            fires = _fires(firing, some, ids.shape[1:]).reshape(ids.shape) & exists
            for parts, flags in zip(found, (fires, padded.take(ids), exists), strict=True):
                parts.append(_packed(flags, grid))
        fires, holds, exists = (np.concatenate(parts) for parts in found)
        active = np.flatnonzero(fires.any(axis=(1, 2)))
        return cls(grid, active, fires[active], holds, exists, not bool((exists == exists[:1]).all()))

    def rolled(self, steps: Array) -> Array:
        """The firing moved along each axis by a share of its size, of a text by a share of the words that it has."""
        *upper, width = self.grid
        exists = self.exists[self.active]
        sizes = _count_each(exists[:, 0]) if self.ragged else np.full(len(steps), width)
        rows = np.zeros((len(steps), 1), np.int64)
        for axis, (size, place) in enumerate(zip(upper, np.indices(upper), strict=True)):
            rows = rows * size + (place.ravel() - (steps[:, axis] * size).astype(np.int64)[:, None]) % size
        # A row repeated: from some place on it is the row after its step, at any bit of a byte.
        begin = -(steps[:, -1] * sizes).astype(np.int64) % sizes
        twice = self._repeated
        first = (np.arange(len(steps))[:, None] * twice.shape[1] + rows) * twice.shape[2] + begin[:, None] // 8
        some = twice.ravel().take(first[:, :, None] + np.arange(self.fires.shape[2] + 1))
        wide = some[..., :-1].astype(np.uint16) << 8 | some[..., 1:]
        found = np.asarray(wide >> (8 - begin % 8)[:, None, None].astype(np.uint16), np.uint8)
        return found & exists if self.ragged else found  # what is left over in a byte meets no label

    @property
    def _repeated(self) -> Array:
        """Every row of the firing twice, the second time right after the last position of its sample."""
        found: Array | None = self.__dict__.get("_twice")
        if found is None:
            width = self.grid[-1]
            flags = np.unpackbits(self.fires, axis=2, count=width)
            sizes = _count_each(self.exists[self.active][:, 0]) if self.ragged else np.full(len(flags), width)
            places = np.arange(2 * width + 16) % np.maximum(sizes, 1)[:, None]
            found = np.packbits(np.take_along_axis(flags, places[:, None, :], axis=2), axis=2)
            self.__dict__["_twice"] = found  # a cache, not state
        return found


def _fires(firing: Firing, samples: Array, grid: tuple[int, ...]) -> Array:
    """Where the unit fires: bool (samples, positions). Most samples of a rare unit are seen at once not to have any."""
    maps = firing.block.store.take(samples, fill=np.nan)[:, firing.unit]
    flat = maps.reshape(len(maps), -1)
    found = np.zeros((len(samples), int(np.prod(grid, dtype=np.int64))), bool)
    if flat.shape[1] == 0:
        return found
    maybe = np.flatnonzero((np.fmax.reduce(flat, axis=1) > firing.low) & (np.fmin.reduce(flat, axis=1) <= firing.high))
    if len(maybe):
        ranges = np.full(len(maybe), firing.low), np.full(len(maybe), firing.high)
        fires = fires_at(maps[maybe], grid, ranges)
        found[maybe, : fires.shape[1]] = fires
    return found


def _packed(flags: Array, grid: tuple[int, ...]) -> Array:
    """Bool (samples, *grid) as (samples, rows, bytes), filled up where texts are shorter than the longest."""
    rows = flags.reshape(len(flags), -1, flags.shape[-1] if flags.ndim > 1 else 1)
    wide = np.zeros((*rows.shape[:2], grid[-1]), bool)
    wide[:, :, : rows.shape[2]] = rows
    return np.packbits(wide, axis=2)


def _count(bits: Array) -> int:
    flat = bits.ravel()
    if not hasattr(np, "bitwise_count"):  # before NumPy 2
        return int(_BITS[flat].sum(dtype=np.int64))
    whole = len(flat) // 8 * 8
    parts = flat[:whole].view(np.uint64), flat[whole:]
    return sum(int(np.bitwise_count(part).sum(dtype=np.int64)) for part in parts)


def _count_each(bits: Array) -> Array:
    """For each sample, (samples, bytes)."""
    return np.asarray(_BITS[bits].sum(axis=1, dtype=np.int64))


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """p-values corrected so that among those called below a level the share of false ones is below it; None stays.

    Source: Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.

    >>> benjamini_hochberg([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    known = [i for i, value in enumerate(p) if value is not None]
    values = np.array([p[i] for i in known], dtype=float)
    order = np.argsort(-values)
    ranks = np.arange(len(values), 0, -1)
    corrected = np.minimum(1.0, np.minimum.accumulate(values[order] * len(values) / ranks)) if len(values) else values
    found: list[float | None] = [None] * len(p)
    for place, value in zip(order, corrected, strict=True):
        found[known[place]] = float(value)
    return found
