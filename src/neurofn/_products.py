"""Rewriting of products and quotients: logistic functions, hyperbolic tangents and sines over their argument, however typed."""

from __future__ import annotations

from ._guards import guard
from ._syntax import Call, Infix, Node, walk
from ._terms import ONE, TWO, ZERO, Z, argument, factors, negative, product, same, signed, terms, without

__all__ = ["rewrite_product"]

SIGN = Call("sign", (Z,))


def rewrite_product(node: Infix) -> Node:
    """The same product by the rules below, each as often as it finds something."""
    sign, core = signed(node)
    above, below = factors(core)
    if SIGN in above and Call("abs", (Z,)) in walk(core):  # the slope of |z| at 0 is that of neither side
        above.remove(SIGN)
        size = product(above, below)
        odd = guard(Infix(">=", Z, ZERO), size, negative(size))
        return odd if sign > 0 else negative(odd)
    changed = False
    for rule in (_sine_quotient, _logistic, _quotient_of_exponentials, _one_exponential_less):
        while (found := rule(above, below)) is not None:
            (above, below), changed = found, True
    if not changed:
        return node
    result = product(above, below)
    return result if sign > 0 else negative(result)


Found = tuple[list[Node], list[Node]] | None


def _sine_quotient(above: list[Node], below: list[Node]) -> Found:
    """sin(u)/u is sinc(u)."""
    for factor in above:
        inner = argument(factor, "sin")
        if inner is not None and inner in below:
            up, down = list(above), list(below)
            up.remove(factor)
            down.remove(inner)
            return [*up, Call("sinc", (inner,))], down
    return None


def _logistic(above: list[Node], below: list[Node]) -> Found:
    """1/(1 + exp(u)) is sigma(-u)."""
    for factor in below:
        parts = terms(factor)
        if len(parts) == 2 and (1, ONE) in parts:
            sign, other = without(parts, (1, ONE))[0]
            power = argument(other, "exp")
            if power is not None and sign > 0:
                rest = list(below)
                rest.remove(factor)
                return [*above, Call("sigma", (negative(power),))], rest
    return None


def _quotient_of_exponentials(above: list[Node], below: list[Node]) -> Found:
    """(exp(u) - exp(-u))/(exp(u) + exp(-u)) is tanh(u)."""
    for factor in below:
        for other in above:
            up, down = _exponents(other), _exponents(factor)
            if up is None or down is None or down[0] != down[1] or up[0] == up[1]:
                continue
            plus, minus = (up[2], up[3]) if up[0] > 0 else (up[3], up[2])
            if same(negative(plus), minus) and {signed(plus), signed(minus)} == {signed(down[2]), signed(down[3])}:
                rest, left = list(above), list(below)
                rest.remove(other)
                left.remove(factor)
                return [*rest, Call("tanh", (plus,))], left
    return None


def _exponents(node: Node) -> tuple[int, int, Node, Node] | None:
    """(signs, exponents) of a sum of two exponentials."""
    parts = terms(node)
    if len(parts) != 2:
        return None
    (a, first), (b, second) = parts
    u, v = argument(first, "exp"), argument(second, "exp")
    return None if u is None or v is None else (a, b, u, v)


def _one_exponential_less(above: list[Node], below: list[Node]) -> Found:
    """exp(u)*sigma(-u) is sigma(u), and expm1(u)*sigma(-u) is tanh(u/2)."""
    for factor in above:
        inner = argument(factor, "sigma")
        for other in above if inner is not None else ():
            opposite = negative(inner) if inner is not None else ZERO
            power, less = argument(other, "exp"), argument(other, "expm1")
            if power is not None and same(power, opposite):
                made = Call("sigma", (opposite,))
            elif less is not None and same(less, opposite):
                made = Call("tanh", (Infix("/", opposite, TWO),))
            else:
                continue
            rest = list(above)
            rest.remove(factor)
            rest.remove(other)
            return [*rest, made], below
    return None
