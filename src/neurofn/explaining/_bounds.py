"""How good a formula of three concepts can be at most, from the counts of concepts and pairs alone.

Where a formula has ``a`` positions inside the unit's firing and ``f`` outside, its IoU is a / (fires + f). A bound from above
takes the most that a can be and the least that f can be, each separately; both follow from inclusion and exclusion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._tally import Tally

__all__ = ["third_bound", "worth_a_third"]

Array = np.ndarray[Any, Any]


def worth_a_third(tally: Tally, both: Array, size: Array) -> Array:
    """For formulas with these counts the most IoU that any third concept can give, whichever it is: a cheap first bound."""
    outside = size - both
    single = tally.both.diagonal()
    most_outside = (tally.all.diagonal() - single).max()
    add = np.minimum(tally.total, both + single.max()) / (tally.total + outside)
    keep = both / tally.total
    drop = both / (tally.total + np.maximum(0, outside - most_outside))
    best: Array = np.maximum(np.maximum(add, keep), drop)
    return best


def third_bound(tally: Tally, operator: str, i: int, others: Array) -> Array:
    """For each pair "i operator j", j in others, the most IoU with the best third concept: float (others,)."""
    inside, outside = tally.both, tally.all - tally.both
    a, f = _Part(inside, i, others), _Part(outside, i, others)
    most, least = {"AND": _after_and, "OR": _after_or, "AND NOT": _after_and_not}[operator](a, f)
    total = tally.total
    bounds = [
        (np.minimum(upper, total) / (total + np.maximum(lower, 0))).max(axis=1)
        for upper, lower in zip(most, least, strict=True)
    ]
    found: Array = np.max(bounds, axis=0)
    return found


Sides = tuple[tuple[Array, ...], tuple[Array, ...]]
"""The most inside and the least outside, for a third concept joined by AND, OR and AND NOT."""


def _after_and(a: _Part, f: _Part) -> Sides:
    # i and j meet k in at least what is left when each misses the other as far as it can
    met = np.maximum(0, np.maximum(a.ij + a.ik - a.i, a.ij + a.jk - a.j))
    most = np.minimum(np.minimum(a.ij, a.ik), a.jk), a.ij + a.k - met, a.ij - met
    shared = np.maximum(0, np.maximum(f.ij + f.ik - f.i, f.ij + f.jk - f.j))
    return most, (shared, np.maximum(f.ij, f.k), f.ij - np.minimum(f.ij, np.minimum(f.ik, f.jk)))


def _after_or(a: _Part, f: _Part) -> Sides:
    either, met = a.i + a.j - a.ij, np.maximum(a.ik, a.jk)
    most = np.minimum(either, a.ik + a.jk), either + a.k - met, either - met
    widest = np.maximum(f.i + f.j - f.ij, np.maximum(f.i + f.k - f.ik, f.j + f.k - f.jk))
    return most, (np.maximum(f.ik, f.jk), widest, np.maximum(f.i - f.ik, f.j - f.jk))


def _after_and_not(a: _Part, f: _Part) -> Sides:
    only, rest = a.i - a.ij, f.i - f.ij
    most = np.minimum(only, a.ik), only + a.k - np.maximum(0, a.ik - a.ij), np.minimum(only, a.i - a.ik)
    return most, (np.maximum(0, f.ik - f.ij), np.maximum(rest, f.k), np.maximum(0, rest - f.ik))


class _Part:
    """Counts of i, j, k and their pairs as arrays that broadcast to (others, concepts)."""

    def __init__(self, table: Array, i: int, others: Array) -> None:
        single = table.diagonal()
        self.i = single[i]
        self.j = single[others][:, None]
        self.k = single[None, :]
        self.ij = table[i, others][:, None]
        self.ik = table[i][None, :]
        self.jk = table[others]
