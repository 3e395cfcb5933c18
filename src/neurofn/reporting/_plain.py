"""A result as plain data of the right shape: the one place that looks at what it was given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._errors import DataError

__all__ = ["clean", "plain"]

SCHEMA = 1
RECORD_COLUMNS = {"step", "seed", "site", "instrument", "reading", "value"}
SHAPES: dict[str, type] = {  # what each field is, where it is present and not null
    "settings": dict,
    "versions": dict,
    "table": dict,
    "readings": dict,
    "missing": list,
    "notes": list,
    "problems": list,
    "summaries": list,
    "verdicts": list,
}
NUMBERS = {"score", "low", "high", "effect", "p", "smallest_effect", "parameters", "seconds"}


def plain(result: object) -> dict[str, Any]:
    """The result as a dict of plain values; NaN and infinities become None. Raises DataError for anything else."""
    data = result.to_dict() if hasattr(result, "to_dict") else result
    if not isinstance(data, Mapping):
        raise DataError(
            f"a report is made from a Result, a Record, their to_dict() or a list of explanations, "
            f"not from {type(result).__name__}; write: report(run('compare_functions'), 'out.html')"
        )
    data = clean(data)
    if "study" not in data:
        data = _from_record(data)
    if data.get("schema") not in (None, SCHEMA):
        raise DataError(
            f"this result has schema {data['schema']!r} and this neurofn reads schema {SCHEMA}; "
            "update with: pip install -U neurofn"
        )
    _check(data)
    return data


def clean(value: Any) -> Any:
    """The value as JSON knows it; NaN and infinities become None."""
    if isinstance(value, Mapping):
        return {str(key): clean(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
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


def _check(data: Mapping[str, Any]) -> None:
    """Refuse a dict of another shape by the name of its first wrong field, rather than failing half-way."""
    for name, kind in SHAPES.items():
        if data.get(name) is not None:
            _expect(isinstance(data[name], kind), name, f"a {kind.__name__}", data[name])
    for name in ("table", "readings"):
        _check_rows(name, data.get(name) or {})
    for name in ("summaries", "verdicts"):
        for i, entry in enumerate(data.get(name) or []):
            _expect(isinstance(entry, dict), f"{name}[{i}]", "a dict", entry)
            _check_numbers(f"{name}[{i}]", entry)
    for i, summary in enumerate(data.get("summaries") or []):
        for part in ("columns", "rows"):
            entries = summary.get(part)
            right = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
            _expect(right, f"summaries[{i}].{part}", "a list of dicts", entries)
        for column in summary["columns"]:
            _expect(isinstance(column.get("name"), str), f"summaries[{i}].columns", "dicts with a 'name'", column)
        for row in summary["rows"]:
            _check_numbers(f"summaries[{i}].rows", row)


def _check_rows(name: str, table: Mapping[str, Any]) -> None:
    columns, rows = (table.get(part) or [] for part in ("columns", "rows"))
    _expect(isinstance(columns, list), f"{name}.columns", "a list of names", columns)
    _expect(isinstance(rows, list), f"{name}.rows", "a list of lists", rows)
    for i, row in enumerate(rows):
        right = isinstance(row, list) and len(row) == len(columns)
        _expect(right, f"{name}.rows[{i}]", f"a list of {len(columns)} values, one per column", row)
    if name == "readings":
        for at in [i for i, column in enumerate(columns) if column in ("step", "seed", "unit", "value")]:
            wrong = next((row[at] for row in rows if not (row[at] is None or isinstance(row[at], int | float))), None)
            _expect(wrong is None, f"readings.rows, column {columns[at]!r}", "numbers", wrong)


def _check_numbers(where: str, entry: Mapping[str, Any]) -> None:
    for name in NUMBERS & set(entry):
        _expect(entry[name] is None or isinstance(entry[name], int | float), f"{where}.{name}", "a number", entry[name])


def _expect(right: bool, where: str, what: str, given: object) -> None:
    if not right:
        raise DataError(
            f"{where} of a result for a report must be {what}, not {str(given)[:60]!r}; "
            "write the file again with: report(run(...), 'out.json')"
        )
