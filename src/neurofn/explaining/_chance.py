"""Chance: what a fixed formula scores on held-out samples when the unit's firing is dealt out to other samples.

The formula was found on other samples, so nothing was chosen on these; the shape of the unit's firing within a sample stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._block import Block
from ._counting import fires_at
from ._labels import Grouped

__all__ = ["Overlaps", "benjamini_hochberg", "overlaps"]

Array = np.ndarray[Any, Any]
_BITS = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)
_SAMPLES = 256


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Positions, real and for each null: with both the unit and the formula, with the unit; with the formula; all."""

    both: Array
    unit: Array
    formula: int
    positions: int


def overlaps(
    firing: tuple[Block, int, float, float], member: Array, grouped: Grouped, *, samples: Array, orders: Sequence[Array]
) -> Overlaps:
    """Count over ``samples``, first as they are, then with the unit's firing at sample i beside the labels of sample order[i].

    firing: the block, the unit in it, low and high. member: bool (label sets,), where the formula is true. orders: each a
    permutation of range(len(samples)).
    """
    fires, holds, exists = _bits(firing, member, grouped, samples)
    active = np.flatnonzero(fires.any(axis=1))
    own = fires[active]
    ragged = not bool((exists == exists[:1]).all())  # firing that falls beyond the end of a text does not count
    both: list[int] = []
    unit: list[int] = []
    for order in [np.arange(len(samples)), *orders]:
        others = order[active]
        both.append(int(_BITS[own & holds[others]].sum(dtype=np.int64)))
        if ragged or not unit:
            unit.append(int(_BITS[own & exists[others]].sum(dtype=np.int64)))
    counts = unit if ragged else unit * len(both)
    formula, positions = (int(_BITS[bits].sum(dtype=np.int64)) for bits in (holds, exists))
    return Overlaps(np.array(both), np.array(counts), formula, positions)


def _bits(
    firing: tuple[Block, int, float, float], member: Array, grouped: Grouped, samples: Array
) -> tuple[Array, Array, Array]:
    """Where the unit fires, the formula is true, and a position is at all: packed bits (samples, bytes)."""
    block, unit, low, high = firing
    width = int(np.prod(grouped.ids.shape, dtype=np.int64))
    found: list[list[Array]] = [[], [], []]
    padded = np.append(member, False)  # padding, -1, takes the last entry
    for start in range(0, len(samples), _SAMPLES):
        some = samples[start : start + _SAMPLES]
        ids = grouped.ids.take(some, fill=-1)
        maps = block.store.take(some, fill=np.nan)[:, unit]
        ranges = np.full(len(some), low), np.full(len(some), high)
        flat = ids.reshape(len(some), -1)
        for list_, flags in zip(found, (fires_at(maps, ids.shape[1:], ranges), padded[flat], flat >= 0), strict=True):
            wide = np.zeros((len(some), width), bool)
            wide[:, : flags.shape[1]] = flags
            list_.append(np.packbits(wide, axis=1))
    fires, holds, exists = (np.concatenate(parts) for parts in found)
    return fires, holds, exists


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
