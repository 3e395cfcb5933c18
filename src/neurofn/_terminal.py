"""What the command line shows: progress while a study runs, tables and verdicts at the end. Never raises over a text."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from .studies import Progress, Result

WIDE = 160  # columns where the output is no terminal: a file or a pipe
LINES = 40  # at most so many lines of progress where there is no terminal
ROWS = 30


def clean(text: object) -> str:
    """Text without control characters, so that a file or a name cannot steer the terminal.

    >>> clean("red \\x1b[31m text")
    'red \\\\x1b[31m text'
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in str(text)
    )


def in_words(seconds: float) -> str:
    """A duration for people.

    >>> in_words(4.2), in_words(200), in_words(4000)
    ('4 s', '3 min 20 s', '1 h 07 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {round(whole % 3600 / 60):02d} min"


def console(*, error: bool = False) -> Console:
    """A rich console that prints texts as they are; wide where it is no terminal."""
    from rich.console import Console

    made = Console(stderr=error, markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not made.is_terminal:
        made.width = max(made.width, WIDE)
    return made


@contextmanager
def progress(title: str, *, of: str = "cells") -> Iterator[Callable[[Progress], None]]:
    """What is called after every cell, or unit: a bar with the time left, or plain lines where there is no terminal."""
    out = console(error=True)
    if not out.is_terminal:
        yield _Lines(title, of)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.fields[label]}", markup=False),
    )
    with Bars(*columns, console=out, transient=True) as bars:
        bar = bars.add_task(title, total=None, left="", label="")

        def tell(state: Progress) -> None:
            left = "" if state.seconds_left is None else f"about {in_words(state.seconds_left)} left"
            bars.update(bar, total=state.total, completed=state.done, left=left, label=clean(state.label))

        yield tell


class _Lines:
    """Progress as plain lines, at most some forty of them."""

    def __init__(self, title: str, of: str = "cells") -> None:
        self.title, self.of = title, of
        self.next = 0
        self.start = time.monotonic()

    def __call__(self, state: Progress) -> None:
        if state.done < self.next and state.done < state.total:
            return
        self.next = state.done + max(1, state.total // LINES)
        left = "" if state.seconds_left is None else f", about {in_words(state.seconds_left)} left"
        if state.done == state.total:
            left = f", {in_words(time.monotonic() - self.start)}"
        print(f"{self.title}: {state.done} of {state.total} {self.of} done{left}", file=sys.stderr, flush=True)


def show(result: Result) -> None:
    """Print leaderboard, verdicts and notes of a result; what is missing goes to the standard error."""
    out = console()
    leading = [summary for summary in result.summaries if summary.get("name") == "leaderboard"]
    for summary in leading or result.summaries:
        show_table(out, summary)
    if not result.summaries and result.table["rows"]:
        show_table(out, _whole(result))
    if result.verdicts:
        out.print("Verdicts", style="bold")
    for verdict in result.verdicts:
        out.print(f"  {verdict.verdict:12} {clean(verdict.claim)}")
        seeds = "" if verdict.seeds is None else f" ({verdict.seeds} seeds)"
        _indented(out, clean(verdict.sentence) + seeds)
        if verdict.control:
            _indented(out, f"control: {clean(verdict.control)}")
    out.print()
    for note in result.notes:
        out.print(clean(note))
    error = console(error=True)
    for title, words in (("Missing", result.missing), ("Problem", result.problems)):
        for text in words[:ROWS]:
            error.print(f"{title}: {clean(text)}", style="red" if error.is_terminal else "")
        if len(words) > ROWS:
            error.print(f"{title}: and {len(words) - ROWS} more")


def rescue(result: Result) -> None:
    """Print every row of the table, between tabs: the last way to keep what no disk takes."""
    for row in (result.table["columns"], *result.table["rows"]):
        print("\t".join("" if value is None else clean(value) for value in row))


def _indented(out: Console, text: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out.print(Padding(Text(text, style="dim" if out.is_terminal else ""), (0, 0, 0, 15), expand=False))


def _whole(result: Result) -> dict[str, Any]:
    """The plain table of a study that summarises nothing."""
    names = result.table["columns"]
    rows = [dict(zip(names, row, strict=True)) for row in result.table["rows"]]
    return {"title": "Results", "columns": [{"name": name} for name in names], "rows": rows}


def show_table(out: Console, summary: Mapping[str, Any]) -> None:
    """Print a summary of a report: {"title", "columns", "rows"}."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from .reporting._numbers import number

    rows = [row for row in summary.get("rows", ()) if isinstance(row, Mapping)]
    columns = [column for column in summary.get("columns", ()) if isinstance(column, Mapping)]
    title = clean(summary.get("title") or summary.get("name") or "")
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE, pad_edge=False)
    for column in columns:
        unit = f" ({clean(column['unit'])})" if column.get("unit") else ""
        numeric = any(isinstance(row.get(column["name"]), (int, float)) for row in rows)
        heading = Text(clean(column.get("label") or column["name"]) + unit)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows[:ROWS]:
        cells = (number(row.get(column["name"]), str(column.get("format") or "")) for column in columns)
        table.add_row(*(Text(clean(cell)) for cell in cells))
    out.print(table)
    if len(rows) > ROWS:
        out.print(f"... and {len(rows) - ROWS} rows more: they are in the report")
