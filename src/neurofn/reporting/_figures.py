"""What is drawn: the figures as plain numbers, before any drawing. The HTML draws them, Markdown tabulates them.

A figure is either small multiples (one panel per neuron, lines over steps or samples) or rows of dots (one row per
neuron). Each is made only when its readings exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ._numbers import number
from ._readings import Line, Points, Readings, line, middle_seed
from ._view import View

__all__ = ["Axis", "Figure", "Pane", "Panel", "figures"]

PANELS = 12  # a page of more small multiples is not read
SITES = 4


@dataclass(frozen=True)
class Axis:
    """One axis: its title, whether it is logarithmic, the format of its labels (d3) and its common range."""

    title: str
    log: bool = False
    format: str = ""
    domain: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Pane:
    """One pair of axes: coloured lines by name, and grey reference lines."""

    y: Axis
    lines: tuple[Line, ...]
    reference: tuple[Line, ...] = ()
    stepped: bool = False


@dataclass(frozen=True)
class Panel:
    """One neuron's place in a figure: its text, its last reading in words, its panes from top to bottom."""

    label: str
    note: str
    panes: tuple[Pane, ...]


@dataclass(frozen=True)
class Figure:
    """Small multiples over a common x axis. ``key`` names the colours, ``reference`` the grey lines."""

    name: str
    title: str
    caption: str
    x: Axis
    panels: tuple[Panel, ...]
    key: tuple[str, ...] = ()
    reference: str = ""


def figures(view: View) -> list[Figure]:
    """Every figure of lines whose readings exist, in the order of the page."""
    raw = view.get("readings", {})
    readings = Readings(raw.get("columns") or [], raw.get("rows") or [])
    board = view.leaderboard
    order = [str(row.get("neuron")) for row in board["rows"]] if board else []
    made = [_learning(readings, order), _rank(readings, order), _activated(readings, order)]
    return [figure for figure in made if figure]


def _learning(readings: Readings, order: Sequence[str]) -> Figure | None:
    reading = next((r for r in ("validation accuracy", "validation loss") if readings.get(r)), "")
    if not reading and not readings.get("rank") and readings.get("loss"):
        reading = "loss"
    if not reading:
        return None
    lines = {label: _network(sites) for label, sites in readings.get(reading).items()}
    accuracy = "accuracy" in reading
    labels = _ordered(lines, order)
    better: Callable[..., str] = max if accuracy else min
    best = labels[0] if labels[0] in order else better(labels, key=lambda label: lines[label].middle[-1])
    ghost = replace(lines[best], name=best)
    y = _axis(reading, lines.values(), format="~%" if accuracy else "", log=not accuracy)
    panels = [
        Panel(
            label,
            number(lines[label].middle[-1], ".1%" if accuracy else ".3g"),
            (Pane(y, (lines[label],), () if label == best else (ghost,)),),
        )
        for label in labels[:PANELS]
    ]
    caption = (
        f"{reading.capitalize()} over training steps: median (line) and {lines[best].words} (band); "
        f"the number is the last median.{_left_out(labels)}"
    )
    x = _steps(list(lines.values()))
    return _trimmed(
        Figure("learning", "Learning curves", caption, x, tuple(panels), reference=f"{best}, for comparison")
    )


def _rank(readings: Readings, order: Sequence[str]) -> Figure | None:
    ranks = readings.get("rank")
    if not ranks:
        return None
    losses, bounds = readings.get("loss"), readings.get("lower bound")
    labels, sites = _ordered(ranks, order), _sites(ranks)
    made: dict[str, tuple[list[Line], list[Line], list[Line]]] = {}
    for label in labels[:PANELS]:
        seeds = _only(losses.get(label, {}))
        shown = middle_seed(seeds or _only(ranks[label]))
        lines = [line(ranks[label][site], name=site, shown=shown) for site in sites if site in ranks[label]]
        loss = [line(seeds, name="loss", shown=shown)] if seeds else []
        bound = _only(bounds.get(label, {}))
        made[label] = lines, loss, [line(bound, name="lower bound")] if bound else []
    every = list(made.values())
    rank_axis = _axis("ε-rank", [one for lines, _, _ in every for one in lines], zero=True)
    loss_axis = _axis("training loss", [one for _, loss, _ in every for one in loss], log=True)
    panels = []
    for label, (lines, loss, bound_lines) in made.items():
        panes = [Pane(rank_axis, tuple(lines), stepped=True)]
        panes += [Pane(loss_axis, tuple(loss), tuple(bound_lines))] if loss else []
        panels.append(Panel(label, f"rank {number(lines[-1].middle[-1], '.3g')}" if lines else "", tuple(panes)))
    caption = (
        f"{readings.instruments['rank']} of each layer over training steps, above the loss of the same runs. "
        f"Lines are one run each, the seed whose last loss is the median one; bands hold {every[0][0][0].words}. "
        f"The number is the last median rank of {sites[-1]}.{_left_out(labels)}"
    )
    bound_name = "lower bound of the loss from the ε-rank" if bounds else ""
    x = _steps([one for lines, _, _ in every for one in lines])
    return _trimmed(Figure("rank", "ε-rank beside the loss", caption, x, tuple(panels), tuple(sites), bound_name))


def _activated(readings: Readings, order: Sequence[str]) -> Figure | None:
    curves = readings.get("curve")
    if not curves:
        return None
    labels, sites = _ordered(curves, order), _sites(curves)
    made = {
        label: [line(curves[label][site], name=site, over="unit") for site in sites if site in curves[label]]
        for label in labels[:PANELS]
    }
    every = [one for lines in made.values() for one in lines]
    y = _axis("neurons", every, zero=True)
    panels = tuple(
        Panel(label, f"K = {number(lines[-1].middle[-1], '.3g')}" if lines else "", (Pane(y, tuple(lines)),))
        for label, lines in made.items()
    )
    caption = (
        f"Expected number of neurons activated at least once among D samples ({readings.instruments['curve']}), at the "
        f"last reading: median (line) and {every[0].words} (band), D on a logarithmic axis. "
        f"The number is K at the largest D in {sites[-1]}.{_left_out(labels)}"
    )
    x = Axis("samples seen, D", log=True, domain=_range([v for one in every for v in one.x if v > 0]))
    title = "Activated neurons against samples seen"
    return _trimmed(Figure("activated", title, caption, x, panels, tuple(sites)))


def _ordered(found: Iterable[str], order: Sequence[str]) -> list[str]:
    labels = list(found)
    return sorted(labels, key=lambda label: order.index(label) if label in order else len(order) + labels.index(label))


def _only(sites: Mapping[str, Mapping[int, Points]]) -> Mapping[int, Points]:
    return next(iter(sites.values()), {})


def _network(sites: Mapping[str, Mapping[int, Points]]) -> Line:
    return line(_only(sites))


def _sites(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The layers that are drawn: all in the order seen, or four spread from the first to the last."""
    sites = list(dict.fromkeys(site for by_site in found.values() for site in by_site))
    if len(sites) <= SITES:
        return sites
    return [sites[round(i * (len(sites) - 1) / (SITES - 1))] for i in range(SITES)]


def _left_out(labels: Sequence[str]) -> str:
    return f" The first {PANELS} of {len(labels)} are drawn; all are in the tables." if len(labels) > PANELS else ""


def _range(values: Iterable[float]) -> tuple[float, float]:
    found = [value for value in values if math.isfinite(value)]
    return (min(found), max(found)) if found else (0.0, 1.0)


def _axis(title: str, lines: Iterable[Line], *, format: str = "", log: bool = False, zero: bool = False) -> Axis:
    """The common axis of all panels; logarithmic only when asked and when the values span more than a decade."""
    values = [v for one in lines for part in (one.low, one.high, one.run) for v in part if v is not None]
    if log and values and min(values) > 0 and max(values) / min(values) > 10:
        return Axis(title, True, format, _range(values))
    low, high = _range(values)
    return Axis(title, False, format, (0.0 if zero else low, high if high > low else low + 1.0))


def _steps(lines: Sequence[Line]) -> Axis:
    """Steps on a logarithmic axis when they were recorded that way (half of them in the first fifth)."""
    x = sorted({value for one in lines for value in one.x})
    log = len(x) > 5 and x[len(x) // 2] < x[-1] / 5
    return Axis("training step", log, "", _range([value for value in x if value > 0 or not log]))


def _trimmed(figure: Figure) -> Figure:
    """Without the points that a logarithmic axis cannot show; says so when step 0 is one of them."""
    lines = [one for panel in figure.panels for pane in panel.panes for one in pane.lines]
    if not figure.x.log or all(one.x[0] > 0 for one in lines):
        return figure
    panels = tuple(replace(panel, panes=tuple(_after_zero(pane) for pane in panel.panes)) for panel in figure.panels)
    caption = f"{figure.caption} The axis is logarithmic, so {figure.x.title} 0 is left out."
    return replace(figure, panels=panels, caption=caption)


def _after_zero(pane: Pane) -> Pane:
    def cut(one: Line) -> Line:
        n = sum(value <= 0 for value in one.x)
        return Line(one.name, one.x[n:], one.low[n:], one.middle[n:], one.high[n:], one.run[n:], one.words)

    return replace(pane, lines=tuple(map(cut, pane.lines)), reference=tuple(map(cut, pane.reference)))
