"""Comparing two networks by meaning: which concepts units of both detect, of one alone, of neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .._errors import SettingError
from ._explanation import Explanation
from .concepts import Concepts
from .formula import parse

__all__ = ["Meanings", "compare_meanings"]


@dataclass(frozen=True)
class Meanings:
    """Names of concepts, in their order: detected in both networks, in the first or second alone, in neither.

    >>> Meanings(("a",), (), ("b",), ()).to_dict()["second"]
    ['b']
    """

    both: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    neither: tuple[str, ...]

    def to_dict(self) -> dict[str, list[str]]:
        """Plain values for JSON."""
        return {name: list(found) for name, found in asdict(self).items()}


def compare_meanings(
    first: Sequence[Explanation], second: Sequence[Explanation], *, concepts: Concepts, level: float = 0.05
) -> Meanings:
    """Which of the concepts each network detects: those in the formula of a unit that fits better than chance, not after NOT.

    first, second: what `explain` gave for the units of each network over the same concepts. level: below it a corrected
    p-value counts; a unit whose formula was not tested counts for nothing. Raises SettingError unless 0 < level < 1.

    >>> concepts = Concepts.from_table({"a": [True], "b": [True], "c": [False]})
    >>> one = [Explanation(unit=0, formula="a AND NOT b", p=0.01)]
    >>> compare_meanings(one, [Explanation(unit=0, formula="a OR c", p=0.01)], concepts=concepts)
    Meanings(both=('a',), first=(), second=('c',), neither=('b',))
    """
    if not 0 < level < 1:
        raise SettingError(f"level={level}: give a number between 0 and 1, for example 0.05")
    one, other = (_detected(rows, concepts.names, level) for rows in (first, second))
    parts: dict[tuple[bool, bool], list[str]] = {(a, b): [] for a in (True, False) for b in (True, False)}
    for name in concepts.names:
        parts[name in one, name in other].append(name)
    return Meanings(*(tuple(parts[key]) for key in ((True, True), (True, False), (False, True), (False, False))))


def _detected(rows: Sequence[Explanation], names: tuple[str, ...], level: float) -> set[str]:
    found: set[Any] = set()
    for row in rows:
        if row.formula and row.p is not None and row.p < level:
            formula = parse(row.formula, names)
            found |= {names[formula.first], *(names[k] for operator, k in formula.rest if operator != "AND NOT")}
    return found
