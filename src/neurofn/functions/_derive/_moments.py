"""Gaussian moments of a function, gains, the map of variances, and Hermite coefficients, by two rules that must agree.

The line is cut at every breakpoint; on each piece Gauss-Legendre panels are halved until 20 and 40 points agree. Beyond
|z| = 38 the weight is below the smallest number of float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ._points import Array, Curve

__all__ = ["Moments", "edge_of_chaos", "fixed_points", "gains", "hermite", "mean", "moments"]

_END = 38.0
_ROOT = 1 / math.sqrt(2 * math.pi)
_PANELS = 6000


@dataclass(frozen=True)
class Moments:
    """E f, E f**2, E f f', E f'**2, E z f f' for a normal z of mean 0, NaN where infinite; the disagreement of two rules."""

    f: float
    ff: float
    fs: float
    ss: float
    zfs: float
    error: float


@cache
def _rule(count: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(count)
    return x, w


def mean(values: Callable[[Array], Array], cuts: tuple[float, ...], *, scale: float = 1.0) -> tuple[Array, Array]:
    """E values(scale*Z) for functions in the first axis of what ``values`` gives, and the disagreement of both rules."""
    edges = np.unique([x for x in (*(cut / scale for cut in cuts), *np.linspace(-16, 16, 33), -_END, -24, 24, _END)
                       if -_END <= x <= _END])  # fmt: skip
    lo, hi = edges[:-1], edges[1:]
    total: Any = 0.0
    error: Any = 0.0
    used = 0
    while len(lo):
        used += len(lo)
        coarse, fine = (_panels(values, lo, hi, count, scale) for count in (12, 24))
        size = np.maximum(np.abs(total + fine.sum(1)), 1e-6)
        gap = np.abs(coarse - fine)
        fine_enough = ~np.any(gap > 1e-13 * size[:, None], axis=0) | (hi - lo < 1e-13 * np.maximum(1, np.abs(lo)))
        if used > _PANELS:
            fine_enough = np.ones(len(lo), dtype=bool)
        total = total + fine[:, fine_enough].sum(1)
        error = error + gap[:, fine_enough].sum(1)
        lo, hi = lo[~fine_enough], hi[~fine_enough]
        middle = (lo + hi) / 2
        lo, hi = np.concatenate([lo, middle]), np.concatenate([middle, hi])
    return total, error


def _panels(values: Callable[[Array], Array], lo: Array, hi: Array, count: int, scale: float) -> Any:
    x, w = _rule(count)
    z = (lo + hi)[:, None] / 2 + (hi - lo)[:, None] / 2 * x
    f = values(scale * z)
    weight = np.exp(-z * z / 2) * _ROOT * w * ((hi - lo)[:, None] / 2)
    return np.where(weight == 0, 0.0, np.nan_to_num(f, nan=np.nan, posinf=np.inf) * weight).sum(-1)


def moments(curve: Curve, cuts: tuple[float, ...], *, scale: float = 1.0) -> Moments:
    """The moments for an input of this standard deviation."""

    def products(z: Array) -> Array:
        f, slope = curve.jets(z, order=1)
        return np.stack([f, f * f, f * slope, slope * slope, z * f * slope])

    with np.errstate(all="ignore"):
        total, error = mean(products, cuts, scale=scale)
    share = error / np.maximum(np.abs(total), 1)
    known = [
        float(value) if gap < 1e-9 and math.isfinite(value) else math.nan
        for value, gap in zip(total, share, strict=True)
    ]
    error_left = max((float(gap) for gap in share if gap < 1e-9), default=0.0)
    return Moments(known[0], known[1], known[2], known[3], known[4], error_left)


def gains(normal: Mapping[str, float]) -> dict[str, float]:
    """1/sqrt of E f**2, of E f'**2, and of the mean of both, from moments by name; NaN where there is none."""

    def gain(square: float) -> float:
        return square**-0.5 if 0 < square < math.inf else math.nan

    ff, ss = normal["ff"], normal["ss"]
    return {"forward": gain(ff), "backward": gain(ss), "mean": gain((ff + ss) / 2)}


def _square(curve: Curve, cuts: tuple[float, ...], scale: float) -> float:
    """E f(scale*Z)**2 alone."""
    with np.errstate(all="ignore"):
        total, error = mean(lambda z: curve(z)[None] ** 2, cuts, scale=scale)
    return float(total[0]) if error[0] <= 1e-9 * max(1.0, total[0]) else math.nan


def fixed_points(
    curve: Curve, cuts: tuple[float, ...], gains: tuple[float, float] = (1.0, 0.0)
) -> list[dict[str, float]]:
    """Variances q with q = sw2 * E f(sqrt(q) Z)**2 + sb2 on [1e-4, 1e4], each with the slope of the map and chi there."""
    sw2, sb2 = gains
    grid = np.geomspace(1e-4, 1e4, 33)

    def image(q: float) -> float:
        return sw2 * _square(curve, cuts, math.sqrt(q)) + sb2 - q

    values = [image(float(q)) for q in grid]
    if all(abs(v) < 1e-9 * q for v, q in zip(values, grid, strict=True)):
        return []  # every variance is one
    found = []
    for k in range(len(grid) - 1):
        if math.isfinite(values[k]) and math.isfinite(values[k + 1]) and (values[k] > 0) != (values[k + 1] > 0):
            q = _solve(image, float(grid[k]), float(grid[k + 1]))
            step = 1e-5 * q
            slope = (image(q + step) - image(q - step)) / (2 * step) + 1
            chi = sw2 * moments(curve, cuts, scale=math.sqrt(q)).ss
            found.append({"q": q, "slope": slope, "chi": chi})
    return found


def _solve(f: Callable[[float], float], lo: float, hi: float) -> float:
    """A root between two points of opposite sign, by secants with halving (Illinois)."""
    a, b = f(lo), f(hi)
    for _ in range(60):
        middle = hi - b * (hi - lo) / (b - a)
        c = f(middle)
        if (c > 0) == (b > 0):
            hi, b, a = middle, c, a / 2
        else:
            lo, a, hi, b = hi, b, middle, c
        if abs(hi - lo) <= 1e-12 * abs(hi) or c == 0:
            break
    return hi


def edge_of_chaos(curve: Curve, cuts: tuple[float, ...]) -> list[dict[str, float]]:
    """Points (sw, sb) where the variance q is fixed and a small difference neither grows nor shrinks: sw2*E f'**2 = 1."""
    line = []
    for q in (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0):
        m = moments(curve, cuts, scale=math.sqrt(q))
        if m.ss > 0 and math.isfinite(m.ss):
            sb2 = q - m.ff / m.ss
            if sb2 > -1e-9 * q:
                line.append({"q": q, "sw": m.ss**-0.5, "sb": math.sqrt(max(sb2, 0.0))})
    return line


def hermite(curve: Curve, cuts: tuple[float, ...], count: int = 6) -> list[float]:
    """E f(Z) h_k(Z) for the first normalised Hermite polynomials h_k."""

    def products(z: Array) -> Array:
        f = curve(z)
        polynomials = [np.ones_like(z), z]
        for k in range(1, count - 1):
            polynomials.append((z * polynomials[k] - math.sqrt(k) * polynomials[k - 1]) / math.sqrt(k + 1))
        return np.stack([f * h for h in polynomials])

    with np.errstate(all="ignore"):
        total, _ = mean(products, cuts)
    return [float(value) for value in total]
