"""The report of edges as Markdown: one row for each; the curves are in the HTML form only."""

from __future__ import annotations

from ._edges import Edges
from ._markdown import escape, markdown_table, repeat_parts
from ._numbers import number
from ._view import View

__all__ = ["as_edges_text"]

COLUMNS = ("layer", "input", "output", "counts", "input from", "to", "edge from", "to")


def as_edges_text(shown: Edges) -> str:
    """The page as Markdown; texts from users are escaped."""
    rows = [
        [
            layer.name, one.name, f"{edge.output} in {edge.part}" if edge.part else edge.output,
            number(edge.importance, ".1%"), *(number(value, ".3g") for value in (*one.range, *edge.span)),
        ]
        for layer in shown.layers for one in layer.inputs for edge in one.edges
    ]  # fmt: skip
    notes = "\n".join(f"- {escape(note)}" for note in shown.data.get("notes") or [])
    parts = [
        f"# {escape(shown.title)}", f"**{escape(shown.answer)}**", markdown_table(list(COLUMNS), rows),
        *repeat_parts(View(shown.data, (), (), shown.answer)), f"## Notes\n\n{notes}" if notes else "",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"
