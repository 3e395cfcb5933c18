"""What is drawn: the figures as plain numbers, before any drawing. The HTML draws them, Markdown tabulates them.

A figure is either small multiples (one panel per neuron, lines over steps or samples) or rows of dots (one row per
neuron). Each is made only when its readings exist.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ._numbers import number
from ._readings import Line, Points, Readings, line, middle_seed
from ._view import View

__all__ = ["Axis", "Figure", "Pane", "Panel", "figures"]

PANELS = 12  # a page of more small multiples is not read
SITES = 4
INSTRUMENTS = 3  # figures of one reading by differently set instruments


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
    """Small multiples over a common x axis. ``key`` names the colours, ``reference`` the grey lines.

    ``caption`` says what is shown, ``drawing`` how lines, bands and numbers are to be read.
    """

    name: str
    title: str
    caption: str
    drawing: str
    x: Axis
    panels: tuple[Panel, ...]
    key: tuple[str, ...] = ()
    reference: str = ""


def figures(view: View) -> list[Figure]:
    """Every figure of lines whose readings exist, in the order of the page."""
    raw = view.get("readings", {})
    readings = Readings(raw.get("columns") or [], raw.get("rows") or [])
    made = [_learning(readings, view.order)]
    for reading, draw in (("rank", _rank), ("curve", _activated)):
        for i, instrument in enumerate(readings.instruments.get(reading, [])[:INSTRUMENTS]):
            figure = draw(readings, view.order, instrument)
            made.append(
                figure
                if i == 0
                else replace(figure, name=f"{figure.name}-{i + 1}", title=f"{figure.title}: {instrument}")
            )
    return [figure for figure in made if figure]


def _learning(readings: Readings, order: Sequence[str]) -> Figure | None:
    reading = next((r for r in ("validation accuracy", "validation loss") if readings.get(r)), "")
    if not reading and not readings.get("rank") and readings.get("loss"):
        reading = "loss"
    if not reading:
        return None
    lines = {label: _network(sites) for label, sites in readings.get(reading).items()}
    accuracy = "accuracy" in reading
    if accuracy:  # good accuracies crowd at the top of their axis, errors spread over a logarithmic one
        lines, reading = {label: _errors(one) for label, one in lines.items()}, "validation error"
    labels = _ordered(lines, order)
    best = labels[0] if labels[0] in order else min(labels, key=lambda label: lines[label].middle[-1])
    ghost = replace(lines[best], name=best)
    y = _axis(reading, lines.values(), format="~%" if accuracy else "", log=True)
    panels = [
        Panel(
            label,
            number(lines[label].middle[-1], ".1%" if accuracy else ".3g"),
            (Pane(y, (lines[label],), () if label == best else (ghost,)),),
        )
        for label in labels[:PANELS]
    ]
    what = "Validation error, the share of wrong answers," if accuracy else reading.capitalize()
    caption = f"{what} over training steps.{_left_out(labels)}"
    drawing = f"Lines are medians over seeds, bands hold {lines[best].words}; the number is the last median."
    reference = f"{best}, for comparison" if len(labels) > 1 else ""
    x = _steps(list(lines.values()))
    return _trimmed(Figure("learning", "Learning curves", caption, drawing, x, tuple(panels), (), reference))


def _errors(one: Line) -> Line:
    def wrong(values: Sequence[float | None]) -> tuple[Any, ...]:
        return tuple(None if value is None else 1 - value for value in values)

    return replace(one, low=wrong(one.high), middle=wrong(one.middle), high=wrong(one.low), run=wrong(one.run))


def _rank(readings: Readings, order: Sequence[str], instrument: str) -> Figure:
    ranks = readings.get("rank", instrument)
    labels, sites = _ordered(ranks, order), _sites(ranks)
    made = {label: _rank_and_loss(readings, label, sites, instrument) for label in labels[:PANELS]}
    lines = [one for pair in made.values() for one in pair[0]]
    losses = [one for pair in made.values() for one in pair[1]]
    rank_axis = _axis("ε-rank", lines, zero=True)
    loss_axis = _axis("training loss", losses, log=True)
    panels = []
    for label, (by_site, loss, bound) in made.items():
        panes = [Pane(rank_axis, by_site, stepped=True)]
        panes += [Pane(loss_axis, loss, bound)] if loss else []
        panels.append(Panel(label, f"rank {number(by_site[-1].middle[-1], '.3g')}" if by_site else "", tuple(panes)))
    beside = ", above the loss of the same runs" if losses else ""
    caption = f"{instrument} of each layer over training steps{beside}.{_left_out(labels)}"
    drawing = (
        f"Each line is one run, the seed whose last loss is the median one; bands hold {lines[0].words}. "
        f"The number is the last median rank of {sites[-1]}."
    )
    bounded = "lower bound of the loss from the ε-rank" if readings.get("lower bound", instrument) else ""
    title = "ε-rank beside the loss" if losses else "ε-rank"
    return _trimmed(Figure("rank", title, caption, drawing, _steps(lines), tuple(panels), tuple(sites), bounded))


def _rank_and_loss(
    readings: Readings, label: str, sites: Sequence[str], instrument: str
) -> tuple[tuple[Line, ...], ...]:
    """Rank by layer, loss and lower bound of one series; every true run that is drawn is of the same seed."""
    ranks, losses = readings.get("rank", instrument)[label], _only(readings.get("loss").get(label, {}))
    bounds = _only(readings.get("lower bound", instrument).get(label, {}))
    shown = middle_seed(losses or _only(ranks))
    lines = tuple(line(ranks[site], name=site, shown=shown) for site in sites if site in ranks)
    loss = (line(losses, name="loss", shown=shown),) if losses else ()
    return lines, loss, (line(bounds, name="lower bound", shown=shown),) if bounds else ()


def _activated(readings: Readings, order: Sequence[str], instrument: str) -> Figure:
    curves = readings.get("curve", instrument)
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
        "Expected number of neurons activated at least once among D samples, at the last reading "
        f"({instrument}).{_left_out(labels)}"
    )
    drawing = (
        f"Lines are medians over seeds, bands hold {every[0].words}, D is on a logarithmic axis; "
        f"the number is K at the largest D in {sites[-1]}."
    )
    x = Axis("samples seen, D", log=True, domain=_range([v for one in every for v in one.x if v > 0]))
    title = "Activated neurons against samples seen"
    return _trimmed(Figure("activated", title, caption, drawing, x, panels, tuple(sites)))


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
    if high == low:  # all the same: the line goes through the middle, or along the floor of an axis from zero
        low, high = (low - abs(low) / 20, high + abs(high) / 20) if low else (0.0, 1.0)
    return Axis(title, False, format, (0.0, high * 1.04) if zero else (low, high))


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
    drawing = f"{figure.drawing} The axis is logarithmic, so {figure.x.title} 0 is left out."
    return replace(figure, panels=panels, drawing=drawing)


def _after_zero(pane: Pane) -> Pane:
    def cut(one: Line) -> Line:
        n = sum(value <= 0 for value in one.x)
        return Line(one.name, one.x[n:], one.low[n:], one.middle[n:], one.high[n:], one.run[n:], one.words)

    return replace(pane, lines=tuple(map(cut, pane.lines)), reference=tuple(map(cut, pane.reference)))
