"""A small picture of a function for the gallery: its printed formula, evaluated by numpy, as SVG. No torch, no plot library."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from neurofn.functions import Function

WIDTH, HEIGHT, MARGIN = 360, 200, 26
LEFT, RIGHT = -4.0, 4.0
TALLEST = 8.0
STYLE = 'font-family="sans-serif" font-size="11" fill="#888"'


def curve(function: Function) -> str:
    """f on [-4, 4] at its default parameters, in grey and one blue that are legible on white and on black."""
    z = np.linspace(LEFT, RIGHT, 401)
    with np.errstate(all="ignore"):
        values = np.broadcast_to(np.asarray(function.definition(z, **function.defaults), float), z.shape)
    seen = values[np.isfinite(values)]
    low, high = _shown(seen)
    title = f"{function.name} on [-4, 4]; values from {seen.min():.3g} to {seen.max():.3g}"
    return "\n".join(_drawing(z, values, low, high, title)) + "\n"


def _shown(values: np.ndarray) -> tuple[float, float]:
    """What part of the ordinate to show: all of it with 0 and some air, but no tower."""
    low, high = max(float(values.min()), -TALLEST), min(float(values.max()), TALLEST)
    low, high = min(low, 0.0), max(high, 0.0)
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air


def _drawing(z: np.ndarray, values: np.ndarray, low: float, high: float, title: str) -> Iterator[str]:
    x = MARGIN + (z - LEFT) / (RIGHT - LEFT) * (WIDTH - 2 * MARGIN)
    y = HEIGHT - MARGIN - (values - low) / (high - low) * (HEIGHT - 2 * MARGIN)
    zero_x, zero_y = float(np.interp(0.0, z, x)), HEIGHT - MARGIN + low / (high - low) * (HEIGHT - 2 * MARGIN)
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    axes = f"M{MARGIN} {zero_y:.1f}H{WIDTH - MARGIN}M{zero_x:.1f} {MARGIN}V{HEIGHT - MARGIN}"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>'
    yield f"<title>{escape(title)}</title>"
    yield f'<path d="{axes}" stroke="#999" fill="none"/>'
    yield f'<text x="{MARGIN}" y="{HEIGHT - 8}" {STYLE}>-4</text>'
    yield f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 8}" text-anchor="end" {STYLE}>4</text>'
    yield f'<text x="{zero_x + 4:.1f}" y="{MARGIN - 6}" {STYLE}>{high:.2g}</text>'
    yield f'<text x="{zero_x + 4:.1f}" y="{HEIGHT - MARGIN + 12}" {STYLE}>{low:.2g}</text>'
    yield from (f'<polyline points="{run}" stroke="#3b82c4" stroke-width="2.5" fill="none"/>' for run in _runs(x, y))
    yield "</svg>"


def _runs(x: np.ndarray, y: np.ndarray) -> Iterator[str]:
    """The points in unbroken runs: the line stops where the value is not finite or leaves the picture."""
    inside = np.isfinite(y) & (y >= 0) & (y <= HEIGHT)
    for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(inside.astype(int))) + 1):
        if inside[run[0]]:
            yield " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in run)
