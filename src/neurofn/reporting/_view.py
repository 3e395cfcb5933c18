"""A result as plain data, and what the report says about it in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from .._errors import DataError
from ._numbers import number, plural, span

__all__ = ["LINEAR", "Verdict", "View", "controls", "effect_text", "plain", "view"]

SCHEMA = 1
LINEAR = "sum(linear)"  # the linear network: a control wherever it stands among neurons
RECORD_COLUMNS = {"step", "seed", "site", "instrument", "reading", "value"}


@dataclass(frozen=True)
class Verdict:
    """One claim with everything a reader needs to judge it."""

    word: str
    claim: str
    sentence: str
    control: str
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """What every form of the report reads."""

    data: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...]
    answer: str

    def get(self, key: str, default: Any = "") -> Any:
        """A field of the result, or ``default`` where it is absent or null."""
        value = self.data.get(key)
        return default if value is None else value

    @property
    def leaderboard(self) -> Mapping[str, Any] | None:
        """The summary of that name, when it has rows."""
        found = [s for s in self.get("summaries", []) if s.get("name") == "leaderboard" and s.get("rows")]
        return found[0] if found else None


def plain(result: object) -> dict[str, Any]:
    """The result as a dict of plain values; NaN and infinities become None. Raises DataError for anything else."""
    data = result.to_dict() if hasattr(result, "to_dict") else result
    if not isinstance(data, Mapping):
        raise DataError(
            f"a report is made from a Result, a Record or their to_dict(), not from {type(result).__name__}; "
            "write: report(run('compare_functions'), 'out.html')"
        )
    data = _clean(data)
    if "study" not in data:
        data = _from_record(data)
    if data.get("schema", SCHEMA) != SCHEMA:
        raise DataError(
            f"this result has schema {data['schema']!r} and this neurofn reads schema {SCHEMA}; "
            "update with: pip install -U neurofn"
        )
    return data


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _from_record(data: dict[str, Any]) -> dict[str, Any]:
    columns = data.get("columns", data)
    if isinstance(columns, dict):
        names = [name for name, values in columns.items() if isinstance(values, list)]
        rows = [list(row) for row in zip(*(columns[name] for name in names), strict=True)]
    else:
        names, rows = list(columns), data.get("rows", [])
    if not set(names) >= RECORD_COLUMNS:
        raise DataError(
            f"a report needs the fields of a Result ('study', 'table', 'verdicts', ...); this one has "
            f"{', '.join(map(repr, sorted(data)[:8])) or 'none'}"
        )
    return {
        "schema": SCHEMA,
        "study": "record",
        "question": "What did the instruments read?",
        "complete": True,
        "readings": {"columns": names, "rows": rows},
    }


def view(data: Mapping[str, Any]) -> View:
    """Everything the report says in words, from a plain result."""
    verdicts = tuple(_verdict(raw) for raw in data.get("verdicts") or [])
    return View(data, verdicts, tuple(_warnings(data)), _answer(verdicts, data))


def _verdict(raw: Mapping[str, Any]) -> Verdict:
    control = str(raw.get("control") or "")
    word = str(raw.get("verdict") or "undecided")
    if not control and word in ("holds", "fails"):
        # A result without its control is no verdict, whatever the study wrote.
        word, control = "uncontrolled", "none was given, so this does not count as a result"
    claim, sentence = str(raw.get("claim") or ""), str(raw.get("sentence") or "")
    return Verdict(word, claim, sentence or claim, control or "none was given", raw)


def _answer(verdicts: Sequence[Verdict], data: Mapping[str, Any]) -> str:
    """The leading verdict, and where that one settles nothing the first one that holds."""
    if not verdicts:
        return "No claim was tested; the readings follow."
    chosen = [verdicts[0]]
    if verdicts[0].word != "holds":
        chosen += [verdict for verdict in verdicts if verdict.word == "holds"][:1]
    said = [v.sentence.rstrip(". ") + (" (uncontrolled)" if v.word == "uncontrolled" else "") for v in chosen]
    return _sentence("; ".join(said), data) + "."


def _sentence(text: str, data: Mapping[str, Any]) -> str:
    """With a capital, unless it begins with the name of a neuron: "gelu" stays "gelu"."""
    first = re.match(r"[^\W\d_]+(?=[\s,])", text)
    rows = (data.get("table") or {}).get("rows") or []
    names = {word for row in rows for value in row if isinstance(value, str) for word in re.findall(r"\w+", value)}
    return text[0].upper() + text[1:] if first and first.group() not in names else text


def _warnings(data: Mapping[str, Any]) -> list[str]:
    found = []
    missing = data.get("missing") or []
    if not data.get("complete", True) or missing:
        found.append("This result is not complete: " + ("; ".join(map(str, missing)) or "cells are missing") + ".")
    table = data.get("table") or {}
    columns, rows = list(table.get("columns") or []), table.get("rows") or []
    if "diverged" in columns:
        at = columns.index("diverged")
        found += _diverged(columns, [row for row in rows if row[at]])
    empty = sum(value is None for row in rows for value in row)
    if empty:
        found.append(
            f"{plural(empty, 'value')} of {number(len(rows) * len(columns))} in the per-seed table "
            f"{'is' if empty == 1 else 'are'} missing or not finite, shown as –."
        )
    return found


def _diverged(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    if not rows:
        return []
    factors = columns[: columns.index("seed")] if "seed" in columns else columns[:1]
    counts: dict[str, int] = {}
    for row in rows:
        label = " · ".join(str(value) for value in row[: len(factors)])
        counts[label] = counts.get(label, 0) + 1
    said = "; ".join(f"{label} ({plural(count, 'seed')})" for label, count in list(counts.items())[:6])
    more = f"; and {len(counts) - 6} more" if len(counts) > 6 else ""
    return [f"{plural(len(rows), 'run')} diverged and left the averages: {said}{more}."]


def effect_text(verdict: Verdict) -> str:
    """Effect and interval of a verdict: '0.4 points, 0.2 to 0.6'."""
    raw = verdict.numbers
    if raw.get("effect") is None:
        return ""
    interval = span(raw.get("low"), raw.get("high"), ".3g")
    return number(raw["effect"], ".3g", str(raw.get("unit") or "")) + (f", interval {interval}" if interval else "")


def controls(view: View) -> Mapping[str, Any] | None:
    """The leaderboard's score under every condition, as one more summary: each neuron beside its own controls."""
    table, board = view.get("table", {}), view.leaderboard
    columns, rows = list(table.get("columns") or []), table.get("rows") or []
    score: dict[str, Any] = next((c for c in board["columns"] if c.get("name") == "score"), {}) if board else {}
    metric = score.get("label")
    if not board or metric not in columns or not {"neuron", "condition"} <= set(columns):
        return None
    neuron, condition, value = (columns.index(name) for name in ("neuron", "condition", metric))
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if row[value] is not None:
            found.setdefault(str(row[neuron]), {}).setdefault(str(row[condition]), []).append(row[value])
    conditions = list(dict.fromkeys(name for by_condition in found.values() for name in by_condition))
    if len(conditions) < 2:
        return None
    format = score.get("format")
    ordered = [str(row.get("neuron")) for row in board["rows"] if str(row.get("neuron")) in found]
    return {
        "name": "controls",
        "title": "The same neurons under the controls",
        "caption": f"Mean {metric} over seeds under each condition of the study.",
        "columns": [
            {"name": "neuron"},
            *({"name": f"under {name}", "label": name, "format": format} for name in conditions),
        ],
        "rows": [
            {"neuron": name, **{f"under {key}": fmean(values) for key, values in found[name].items()}}
            for name in ordered
        ],
    }
