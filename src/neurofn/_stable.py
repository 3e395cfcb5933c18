"""Rewriting of syntax trees: the same function, written so that neither values nor gradients meet an avoidable infinity.

Rules look at sums and products as lists, so that the order in which a formula was typed does not matter. They work from the
leaves up. What is left of the danger is met by two guards: a branch that is not chosen is fed the border of its condition, and
an exponential inside something that has long settled when it overflows gives no slope there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ._guards import guard, hold
from ._positive import absorb
from ._products import rewrite_product
from ._syntax import Call, Constant, Infix, Node, children, rebuilt
from ._terms import (
    ONE,
    TWO,
    ZERO,
    argument,
    depends,
    factors,
    negative,
    product,
    same,
    signed,
    terms,
    total,
    without,
)

__all__ = ["stabilise"]

_LN2 = Constant("0.69314718055994530941723212145818")


def stabilise(node: Node, positive: frozenset[str] = frozenset()) -> Node:
    """The same function, written for tensors; ``positive`` are parameters that are above 0.

    >>> from neurofn.formula import Formula
    >>> stabilise(Formula("1/(1 + exp(-z))").tree) == Formula("sigma(z)").tree
    True
    """
    return hold(_rewrite(absorb(node, positive)), held=False)


def _rewrite(node: Node) -> Node:
    below = [_rewrite(child) for child in children(node)]
    if isinstance(node, Call):
        if node.word == "where":
            return guard(*below)
        return _rewrite_call(Call(node.word, tuple(below)))
    if not isinstance(node, Infix):
        return node
    made = rebuilt(node, below)
    assert isinstance(made, Infix)
    if made.operator in ("+", "-"):
        return _rewrite_sum(made)
    if made.operator in ("*", "/"):
        return rewrite_product(made)
    return _rewrite_power(made) if made.operator == "**" else made


# ---- rules --------------------------------------------------------------------------------------------------------------

# 1 plus or minus a word that comes to -1 or 1: the other tail, without its cancellation.
_TAILS: dict[tuple[int, str], Callable[[Node], Node]] = {
    (-1, "sigma"): lambda u: Call("sigma", (negative(u),)),
    (-1, "Phi"): lambda u: Call("Phi", (negative(u),)),
    (-1, "erf"): lambda u: Call("erfc", (u,)),
    (1, "erf"): lambda u: Call("erfc", (negative(u),)),
    (-1, "tanh"): lambda u: Infix("*", TWO, Call("sigma", (Infix("*", Infix("neg", ZERO, TWO), u),))),
    (1, "tanh"): lambda u: Infix("*", TWO, Call("sigma", (Infix("*", TWO, u),))),
}


def _rewrite_sum(node: Infix) -> Node:
    parts = terms(node)
    if len(parts) == 2 and (found := _difference(*parts) or _difference(*parts[::-1])) is not None:
        return found
    for part in parts:
        sign, core = part
        one = next((other for other in parts if other[1] == ONE and other is not part), None)
        if one is None or not isinstance(core, Call | Infix):
            continue
        found = _with_one(core, sign * one[0])
        if found is not None:
            return total([*without(parts, part, one), (one[0], found)])
    return node


def _difference(plus: tuple[int, Node], minus: tuple[int, Node]) -> Node | None:
    """exp(u) - exp(-u) is 2*sinh(u), and k*sigma(u) - k/2 is k/2*tanh(u/2)."""
    (sign, first), (other, second) = plus, minus
    up, down = argument(first, "exp"), argument(second, "exp")
    if sign > 0 > other and up is not None and down is not None and same(negative(up), down):
        return Infix("*", TWO, Call("sinh", (up,)))
    above, below = factors(first)
    inner = [found for factor in above if (found := argument(factor, "sigma")) is not None]
    rest = [factor for factor in above if argument(factor, "sigma") is None] or [ONE]
    numbers = isinstance(second, Constant) and all(isinstance(factor, Constant) for factor in rest)
    if sign > 0 > other and not below and len(inner) == 1 and numbers and _number(rest) == 2 * _number([second]):
        return Infix("*", second, Call("tanh", (Infix("/", inner[0], TWO),)))
    return None


def _number(parts: list[Node]) -> float:
    return math.prod(float(part.text) for part in parts if isinstance(part, Constant))


def _with_one(core: Call | Infix, sign: int) -> Node | None:
    """1 + sign*core in a better form, if there is one."""
    if isinstance(core, Call):
        if core.word == "exp" and sign < 0:
            return negative(Call("expm1", core.arguments))
        if core.word == "hypot" and sign < 0 and ONE in core.arguments:  # 1 - sqrt(1 + u**2)
            u = core.arguments[core.arguments[0] == ONE]
            return negative(Infix("*", u, Infix("/", u, Infix("+", ONE, core))))
        tail = _TAILS.get((sign, core.word))
        return tail(core.arguments[0]) if tail else None
    if core.operator == "/" and core.left == ONE and sign < 0 and (1, ONE) in terms(core.right):  # 1 - 1/(1 + u)
        return Infix("/", total(without(terms(core.right), (1, ONE))), core.right)
    if core.operator == "**" and sign < 0 and depends(core.left) and not _whole(core.right):
        return negative(_power_less_one(core))
    return None


def _whole(node: Node) -> bool:
    core = signed(node)[1]
    return isinstance(core, Constant) and float(core.text).is_integer()


def _power_less_one(core: Infix) -> Node:
    """u**p - 1 is expm1(p*ln(u)) where u is above 0; where it is not, p may still be whole, and the power a number."""
    base, above = core.left, Infix(">", core.left, ZERO)
    parts = terms(base)
    log = Call("ln", (Call("where", (above, base, ONE)),))
    if (1, ONE) in parts:
        log = Call("log1p", (Call("where", (above, total(without(parts, (1, ONE))), ZERO)),))
    rest = Infix("-", Infix("**", Call("where", (above, ONE, base)), core.right), ONE)
    return Call("where", (above, Call("expm1", (Infix("*", core.right, log),)), rest))


def _rewrite_call(node: Call) -> Node:
    if node.word == "ln":
        return _rewrite_logarithm(node)
    if node.word == "sqrt":
        return _rewrite_root(node)
    inner = argument(node.arguments[0], "softplus")
    if node.word == "tanh" and inner is not None:
        return Call("tanh_softplus", (inner,))
    if node.word == "tanh" and (inner := _half_softplus(node.arguments[0])) is not None:
        return Call("sigma", (Infix("-", inner, _LN2),))
    return node


def _half_softplus(node: Node) -> Node | None:
    """The u of softplus(u)/2, whose tanh is exp(u)/(exp(u) + 2)."""
    above, below = factors(node)
    inner = [found for factor in above if (found := argument(factor, "softplus")) is not None]
    numbers = [factor for factor in above if argument(factor, "softplus") is None]
    if len(inner) != 1 or not all(isinstance(factor, Constant) for factor in [*numbers, *below]):
        return None
    return inner[0] if 2 * _number(numbers) == _number(below) else None


def _rewrite_logarithm(node: Call) -> Node:
    parts = terms(node.arguments[0])
    if len(parts) == 1:
        above, below = factors(node.arguments[0])
        logs = [(sign, _logarithm(factor)) for sign, side in ((1, above), (-1, below)) for factor in side]
        if all(log is not None for _, log in logs):
            return total([(sign, log) for sign, log in logs if log is not None])
    if len(parts) != 2:
        return node
    for (sign, first), (other, second) in (parts, parts[::-1]):
        power = argument(second, "exp")
        if sign == other == 1 and power is not None and first == ONE:
            return Call("softplus", (power,))
        if sign == other == 1 and power is not None and (log := _known_logarithm(first)) is not None:
            return Call("logaddexp", (log, power))
        if sign == 1 and first in (ONE, TWO):
            rest = second if other > 0 else negative(second)
            return Call("log1p", (rest if first == ONE else _rewrite_sum(Infix("+", ONE, rest)),))
    return node


def _known_logarithm(node: Node) -> Node | None:
    """Of a number above 0, or of what was written as a power of e since it is one."""
    return Call("ln", (node,)) if isinstance(node, Constant) and float(node.text) > 0 else argument(node, "exp")


def _logarithm(factor: Node) -> Node | None:
    """The logarithm of a factor where it is known in closed form."""
    inner = argument(factor, "sigma")
    if inner is not None:
        return negative(Call("softplus", (negative(inner),)))
    if argument(factor, "exp") is not None:
        return argument(factor, "exp")
    log = _rewrite_call(Call("ln", (factor,))) if len(terms(factor)) == 2 else None
    return log if isinstance(log, Call) and log.word == "softplus" else None


def _rewrite_root(node: Call) -> Node:
    """sqrt(c**2 + u**2) without the squares, which overflow long before the root does."""
    parts = terms(node.arguments[0])
    if len(parts) == 2 and all(sign > 0 for sign, _ in parts):
        roots = [_root(core) for _, core in parts]
        if roots[0] is not None and roots[1] is not None:
            return Call("hypot", (roots[0], roots[1]))
        power = next((argument(core, "exp") for _, core in parts if argument(core, "exp") is not None), None)
        if power is not None and ONE in (parts[0][1], parts[1][1]):
            return Call("exp", (Infix("/", Call("softplus", (power,)), TWO),))
    return node


def _root(core: Node) -> Node | None:
    """The square root of a product of squares and positive numbers."""
    if core == ONE:
        return ONE
    above, below = factors(core)
    if below:
        return None
    found: list[Node] = []
    rest = list(above)
    while rest:
        first = rest.pop(0)
        if first in rest:  # a square was written out as a product
            rest.remove(first)
            found.append(first)
        elif isinstance(first, Constant):
            found.append(Call("sqrt", (first,)))
        else:
            return None
    return product(found, [])


def _rewrite_power(node: Infix) -> Node:
    if isinstance(node.left, Constant) and float(node.left.text) > 0 and depends(node.right):
        log = Constant(repr(math.log(float(node.left.text))))
        return Call("exp", (Infix("*", node.right, log),))
    if node.right == TWO:  # since the slope 2u of a power overflows before u*u*0 does
        return Infix("*", node.left, node.left)
    parts = terms(node.left)
    if len(parts) == 2 and (1, ONE) in parts:
        power = argument(without(parts, (1, ONE))[0][1], "exp")
        if power is not None and without(parts, (1, ONE))[0][0] == 1:
            return Call("exp", (Infix("*", node.right, Call("softplus", (power,))),))
    return node
