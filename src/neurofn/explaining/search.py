"""Searching the formula that best matches where a unit fires: by a beam of any width and length, or exactly up to length 3.

Both count on signatures. The exact search starts from what a beam finds, and proves that no formula of its language is better,
or finds the better one; see `_exact`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import SettingError
from ._beam import Node, beam
from ._exact import LINEAR, prove
from ._signatures import Hits, Signatures
from ._tally import Tally
from .formula import LANGUAGE, Formula
from .score import score

__all__ = ["Beam", "Exact", "Found"]

Array = np.ndarray[Any, Any]
_NEAR = 0.01  # how close to the best a runner-up is
_RUNNERS = 5


@dataclass(frozen=True)
class Found:
    """The best formula (None where none is true where the unit fires), its score, and those almost as good.

    ``optimal`` is True where no formula of ``language`` is better, None where the search does not know. ``runners_up`` are
    other functions within 1 % that were met on the way. ``problem`` says what went wrong where nothing could be found.
    """

    formula: Formula | None
    score: float
    runners_up: tuple[tuple[Formula, float], ...] = ()
    optimal: bool | None = None
    language: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Beam:
    """Keep the ``width`` best formulas, different as functions, and join each with every concept, up to ``length`` concepts.

    measure: "iou", "precision", "recall", "f1" or "mcc".

    >>> import numpy as np
    >>> from neurofn.explaining._signatures import grouped, hits_of
    >>> masks = np.random.default_rng(0).random((4, 500)) < 0.4
    >>> signatures, place = grouped("abcd", masks)
    >>> found = Beam(length=3).find(signatures, hits_of((masks[0] & ~masks[2])[None], place, len(signatures)), 0)
    >>> found.formula.text(signatures.concepts), found.score
    ('a AND NOT c', 1.0)
    """

    length: int = 3
    width: int = 5
    measure: str = "iou"

    def __post_init__(self) -> None:
        if self.length < 1 or self.width < 1:
            raise SettingError(f"length={self.length} and width={self.width} must be 1 or more")
        score(self.measure, (1, 1, 1, 2))

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""
        tally = Tally(signatures, hits, unit)
        steps = beam(tally, length=self.length, width=self.width, measure=self.measure)
        return _found([node for step in steps for node in step], optimal=None, language="")


@dataclass(frozen=True)
class Exact:
    """The best of all left-deep formulas of at most ``length`` concepts (1 to 3), with proof.

    measure: "iou", "f1", "precision" or "recall".

    >>> import numpy as np
    >>> from neurofn.explaining._signatures import grouped, hits_of
    >>> masks = np.random.default_rng(0).random((4, 500)) < 0.4
    >>> signatures, place = grouped("abcd", masks)
    >>> unit = (masks[0] & masks[1]) | masks[3]
    >>> found = Exact().find(signatures, hits_of(unit[None], place, len(signatures)), 0)
    >>> found.formula.text(signatures.concepts), found.score, found.optimal
    ('(a AND b) OR d', 1.0, True)
    """

    length: int = 3
    measure: str = "iou"

    def __post_init__(self) -> None:
        if self.length not in (1, 2, 3):
            raise SettingError(
                f"length={self.length}: the exact search goes up to 3 concepts; use Beam(length={self.length})"
            )
        score(self.measure, (1, 1, 1, 2))
        if self.measure not in LINEAR:
            raise SettingError(f"measure={self.measure!r}: the exact search knows {', '.join(LINEAR)}; use Beam(...)")

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""
        tally = Tally(signatures, hits, unit)
        steps = beam(tally, length=self.length, width=_WIDTH, measure=self.measure)
        known = [node for step in steps for node in step]
        if known and self.length > 1:
            known.append(prove(tally, _best_first(known)[0], length=self.length, measure=self.measure))
        words = {"iou": "IoU", "f1": "F1"}.get(self.measure, self.measure)
        return _found(known, optimal=True, language=f"{LANGUAGE}, at most {self.length} concepts, by {words}")


_WIDTH = 5  # of the beam that an exact search starts from


def _best_first(known: Iterable[Node]) -> list[Node]:
    """Higher scores first, then shorter formulas, then concepts of lower numbers."""

    def place(node: Node) -> tuple[Any, ...]:
        formula = node.formula.canonical()
        return -node.value, len(formula), formula.first, formula.rest

    return sorted((node for node in known if node.value > 0), key=place)


def _found(known: list[Node], *, optimal: bool | None, language: str) -> Found:
    """The best of what is known and those near it, each function once, in its shortest and canonical form."""
    ordered = _best_first(known)
    if not ordered:
        return Found(None, 0.0, (), optimal, language)
    kept: list[Node] = []
    for node in ordered:
        if node.value < ordered[0].value * (1 - _NEAR) or len(kept) > _RUNNERS:
            break
        if not any(node.is_same(other) for other in kept):
            kept.append(node)
    best, *others = kept
    runners_up = tuple((node.formula.canonical(), node.value) for node in others)
    return Found(best.formula.canonical(), best.value, runners_up, optimal, language)
