"""Bounds over all z: one period where the slope has one, else a middle and two tails."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import numpy as np

from ...formula import Call, Constant, Infix, Name, Node
from ._bounds import FAR, TOLERANCE, Bounds, Region, bound, halved, look, start
from ._far import TailRegion
from ._interval import Interval
from ._structure import still
from ._tails import Unsupported

__all__ = ["bounds_of", "curvature", "period_of", "regions"]


def bounds_of(tree: Node, values: Mapping[str, float], cuts: tuple[float, ...], *, seconds: float) -> Bounds:
    """Range and slopes of a tree over all z; ``cuts`` are where its branches change."""
    found = start()
    end = time.monotonic() + seconds
    parts = regions(tree, values, cuts)
    for region in parts:
        if isinstance(region, TailRegion):
            low, high = limit = region.limit()
            found.limits[region.side] = limit
            if low == high and math.isinf(low):
                found.sides[0, 1 if low > 0 else -1].reached = math.inf
        elif not math.isinf(region.reach):
            found.to_infinity = False
        look(region, found)
    for region in reversed(parts):
        bound(region, found, seconds=max((end - time.monotonic()) / 2, seconds / 5))
    period = period_of(tree, values)
    for sign in (-1, 1) if period and period[1] else ():
        found.sides[0, sign].reached = math.inf
    return found


def regions(tree: Node, values: Mapping[str, float], cuts: tuple[float, ...]) -> list[TailRegion | Region]:
    """Regions that together hold every z, or every z whose square float64 holds; tails first."""
    boxes = {name: Interval(value, value) for name, value in values.items()}
    period = period_of(tree, values)
    if period is not None:
        return [Region(tree, boxes, cuts, (0.0, period[0]))]
    tails = [tail for side in (-1, 1) if (tail := _tail(tree, boxes, cuts, side)) is not None]
    ends = {tail.side: tail.begin for tail in tails}
    reach = math.inf if len(tails) == 2 else FAR
    return [*tails, Region(tree, boxes, cuts, (-ends.get(-1, FAR), ends.get(1, FAR)), reach)]


def _tail(tree: Node, boxes: Mapping[str, Interval], cuts: tuple[float, ...], side: int) -> TailRegion | None:
    """One tail, from where its form is understood; None where it is not."""
    last = max((abs(cut) for cut in cuts), default=0.0)
    for begin in (64.0, 2.0**10, 2.0**20):
        region = TailRegion(tree, boxes, begin, side)
        if begin < 1.1 * last:
            continue
        try:
            region.enclose(*region.start())
        except Unsupported:
            continue
        return region
    return None


def curvature(curve_bends: Mapping[int, bool], parts: list[TailRegion | Region], *, seconds: float) -> dict[int, bool]:
    """For each sign that samples allow: whether boxes prove that no second derivative is below -1e-9 times it."""
    end = time.monotonic() + seconds
    return {sign: all(_bends(region, sign, end) for region in parts) for sign, may in curve_bends.items() if may}


def _bends(region: TailRegion | Region, sign: int, end: float) -> bool:
    lo, hi = region.start()
    while len(lo):
        box, smooth = region.bend(lo, hi)
        least = box.lo if sign > 0 else -box.hi
        thin = ~smooth & (
            hi - lo <= 1e-13 * np.maximum(np.abs(lo), np.abs(hi)) + 2e-300
        )  # a kink: its slopes are compared
        keep = (least < -TOLERANCE) & ~thin
        lo, hi = lo[keep], hi[keep]
        if time.monotonic() > end or len(lo) > 20_000:
            return not len(lo)
        lo, hi = halved(lo, hi)
    return True


def period_of(tree: Node, values: Mapping[str, float]) -> tuple[float, float] | None:
    """(length, slope) where f(z) is slope*z plus a function of this period, by the form of the tree."""
    found = _wave(tree, values)
    if found is None or not found[1]:
        return None
    slope, rates = found
    least = min(rates)
    for count in range(1, 13):
        if all(abs(rate / least * count - round(rate / least * count)) < 1e-12 for rate in rates):
            return 2 * math.pi / least * count * (1 + 1e-12), slope
    return None


Wave = tuple[float, frozenset[float]] | None


def _wave(node: Node, values: Mapping[str, float]) -> Wave:
    """Slope of the linear part and rates of the sines of a tree; None where it is no such sum."""
    if isinstance(node, Constant):
        return 0.0, frozenset()
    if isinstance(node, Name):
        return (1.0 if node.name == "z" else 0.0), frozenset()
    parts = [_wave(below, values) for below in (node.arguments if isinstance(node, Call) else (node.left, node.right))]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    slopes, rates = [slope for slope, _ in known], frozenset[float]().union(*(rate for _, rate in known))
    if isinstance(node, Call):
        if node.word in ("sin", "cos") and not rates and slopes[0]:
            return 0.0, frozenset([abs(slopes[0])])
        return None if any(slopes) else (0.0, rates)
    return _wave_of_infix(node, slopes, rates, values)


def _wave_of_infix(node: Infix, slopes: list[float], rates: frozenset[float], values: Mapping[str, float]) -> Wave:
    if node.operator in ("+", "-", "neg"):
        return slopes[0] + (slopes[1] if node.operator == "+" else -slopes[1]), rates
    if not any(slopes):
        return 0.0, rates
    if node.operator not in ("*", "/") or (slopes[1] and (slopes[0] or node.operator == "/")):
        return None
    moving, fixed = (node.left, node.right) if slopes[0] else (node.right, node.left)
    factor = still(fixed, values)
    if factor is None or factor == 0 or _wave(moving, values) is None:
        return None
    slope = max(slopes, key=abs)
    return (slope * factor if node.operator == "*" else slope / factor), rates
