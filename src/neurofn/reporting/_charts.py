"""Figures as Vega-Lite specifications, made with altair. Imported only when a page is drawn: altair is an extra.

Colours are CSS variables of the page, so that dark mode and print need no second drawing. Texts from users appear
as data values and never as field names, titles or expressions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import altair as alt

from ._figures import Axis, Figure, Pane
from ._readings import Line
from ._rows import Rows

__all__ = ["CONFIG", "DASHES", "pane_spec", "rows_spec"]

Spec: TypeAlias = dict[str, Any]

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
COLOURS = [f"var(--series-{i})" for i in range(1, 5)]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]
SHAPES = ["circle", "square", "triangle-up", "diamond"]
GUTTER = 40  # width of every y axis: equal, so that panes under each other align on x

SHORT = (  # 25k, 1,500, 0.25, 1e-4: short and without the "500m" of SI prefixes
    "datum.value >= 10000 ? format(datum.value, '~s') : datum.value == 0 || datum.value >= 0.01"
    " ? format(datum.value, ',~f') : format(datum.value, '~e')"
)

CONFIG: Spec = {
    "font": SANS,
    "background": "transparent",
    "padding": {"left": 0, "right": 2, "top": 2, "bottom": 5},
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--grid)",
        "domainColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "tickSize": 3,
        "titlePadding": 4,
    },
    "axisX": {"labelFlush": 14},  # no label may stand out at the right: panes under each other would not align
    "axisY": {"labelFlush": 1},
    "title": {"color": "var(--muted)", "fontSize": 11, "fontWeight": "normal", "anchor": "start", "offset": 4},
}


def pane_spec(figure: Figure, pane: Pane, *, last: bool, height: int = 112) -> Spec:
    """One pane of small multiples; only the ``last`` one of a panel has labels on its x axis."""
    names, colours = _colours(figure, pane)
    colour = alt.Color("name:N", legend=None, scale=alt.Scale(domain=names, range=colours))
    dash = alt.StrokeDash("name:N", legend=None, scale=alt.Scale(domain=names, range=DASHES[: len(names)]))
    x = alt.X("x:Q", scale=_scale(figure.x), axis=_x_axis(figure.x, labels=last))
    y = alt.Y("y:Q", scale=_scale(pane.y), axis=_y_axis(pane.y))
    low, high = alt.Y("low:Q", scale=_scale(pane.y)), alt.Y2("high:Q")
    step: Any = "step-after" if pane.stepped else "linear"
    alone = any(len(one.x) == 1 for one in pane.lines)  # a line through one point would not be seen
    band = alt.Chart(_data(_bands(pane.lines))).mark_area(opacity=0.2, interpolate=step, clip=True)
    ghost = alt.Chart(_data(_points(pane.reference, positive=pane.y.log)))
    ghost = ghost.mark_line(color="var(--muted)", strokeWidth=1.2, strokeDash=[3, 3], interpolate=step, clip=True)
    lines = alt.Chart(_data(_points(pane.lines)))
    lines = lines.mark_line(strokeWidth=1.9, interpolate=step, clip=not alone, point=alone)
    layers = [band.encode(x, low, high, colour), ghost.encode(x, y), lines.encode(x, y, color=colour, strokeDash=dash)]
    return _finished(alt.layer(*layers), height=height, title=pane.y.title)


def _colours(figure: Figure, pane: Pane) -> tuple[list[str], list[str]]:
    """Names and their colours: those of the key, or ink for lines that are not in it."""
    names = [one.name for one in pane.lines]
    if figure.key and set(names) <= set(figure.key):
        return list(figure.key), COLOURS[: len(figure.key)]
    return names, (["var(--ink)"] if figure.key else COLOURS[:1]) * len(names)


def rows_spec(figure: Rows) -> Spec:
    """Rows of dots with intervals or of bars; the label stands above its row, so that long texts fit on a phone."""
    labels = list(dict.fromkeys(row.label for row in figure.rows))
    names = list(figure.key) or [""]
    pitch, gap = (37, 16) if figure.bars else (25 + 16 * len(names), 16)
    height = pitch * len(labels)
    rows, seeds = [], []
    for row in figure.rows:
        place = pitch * labels.index(row.label)
        y = place + gap + 7 + 16 * (names.index(row.name) if row.name in names else 0)
        kind = "control" if row.control and not figure.key else row.name
        rows.append({"label": row.label, "name": kind, "x": row.value, "low": row.low, "high": row.high, "y": y})
        rows[-1].update({"text": row.text, "top": place + gap - 7, "first": row.name in ("", names[0])})
        seeds += [{"x": value, "y": y} for value in row.seeds]
    layers = _bar_layers(rows, figure, height) if figure.bars else _dot_layers(rows, seeds, figure, height)
    return _finished(alt.layer(*layers), height=height, title=None)


def _dot_layers(rows: list[Spec], seeds: list[Spec], figure: Rows, height: int) -> list[alt.Chart]:
    kinds = [*(figure.key or [""]), "control"]
    colours = [*COLOURS[: len(kinds) - 1], "var(--muted)"]
    low, high = figure.axis.domain
    several = len(rows) > len({row["label"] for row in rows})
    room = (high - low) * (0.12 if several else 0.03)  # values stand at the right, on the line of their mark
    axis = Axis(figure.axis.title, False, figure.axis.format, (low - (high - low) * 0.03 if low else 0.0, high + room))
    x = alt.X("x:Q", scale=_scale(axis), axis=_x_axis(axis, labels=True, title=True))
    y = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False, zero=False), axis=None)
    colour = alt.Color("name:N", legend=None, scale=alt.Scale(domain=kinds, range=colours))
    shape = alt.Shape(
        "name:N", legend=None, scale=alt.Scale(domain=kinds, range=[*SHAPES[: len(kinds) - 1], "diamond"])
    )
    tip = [alt.Tooltip(f"{field}:N", title=title) for field, title in (("label", "neuron"), ("text", "value"))]
    fill: Any = alt.condition("datum.name == 'control'", alt.value("var(--page)"), alt.value("var(--series-1)"))
    base = alt.Chart(_data(rows))
    return [
        alt.Chart(_data(seeds)).mark_tick(color="var(--muted)", opacity=0.55, thickness=1, size=9).encode(x, y),
        base.mark_rule(strokeWidth=2).encode(alt.X("low:Q", scale=_scale(axis)), y, alt.X2("high:Q"), color=colour),
        base.mark_point(size=62, opacity=1, strokeWidth=1.6, filled=bool(figure.key)).encode(
            x, y, shape=shape, color=colour, tooltip=tip, **({} if figure.key else {"fill": fill})
        ),
        *_labels(rows, height),
    ]


def _bar_layers(rows: list[Spec], figure: Rows, height: int) -> list[alt.Chart]:
    scale = alt.Scale(domain=[0, figure.axis.domain[1] * 1.3], nice=False)  # room for the number at the bar's end
    x = alt.X("x:Q", scale=scale, axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False), axis=None)
    base = alt.Chart(_data(rows)).encode(x, y)
    bars = base.mark_bar(orient="horizontal", height=9, cornerRadiusEnd=2, color="var(--series-1)")
    text = base.mark_text(align="left", dx=5, fontSize=11, color="var(--ink)", font=SANS).encode(text="text:N")
    return [bars, text, *_labels(rows, height, value=False)]


def _labels(rows: list[Spec], height: int, *, value: bool = True) -> list[alt.Chart]:
    y = alt.Y("top:Q", scale=alt.Scale(domain=[height, 0], nice=False), axis=None)
    base = alt.Chart(_data([row for row in rows if row["first"]])).encode(y)
    limit: Any = alt.ExprRef("max(60, width - 70)")
    left = base.mark_text(align="left", baseline="middle", font=MONO, fontSize=11.5, limit=limit, color="var(--ink)")
    layers = [left.encode(x=alt.value(0), text="label:N")]
    if value:  # beside the label, or beside its own mark where a label has several
        several = len(rows) > len({row["label"] for row in rows})
        right = alt.Chart(_data(rows)).mark_text(align="right", baseline="middle", fontSize=11.5, color="var(--muted)")
        at = alt.Y("y:Q" if several else "top:Q", scale=alt.Scale(domain=[height, 0], nice=False), axis=None)
        layers.append(right.encode(at, x=alt.value("width"), text="text:N"))
    return layers


def _data(rows: Sequence[Spec]) -> Any:
    return alt.InlineData(values=list(rows))


def _bands(lines: Sequence[Line]) -> list[Spec]:
    return [
        {"name": one.name, "x": x, "low": low, "high": high}
        for one in lines
        for x, low, high in zip(one.x, one.low, one.high, strict=True)
    ]


def _points(lines: Sequence[Line], *, positive: bool = False) -> list[Spec]:
    """The true run where one is shown, else the median; a run that ended early simply ends."""
    return [
        {"name": one.name, "x": x, "y": y}
        for one in lines
        for x, y in zip(one.x, one.run or one.middle, strict=True)
        if y is not None and not (positive and y <= 0)
    ]


def _scale(axis: Axis) -> alt.Scale:
    nice = axis.title != "training step"
    if axis.log:
        return alt.Scale(type="log", domain=list(axis.domain), nice=False)
    return alt.Scale(domain=list(axis.domain), nice=nice, zero=False)


def _decades(axis: Axis) -> list[float] | None:
    """Powers of ten inside a logarithmic axis, at most five of them; None lets Vega choose."""
    low, high = axis.domain
    powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    thin = max(1, math.ceil(len(powers) / 5))
    return [10.0**power for power in powers][::thin] if len(powers) >= 2 else None


def _ticks(axis: Axis, count: int) -> Spec:
    chosen = _decades(axis) if axis.log else None
    label = {"format": axis.format} if axis.format else {"labelExpr": SHORT}
    return {**label, **({"values": chosen} if chosen else {"tickCount": count})}


def _x_axis(axis: Axis, *, labels: bool, title: bool = False) -> alt.Axis:
    said = axis.title if labels or title else None
    return alt.Axis(title=said, labels=labels, ticks=labels, labelOverlap=True, **_ticks(axis, 5))


def _y_axis(axis: Axis) -> alt.Axis:
    return alt.Axis(title=None, minExtent=GUTTER, maxExtent=GUTTER, domain=False, ticks=False, **_ticks(axis, 4))


def _finished(chart: Any, *, height: int, title: str | None) -> Spec:
    """The specification as a dict, checked by altair against the schema of Vega-Lite."""
    sized = chart.properties(
        width="container", height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
    if title is not None:
        sized = sized.properties(title=alt.TitleParams(title, anchor="start", frame="group"))
    spec: Spec = sized.to_dict()
    spec.pop("config", None)  # the page has one for all
    return spec
