"""Graphs of functions as SVG text, drawn from plain lists of points: runs are cut at the border and thinned to what shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ._tables import e

__all__ = ["Frame", "beside", "key", "main", "small"]

Run = Sequence[Sequence[float]]
_SMALL = (180, 104, (6, 6, 6, 6))
_MAIN = (520, 320, (34, 12, 12, 26))
_BESIDE = (240, 160, (30, 8, 8, 22))


@dataclass(frozen=True)
class Frame:
    """Where a graph stands: its size with margins (left, top, right, bottom), and what it shows of z and y."""

    size: tuple[int, int, tuple[int, int, int, int]]
    z: tuple[float, float]
    y: tuple[float, float]

    def x_of(self, z: Any) -> Any:
        """The place of z, or of an array of them."""
        width, _, (left, _, right, _) = self.size
        return left + (z - self.z[0]) / (self.z[1] - self.z[0]) * (width - left - right)

    def y_of(self, y: Any) -> Any:
        """The place of a value, or of an array of them."""
        _, height, (_, top, _, bottom) = self.size
        return height - bottom - (y - self.y[0]) / (self.y[1] - self.y[0]) * (height - top - bottom)


def small(graph: Mapping[str, Any], name: str) -> str:
    """The picture of a card: f over its slope, without numbers."""
    frame = _frame(_SMALL, graph["span"], [*graph["f"], *graph["slope"]])
    slope, f = _path(frame, graph["slope"], "slope", fine=0.3), _path(frame, graph["f"], "f", fine=0.3)
    return _svg(frame, f"Graph of {name}", _axes(frame) + slope + f)


def main(graph: Mapping[str, Any], name: str) -> str:
    """The graph of a page: f, its slope, scales, and both sides of every jump; a full dot is the value there."""
    frame = _frame(_MAIN, graph["span"], [*graph["f"], *graph["slope"]])
    body = _scales(frame) + _path(frame, graph["slope"], "slope") + _path(frame, graph["f"], "f")
    dots = [(z, side, "slope end") for z, *sides in graph["turns"] for side in sides]
    dots += [(z, side, "f end") for z, left, right, _ in graph["jumps"] for side in (left, right)]
    dots += [(z, at, "f at") for z, _, _, at in graph["jumps"]]
    low, high = frame.z
    words = f"{name} and its slope for z from {_number(low)} to {_number(high)}"
    return _svg(frame, words, body + "".join(_dot(frame, *dot) for dot in dots))


def beside(part: Mapping[str, Any], name: str) -> str:
    """f at three values of one parameter, on one scale."""
    curves = part["curves"]
    frame = _frame(_BESIDE, curves[0]["span"], [run for curve in curves for run in curve["f"]])
    body = _scales(frame)
    for curve, kind in zip(curves, _kinds(part), strict=True):
        body += _path(frame, curve["f"], kind)
        body += "".join(_dot(frame, z, at, f"{kind} at") for z, _, _, at in curve["jumps"])
    said = ", ".join(_number(curve["value"]) for curve in curves)
    keys = "".join(
        f"<li>{key(kind)}{e(_number(curve['value']))}</li>" for curve, kind in zip(curves, _kinds(part), strict=True)
    )
    drawn = _svg(frame, f"{name} with {part['name']} at {said}", body)
    head = f"<li><code>{e(part['name'])}</code></li>"
    return f'<figure class="moved"><ul class="legend curves">{head}{keys}</ul>{drawn}</figure>'


def key(kind: str) -> str:
    """A short line as a curve of this kind is drawn."""
    return f'<svg viewBox="0 0 28 8" width="28" height="8" aria-hidden="true"><path class="{kind}" d="M0 4h28"/></svg>'


def _kinds(part: Mapping[str, Any]) -> Iterator[str]:
    """The class of each curve: the default, and the others by their order."""
    others = iter(("low", "high"))
    for curve in part["curves"]:
        yield "default" if curve["value"] == float(f"{part['default']:.4g}") else next(others)


# ---- what is shown ------------------------------------------------------------------------------------------------------


def _frame(size: Any, span: Sequence[float], runs: Iterable[Run]) -> Frame:
    """All values, as far as the picture stays about as high as it is wide in numbers; 0 and some air with them."""
    low, high = float(span[0]), float(span[1])
    values = np.array([point[1] for run in runs for point in run] or [0.0])
    most = max(abs(low), abs(high), 1.0)
    near = values[np.abs(values) <= most]
    if len(near) < 0.02 * len(values):
        most = float(np.quantile(np.abs(values), 0.8))
        near = values[np.abs(values) <= most]
    bottom, top = min(float(near.min()), 0.0), max(float(near.max()), 0.0)
    air = 0.06 * (top - bottom) or 1.0
    return Frame(size, (low, high), (bottom - air, top + air))


def _path(frame: Frame, runs: Iterable[Run], kind: str, *, fine: float = 0.12) -> str:
    """The runs as one path, in as few points as differ by ``fine`` of a pixel."""
    parts = []
    for run in runs:
        for piece in _inside(run, *frame.y):
            z, y = np.array(piece).T
            drawn = np.stack([frame.x_of(z), frame.y_of(y)], axis=1)
            kept = drawn[_kept(drawn, fine)]
            parts.append("M" + "L".join(f"{_pixel(x)} {_pixel(y)}" for x, y in kept))
    return f'<path class="{kind}" d="{"".join(parts)}"/>' if parts else ""


def _inside(run: Run, low: float, high: float) -> Iterator[list[tuple[float, float]]]:
    """The parts of a run between two heights, each ending on the border where it leaves."""
    piece: list[tuple[float, float]] = []
    for (z, y), (z2, y2) in pairwise(run):
        if max(y, y2) < low or min(y, y2) > high:
            continue
        start, end = (z, y), (z2, y2)
        if not (low <= y <= high and low <= y2 <= high):
            start, end = _clipped(z, y, end, (low, high)), _clipped(z2, y2, start, (low, high))
        if not piece or piece[-1] != start:
            if len(piece) > 1:
                yield piece
            piece = [start]
        piece.append(end)
    if len(piece) > 1:
        yield piece


def _clipped(z: float, y: float, other: tuple[float, float], border: tuple[float, float]) -> tuple[float, float]:
    """The point, or where the line to the other crosses the border."""
    held = min(max(y, border[0]), border[1])
    if held == y:
        return z, y
    share = (held - y) / (other[1] - y)
    return z + share * (other[0] - z), held


def _kept(points: Any, fine: float) -> list[int]:
    """Which points a line needs so that no other lies further from it than ``fine``."""
    kept, open_ = {0, len(points) - 1}, [(0, len(points) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        across = points[last] - points[first]
        length = math.hypot(*across) or 1.0
        middle = points[first + 1 : last] - points[first]
        away = np.abs(middle[:, 0] * across[1] - middle[:, 1] * across[0]) / length
        worst = int(np.argmax(away))
        if away[worst] > fine:
            split = first + 1 + worst
            kept.add(split)
            open_ += [(first, split), (split, last)]
    return sorted(kept)


# ---- scales and marks ---------------------------------------------------------------------------------------------------


def _axes(frame: Frame) -> str:
    width, height, (left, top, right, bottom) = frame.size
    y = frame.y_of(0.0)
    lines = f"M{left} {_pixel(y)}H{width - right}"
    if frame.z[0] <= 0 <= frame.z[1]:
        lines += f"M{_pixel(frame.x_of(0.0))} {top}V{height - bottom}"
    return f'<path class="axis" d="{lines}"/>'


def _scales(frame: Frame) -> str:
    width, height, (left, top, right, bottom) = frame.size
    grid, texts = "", ""
    for z in _steps(*frame.z, most=11 if width > 300 else 6):
        grid += f"M{_pixel(frame.x_of(z))} {top}V{height - bottom}"
        texts += (
            f'<text x="{_pixel(frame.x_of(z))}" y="{height - bottom + 17}" text-anchor="middle">{_number(z)}</text>'
        )
    for y in _steps(*frame.y, most=7 if width > 300 else 5):
        grid += f"M{left} {_pixel(frame.y_of(y))}H{width - right}"
        texts += f'<text x="{left - 6}" y="{_pixel(frame.y_of(y) + 4)}" text-anchor="end">{_number(y)}</text>'
    return f'<path class="grid" d="{grid}"/>{texts}{_axes(frame)}'


def _steps(low: float, high: float, *, most: int) -> list[float]:
    """Round numbers from low to high, at most so many."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 5, 10, 20) if step * power >= rough)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _dot(frame: Frame, z: float, y: float, kind: str) -> str:
    if not (frame.z[0] <= z <= frame.z[1] and frame.y[0] <= y <= frame.y[1]):
        return ""
    radius = 3.2 if frame.size == _MAIN else 2.2
    x, height = _pixel(frame.x_of(z)), _pixel(frame.y_of(y))
    return f'<circle class="{kind}" cx="{x}" cy="{height}" r="{radius}"/>'


def _svg(frame: Frame, words: str, body: str) -> str:
    width, height, _ = frame.size
    return (
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{e(words)}">{body}</svg>'
    )


def _pixel(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}".replace("-", "−")
