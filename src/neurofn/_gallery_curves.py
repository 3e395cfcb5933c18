"""Curves of a function as plain lists of points, cut where the function jumps and where its slope does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .formula import Formula

__all__ = ["graph", "moved", "window"]

_HALF = 5.0  # the graph shows z from -5 to 5, and further where there is a kink within _FAR
_FAR = 20.0
_POINTS = 481
_MOST = 40  # breakpoints; a wave may have more
_PARAMETERS = 6  # that are moved
Run = list[tuple[float, float]]


def window(formula: Formula, values: Mapping[str, float]) -> tuple[float, float]:
    """From where to where z is shown: all kinks that are not far away, and no stretch where the function is not defined."""
    import numpy as np

    from .functions._derive._points import Curve, breaks

    curve = Curve(formula.tree, values)
    far = max((abs(one.z) for one in breaks(curve) if abs(one.z) <= _FAR), default=0.0)
    half = max(_HALF, float(math.ceil(1.25 * far)))
    z = np.linspace(-half, half, 2001)
    defined = z[np.isfinite(curve(z))]
    if 0 < len(defined) < len(z) / 3:
        air = 0.1 * float(defined[-1] - defined[0])
        return round(float(defined[0]) - air, 2), round(float(defined[-1]) + air, 2)
    return -half, half


def graph(
    formula: Formula, values: Mapping[str, float], span: tuple[float, float], *, slope: bool = True
) -> dict[str, Any]:
    """The runs of f and of its slope, and the points where either jumps: z, left, right, and f there.

    Without the slope, for a smaller picture, there are fewer points.
    """
    import numpy as np

    from .functions._derive._points import Curve, breaks

    curve = Curve(formula.tree, values)
    low, high = span
    cuts = [one for one in breaks(curve) if low < one.z < high and one.kind in ("jump", "kink")][:_MOST]
    z = np.linspace(low, high, _POINTS if slope else _POINTS // 2)
    f, *steep = curve.jets(z, order=int(slope))
    jumps = [(one.z, one.values) for one in cuts if one.kind == "jump"]
    turns = [(one.z, one.slopes) for one in cuts]
    corners = [(one.z, one.values) for one in cuts if one.kind == "kink"]
    at = curve(np.array([one for one, _ in jumps])) if jumps else ()
    return {
        "span": [low, high],
        "f": list(_runs(z, f, jumps, corners)),
        "slope": list(_runs(z, steep[0], turns, [])) if slope else [],
        "jumps": [[x, left, right, float(value)] for (x, (left, right)), value in zip(jumps, at, strict=True)],
        "turns": [[x, left, right] for x, (left, right) in turns],
    }


Sides = Sequence[tuple[float, tuple[float, float]]]


def _runs(z: Any, y: Any, cuts: Sides, corners: Sides) -> Iterator[Run]:
    """Unbroken runs of finite points: each ends at a cut with the value left of it, the next begins with that right of it."""
    at = [x for x, _ in (*cuts, *corners)]
    points = [(x, 0, value) for x, value in zip(z.tolist(), y.tolist(), strict=True)]
    if at:
        points = [point for point in points if all(abs(point[0] - x) > 1e-12 for x in at)]
    points += [(x, 0, left) for x, (left, _) in corners]
    for x, (left, right) in cuts:
        points += [(x, -1, left), (x, 1, right)]
    run: Run = []
    for x, side, value in sorted(points):
        if side == 1 or not math.isfinite(value):
            yield from [run] if len(run) > 1 else []
            run = []
        if math.isfinite(value):
            run.append((x, value))
    if len(run) > 1:
        yield run


def moved(
    formula: Formula, defaults: Mapping[str, float], domains: Mapping[str, Any], span: tuple[float, float]
) -> list[dict[str, Any]]:
    """For each parameter, f at two other values of it and at the default, all others at their defaults."""
    made = []
    for name in list(domains)[:_PARAMETERS]:
        chosen = _beside(defaults[name], domains[name].low, domains[name].high)
        curves = [
            {"value": value, **graph(formula, {**defaults, name: value}, span, slope=False)} for value in sorted(chosen)
        ]
        made.append({"name": name, "default": defaults[name], "curves": curves})
    return made


def _beside(default: float, low: float | None, high: float | None) -> list[float]:
    """The default and two other values inside the domain: half and twice it, or a step down and up from 0."""
    size = abs(default)
    down, up = (0.5 * default, 2 * default) if size >= 0.05 else (default - 0.5, default + 0.5)
    bottom, top = -math.inf if low is None else low, math.inf if high is None else high
    wanted = [default, down, up, default + 0.25 * max(1.0, size), default - 0.25 * max(1.0, size), bottom, top]
    found: list[float] = []
    for value in wanted:
        if bottom <= value <= top and math.isfinite(value) and all(abs(value - one) > 1e-9 for one in found):
            found.append(float(f"{value:.4g}"))
    return found[:3]
