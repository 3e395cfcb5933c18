"""Derive everything of one formula at given parameters, within a budget of time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._errors import LanguageError
from ..._latex import latex
from ...formula import Formula, Node
from ._bounds import TOLERANCE, Bounds
from ._form import form
from ._moments import Moments, edge_of_chaos, fixed_points, gains, hermite, moments
from ._points import Break, Curve, breaks, grid, zeros
from ._record import Claim, Derived, Enclosure
from ._structure import cost, parity
from ._symbolic import derivative, text
from ._whole import bounds_of, curvature, regions

__all__ = ["SECONDS", "derive", "moments_of"]

SECONDS = 1.5
"""How long the proof of range and slope of one function may take."""


def derive(
    formula: Formula, values: Mapping[str, float], *, stable: Formula | None = None, seconds: float = SECONDS
) -> Derived:
    """Everything that follows from a formula; raises LanguageError where it has no finite value at all.

    Numbers are computed from ``stable``, the same function written so that digits are kept, or from the formula rewritten.
    """
    with np.errstate(all="ignore"):
        curve = Curve(form(stable or formula), values)
        known = np.isfinite(curve(grid()))
        if not known.any():
            raise LanguageError("this formula has no finite value at any z; are its numbers too large?")
        broken = breaks(curve)
        return _assembled(formula, curve, broken, seconds)


def _assembled(formula: Formula, curve: Curve, broken: list[Break], seconds: float) -> Derived:
    tree, values, cuts = formula.tree, curve.values, tuple(one.z for one in broken)
    bounds = bounds_of(curve.tree, values, cuts, seconds=seconds)
    jumps = any(one.kind == "jump" for one in broken)
    reach, slope = (_enclosure(bounds, curve, part) for part in (0, 1))
    slopes = tree if (found := derivative(tree)) is None else found
    normal = _named(moments(curve, cuts))
    roots, stretches = zeros(curve, cuts)
    ways = gains(normal)
    monotone = _monotone(slope, broken)
    return Derived(
        derivative=None if found is None else text(slopes),
        derivative_latex=None if found is None else latex(slopes),
        range=reach,
        slope=Enclosure(-math.inf, math.inf, 0.0, True) if jumps else slope,
        reach=math.inf if bounds.to_infinity else float(2.0**512),
        limits=(_limit(bounds, -1), _limit(bounds, 1)),
        at_zero=_at_zero(curve, broken),
        zeros=tuple(roots),
        zero_stretches=tuple(stretches),
        breaks=tuple((one.z, one.kind, one.values, one.slopes) for one in broken),
        monotone=monotone,
        parity=_parity(tree, curve),
        convexity=_convexity(curve, broken, seconds),
        moments=normal,
        gains={name: _rounded(value) for name, value in ways.items()},
        fixed_points=_rows(fixed_points(curve, cuts, (ways["forward"] ** 2, 0.0))) if ways["forward"] > 0 else (),
        edge_of_chaos=_rows(edge_of_chaos(curve, cuts)),
        hermite=tuple(_rounded(value) for value in hermite(curve, cuts)),
        cost=cost(tree),
        backward=_backward(curve, monotone, broken),
    )


def _rounded(value: float, digits: int = 14) -> float:
    """Fourteen digits, and nothing for what only rounding left."""
    return float(f"{value:.{digits}g}") if not abs(value) < 1e-14 else 0.0


def _rows(rows: list[dict[str, float]]) -> tuple[dict[str, float], ...]:
    return tuple(
        {name: _rounded(value, 10) if abs(value) > 1e-7 else 0.0 for name, value in row.items()} for row in rows
    )


def _enclosure(bounds: Bounds, curve: Curve, part: int) -> Enclosure:
    ends, width = [], 0.0
    for sign in (-1, 1):
        low, high = bounds.of(part, sign)
        side = bounds.sides[part, sign]
        if low == high:
            ends.append(low)
            continue
        gap = high - low
        width = max(width, gap)
        ends.append(_simplest(low, high, _polished(curve, side.where, part, sign), sign))
    proved = width <= 2 * TOLERANCE * max(1.0, *(abs(end) for end in ends if math.isfinite(end)), 0.0)
    return Enclosure(ends[0], ends[1], _rounded(width, 3), bool(proved and not any(math.isnan(end) for end in ends)))


def _simplest(low: float, high: float, seen: float, sign: int) -> float:
    """A short decimal in a narrow enclosure; else what a point reached."""
    if math.isnan(seen):
        return low if sign < 0 else high
    if high - low > 1e-6:
        return min(max(seen, low), high)
    for digits in range(7):
        short = round(low / 2 + high / 2, digits)
        if low - 1e-15 <= short <= high + 1e-15:
            return short + 0.0
    return min(max(seen, low), high)


def _polished(curve: Curve, at: float, part: int, sign: int) -> float:
    """The extreme value near a point, by thirds."""
    lo, hi = at - max(1e-3 * abs(at), 1e-3), at + max(1e-3 * abs(at), 1e-3)
    best = float(sign * curve.jets([at], order=part)[part][0])
    for _ in range(90):
        thirds = np.array([lo + (hi - lo) / 3, hi - (hi - lo) / 3])
        left, right = sign * curve.jets(thirds, order=part)[part]
        best = float(np.fmax(best, np.fmax(left, right)))
        lo, hi = (lo, thirds[1]) if left > right else (thirds[0], hi)
    return sign * best


def _limit(bounds: Bounds, side: int) -> float | None:
    low, high = bounds.limits.get(side, (-math.inf, math.inf))
    if low == high:
        return low
    return _simplest(low, high, low / 2 + high / 2, 1) if high - low < 1e-9 else None


def _at_zero(curve: Curve, broken: list[Break]) -> tuple[float, float | None]:
    value, slope = (float(term[0]) for term in curve.jets([0.0], order=1))
    here = next((one for one in broken if one.z == 0), None)
    if here is not None:
        return value, None if here.kind in ("jump", "kink") else here.slopes[1]
    return value, slope if math.isfinite(slope) else None


def _monotone(slope: Enclosure, broken: list[Break]) -> Claim:
    steps = [one.values[1] - one.values[0] for one in broken if one.kind == "jump"]
    if slope.low >= -TOLERANCE and slope.high <= TOLERANCE and not steps:
        return Claim("constant", slope.proved)
    if slope.low >= -TOLERANCE and all(step >= 0 for step in steps):
        return Claim("increasing", slope.proved)
    if slope.high <= TOLERANCE and all(step <= 0 for step in steps):
        return Claim("decreasing", slope.proved)
    return Claim(None, slope.proved)


def _parity(tree: Node, curve: Curve) -> Claim:
    by_form = parity(tree, curve.values)
    if by_form is not None:
        return Claim(by_form, True)
    z = np.random.default_rng(7).uniform(0, 6, 60)
    right, left = curve(z), curve(-z)
    scale = 1e-13 * (np.abs(right) + np.abs(left)) + 1e-300
    for name, sign in (("even", 1), ("odd", -1)):
        if np.all(np.abs(right - sign * left) <= scale):
            return Claim(name, False)
    return Claim(None, True)


def _convexity(curve: Curve, broken: list[Break], seconds: float) -> Claim:
    z = grid()
    bends = curve.jets(z)[2]
    bends = bends[np.isfinite(bends)]
    kinks = [one.slopes[1] - one.slopes[0] for one in broken if one.kind == "kink"]
    if any(one.kind == "jump" for one in broken):
        return Claim(None, True)
    if np.all(np.abs(bends) <= TOLERANCE) and not kinks:
        return Claim("affine", True)
    may = {
        sign: bool(np.all(sign * bends >= -TOLERANCE)) and all(sign * kink >= -TOLERANCE for kink in kinks)
        for sign in (1, -1)
    }
    cuts = tuple(one.z for one in broken)
    for sign, sure in curvature(may, regions(curve.tree, curve.values, cuts), seconds=seconds / 3).items():
        return Claim("convex" if sign > 0 else "concave", sure)
    return Claim(None, True)


def moments_of(formula: Formula, values: Mapping[str, float]) -> dict[str, float]:
    """The moments alone, by name."""
    with np.errstate(all="ignore"):
        curve = Curve(form(formula), values)
        return _named(moments(curve, tuple(one.z for one in breaks(curve))))


def _named(normal: Moments) -> dict[str, float]:
    return {name: _rounded(value) for name, value in vars(normal).items()}


def _backward(curve: Curve, monotone: Claim, broken: list[Break]) -> dict[str, Any]:
    """What backward must keep per element, in bytes of float32 beyond the output: 4, or 0 where f' follows from f, or bits."""
    slope, bend = curve.jets(grid())[1:]
    if np.all(np.abs(bend[np.isfinite(bend)]) == 0) and np.isfinite(slope).all():
        count = len(np.unique(slope))
        bytes_kept = math.ceil(math.log2(count)) / 8 if count > 1 else 0.0
        return {
            "needs": "the piece" if count > 1 else "nothing",
            "bytes_kept": bytes_kept,
            "bytes_saved": 4 - bytes_kept,
        }
    if monotone.value in ("increasing", "decreasing"):
        return {"needs": "output", "bytes_kept": 0.0, "bytes_saved": 4.0}
    return {"needs": "input", "bytes_kept": 4.0, "bytes_saved": 0.0}
