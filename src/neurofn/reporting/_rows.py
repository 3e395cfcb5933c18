"""Figures with one row per neuron: scores with intervals, dead neurons, time and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._figures import SITES, Axis
from ._numbers import number, span
from ._readings import Readings, line
from ._view import LINEAR, View

__all__ = ["Row", "Rows", "row_figures"]


@dataclass(frozen=True)
class Row:
    """One value with its interval, as number and as text; ``name`` tells several values of one label apart."""

    label: str
    value: float
    low: float
    high: float
    text: str
    name: str = ""
    seeds: tuple[float, ...] = ()
    control: bool = False


@dataclass(frozen=True)
class Rows:
    """A figure of rows: dots with intervals, or bars from zero."""

    name: str
    title: str
    caption: str
    axis: Axis
    rows: tuple[Row, ...]
    bars: bool = False
    key: tuple[str, ...] = ()


def row_figures(view: View) -> dict[str, Rows]:
    """The figures of rows that can be drawn, by name: forest, dead, seconds, parameters."""
    raw = view.get("readings", {})
    order = [str(row.get("neuron")) for row in view.leaderboard["rows"]] if view.leaderboard else []
    made = [
        _forest(view),
        _dead(Readings(raw.get("columns") or [], raw.get("rows") or []), order),
        _cost(view, "seconds", "Training time"),
        _cost(view, "parameters", "Parameters"),
    ]
    return {figure.name: figure for figure in made if figure}


def _column(board: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: dict[str, Any] = next((c for c in board["columns"] if c.get("name") == name), {})
    return {"label": found.get("label") or name, "unit": found.get("unit") or "", "format": found.get("format") or ""}


def _forest(view: View) -> Rows | None:
    board = view.leaderboard
    rows = [row for row in board["rows"] if row.get("score") is not None] if board else []
    if not board or not rows:
        return None
    column = _column(board, "score")
    spec, unit = column["format"], column["unit"]
    made = []
    for row in rows:
        label, score = str(row.get("neuron")), float(row["score"])
        low, high = (score if row.get(end) is None else float(row[end]) for end in ("low", "high"))
        text = number(score, spec, unit)
        seeds = _seed_scores(view, label, column["label"], score)
        made.append(Row(label, score, low, high, text, "", seeds, label == LINEAR))
    ends = [end for row in made for end in (row.low, row.high, *row.seeds)]
    seeds_said = " Small marks are single seeds." if any(row.seeds for row in made) else ""
    linear = " The open diamond is the linear network, a control." if any(row.control for row in made) else ""
    caption = f"{board.get('caption') or 'Scores with their intervals.'}{seeds_said}{linear}"
    format = "~%" if spec.endswith("%") else ""
    title = f"{column['label']}, {unit}" if unit else str(column["label"])
    axis = Axis(title, False, format, (min(ends), max(ends)))
    return Rows("forest", "Scores with intervals", caption, axis, tuple(made))


def _seed_scores(view: View, neuron: str, metric: str, score: float) -> tuple[float, ...]:
    """The scores of the single seeds, when the table has them under the score's name and they surround the score."""
    table = view.get("table", {})
    columns, rows = list(table.get("columns") or []), table.get("rows") or []
    if "neuron" not in columns or metric not in columns:
        return ()
    at, where = columns.index(metric), columns.index("neuron")
    main = columns.index("condition") if "condition" in columns else None
    values = [
        float(row[at])
        for row in rows
        if str(row[where]) == neuron and row[at] is not None and (main is None or row[main] == "trained")
    ]
    return tuple(values) if values and min(values) <= score <= max(values) else ()


def _dead(readings: Readings, order: Sequence[str]) -> Rows | None:
    shares = readings.get("share")
    found = shares or readings.get("dead")
    labels = sorted(found, key=lambda label: order.index(label) if label in order else len(order))
    rows, words = [], ""
    names = list(dict.fromkeys(site for sites in found.values() for site in sites))
    names = names[: SITES - 1] + names[-1:] if len(names) > SITES else names
    for label in labels:
        for site in (name for name in names if name in found[label]):
            one = line(found[label][site])
            low, value, high, words = one.low[-1], one.middle[-1], one.high[-1], one.words
            if shares:
                low, value, high = (max(0.0, round(1 - share, 6)) for share in (high, value, low))
            spec = ".1%" if shares else ".3g"
            rows.append(Row(label, value, low, high, number(value, spec), site, (), label == LINEAR))
    if not rows:
        return None
    instrument = readings.instruments["share" if shares else "dead"]
    caption = (
        f"Neurons that no sample activated ({instrument}) at the last reading: "
        f"median over seeds (mark) and {words} (bar)."
    )
    top = max(row.high for row in rows) or (0.01 if shares else 1.0)
    axis = Axis("dead share of the layer" if shares else "dead neurons", False, "~%" if shares else "", (0.0, top))
    return Rows("dead", "Dead neurons", caption, axis, tuple(rows), key=tuple(names))


def _cost(view: View, name: str, title: str) -> Rows | None:
    board = view.leaderboard
    rows = [row for row in board["rows"] if row.get(name) is not None] if board else []
    if not board or not rows:
        return None
    column = _column(board, name)
    made = []
    for row in rows:
        label, value = str(row.get("neuron")), float(row[name])
        text = number(value, column["format"])
        made.append(Row(label, value, value, value, text, control=label == LINEAR))
    top = max(row.value for row in made) or 1.0
    unit = str(column["unit"]) or ("seconds" if name == "seconds" else "")
    return Rows(name, title, "", Axis(unit, False, "", (0.0, top)), tuple(made), bars=True)


def interval_text(row: Row, spec: str) -> str:
    """'96.9 % to 97.4 %', or nothing where there is no interval."""
    return span(row.low, row.high, spec) if row.high > row.low else ""
