"""An audit as a result that reports and tables are made from, and its wrong classes as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._audit import Audit

__all__ = ["as_result", "faults_table", "kinds_table", "wrong_lines"]

_LONG = 240  # characters of a reason on the screen; the report has all
_HOW = (
    "Ours are proven against their printed formulas to many digits. Where values differ, what a class computes instead, its "
    "docstring, torch.nn, and continuity decide which of the two is doubted; 'another definition' is no fault.",
    "NaN stands for infinity too, where the true number is finite in the dtype; 'far out' is beyond 1e4.",
)


def as_result(audit: Audit) -> dict[str, Any]:
    """The audit in the form of a study's result, with every row under "rows"."""
    wrong, compared = len(audit.wrong), sum(bool(row["compared"]) for row in audit.rows)
    sentence = (
        f"{wrong} of {compared} compared with a formula are wrong, {len(audit.faulty)} of {len(audit.rows)} have faults"
    )
    verdict = {
        "claim": f"{audit.package} has no fault",
        "verdict": "fails" if audit.faulty else "holds",
        "sentence": sentence,
    }
    if audit.control is not None:
        verdict["control"] = f"torch.nn, looked at in the same way, has {audit.control} faults"
        verdict["verdict"] = "uncontrolled" if audit.control else verdict["verdict"]
    return {
        "schema": 1, "study": "audit", "question": f"Does {audit.package} compute what its names say?",
        "command": f"neurofn audit {audit.package}", "complete": not audit.interrupted, "interrupted": audit.interrupted,
        "versions": dict(audit.versions), "verdicts": [verdict], "seconds": audit.seconds,
        "summaries": [kinds_table(audit), faults_table(audit), _disputed_table(audit)],
        "notes": list(_HOW), "problems": list(audit.problems), "rows": [dict(row) for row in audit.rows],
    }  # fmt: skip


def kinds_table(audit: Audit) -> dict[str, Any]:
    """How many have each kind of fault."""
    rows = [{"kind": kind, "count": count} for kind, count in audit.counts().items()]
    return {"name": "kinds", "title": f"Faults of {audit.package}", "columns": _columns("kind", "count"), "rows": rows}


def faults_table(audit: Audit) -> dict[str, Any]:
    """Every fault, the gravest first, with the input at which it shows."""
    rows = [
        {
            "class": row["name"], "entry": row["entry"], "fault": fault["kind"], "input": _input(fault),
            "got": _number(fault.get("got")), "expected": _number(fault.get("expected")), "why": fault.get("detail", ""),
        }
        for row in audit.faulty for fault in row["faults"]
    ]  # fmt: skip
    columns = _columns("class", "entry", "fault", "input", "got", "expected", "why")
    return {"name": "faults", "title": "Every fault", "columns": columns, "rows": rows}


def wrong_lines(audit: Audit) -> Iterator[str]:
    """A line for every wrong value and gradient: where, what was got, what was expected, and why theirs is doubted."""
    for row in audit.wrong:
        for fault in row["faults"]:
            if fault["kind"] in ("wrong value", "wrong gradient"):
                why = (
                    fault["detail"]
                    if len(fault["detail"]) <= _LONG
                    else fault["detail"][:_LONG].rsplit(" ", 1)[0] + " ..."
                )
                yield (
                    f"{fault['kind']}: {row['name']} ({row['entry']}) at {_input(fault)}: {_number(fault['got'])}, "
                    f"expected {_number(fault['expected'])}" + (f"; {why}" if why else "")
                )


def _disputed_table(audit: Audit) -> dict[str, Any]:
    rows = []
    for row in audit.disputed:
        doubt = row["doubt"]
        rows.append({
            "class": row["name"], "entry": row["entry"], "input": _input(doubt), "got": _number(doubt["got"]),
            "expected": _number(doubt["expected"]), "why": "; ".join(doubt["reasons"]),
        })  # fmt: skip
    columns = _columns("class", "entry", "input", "got", "expected", "why")
    return {"name": "definitions", "title": "Another definition under this name", "columns": columns, "rows": rows}


def _columns(*names: str) -> list[dict[str, str]]:
    labels = {"entry": "in the catalogue", "input": "at"}
    return [{"name": name, "label": labels.get(name, name)} for name in names]


def _input(fault: Mapping[str, Any]) -> str:
    if "at" not in fault:
        return ""
    return f"{fault['at']:g}" + (f", {fault['settings']}" if fault.get("settings") else "")


def _number(value: float | None) -> str:
    """As text, since NaN and infinity are what is to be shown."""
    return "" if value is None else f"{value:.6g}" if math.isfinite(value) else str(value)
