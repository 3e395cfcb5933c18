"""Logical formulas over concepts: left-deep chains such as ``(a OR b) AND NOT c``, with one text for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import LanguageError, UnknownNameError, did_you_mean
from ._signatures import Signatures

__all__ = ["LANGUAGE", "OPERATORS", "Formula", "parse"]

Array = np.ndarray[Any, Any]
OPERATORS = ("OR", "AND", "AND NOT")
LANGUAGE = "left-deep formulas with AND, OR and AND NOT, the first concept positive"
_JOINT = re.compile(r"\s+(AND NOT|AND|OR)\s+")


@dataclass(frozen=True)
class Formula:
    """``first`` is a concept's number; each of ``rest`` is (operator, concept) applied to all before it.

    >>> chain = Formula(0, (("OR", 1), ("AND NOT", 2)))
    >>> chain.text(("a", "b", "c")), len(chain)
    ('(a OR b) AND NOT c', 3)
    """

    first: int
    rest: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        return 1 + len(self.rest)

    def then(self, operator: str, concept: int) -> Formula:
        """This formula with one more concept."""
        return Formula(self.first, (*self.rest, (operator, concept)))

    def canonical(self) -> Formula:
        """The same function with concepts in rising order wherever their order does not matter.

        >>> Formula(2, (("OR", 1), ("AND NOT", 5), ("AND NOT", 4))).canonical()
        Formula(first=1, rest=(('OR', 2), ('AND NOT', 4), ('AND NOT', 5)))
        """
        runs: list[tuple[str, list[int]]] = []
        for operator, concept in self.rest:
            if not runs or runs[-1][0] != operator:
                runs.append((operator, []))
            runs[-1][1].append(concept)
        first = self.first
        if runs and runs[0][0] != "AND NOT":
            first, *others = sorted([first, *runs[0][1]])
            runs[0] = (runs[0][0], others)
        return Formula(first, tuple((operator, concept) for operator, run in runs for concept in sorted(run)))

    def text(self, concepts: tuple[str, ...]) -> str:
        """The formula in words: brackets around all but the last joint of two or more."""
        found = concepts[self.first]
        for place, (operator, concept) in enumerate(self.rest):
            found = f"{f'({found})' if place else found} {operator} {concepts[concept]}"
        return found

    def holds(self, signatures: Signatures) -> Array:
        """Where the formula is true: bool (sets,)."""
        found = np.zeros(len(signatures), bool)
        found[signatures.where(self.first)] = True
        for operator, concept in self.rest:
            other = np.zeros(len(signatures), bool)
            other[signatures.where(concept)] = True
            found = found | other if operator == "OR" else found & (other if operator == "AND" else ~other)
        return found


def parse(text: str, concepts: tuple[str, ...]) -> Formula:
    """Read what ``Formula.text`` wrote; raises LanguageError, and UnknownNameError with near names.

    >>> parse("(a OR b) AND NOT c", ("a", "b", "c"))
    Formula(first=0, rest=(('OR', 1), ('AND NOT', 2)))
    """
    numbers = {name: number for number, name in enumerate(concepts)}
    pieces: list[tuple[str, str]] = []
    left = text.strip()
    while left not in numbers:
        joints = [joint for joint in _JOINT.finditer(left) if left[joint.end() :] in numbers]
        if not joints:
            if re.search(r"[()]", left) or _JOINT.search(left):
                raise LanguageError("this is no left-deep formula such as '(a OR b) AND NOT c'", text=text, column=0)
            raise UnknownNameError(f"no concept is called {left!r}; {did_you_mean(left, concepts, what='concept')}")
        joint = joints[0]
        pieces.append((joint[1], left[joint.end() :]))
        left = left[: joint.start()].strip()
        if left not in numbers and left.startswith("(") and left.endswith(")"):
            left = left[1:-1]
    return Formula(numbers[left], tuple((operator, numbers[name]) for operator, name in reversed(pieces)))
