"""The conformance suite of explainers: what must hold for every search of formulas.

A search has ``find(signatures, hits, unit)``, such as Exact or Beam. Every check takes one and raises AssertionError with what
it saw. All randomness is seeded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..explaining._signatures import Hits, Signatures, grouped, hits_of
from ..explaining.formula import Formula, parse
from ..explaining.score import score
from ..explaining.search import Found

__all__ = ["EXPLAINER_CHECKS", "Search", "best_of_all"]

Array = np.ndarray[Any, Any]
_OPERATORS = ("OR", "AND", "AND NOT")
_NEAR = 1e-9
_PLANTED = 24


class Search(Protocol):
    """Such as Exact or Beam."""

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""


@dataclass(frozen=True, eq=False)
class _Problem:
    """Masks bool (concepts, positions), and one unit bool (positions,)."""

    masks: Array
    unit: Array
    formula: Formula | None = None

    def found_by(self, search: Search, *, names: tuple[str, ...] = ()) -> tuple[Found, Array]:
        """What a search finds, and where that is true: bool (positions,)."""
        names = names or _names(len(self.masks))
        signatures, place = grouped(names, self.masks)
        found = search.find(signatures, hits_of(self.unit[None], place, len(signatures)), 0)
        if found.formula is None:
            return found, np.zeros(len(self.unit), bool)
        again = parse(found.formula.text(names), names)
        return found, again.holds(signatures)[place]


def check_against_brute_force(search: Search) -> None:
    """Never better than the best of all formulas, and as good where it says so."""
    for problem in _tiny():
        found, _ = problem.found_by(search)
        best = best_of_all(problem.masks, problem.unit, _length(search), _measure(search))
        _assert(
            found.score <= best + _NEAR, f"the score {found.score} is above the best of all formulas there are, {best}"
        )
        if found.optimal:
            _assert(found.score >= best - _NEAR, f"{found.formula} is called optimal with {found.score}; {best} exists")


def check_planted_formulas_are_found(search: Search) -> None:
    """Nine of ten units that are a formula, with a tenth of their hits moved, are explained by it."""
    missed = []
    for problem in _planted(min(3, _length(search))):
        found, true = problem.found_by(search)
        if not np.array_equal(true, _truth(problem.masks, problem.formula)):
            missed.append(f"{found.formula} for {problem.formula}")
    share = len(missed) / _PLANTED
    _assert(share <= 0.1, f"{share:.0%} of the planted formulas were not found: {'; '.join(missed[:3])}")


def check_order_of_concepts_does_not_matter(search: Search) -> None:
    """Concepts in another order give the same function with the same score."""
    generator = np.random.default_rng(3)
    for problem in _planted(min(3, _length(search))):
        found, true = problem.found_by(search)
        order = generator.permutation(len(problem.masks))
        names = tuple(f"c{k}" for k in order)
        other, again = _Problem(problem.masks[order], problem.unit).found_by(search, names=names)
        same = abs(found.score - other.score) < _NEAR and np.array_equal(true, again)
        _assert(same, f"{found.formula} with {found.score}; with concepts in another order a formula of {other.score}")


def check_score_is_that_of_the_printed_formula(search: Search) -> None:
    """The formula, printed and read again, has the score that is given with it; so have those almost as good."""
    for problem in (*_tiny(), *_planted(min(3, _length(search)))):
        found, true = problem.found_by(search)
        counts = int((true & problem.unit).sum()), int(true.sum()), int(problem.unit.sum()), len(true)
        seen = float(score(_measure(search), counts))
        _assert(abs(found.score - seen) < _NEAR, f"{found.formula} is given with {found.score} and has {seen}")
        for formula, value in found.runners_up:
            true = _truth(problem.masks, formula)
            counts = int((true & problem.unit).sum()), int(true.sum()), int(problem.unit.sum()), len(true)
            seen = float(score(_measure(search), counts))
            _assert(abs(value - seen) < _NEAR, f"the runner-up {formula} is given with {value} and has {seen}")


def check_shuffled_labels_score_lower(search: Search) -> None:
    """A planted unit whose hits are dealt out to other positions is explained less well."""
    generator = np.random.default_rng(5)
    for problem in _planted(min(2, _length(search)), concepts=9):
        real, _ = problem.found_by(search)
        shuffled, _ = _Problem(problem.masks, generator.permutation(problem.unit)).found_by(search)
        _assert(
            shuffled.score < real.score, f"{real.score} for a planted unit and {shuffled.score} for its hits shuffled"
        )


EXPLAINER_CHECKS: dict[str, Callable[[Search], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}
"""Every check by its name; each raises AssertionError with what it saw."""


def best_of_all(masks: Array, unit: Array, length: int, measure: str = "iou") -> float:
    """The best score of any left-deep formula that is true somewhere where the unit fires, position by position.

    >>> masks = np.array([[True, True, False], [False, True, True]])
    >>> best_of_all(masks, np.array([True, False, False]), 2)
    1.0
    """
    level = [np.asarray(mask) for mask in masks]
    every = list(level)
    for _ in range(1, length):
        level = [new for mask in level for other in masks for new in (mask | other, mask & other, mask & ~other)]
        every += level
    table = np.array(every)
    both = (table & unit).sum(axis=1)
    values = score(measure, (both, table.sum(axis=1), int(unit.sum()), len(unit)))
    return float(np.max(values[both > 0], initial=0.0))


def _assert(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _names(concepts: int) -> tuple[str, ...]:
    return tuple(f"c{k}" for k in range(concepts))


def _length(search: Search) -> int:
    return min(3, int(getattr(search, "length", 3)))


def _measure(search: Search) -> str:
    return str(getattr(search, "measure", "iou"))


def _tiny() -> Iterator[_Problem]:
    """Few concepts and positions; formulas of three are often the best."""
    for seed in range(30):
        generator = np.random.default_rng(seed)
        masks = generator.random((4, 20 + seed)) < generator.uniform(0.1, 0.8, (4, 1))
        unit = ((masks[0] | masks[1]) & ~masks[2]) ^ (generator.random(20 + seed) < 0.2)
        unit[0] = True
        yield _Problem(masks, unit)


def _planted(length: int, *, concepts: int = 8) -> Iterator[_Problem]:
    """Formulas over concepts that are not too rare; a tenth of the hits is moved."""
    for seed in range(_PLANTED):
        generator = np.random.default_rng(100 + seed)
        masks = generator.random((concepts, 3000 + seed)) < generator.uniform(0.2, 0.4, (concepts, 1))
        chosen = [int(k) for k in generator.choice(concepts, size=1 + seed % length, replace=False)]
        operators = [_OPERATORS[int(k)] for k in generator.integers(3, size=len(chosen) - 1)]
        formula = Formula(chosen[0], tuple(zip(operators, chosen[1:], strict=True)))
        unit = _truth(masks, formula)
        moved = round(0.1 * int(unit.sum()))
        inside, outside = np.flatnonzero(unit), np.flatnonzero(~unit)
        unit[generator.choice(inside, moved, replace=False)] = False
        unit[generator.choice(outside, moved, replace=False)] = True
        yield _Problem(masks, unit, formula)


def _truth(masks: Array, formula: Formula | None) -> Array:
    """Where a formula is true, position by position."""
    assert formula is not None
    found = masks[formula.first].copy()
    for operator, k in formula.rest:
        found = found | masks[k] if operator == "OR" else found & (masks[k] if operator == "AND" else ~masks[k])
    return np.asarray(found)
