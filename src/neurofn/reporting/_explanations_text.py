"""The report of explanations as Markdown: one row for each unit; pictures are in the HTML form only."""

from __future__ import annotations

from ._explanations import Explained
from ._markdown import escape, markdown_table, repeat_parts
from ._numbers import number, p_value
from ._view import View

__all__ = ["as_text"]

COLUMNS = ("unit", "formula", "score", "held out", "by chance", "p", "coverage", "optimal", "problem")


def as_text(shown: Explained) -> str:
    """The page as Markdown; texts from users are escaped."""
    rows = []
    for unit in shown.units:
        values = unit.numbers
        rows.append([
            unit.name, unit.formula, *(number(values[name], ".3f") for name in ("score", "holdout_score", "null_score")),
            p_value(values["p"]), number(values["coverage"], ".0%"), number(unit.optimal), unit.problem,
        ])  # fmt: skip
    kept = [i for i, name in enumerate(COLUMNS) if name != "problem" or any(unit.problem for unit in shown.units)]
    table = markdown_table([COLUMNS[i] for i in kept], [[row[i] for i in kept] for row in rows])
    notes = "\n".join(f"- {escape(note)}" for note in shown.data.get("notes") or [])
    parts = [
        f"# {escape(shown.title)}", f"**{escape(shown.answer)}**", f"The score is {escape(shown.measure)}.", table,
        *repeat_parts(View(shown.data, (), (), shown.answer)), f"## Notes\n\n{notes}" if notes else "",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"
