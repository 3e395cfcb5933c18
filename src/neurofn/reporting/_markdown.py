"""The report as Markdown: the same content, figures as tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._figures import Figure, Pane, figures
from ._numbers import MISSING, number, p_value, span
from ._readings import Line
from ._rows import row_figures
from ._tables import flat
from ._view import Verdict, View, effect_text

__all__ = ["as_markdown", "escape", "markdown_table", "repeat_parts"]

POINTS = 6  # columns of a curve that a reader still takes in


def as_markdown(view: View) -> str:
    """The page as GitHub-flavoured Markdown; texts from users are escaped, so that none becomes markup or HTML."""
    parts = [f"# {escape(view.get('question') or view.get('study', 'report'))}", f"**{escape(view.answer)}**"]
    parts += [f"> **Read this first:** {escape(warning)}" for warning in view.warnings]
    facts = [("study", "study"), ("size", "size"), ("started", "started"), ("machine", "machine"), ("source", "source")]
    parts.append(" · ".join(f"{label}: {escape(view.get(name))}" for label, name in facts if view.get(name)))
    board = view.leaderboard
    if board:
        parts += _summary(board, "Leaderboard")
    if view.verdicts:
        parts += ["## Claims and verdicts", _verdicts(view.verdicts)]
    for summary in view.get("summaries", []):
        if summary is not board and summary.get("rows"):
            parts += _summary(summary, "Summary")
    for figure in figures(view):
        parts += [f"## {figure.title}", _figure(figure)]
    dead = row_figures(view).get("dead")
    if dead:
        spec = ".1%" if "%" in dead.axis.format else ".3g"
        rows = [[row.label, row.name, row.text, span(row.low, row.high, spec)] for row in dead.rows]
        parts += ["## Dead neurons", markdown_table(["neuron", "layer", "median", "band"], rows), escape(dead.caption)]
    parts += repeat_parts(view)
    notes = [*view.get("missing", []), *view.get("notes", [])]
    parts += ["## Notes", "\n".join(f"- {escape(note)}" for note in notes)] if notes else []
    table = view.get("table", {})
    if table.get("rows"):
        columns = [str(column) for column in table.get("columns") or []]
        parts += ["## Every seed", markdown_table(columns, [[number(value) for value in row] for row in table["rows"]])]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: object) -> str:
    """The text as Markdown that shows exactly it, on one line.

    >>> escape("sum(linear) * <b>")
    'sum(linear) \\\\* &lt;b>'
    """
    one_line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", one_line)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells show exactly the texts given."""
    lines = [[escape(cell) or " " for cell in row] for row in (head, *rows)]
    made = ["| " + " | ".join(cells) + " |" for cells in lines]
    return "\n".join([made[0], "|" + " --- |" * len(head), *made[1:]])


def _summary(summary: Mapping[str, Any], title: str) -> list[str]:
    columns = summary.get("columns") or []
    head = [f"{c.get('label') or c.get('name')}{', ' + str(c['unit']) if c.get('unit') else ''}" for c in columns]
    rows = [[number(row.get(c.get("name")), str(c.get("format") or "")) for c in columns] for row in summary["rows"]]
    return [
        f"## {escape(summary.get('title') or title)}",
        markdown_table(head, rows),
        escape(summary.get("caption") or ""),
    ]


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    head = ["verdict", "what was seen", "claim", "effect", "p", "seeds", "control"]
    rows = []
    for verdict in verdicts:
        raw = verdict.numbers
        claim = f"{verdict.claim} ({raw['source']})" if raw.get("source") else verdict.claim
        seen = [effect_text(verdict), p_value(raw.get("p")), number(raw.get("seeds"))]
        rows.append([verdict.word, verdict.sentence, claim, *seen, verdict.control])
    return markdown_table(head, rows)


def _figure(figure: Figure) -> str:
    """One row per neuron and line, medians at a few points of x."""
    x = sorted({value for panel in figure.panels for pane in panel.panes for one in pane.lines for value in one.x})
    if figure.x.log:  # points that look even on the axis of the page
        ratio = (x[-1] / x[0]) ** (1 / (POINTS - 1)) if x[0] > 0 else 1.0
        wanted = [x[0] * ratio**i for i in range(POINTS)]
    else:
        wanted = [x[0] + (x[-1] - x[0]) * i / (POINTS - 1) for i in range(POINTS)]
    chosen = sorted({min(x, key=lambda value: abs(value - goal)) for goal in wanted})
    rows = [
        [panel.label, _name(pane, one), *_medians(one, chosen, ".1%" if "%" in pane.y.format else ".3g")]
        for panel in figure.panels
        for pane in panel.panes
        for one in pane.lines
    ]
    head = ["", "median of", *(number(value, ",.4g") for value in chosen)]
    return (
        f"{escape(figure.caption)} Medians over seeds; {figure.x.title} in the columns.\n\n{markdown_table(head, rows)}"
    )


def _name(pane: Pane, one: Line) -> str:
    return pane.y.title if one.name in ("", "loss") else f"{pane.y.title}, {one.name}"


def _medians(one: Line, chosen: Sequence[float], spec: str) -> list[str]:
    found = dict(zip(one.x, one.middle, strict=True))
    return [number(found[value], spec) if value in found else MISSING for value in chosen]


def repeat_parts(view: View) -> list[str]:
    """Command, settings and versions, as far as there are any."""
    parts = ["## How to repeat this"]
    command = str(view.get("command"))
    if command:
        longest = max((len(run) for run in re.findall("`+", command)), default=0)
        fence = "`" * max(3, longest + 1)
        parts.append(f"{fence}text\n{command}\n{fence}")
    settings = flat(view.get("settings", {}))
    versions = [(str(name), str(value)) for name, value in dict(view.get("versions", {})).items()]
    rows = [*settings, *versions]
    seconds = view.get("seconds", None)
    if seconds is not None:
        rows.append(("computed in", number(seconds, ".1f", "s")))
    if rows:
        parts.append(markdown_table(["setting", "value"], [list(row) for row in rows]))
    return parts if len(parts) > 1 else []
