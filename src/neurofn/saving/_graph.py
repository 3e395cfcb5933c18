"""A formula as a list of operations on vectors, each made once: what is written twice in a formula is computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..formula import Call, Infix, Name, Node, children, evaluate, infix_words, walk

__all__ = ["Graph", "Operation", "graph_of"]

Z = Name("z")
_CONSTANTS = {"pi": math.pi, "e": math.e}
_NUMBERS: dict[str, Any] = {
    **infix_words(), "number": float, "sqrt": math.sqrt, "ln": math.log, "exp": math.exp, "tanh": math.tanh, "sin": math.sin,
    "cos": math.cos, "abs": abs, "gamma": math.gamma,
}  # fmt: skip
_MOST_FACTORS = 16  # powers up to this are products


@dataclass(frozen=True)
class Operation:
    """``word`` of earlier operations, which are places in the list; of a number or a name, ``value`` says which."""

    word: str
    arguments: tuple[int, ...] = ()
    value: float = 0.0


@dataclass
class Graph:
    """``operations`` ends with the function; ``outside`` are the parts without z, computed once beforehand.

    ``learned`` are the names that learn. A part without z is a *number of the caller*, the k-th in the word ``outside``.
    """

    learned: frozenset[str]
    operations: list[Operation] = field(default_factory=list)
    outside: list[Node] = field(default_factory=list)
    _places: dict[Operation, int] = field(default_factory=dict)

    def add(self, word: str, *arguments: int, value: float = 0.0) -> int:
        """The place of this operation, which is made if it is new."""
        operation = Operation(word, arguments, value)
        if operation not in self._places:
            self._places[operation] = len(self.operations)
            self.operations.append(operation)
        return self._places[operation]

    def learns(self, k: int) -> bool:
        """Whether the k-th part without z depends on a name that learns."""
        return any(isinstance(node, Name) and node.name in self.learned for node in walk(self.outside[k]))

    def plain(self, place: int) -> bool:
        """Whether this is a number when tensors are computed with, rather than a tensor."""
        operation = self.operations[place]
        return operation.word == "number" or (operation.word == "outside" and not self.learns(int(operation.value)))

    def build(self, node: Node) -> int:
        """The place of a node."""
        if node == Z:
            return self.add("z")
        if isinstance(node, Infix) and node.operator in ("<", "<=", ">", ">="):
            return self.add(node.operator, self.build(node.left), self.build(node.right))
        names = {below.name for below in walk(node) if isinstance(below, Name)}
        if "z" not in names:
            return self._without_z(node, names)
        if isinstance(node, Infix) and node.operator == "neg":
            return self.add("neg", self.build(node.right))
        if isinstance(node, Infix) and node.operator == "**":
            return self._power(self.build(node.left), self.build(node.right))
        if isinstance(node, Call) and node.word == "T":
            return self._chebyshev(int(getattr(node.arguments[0], "text", 0)), self.build(node.arguments[1]))
        below = [self.build(child) for child in children(node)]
        if isinstance(node, Infix) and node.operator == "/" and self._divides(below[1]):
            return self.add("*", below[0], self.add("number", value=1 / self.operations[below[1]].value))
        return (
            self._call(node.word, below) if isinstance(node, Call) else self.add(getattr(node, "operator", ""), *below)
        )

    def _divides(self, place: int) -> bool:
        """Whether this is a number whose inverse may stand for the division by it."""
        operation = self.operations[place]
        return operation.word == "number" and 1e-30 < abs(operation.value) < 1e30

    def _without_z(self, node: Node, names: set[str]) -> int:
        if names <= set(_CONSTANTS):
            try:
                return self.add("number", value=float(evaluate(node, _CONSTANTS, _NUMBERS)))
            except (KeyError, ArithmeticError, ValueError):  # not a number of these words: the caller computes it
                pass
        if node not in self.outside:
            self.outside.append(node)
        return self.add("outside", value=self.outside.index(node))

    def _call(self, word: str, below: list[int]) -> int:
        if word == "clip":
            return self._bound("min", self._bound("max", below[0], below[1]), below[2])
        if word in ("max", "min"):
            return self._bound(word, *below)
        if word == "hypot" and (one := self.add("number", value=1.0)) in below:
            return self.add("hypot_one", below[below[0] == one])
        return self.add(word, *below)

    def _bound(self, word: str, u: int, v: int) -> int:
        """A tensor and a number are clamped, as the plain code does it: at the border the slope is 1. Two tensors share it."""
        if self.plain(u):
            u, v = v, u
        return self.add(f"clamp_{word}" if self.plain(v) else word, u, v)

    def _power(self, base: int, exponent: int) -> int:
        number = self.operations[exponent].value
        if self.operations[exponent].word != "number" or not 0 < number <= _MOST_FACTORS or 2 * number % 1:
            return self.add("pow", base, exponent)
        if number == 0.5:
            return self.add("sqrt", base)
        return self.add("half_power" if number % 1 else "whole_power", base, value=number) if number != 1 else base

    def _chebyshev(self, degree: int, u: int) -> int:
        before, now = self.add("number", value=1.0), u
        if degree == 0:
            return before
        twice = self.add("*", self.add("number", value=2.0), u)
        for _ in range(degree - 1):
            before, now = now, self.add("-", self.add("*", twice, now), before)
        return now


def graph_of(node: Node, learned: frozenset[str]) -> Graph:
    """The graph of a tree in which z occurs; ValueError where it does not.

    >>> from neurofn.formula import Formula
    >>> [operation.word for operation in graph_of(Formula("a*tanh(z) + tanh(z)").tree, frozenset()).operations]
    ['outside', 'z', 'tanh', '*', '+']
    """
    graph = Graph(learned)
    if graph.build(node) != len(graph.operations) - 1 or graph.operations[-1].word in ("number", "outside"):
        raise ValueError("the formula is a number, or one of its own parts")
    return graph
