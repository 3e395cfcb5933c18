"""Sums and products of a syntax tree as lists, and back: rules on lists do not care in which order a formula was typed."""

from __future__ import annotations

from collections.abc import Iterable

from ._syntax import Call, Constant, Infix, Name, Node, walk

__all__ = [
    "ONE",
    "TWO",
    "ZERO",
    "Z",
    "argument",
    "depends",
    "factors",
    "negative",
    "product",
    "same",
    "signed",
    "terms",
    "total",
    "without",
]

Z, ZERO, ONE, TWO = Name("z"), Constant("0"), Constant("1"), Constant("2")


def signed(node: Node) -> tuple[int, Node]:
    """The sign in front of a node, and the node without it: -a*b is (-1, a*b)."""
    if isinstance(node, Infix):
        if node.operator == "neg":
            sign, core = signed(node.right)
            return -sign, core
        if node.operator in ("*", "/"):
            (a, left), (b, right) = signed(node.left), signed(node.right)
            return a * b, Infix(node.operator, left, right)
    return 1, node


def negative(node: Node) -> Node:
    """-node, without a double minus."""
    sign, core = signed(node)
    return core if sign < 0 else Infix("neg", ZERO, core)


def same(left: Node, right: Node) -> bool:
    """Whether two nodes are equal, wherever their minus stands."""
    return signed(left) == signed(right)


def terms(node: Node, sign: int = 1) -> list[tuple[int, Node]]:
    """A sum as signed terms."""
    if isinstance(node, Infix) and node.operator in ("+", "-"):
        second = sign if node.operator == "+" else -sign
        return [*terms(node.left, sign), *terms(node.right, second)]
    own, core = signed(node)
    if own < 0 and isinstance(core, Infix) and core.operator in ("+", "-"):
        return terms(core, -sign)
    return [(sign * own, core)]


def total(parts: Iterable[tuple[int, Node]]) -> Node:
    """Signed terms as a sum, those with a plus first."""
    ordered = sorted(parts, key=lambda part: -part[0])
    if not ordered:
        return ZERO
    (sign, first), rest = ordered[0], ordered[1:]
    result = first if sign > 0 else negative(first)
    for sign, node in rest:
        result = Infix("+" if sign > 0 else "-", result, node)
    return result


def factors(node: Node) -> tuple[list[Node], list[Node]]:
    """A product as what stands above and below the line."""
    if isinstance(node, Infix) and node.operator in ("*", "/"):
        (a, b), (c, d) = factors(node.left), factors(node.right)
        return (a + c, b + d) if node.operator == "*" else (a + d, b + c)
    return [node], []


def product(above: list[Node], below: list[Node]) -> Node:
    """Factors above and below the line as one quotient."""

    def chain(nodes: list[Node]) -> Node:
        result = nodes[0]
        for node in nodes[1:]:
            result = Infix("*", result, node)
        return result

    above = [node for node in above if node != ONE] or [ONE]
    return Infix("/", chain(above), chain(below)) if below else chain(above)


def without(parts: list[tuple[int, Node]], *gone: tuple[int, Node]) -> list[tuple[int, Node]]:
    """Terms without these."""
    left = list(parts)
    for part in gone:
        left.remove(part)
    return left


def argument(node: Node, word: str) -> Node | None:
    """What a word is applied to; None where the node is something else."""
    return node.arguments[0] if isinstance(node, Call) and node.word == word else None


def depends(node: Node) -> bool:
    """Whether z occurs in it."""
    return Z in walk(node)
