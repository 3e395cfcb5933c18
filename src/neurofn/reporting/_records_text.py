"""The report of a record in Markdown: findings, and first, lowest, highest and last value of every curve."""

from __future__ import annotations

from collections.abc import Sequence

from ._diagnosis_text import as_text
from ._markdown import escape, markdown_table
from ._numbers import number
from ._records import Curve, Shown

__all__ = ["as_record_text"]


def as_record_text(shown: Shown) -> str:
    """All that the page draws, as tables."""
    lines = ["# What did the instruments read?", ""]
    lines += [f"- {name}: {escape(text)}" for name, text in shown.facts]
    lines += ["", "## Findings", "", "```text", as_text(shown.findings).replace("```", "'''"), "```", ""]
    if shown.losses or shown.ranks:
        lines += ["## The training", "", *_table([*shown.losses, *shown.ranks])]
    for name, curves, profiles, _ in shown.sites:
        if curves or profiles:
            lines += [f"## {escape(name) or 'Of the training'}", "", *_table([*curves, *profiles])]
    lines += [f"Not shown: {escape(shown.left_out)}.", ""] if shown.left_out else []
    return "\n".join(lines)


def _table(curves: Sequence[Curve]) -> list[str]:
    rows = []
    for one in curves:
        low = min((value for value in one.low if value is not None), default=None)
        high = max((value for value in one.high if value is not None), default=None)
        rows.append(
            [one.name, one.instrument, *(number(value, ".4g") for value in (one.ends[0], low, high, one.ends[1]))]
        )
    return [markdown_table(["reading", "instrument", "first", "lowest", "highest", "last"], rows), ""]
