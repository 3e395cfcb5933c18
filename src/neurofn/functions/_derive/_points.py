"""Special points of a function: where its branches change (kinks and jumps), where it is zero, what it is at 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...formula import Node
from ._expand import expand
from ._kinds import floats

__all__ = ["Break", "Curve", "breaks", "zeros"]

Array = npt.NDArray[np.float64]
_MOST = 64  # points of one kind that are listed, nearest to 0 first
_NEAR = 20.0  # where to look when there are more


@dataclass(frozen=True)
class Break:
    """A point where a branch changes: values and slopes just left and right of it."""

    z: float
    values: tuple[float, float]
    slopes: tuple[float, float]
    curvatures: tuple[float, float]

    @property
    def kind(self) -> str:
        """ "jump", "kink", "bend" (only the curvature jumps), or "smooth": both sides agree."""
        for name, (a, b) in (("jump", self.values), ("kink", self.slopes), ("bend", self.curvatures)):
            if math.isfinite(a) and math.isfinite(b):
                if abs(a - b) > 1e-9 * max(1.0, abs(a), abs(b)):
                    return name
            elif not (a == b or (math.isnan(a) and math.isnan(b))):
                return name
        return "smooth"


@dataclass(frozen=True)
class Curve:
    """A tree at fixed parameters, as numbers."""

    tree: Node
    values: Mapping[str, float]

    def jets(self, z: Any, *, order: int = 2) -> tuple[Array, ...]:
        """f, f', f'' (up to the third) at an array of points."""
        z = np.asarray(z, dtype=float)
        with np.errstate(all="ignore"):
            jet, _ = expand(self.tree, z, self._parameters, kind=floats(), order=order)
        return tuple(np.broadcast_to(term, z.shape) * math.factorial(k) for k, term in enumerate(jet.terms))

    def __call__(self, z: Any) -> Array:
        return self.jets(z, order=0)[0]

    def sides(self, z: Any) -> list[Array]:
        """The sign of every difference that a branch looks at."""
        z = np.asarray(z, dtype=float)
        with np.errstate(all="ignore"):
            _, diary = expand(self.tree, z, self._parameters, kind=floats(), order=0)
        return [np.broadcast_to(entry, z.shape) for entry in diary]

    @property
    def _parameters(self) -> dict[str, Any]:
        return {name: np.float64(value) for name, value in self.values.items()}


def grid() -> Array:
    """Points to look at: dense near 0, then by powers, with the halves and the whole numbers among them."""
    powers = np.geomspace(1e-8, 1e8, 801)
    return np.unique([0.0, *np.arange(-3200, 3201) / 160, *powers, *-powers])


def breaks(curve: Curve) -> list[Break]:
    """Where branches change and the function shows it, in order; at most 64, those nearest to 0."""
    z = grid()
    found: set[float] = set()
    brackets: list[Array] = []  # rows of side, low end, high end, sign at the low end
    for k, side in enumerate(curve.sides(z)):
        turned = np.flatnonzero((side[:-1] != side[1:]) & ~np.isnan(side[:-1]) & ~np.isnan(side[1:]))
        if len(turned) > _MOST:  # a wave: the first turns will do
            turned = turned[np.abs(z[turned]) < _NEAR][:_MOST]
        found.update(float(z[t]) for t in (*turned, *(turned + 1)) if side[t] == 0)
        turned = turned[(side[turned] != 0) & (side[turned + 1] != 0)]
        brackets.append(np.stack([np.full(len(turned), float(k)), z[turned], z[turned + 1], side[turned]]))
    if brackets:
        found.update(_refined(curve, np.concatenate(brackets, axis=1)))
    nearest = sorted(found, key=abs)
    merged: list[float] = []
    for point in nearest:
        if all(abs(point - other) > 1e-12 * max(1.0, abs(point)) for other in merged):
            merged.append(point)
    seen = [_beside(curve, point) for point in sorted(merged[: 2 * _MOST])]
    return [one for one in seen if one.kind != "smooth"][:_MOST]


def _refined(curve: Curve, brackets: Array) -> list[float]:
    """Halve all brackets at once to neighbouring floats."""
    k, (lo, hi, left) = brackets[0].astype(int), brackets[1:]
    for _ in range(1100):
        middle = np.where((lo < 0) & (hi > 0), 0.0, lo / 2 + hi / 2)
        if not len(lo) or np.all((middle <= lo) | (middle >= hi) | (np.abs(hi - lo) < 1e-300)):
            break
        same = np.stack(curve.sides(middle))[k, np.arange(len(k))] == left
        lo, hi = np.where(same, middle, lo), np.where(same, hi, middle)
    return [_short(a, b) for a, b in zip(lo, hi, strict=True)]


def _short(lo: float, hi: float) -> float:
    """The shortest decimal within a few units in the last place of two neighbours."""
    if abs(lo) < 1e-100 or abs(hi) < 1e-100:
        return 0.0
    for digits in range(1, 16):
        short = float(f"{hi:.{digits}g}")
        if abs(short - hi) <= 4e-16 * abs(hi):
            return short
    return float(hi)


def _beside(curve: Curve, point: float) -> Break:
    step = 1e-11 * abs(point) if point else 1e-30
    f, slope, bend = curve.jets([point - step, point + step, point - 100 * step, point + 100 * step])
    # values are moved back to the point, and a gap that closes is a steep slope, no jump
    moved = [f[k] - slope[k] * (-step if k == 0 else step) if abs(slope[k]) < 1e4 else f[k] for k in (0, 1)]
    if abs(f[1] - f[0]) < 0.5 * abs(f[3] - f[2]):
        moved = [float(curve([point])[0])] * 2
    return Break(
        point, (float(moved[0]), float(moved[1])), (float(slope[0]), float(slope[1])), (float(bend[0]), float(bend[1]))
    )


def zeros(curve: Curve, cuts: tuple[float, ...]) -> tuple[list[float], list[tuple[float, float]]]:
    """Points and whole stretches where the function is 0, as far as a grid shows them; nearest to 0 first, at most 64."""
    z = np.unique([*grid(), *cuts])
    f = curve(z)
    null = f == 0
    stretches = _stretches(z, null, cuts)
    inside = np.zeros(len(z), dtype=bool)
    for low, high in stretches:
        inside |= (z >= low) & (z <= high)
    single = null & ~np.roll(null, 1) & ~np.roll(null, -1)  # several in a row are values that underflow
    points = {float(x) for x in z[single & ~inside]}
    change = np.flatnonzero((np.sign(f[:-1]) * np.sign(f[1:]) < 0) & np.isfinite(f[:-1]) & np.isfinite(f[1:]))
    if len(change) > _MOST:
        change = change[np.abs(z[change]) < _NEAR]
    for k in change:
        root = _root(curve, float(z[k]), float(z[k + 1]))
        if root is not None:
            points.add(root)
    points |= _touching(curve, z, f)
    merged: list[float] = []
    for point in sorted(points, key=abs):
        near = all(abs(point - other) > 1e-9 * max(1.0, abs(point)) for other in merged)
        if near and not any(low - 1e-9 <= point <= high + 1e-9 for low, high in stretches):
            merged.append(point)
    return sorted(merged[:_MOST]), stretches


def _stretches(z: Array, null: Any, cuts: tuple[float, ...]) -> list[tuple[float, float]]:
    """Runs of zeros on the grid that a breakpoint or the end of the line bounds; else a value merely underflows."""
    found: list[tuple[float, float]] = []
    k = 0
    while k < len(z):
        if not null[k]:
            k += 1
            continue
        end = k
        while end + 1 < len(z) and null[end + 1]:
            end += 1
        low = -math.inf if k == 0 else float(z[k])
        high = math.inf if end == len(z) - 1 else float(z[end])
        bounded = all(math.isinf(x) or any(abs(x - cut) < 1e-9 for cut in cuts) for x in (low, high))
        if end > k + 2 and bounded and not (math.isinf(low) and math.isinf(high)):
            found.append((low, high))
        k = end + 1
    return found


def _root(curve: Curve, lo: float, hi: float) -> float | None:
    sign = np.sign(curve([lo]))[0]
    for _ in range(200):
        middle = lo / 2 + hi / 2
        if not lo < middle < hi:
            break
        if np.sign(curve([middle]))[0] == sign:
            lo = middle
        else:
            hi = middle
    value = abs(float(curve([hi])[0]))
    return _short(lo, hi) if value < 1e-6 * max(1.0, abs(hi)) else None  # else a pole or a jump


def _touching(curve: Curve, z: Array, f: Array) -> set[float]:
    """Where |f| has a least value of 0 without a change of sign."""
    size = np.abs(f)
    low = (
        (size[1:-1] < size[:-2])
        & (size[1:-1] < size[2:])
        & (np.sign(f[:-2]) * np.sign(f[2:]) > 0)
        & (size[1:-1] < 1e-3)
    )
    found = set()
    for k in [k for k in np.flatnonzero(low) + 1 if abs(z[k]) < _NEAR][:_MOST]:
        a, b = float(z[k - 1]), float(z[k + 1])
        for _ in range(80):
            thirds = [a + (b - a) / 3, b - (b - a) / 3]
            left, right = np.abs(curve(thirds))
            a, b = (a, thirds[1]) if left < right else (thirds[0], b)
        if abs(float(curve([(a + b) / 2])[0])) < 1e-15:
            found.add(round((a + b) / 2, 7))
    return found
