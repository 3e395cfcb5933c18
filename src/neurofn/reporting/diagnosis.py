"""`diagnose`: what the readings of a record say about a training, in words, with evidence, sources and what to try."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._errors import SettingError
from . import _rules_activity, _rules_training
from ._diagnosis_page import as_findings_page
from ._diagnosis_text import as_text
from ._finding import Book, Evidence, Finding, Rule, book
from ._numbers import plural
from ._report import _write

__all__ = ["FORMS", "RULES", "Evidence", "Finding", "diagnose", "findings", "save", "written"]

_ORDER = ("alarm", "warning", "note", "nothing", "cannot tell")

RULES: tuple[Rule, ...] = (*_rules_training.RULES[:1], *_rules_activity.RULES, *_rules_training.RULES[1:])
"""Every rule, in the order in which they are told; the live page raises its alarms by the same ones."""

FORMS = (".html", ".htm", ".json", ".md", ".txt")
"""What the name of a written diagnosis may end in."""


def diagnose(record: object) -> tuple[Finding, ...]:
    """What the readings of ``record`` say: alarms first, then warnings and notes, then what the record cannot tell.

    record: a `Record`, or a watch that is still taking one. Where no rule finds anything, one finding of the kind "nothing"
    says so and names the rules that could look; each rule whose readings are missing gives one of the kind "cannot tell"
    that names the instrument to add. A rule wants its last three readings to agree, so one odd step is not told.
    Raises DataError for something that is no record.

    >>> from neurofn.watching import Record
    >>> row = {"site": "1", "instrument": "Moments", "reading": "nonfinite rows"}
    >>> rows = [{**row, "step": step, "value": float(step >= 20)} for step in (0, 10, 20)]
    >>> finding = diagnose(Record.from_rows(rows))[0]
    >>> finding.kind, finding.title, finding.evidence[0].step
    ('alarm', "Values that are not finite begin at '1'.", 20)
    """
    return findings(book(record))


def findings(readings: Book) -> tuple[Finding, ...]:
    """The findings of readings that are sorted already."""
    if not readings.series:
        return (Finding("", "nothing", "The record has no readings yet."),)
    told: list[tuple[Rule, Finding | None]] = []
    dead: set[tuple[str, int]] = set()
    for rule in RULES:
        with np.errstate(all="ignore"):  # comparisons with what is not finite are false, as they should be
            told.append((rule, rule.apply(readings, dead=dead)))
        if rule.name == "dead layer" and told[-1][1] is not None:
            dead = {(one.site, one.seed) for one in told[-1][1].evidence}
    made = [finding for _, finding in told if finding is not None]
    looked = [rule.name for rule, finding in told if finding is None]
    if not any(finding.fires for finding in made):
        said = f"{plural(len(looked), 'rule')} looked and found nothing: {', '.join(looked)}." if looked else (
            "No rule could look.")  # fmt: skip
        made.append(Finding("", "nothing", said))
    return tuple(sorted(made, key=lambda finding: _ORDER.index(finding.kind)))


def written(found: Sequence[Finding], suffix: str, *, source: str = "") -> str:
    """The findings as a page, as JSON or as text, by one of `FORMS`; ``source`` is what was diagnosed."""
    if suffix in (".html", ".htm"):
        return as_findings_page(found, source=source)
    if suffix == ".json":
        body = {"schema": 1, "record": source, "findings": [finding.to_dict() for finding in found]}
        return json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return as_text(found, source=source) + "\n"


def save(found: Sequence[Finding], path: Path, *, source: str = "") -> Path:
    """Write the findings in the form that the name of the file asks for; raises SettingError for another, StoreError."""
    if path.suffix.lower() not in FORMS:
        raise SettingError(
            f"cannot tell the form of a diagnosis from the name {path.name!r}; end it in .html, .json or .txt"
        )
    _write(path, written(found, path.suffix.lower(), source=source))
    return path
