"""Rewriting that needs to know which parameters are above 0: they move inside an exponential or below a root."""

from __future__ import annotations

from ._syntax import Call, Constant, Infix, Name, Node, children, rebuilt
from ._terms import ONE, TWO, argument, depends, factors, product, terms, total

__all__ = ["absorb"]


def absorb(node: Node, positive: frozenset[str]) -> Node:
    """a*exp(u) is exp(u + ln(a)) beside another term, and a*u**2 is (sqrt(a)*u)**2 below a root, where a is above 0."""
    node = rebuilt(node, [absorb(child, positive) for child in children(node)])
    if isinstance(node, Infix) and node.operator == "+":
        return Infix("+", _scaled_exponential(node.left, positive), _scaled_exponential(node.right, positive))
    if isinstance(node, Call) and node.word == "ln":
        parts = terms(node.arguments[0])
        if any(argument(part, "exp") is not None for _, part in parts):
            return Call("ln", (total((sign, _as_exponential(part, positive)) for sign, part in parts),))
    if isinstance(node, Call) and node.word == "sqrt":
        return Call("sqrt", (total((sign, _scaled_square(part, positive)) for sign, part in terms(node.arguments[0])),))
    return node


def _scaled_exponential(node: Node, positive: frozenset[str]) -> Node:
    above, below = factors(node)
    powers = [factor for factor in above if argument(factor, "exp") is not None]
    rest = [factor for factor in above if factor not in powers]
    if below or len(powers) != 1 or not rest or not all(_above_zero(factor, positive) for factor in rest):
        return node
    power = argument(powers[0], "exp")
    assert power is not None
    return Call("exp", (total([*terms(power), *((1, Call("ln", (factor,))) for factor in rest)]),))


def _as_exponential(node: Node, positive: frozenset[str]) -> Node:
    known = isinstance(node, Name) and node.name in positive
    return Call("exp", (Call("ln", (node,)),)) if known else node


def _scaled_square(node: Node, positive: frozenset[str]) -> Node:
    above, below = factors(node)
    if node != ONE and not depends(node) and not below and all(_above_zero(factor, positive) for factor in above):
        return Infix("**", Call("sqrt", (node,)), TWO)
    rest = [factor for factor in above if _above_zero(factor, positive)]
    squares = [
        factor for factor in above if isinstance(factor, Infix) and factor.operator == "**" and factor.right == TWO
    ]
    if below or len(rest) + len(squares) != len(above) or not rest or not squares or not depends(node):
        return node
    roots: list[Node] = [Call("sqrt", (factor,)) for factor in rest]
    inner = product([*roots, *(square.left for square in squares if isinstance(square, Infix))], [])
    return Infix("**", inner, TWO)


def _above_zero(node: Node, positive: frozenset[str]) -> bool:
    return float(node.text) > 0 if isinstance(node, Constant) else isinstance(node, Name) and node.name in positive
