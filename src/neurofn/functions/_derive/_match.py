"""Which functions are the same: at every point, or up to a*f(b*z + c) + d. Found in float64, confirmed with many digits.

Under such a change f'''f'/f''**2 keeps its value and only moves along z. So one point of a curved piece is sought on the other
function, which gives all four numbers; where pieces are straight the breakpoints give them. What is found is fitted, then held
to 80 other points; nothing counts that leaves a share of 1e-11 between both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formula import Formula
from ._form import form
from ._points import Array, Break, Curve, breaks
from ._record import Derived

__all__ = ["Change", "Probe", "affine_change", "compatible", "equal_groups", "probe"]

_POINTS = np.random.default_rng(11).normal(0, 3, 40)
_TIGHT = 1e-11


@dataclass(frozen=True)
class Change:
    """g(z) = a*f(b*z + c) + d."""

    a: float
    b: float
    c: float
    d: float

    def __str__(self) -> str:
        def shown(value: float) -> str:
            return f"{round(value, 10) + 0.0:.10g}"

        inner = "z" if abs(self.b - 1) < 1e-10 else "-z" if abs(self.b + 1) < 1e-10 else f"{shown(self.b)}*z"
        inner += f" {'+' if self.c > 0 else '-'} {shown(abs(self.c))}" if abs(self.c) > 1e-10 else ""
        outer = "" if abs(self.a - 1) < 1e-10 else "-" if abs(self.a + 1) < 1e-10 else f"{shown(self.a)}*"
        rest = f" {'+' if self.d > 0 else '-'} {shown(abs(self.d))}" if abs(self.d) > 1e-10 else ""
        return f"{outer}f({inner}){rest}"


@dataclass(frozen=True)
class Probe:
    """What of a function is looked at to compare it with others."""

    curve: Curve
    breaks: tuple[Break, ...]
    z: Array
    mark: Array  # f'''f'/f''**2, NaN where the function is straight
    ratio: Array  # f''/f'


def probe(formula: Formula, values: Mapping[str, float]) -> Probe:
    """Look at a function once."""
    curve = Curve(form(formula), values)  # since 1 + exp(-30) has lost the digits that are compared
    z = np.linspace(-20, 20, 1601) + 1e-3
    f, slope, bend, third = curve.jets(z, order=3)
    with np.errstate(all="ignore"):
        curved = (np.abs(bend) > 1e-6) & (np.abs(slope) > 1e-6) & np.isfinite(f)
        mark = np.where(curved, third * slope / bend**2, np.nan)
        ratio = np.where(curved, bend / slope, np.nan)
    return Probe(curve, tuple(breaks(curve)), z, mark, ratio)


def affine_change(g: Probe, f: Probe) -> Change | None:
    """The change of input and output that turns f into g, if there is one."""
    if len(g.breaks) != len(f.breaks) and max(len(g.breaks), len(f.breaks)) < 8:
        return None
    with np.errstate(all="ignore"):
        for change in _candidates(g, f):
            fitted = _fitted(change, g.curve, f.curve)
            if fitted is not None:
                return fitted
    return None


def _candidates(g: Probe, f: Probe) -> Iterable[tuple[float, float]]:
    """Pairs (b, c) worth a try; the output follows by least squares."""
    here, there = [one.z for one in g.breaks], [one.z for one in f.breaks]
    if 2 <= len(here) == len(there):
        for first, last in ((there[0], there[-1]), (there[-1], there[0])):
            b = (last - first) / (here[-1] - here[0])
            yield b, first - b * here[0]
        return
    if len(here) == 1 == len(there):
        yield from ((b, there[0] - b * here[0]) for b in _stretches(g, f, here[0], there[0]))
        return
    yield from sorted(_by_mark(g, f), key=lambda pair: (pair[0] < 0, abs(pair[1])))
    yield from ((1.0, 0.0), (-1.0, 0.0))


def _stretches(g: Probe, f: Probe, here: float, there: float) -> Iterable[float]:
    """With one breakpoint on each, c follows from b: seek b where f''/f' fits at a point of g."""
    yield from (1.0, -1.0)
    known = np.flatnonzero(~np.isnan(g.ratio) & (np.abs(g.z - here) > 0.05) & (np.abs(g.z - here) < 4))
    if not len(known):
        return
    k = known[np.argmin(np.abs(np.abs(g.z[known] - here) - 0.7))]
    offset, wanted = float(g.z[k] - here), float(g.ratio[k])
    for sign in (1, -1):
        b = sign * np.geomspace(1e-3, 1e3, 4001)

        def miss(b: Any) -> Any:
            _, slope, bend = f.curve.jets(there + b * offset)
            return b * bend / slope - wanted

        yield from _roots(miss, b, miss(b))


def _by_mark(g: Probe, f: Probe) -> Iterable[tuple[float, float]]:
    """Without breakpoints: seek the point of f with the mark that a point of g has."""
    known = np.flatnonzero((np.abs(g.mark) < 4) & (np.abs(g.z) < 6))
    if not len(known):
        return
    for near in (0.37, -0.9):
        yield from _same_mark(g, f, int(known[np.argmin(np.abs(g.z[known] - near))]))


def _same_mark(g: Probe, f: Probe, k: int) -> Iterable[tuple[float, float]]:
    """Changes that send a point of g to one of f with its mark."""
    z0, wanted, ratio = float(g.z[k]), float(g.mark[k]), float(g.ratio[k])

    def miss(w: Any) -> Any:
        _, slope, bend, third = f.curve.jets(w, order=3)
        return third * slope / bend**2 - wanted

    same = np.flatnonzero(np.abs(f.mark - wanted) < 1e-9 * max(1, abs(wanted)))
    places = (
        [float(f.z[same[len(same) // 2]])] if len(same) > 50 else [*_roots(miss, f.z, f.mark - wanted), *f.z[same][:4]]
    )
    for w in places[:24]:
        _, slope, bend = (float(term[0]) for term in f.curve.jets([w]))
        if slope and bend:
            b = ratio / (bend / slope)
            yield b, w - b * z0


def _ratio(f: Curve, w: Any) -> Any:
    _, slope, bend = f.jets(w)
    return bend / slope


def _roots(miss: Any, z: Array, values: Array) -> list[float]:
    """Roots between neighbours of a grid, by halving all of them at once."""
    k = np.flatnonzero(np.isfinite(values[:-1]) & np.isfinite(values[1:]) & (values[:-1] * values[1:] <= 0))[:12]
    lo, hi, left = z[k], z[k + 1], np.sign(values[k])
    for _ in range(30):
        middle = (lo + hi) / 2
        same = np.sign(miss(middle)) == left
        lo, hi = np.where(same, middle, lo), np.where(same, hi, middle)
    return [float(x) for x in (lo + hi) / 2]


def _places(b: float, c: float) -> Array:
    """Points where g varies, and points where f does."""
    return np.concatenate([_POINTS, (_POINTS - c) / b]) if b else _POINTS


def _fitted(change: tuple[float, float], g: Curve, f: Curve) -> Change | None:
    """Gauss-Newton from (b, c), then points that were not fitted; None where they differ."""
    b, c = change
    z = _places(b, c)
    goal = g(z)
    a = d = 0.0
    for step in range(12):
        value, slope = f.jets(b * z + c, order=1)
        use = np.isfinite(value) & np.isfinite(goal) & np.isfinite(slope) & (np.abs(value) < 1e6) & (np.abs(goal) < 1e6)
        if use.sum() < 24:
            return None
        columns = [value, np.ones_like(z)]
        a, d = np.linalg.lstsq(np.stack(columns, 1)[use], goal[use], rcond=None)[0]
        rest = goal - a * value - d
        if a == 0 or np.max(np.abs(rest[use])) > (0.2 if step == 0 else 0.05) * np.ptp(goal[use]):
            return None
        jacobian = np.stack([a * slope * z, a * slope, *columns], 1)
        move = np.linalg.lstsq(jacobian[use], rest[use], rcond=1e-12)[0]
        b, c = float(b + move[0]), float(c + move[1])
        if not math.isfinite(b + c) or b == 0:
            return None
        if np.all(np.abs(move[:2]) < 1e-14 * max(1, abs(b), abs(c))):
            break
    return _verified(Change(float(a), b, c, float(d)), g, f)


def _verified(change: Change, g: Curve, f: Curve) -> Change | None:
    """Short numbers where they do; then equal at 80 other points, near the middle of either function."""
    z = 0.9 * _places(change.b, change.c) + 0.011
    goal = g(z)
    known = np.isfinite(goal)
    if known.sum() <= 40:
        return None
    floor = 1e-15 * float(np.median(np.abs(goal[known])))
    rounded = Change(*(_short(value) for value in (change.a, change.b, change.c, change.d)))
    for one in (rounded, change):
        if one.a == 0 or one.b == 0:
            continue
        value, slope = f.jets(one.b * z + one.c, order=1)
        mine = one.a * value + one.d
        both = known & np.isfinite(mine)
        size = np.abs(goal) + np.abs(mine - one.d) + abs(one.d)
        moved = 1e-13 * np.abs(one.a * slope) * (np.abs(one.b * z) + abs(one.c))  # by the last digits of b and c
        if np.all(known == np.isfinite(mine)) and np.all(
            np.abs(goal - mine)[both] <= (_TIGHT * size + moved)[both] + floor
        ):
            return one
    return None


def _short(value: float) -> float:
    return float(f"{value:.9g}") if abs(value) > 1e-9 else 0.0


# ---- groups -------------------------------------------------------------------------------------------------------------


def equal_groups(
    curves: Mapping[str, tuple[Formula, Mapping[str, float]]], records: Mapping[str, Derived]
) -> tuple[list[list[str]], list[list[str]]]:
    """Groups of names with equal values, and groups equal up to a change; each group begins with its first name."""
    with np.errstate(all="ignore"):
        probes = {name: probe(*curves[name]) for name in sorted(records)}

    def alike(one: str, other: str) -> bool:
        return compatible(records[one], records[other]) and _alike(probes[one].curve, probes[other].curve)

    def related(one: str, other: str) -> bool:
        return compatible(records[one], records[other]) and affine_change(probes[one], probes[other]) is not None

    return _grouped(list(probes), alike), _grouped(list(probes), related)


def compatible(one: Derived, other: Derived) -> bool:
    """Whether what is derived of two functions lets one be the other up to a change of input and output."""
    kinds = [[broken[1] for broken in record.breaks] for record in (one, other)]
    if len(kinds[0]) < 8 and kinds[0] not in (kinds[1], kinds[1][::-1]):
        return False
    ends = [sorted(math.isinf(end) for end in (record.range.low, record.range.high)) for record in (one, other)]
    if ends[0] != ends[1] and one.range.proved and other.range.proved:
        return False
    if not (one.slope.proved and other.slope.proved):
        return True
    shapes = [_shape(record.slope.low, record.slope.high) for record in (one, other)]
    return any(
        all(_near(a, b) for a, b in zip(shapes[0], shape, strict=True))
        for shape in (shapes[1], (-shapes[1][1], -shapes[1][0]))
    )


def _shape(low: float, high: float) -> tuple[float, float]:
    """The range of slopes at a size of 1."""
    size = max(abs(low), abs(high))
    return (low, high) if math.isinf(size) or size == 0 else (low / size, high / size)


def _near(a: float, b: float) -> bool:
    return a == b or abs(a - b) < 1e-6


def _alike(g: Curve, f: Curve) -> bool:
    z = np.concatenate([_POINTS, [0.0, 1.0, -1.0, 25.0, -25.0]])
    mine, other = f(z), g(z)
    known = np.isfinite(mine) & np.isfinite(other)
    same = np.isfinite(mine) == np.isfinite(other)
    return bool(
        same.all() and known.sum() > 20 and np.all(np.abs(mine - other)[known] <= 1e-12 * (np.abs(mine) + 1e-12)[known])
    )


def _grouped(names: list[str], same: Callable[[str, str], bool]) -> list[list[str]]:
    groups: list[list[str]] = []
    with np.errstate(all="ignore"):
        for name in names:
            home = next((group for group in groups if same(name, group[0])), None)
            if home is None:
                groups.append([name])
            else:
                home.append(name)
    return [group for group in groups if len(group) > 1]
