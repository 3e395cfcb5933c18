"""Findings as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from ._finding import Evidence, Finding
from ._numbers import plural

__all__ = ["as_text", "heading", "place"]

WIDTH = 110
MOST = 4  # pieces of evidence that are shown; the JSON form has all


def as_text(found: Sequence[Finding], *, source: str = "") -> str:
    """All findings; the texts of users in them may hold anything, so whoever prints them cleans them."""
    lines = [heading(found, source)]
    for finding in found:
        if finding.fires:
            lines += ["", *_lines(finding)]
    lines += [f"\n{finding.title}" for finding in found if finding.kind == "nothing"]
    untold = [finding for finding in found if finding.kind == "cannot tell"]
    if untold:
        wide = max(len(finding.rule) for finding in untold)
        lines += ["", "The record cannot tell of:"]
        lines += [f"  {finding.rule:{wide}}   needs {finding.instrument}" for finding in untold]
    return "\n".join(lines)


def heading(found: Sequence[Finding], source: str = "") -> str:
    """How many findings there are of each kind, in one line."""
    counts = [(kind, sum(finding.kind == kind for finding in found)) for kind in ("alarm", "warning", "note")]
    said = ", ".join(plural(count, kind) for kind, count in counts if count) or "nothing to say"
    return f"{source}: {said}" if source else said.capitalize()


def place(one: Evidence) -> str:
    """Where a number was read."""
    seed = f", seed {one.seed}" if one.seed >= 0 else ""
    return f"{one.site or 'the training'}, step {one.step:,}{seed}"


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.kind.upper()}  {finding.title}"
    for one in finding.evidence[:MOST]:
        yield from _wrapped(place(one), one.words)
    if len(finding.evidence) > MOST:
        yield from _wrapped("", f"and {len(finding.evidence) - MOST} more of the kind")
    read = f"{finding.instrument}; {finding.source}" if finding.source else finding.instrument
    yield from _wrapped("read by", read)
    for advice in finding.advice:
        yield from _wrapped("try", advice)
    yield from _wrapped("confidence", f"{finding.confidence}; against it would be: {finding.doubt}")


def _wrapped(label: str, text: str) -> list[str]:
    said = f"{label}: {text}" if label else text
    return textwrap.wrap(said, WIDTH, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)
