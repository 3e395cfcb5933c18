"""A function on the terminal: what is derived of it, line by line, and a small plot. Nothing here loads torch or scipy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .formula import Formula
    from .functions import Derived, Function

__all__ = ["lines", "page", "plot", "year_of"]

SURVEY = "arXiv:2402.09092"
_WIDTH, _HEIGHT = 61, 17
_SHOWN = 6  # points of one kind


def year_of(source: str) -> int | None:
    """The year in a source: of an arXiv id, or four digits.

    >>> year_of("arXiv:2003.09855"), year_of("bergstra2009"), year_of("folklore")
    (2020, 2009, None)
    """
    if source == SURVEY:  # it lists functions of every age
        return None
    if new := re.search(r"arXiv:(\d{2})(\d{2})\.", source):
        return 2000 + int(new[1])
    if old := re.search(r"arXiv:[a-z-]+/(\d{2})", source):
        return (1900 if int(old[1]) > 90 else 2000) + int(old[1])
    plain = re.search(r"(?<!\d)(1[89]|20)\d{2}(?!\d)", source)
    return int(plain[0]) if plain else None


def page(function: Function) -> list[str]:
    """What `show` says of a function beyond its declaration."""
    from .functions import derived
    from .functions._derive import groups

    found: list[tuple[str, Any]] = []
    if function.entry.section:
        found.append(("section", f"{function.entry.section} of arXiv:2402.09092"))
    if function.entry.errata:
        found.append(("errata", function.entry.errata))
    for label, affine in (("equal", False), ("affine equal", True)):
        group = next((group for group in groups(affine=affine) if function.name in group), [])
        if group:
            found.append((label, ", ".join(name for name in group if name != function.name)))
    found.extend(lines(derived(function)))  # from the generated file
    return ["derived", *(f"  {label:14} {value}" for label, value in found), *plot(function.written, function.defaults)]


def lines(record: Derived) -> Iterator[tuple[str, str]]:
    """What is derived, one property a line."""
    if record.derivative:
        yield "derivative", record.derivative if len(record.derivative) < 400 else record.derivative[:397] + "..."
    proof = "proved" if record.range.proved else f"not proved, within {record.range.width:.1g}"
    yield "range", f"[{_number(record.range.low)}, {_number(record.range.high)}] ({proof}{_reach(record)})"
    proof = "proved" if record.slope.proved else f"not proved, within {record.slope.width:.1g}"
    yield "slopes", f"[{_number(record.slope.low)}, {_number(record.slope.high)}]"
    yield "lipschitz", f"{_number(record.lipschitz)} ({proof}{_reach(record)})"
    if record.limits != (None, None):
        yield "limits", " and ".join("none known" if end is None else _number(end) for end in record.limits)
    value, slope = record.at_zero
    yield "at 0", f"{_number(value)}, slope {'none' if slope is None else _number(slope)}"
    yield from _points(record)
    words = [
        f"{claim.value}{'' if claim.proved else ' (seen at points, not proved)'}"
        for claim in (record.monotone, record.parity, record.convexity)
        if claim.value
    ]
    if words:
        yield "form", ", ".join(words)
    yield from _statistics(record)


def _reach(record: Derived) -> str:
    return "" if math.isinf(record.reach) else f" for |z| < {record.reach:.2g}"


def _points(record: Derived) -> Iterator[tuple[str, str]]:
    for kind in ("jump", "kink", "bend"):
        found = [one for one in record.breaks if one[1] == kind]
        if found:
            part = 2 if kind == "jump" else 3
            yield kind + "s", _listed([f"{_number(o[0])}{_sides(o[part]) if kind != 'bend' else ''}" for o in found])
    zeros = [_number(zero) for zero in record.zeros]
    zeros += [f"all of [{_number(low)}, {_number(high)}]" for low, high in record.zero_stretches]
    if zeros:
        yield "zeros", _listed(zeros)


def _sides(pair: tuple[float, float]) -> str:
    return f" ({_number(pair[0])} left, {_number(pair[1])} right)"


def _listed(words: list[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f", ... ({len(words)} found)" if len(words) > _SHOWN else "")


def _statistics(record: Derived) -> Iterator[tuple[str, str]]:
    m, g = record.moments, record.gains
    shown = ", ".join(f"{label} {_number(m[key])}" for label, key in _MOMENTS if not math.isnan(m[key]))
    yield "moments", shown + " (standard normal input)"
    yield "gains", f"forward {_number(g['forward'])}, backward {_number(g['backward'])}, mean {_number(g['mean'])}"
    for point in record.fixed_points:
        steady = "stable" if abs(point["slope"]) < 1 else "unstable"
        yield (
            "fixed point",
            f"variance {_number(point['q'])} at the forward gain, {steady}, chi {_number(point['chi'])}",
        )
    if record.edge_of_chaos:
        points = [
            f"sw {_number(p['sw'], 4)} sb {_number(p['sb'], 4)} (q {p['q']:g})" for p in record.edge_of_chaos[::3]
        ]
        yield "edge of chaos", "; ".join(points)
    c = record.cost
    yield (
        "cost",
        f"{c['arithmetic']} sums and products, {c['functions']} functions, {c['branches']} branches per element",
    )
    kept = record.backward["bytes_kept"]
    yield "backward", f"needs {record.backward['needs']}: {kept:g} bytes per element beside the output, instead of 4"


_MOMENTS = (("E f", "f"), ("E f^2", "ff"), ("E f f'", "fs"), ("E f'^2", "ss"))


def _number(value: float, digits: int = 9) -> str:
    return "none" if math.isnan(value) else f"{value + 0.0:.{digits}g}"


# ---- a plot of letters --------------------------------------------------------------------------------------------------


def plot(formula: Formula, values: Mapping[str, float]) -> list[str]:
    """f as * and its slope as . for z from -5 to 5, with both axes."""
    import numpy as np

    from .functions._derive._points import Curve

    z = np.linspace(-5, 5, _WIDTH)
    f, slope = Curve(formula.tree, values).jets(z, order=1)
    shown = np.concatenate([one[np.isfinite(one) & (np.abs(one) < 1e3)] for one in (f, slope)])
    if not len(shown):
        return []
    low, high = max(float(shown.min()), -5.0), min(float(shown.max()), 5.0)
    low, high = (low, high) if high - low > 1e-9 else (low - 1, high + 1)
    rows = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    if low <= 0 <= high:
        rows[_row(0.0, low, high)] = ["-"] * _WIDTH
    for row in rows:
        row[_WIDTH // 2] = "|"
    for mark, curve in ((".", slope), ("*", f)):
        for column, value in enumerate(curve):
            if math.isfinite(value) and low - 1e-9 <= value <= high + 1e-9:
                rows[_row(float(value), low, high)][column] = mark
    texts = ["".join(row).rstrip() for row in rows]
    texts[0] = f"{texts[0]:{_WIDTH}}  {high:.3g}"
    texts[-1] = f"{texts[-1]:{_WIDTH}}  {low:.3g}"
    return ["", *("  " + text for text in texts), f"  {'-5':{_WIDTH - 1}}5", "  f: *   slope: ."]


def _row(value: float, low: float, high: float) -> int:
    return round((high - value) / (high - low) * (_HEIGHT - 1))
