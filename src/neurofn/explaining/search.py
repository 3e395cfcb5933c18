"""Searching the formula that best matches where a unit fires: by a beam of any width and length, or exactly up to length 3.

Both count on signatures. The exact search expands a pair of concepts only where a bound, from the counts of pairs alone, allows
a better third concept than the best formula known; what it returns is the best of its language, not the best that was tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import SettingError
from ._bounds import third_bound, worth_a_third
from ._signatures import Hits, Signatures
from ._tally import Tally
from .formula import LANGUAGE, OPERATORS, Formula
from .score import score

__all__ = ["Beam", "Exact", "Found"]

Array = np.ndarray[Any, Any]
_NEAR = 0.01  # how close to the best a runner-up is
_RUNNERS = 5


@dataclass(frozen=True)
class Found:
    """The best formula (None where none is true where the unit fires), its score, and those almost as good.

    ``optimal`` is True where no formula of ``language`` is better, None where the search does not know.
    """

    formula: Formula | None
    score: float
    runners_up: tuple[tuple[Formula, float], ...] = ()
    optimal: bool | None = None
    language: str = ""


@dataclass(frozen=True)
class Beam:
    """Keep the ``width`` best formulas, different as functions, and join each with every concept, up to ``length`` concepts.

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
        return _found(tally, _beam(tally, self), optimal=None, language="")


@dataclass(frozen=True)
class Exact:
    """The best of all left-deep formulas of at most ``length`` concepts (1 to 3) by IoU, with proof.

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

    def __post_init__(self) -> None:
        if self.length not in (1, 2, 3):
            raise SettingError(
                f"length={self.length}: the exact search goes up to 3 concepts; use Beam(length={self.length})"
            )

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""
        tally = Tally(signatures, hits, unit)
        known = _beam(tally, Beam(length=self.length, width=10))
        if self.length >= 2:
            known += _best_pairs(tally)
        if self.length == 3:
            known += _better_thirds(tally, max((value for _, value in known), default=0.0))
        return _found(tally, known, optimal=True, language=f"{LANGUAGE}, at most {self.length} concepts, by IoU")


Scored = tuple[Formula, float]


def _found(tally: Tally, known: list[Scored], *, optimal: bool | None, language: str) -> Found:
    """The best of what is known and those near it, each function once, in its shortest and canonical form."""
    unique = {formula.canonical(): value for formula, value in known if value > 0}
    ordered = sorted(unique.items(), key=lambda one: (-one[1], len(one[0]), one[0].first, one[0].rest))
    if not ordered:
        return Found(None, 0.0, (), optimal, language)
    formula, value = ordered[0]
    near = (one for one in ordered if one[1] >= value * (1 - _NEAR))
    return Found(formula, value, tuple(_different(tally, near, _RUNNERS + 1)[1:]), optimal, language)


def _joined(tally: Tally, member: Array, counts: tuple[int, int]) -> Iterator[tuple[str, Array, Array]]:
    """For each operator (both, all) of the formula joined with every concept."""
    both, size = counts
    with_both, with_all = tally.joined(member)
    yield "OR", both + tally.both.diagonal() - with_both, size + tally.all.diagonal() - with_all
    yield "AND", with_both, with_all
    yield "AND NOT", both - with_both, size - with_all


def _beam(tally: Tally, search: Beam) -> list[Scored]:
    """Everything the beam kept, with scores."""
    positions, concepts = tally.signatures.positions, len(tally.signatures.concepts)
    diagonal = tally.both.diagonal(), tally.all.diagonal()
    single = score(search.measure, (*diagonal, tally.total, positions))
    order = np.argsort(-single, kind="stable")
    beam = _different(tally, ((Formula(int(i)), float(single[i])) for i in order), search.width)
    kept = list(beam)
    for _ in range(1, search.length):
        candidates = []
        for formula, _value in beam:
            member = formula.holds(tally.signatures)
            for operator, both, size in _joined(tally, member, tally.of(member)):
                values = score(search.measure, (both, size, tally.total, positions))
                top = np.argsort(-values, kind="stable")[: 4 * search.width]
                candidates += [(formula.then(operator, int(k)), float(values[k])) for k in top if k < concepts]
        beam = _different(tally, sorted([*beam, *candidates], key=lambda one: -one[1]), search.width)
        kept += beam
    return kept


def _different(tally: Tally, ordered: Any, width: int) -> list[Scored]:
    """The first ``width`` that are different functions, compared by truth table."""
    seen: set[bytes] = set()
    kept: list[Scored] = []
    for formula, value in ordered:
        key = np.packbits(formula.holds(tally.signatures)).tobytes()
        if key not in seen:
            seen.add(key)
            kept.append((formula, value))
        if len(kept) == width:
            break
    return kept


def _pair(tally: Tally, operator: str) -> tuple[Array, Array]:
    """(both, all) of "i operator j" for all pairs."""
    found = []
    for table in (tally.both, tally.all):
        one = table.diagonal()
        found.append({"OR": one[:, None] + one - table, "AND": table, "AND NOT": one[:, None] - table}[operator])
    return found[0], found[1]


def _best_pairs(tally: Tally) -> list[Scored]:
    best: list[Scored] = []
    for operator in OPERATORS:
        values = score("iou", (*_pair(tally, operator), tally.total, tally.signatures.positions))
        for place in np.argsort(-values, axis=None, kind="stable")[: _RUNNERS + 1]:
            row, column = divmod(int(place), values.shape[1])
            best.append((Formula(row, ((operator, column),)), float(values[row, column])))
    return best


def _better_thirds(tally: Tally, known: float) -> list[Scored]:
    """Formulas of three concepts better than ``known``: every pair whose bound allows one is joined with all concepts."""
    best: list[Scored] = []
    open_pairs: list[tuple[float, int, str, int]] = []
    for operator in OPERATORS:
        both, size = _pair(tally, operator)
        promising = worth_a_third(tally, both, size) > known
        np.fill_diagonal(promising, False)
        if operator != "AND NOT":
            promising = np.triu(promising)
        for i in np.flatnonzero(promising.any(axis=1)).tolist():
            others = np.flatnonzero(promising[i])
            bounds = third_bound(tally, operator, int(i), others)
            open_pairs += [(float(b), i, operator, int(j)) for b, j in zip(bounds, others, strict=True) if b > known]
    for bound, first, operator, second in sorted(open_pairs, reverse=True):
        if bound <= known:
            break
        pair = Formula(first, ((operator, second),))
        member = pair.holds(tally.signatures)
        for last, both, size in _joined(tally, member, tally.of(member)):
            values = score("iou", (both, size, tally.total, tally.signatures.positions))
            k = int(np.argmax(values))
            if values[k] > known:
                known = float(values[k])
                best.append((pair.then(last, k), known))
    return best
