"""The beam: the best few formulas, different as functions, joined with every concept again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._tally import Tally
from .formula import OPERATORS, Formula
from .score import score

__all__ = ["Node", "beam"]

Array = np.ndarray[Any, Any]


class Node:
    """A formula with its counts: ``both`` positions with the unit, ``size`` in all, and its score ``value``."""

    def __init__(
        self, tally: Tally, formula: Formula, counts: tuple[int, int, float], parent: Node | None = None
    ) -> None:
        self.tally, self.formula, self.parent = tally, formula, parent
        self.both, self.size, self.value = counts
        self._member: Array | None = None
        self._sizes: Array | None = None

    @property
    def member(self) -> Array:
        """Where it is true among the label sets, from where its parent is."""
        if self._member is None:
            if self.parent is None:
                self._member = self.formula.holds(self.tally.signatures)
            else:
                operator, concept = self.formula.rest[-1]
                holders, before = self.tally.signatures.where(concept), self.parent.member
                self._member = np.zeros_like(before) if operator == "AND" else before.copy()
                self._member[holders] = before[holders] if operator == "AND" else operator == "OR"
        return self._member

    @property
    def sizes(self) -> Array:
        """Positions of it AND each concept: those of its parent, and what its last concept adds or takes away."""
        if self._sizes is None:
            if self.parent is None:
                return np.asarray(self.tally.all[self.formula.first])
            operator, concept = self.formula.rest[-1]
            holders = self.tally.signatures.where(concept)
            shared = self.tally.all_with(holders[self.parent.member[holders]])
            if operator == "AND":
                self._sizes = shared
            else:
                self._sizes = self.parent.sizes - shared + (self.tally.all[concept] if operator == "OR" else 0)
        return self._sizes

    def joined(self) -> tuple[Array, Array]:
        """(both, size) of this formula joined with every concept: (operators, concepts)."""
        with_both, with_all, tally = self.tally.inside_with(self.member), self.sizes, self.tally
        both = np.stack([self.both + tally.inside - with_both, with_both, self.both - with_both])
        return both, np.stack([self.size + tally.single - with_all, with_all, self.size - with_all])

    def is_same(self, other: Node) -> bool:
        """Whether both are true at the same label sets."""
        return (self.both, self.size) == (other.both, other.size) and np.array_equal(self.member, other.member)


def beam(tally: Tally, *, length: int, width: int, measure: str) -> list[list[Node]]:
    """The best ``width`` formulas after each step, the best first; equal scores in the order in which they were made.

    A step makes first the formulas before it, then of each "OR", "AND", "AND NOT" with every concept. A formula that is true
    nowhere where the unit fires is never kept.
    """
    positions = tally.signatures.positions

    def values(both: Array, size: Array) -> Array:
        return np.where(both > 0, score(measure, (both, size, tally.total, positions)), -np.inf)

    single = values(tally.inside, tally.single)
    found = (
        Node(tally, Formula(k), (int(tally.inside[k]), int(tally.single[k]), float(single[k])))
        for k in _ordered(single, 8 * width)
    )
    steps = [_different(found, width)]
    for _ in range(1, length):
        if not steps[-1]:
            break
        steps.append(_step(tally, steps[-1], width, values))
    return steps


def _step(tally: Tally, before: list[Node], width: int, values: Any) -> list[Node]:
    counts = [node.joined() for node in before]
    both, size = (np.stack(parts) for parts in zip(*counts, strict=True))
    # OR only adds and AND only takes away: what has the size of its parent is its parent, and would come back often.
    same = size == np.array([node.size for node in before])[:, None, None]
    made = np.where(same, -np.inf, values(both, size)).ravel()

    def nodes() -> Iterator[Node]:
        scores = np.concatenate([[node.value for node in before], made])
        for place in _ordered(scores, 8 * width):
            if place < len(before):
                yield before[place]
                continue
            parent, operator, concept = (int(k) for k in np.unravel_index(place - len(before), both.shape))
            numbers = int(both[parent, operator, concept]), int(size[parent, operator, concept]), float(scores[place])
            formula = before[parent].formula.then(OPERATORS[operator], concept)
            yield Node(tally, formula, numbers, before[parent])

    return _different(nodes(), width)


def _different(nodes: Iterator[Node], width: int) -> list[Node]:
    """The first ``width`` that are different functions."""
    kept: list[Node] = []
    for node in nodes:
        if not any(node.is_same(other) for other in kept):
            kept.append(node)
        if len(kept) == width:
            break
    return kept


def _ordered(values: Array, few: int) -> Iterator[int]:
    """Places of the finite values, the largest first and equal ones in their order; the first few come cheaply."""
    limit = -np.inf
    if few < len(values):
        limit = np.partition(values, len(values) - few)[len(values) - few]
        top = np.flatnonzero((values >= limit) & (values > -np.inf))
        yield from top[np.argsort(-values[top], kind="stable")].tolist()
        rest = np.flatnonzero((values < limit) & (values > -np.inf))
    else:
        rest = np.flatnonzero(values > -np.inf)
    yield from rest[np.argsort(-values[rest], kind="stable")].tolist()
