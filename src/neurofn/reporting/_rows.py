"""Figures with one row per neuron: scores with intervals, dead neurons, time and parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ._figures import SITES, Axis
from ._numbers import number, significant
from ._readings import MAIN, Readings, line
from ._view import View, is_control, neuron_name

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
    made = [
        _forest(view),
        _dead(Readings(raw.get("columns") or [], raw.get("rows") or []), view.order),
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
    made, seeds = [], _seed_scores(view, {neuron_name(row): float(row["score"]) for row in rows})
    for row in rows:
        label, score = neuron_name(row), float(row["score"])
        low, high = (score if row.get(end) is None else float(row[end]) for end in ("low", "high"))
        text = number(score, spec, unit)
        made.append(Row(label, score, low, high, text, "", seeds.get(label, ()), is_control(label)))
    ends = [end for row in made for end in (row.low, row.high, *row.seeds)]
    seeds_said = " Small marks are single seeds." if any(row.seeds for row in made) else ""
    linear = " The open diamond is the linear network, a control." if any(row.control for row in made) else ""
    caption = f"{board.get('caption') or 'Scores with their intervals.'}{seeds_said}{linear}"
    format = "~%" if spec.endswith("%") else ""
    title = f"{column['label']}, {unit}" if unit else str(column["label"])
    axis = Axis(title, False, format, (min(ends), max(ends)))
    return Rows("forest", "Scores with intervals", caption, axis, tuple(made))


def _seed_scores(view: View, scores: Mapping[str, float]) -> Mapping[str, tuple[float, ...]]:
    """The scores of the single seeds: the column of the table, perhaps times 100, whose means are exactly the scores."""
    table = view.get("table", {})
    columns, rows = list(table.get("columns") or []), table.get("rows") or []
    if "neuron" not in columns:
        return {}
    where, main = columns.index("neuron"), columns.index("condition") if "condition" in columns else None
    trained = [row for row in rows if main is None or row[main] == MAIN]
    for at in range(columns.index("seed") + 1 if "seed" in columns else 0, len(columns)):
        found: dict[str, list[float]] = {}
        for row in trained:
            if isinstance(row[at], int | float):
                found.setdefault(str(row[where]), []).append(float(row[at]))
        for scale in (1.0, 100.0):
            means = {name: scale * fmean(values) for name, values in found.items()}
            if all(math.isclose(means.get(name, math.nan), score, rel_tol=1e-6) for name, score in scores.items()):
                return {name: tuple(significant(scale * value, 6) for value in found[name]) for name in scores}
    return {}


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
            rows.append(Row(label, value, low, high, number(value, spec), site, (), is_control(label)))
    if not rows:
        return None
    instrument = readings.instruments["share" if shares else "dead"][0]
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
        label, value = neuron_name(row), float(row[name])
        text = number(value, column["format"])
        made.append(Row(label, value, value, value, text, control=is_control(label)))
    top = max(row.value for row in made) or 1.0
    unit = str(column["unit"]) or ("seconds" if name == "seconds" else "")
    return Rows(name, title, "", Axis(unit, False, "", (0.0, top)), tuple(made), bars=True)
