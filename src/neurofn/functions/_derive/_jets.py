"""A function with its derivatives, by Taylor series: on float64 numbers, or on intervals that contain the true values.

The rules for every word are written once, over a *kind* of number: a table of what exp, tanh, ... mean on it. A branch
(where, max, min, abs, sign) is entered in a diary: on numbers which side was taken, on intervals whether it was certain.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...formula import Call, Infix, Node, evaluate
from ._kinds import Kind
from ._rules import RULES, outer

__all__ = ["Jet", "chain", "expand", "valued", "words"]


class Jet:
    """Taylor coefficients of a function at a point or on a box, first its value; ``kind`` is what they are made of."""

    __slots__ = ("diary", "kind", "terms")
    __array_ufunc__ = None

    def __init__(self, terms: Sequence[Any], kind: Kind, diary: list[Any]) -> None:
        self.terms = tuple(terms)
        self.kind = kind
        self.diary = diary

    def like(self, terms: Sequence[Any]) -> Jet:
        """Other terms at the same place."""
        return Jet(terms, self.kind, self.diary)

    def lift(self, other: Any) -> Jet:
        """A number as a constant."""
        return other if isinstance(other, Jet) else self.like((other, *[0.0] * (len(self.terms) - 1)))

    def __neg__(self) -> Jet:
        return self.like([-term for term in self.terms])

    def __add__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return self.like((self.terms[0] + other, *self.terms[1:]))
        return self.like([a + b for a, b in zip(self.terms, other.terms, strict=True)])

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return self.like([term * other for term in self.terms])
        if other is self:
            return self.power(2)
        a, b = self.terms, other.terms
        return self.like([_total(a[i] * b[k - i] for i in range(k + 1)) for k in range(len(a))])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return self.like([term / other for term in self.terms])
        under, found = other.terms, list[Any]()
        for k, term in enumerate(self.terms):
            found.append(
                (term - _total(found[i] * under[k - i] for i in range(k))) / under[0] if k else term / under[0]
            )
        return self.like(found)

    def __rtruediv__(self, other: Any) -> Jet:
        found: Jet = self.power(-1) * other
        return found

    def power(self, exponent: int) -> Jet:
        """u**n for a whole number n."""
        if exponent == 0:
            return self.like((self.kind.number("1"), *[0.0] * (len(self.terms) - 1)))
        factors, u, found = 1.0, self.terms[0], list[Any]()
        for k in range(len(self.terms)):
            found.append(self.kind.power(u, exponent - k) * factors if factors else 0.0)
            factors *= exponent - k
        return chain(self, found)

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, Jet):
            return _word("exp")(exponent * _word("ln")(self))
        whole = self.kind.whole(exponent)
        if whole is not None:
            return self.power(whole)
        factors, found, one = 1.0, list[Any](), self.kind.number("1")
        for k in range(len(self.terms)):
            found.append(self.kind.real_power(self.terms[0], exponent - k * one) * factors)
            factors = factors * (exponent - k * one)
        return chain(self, found)

    def __rpow__(self, base: Any) -> Any:
        return _word("exp")(self * self.kind.table["ln"](base))

    def __lt__(self, other: Any) -> Any:
        return self._compare(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._compare(operator.le, other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(operator.ge, other)

    def _compare(self, how: Callable[[Any, Any], Any], other: Any) -> Any:
        right = other.terms[0] if isinstance(other, Jet) else other
        self.kind.note(self.diary, self.terms[0], right)
        return how(self.terms[0], right)


def _total(parts: Any) -> Any:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def chain(u: Jet, rule: Sequence[Any]) -> Jet:
    """g(u) from g and its derivatives at u: the rule of Faà di Bruno up to the third."""
    square = u.kind.power
    found = [rule[0]]
    if len(u.terms) > 1:
        found.append(rule[1] * u.terms[1])
    if len(u.terms) > 2:
        found.append(rule[1] * u.terms[2] + rule[2] * square(u.terms[1], 2) * 0.5)
    if len(u.terms) > 3:
        a, b, c = u.terms[1:4]
        found.append(rule[1] * c + rule[2] * (a * b) + rule[3] * square(a, 3) * (1 / 6 if u.kind.exact else _SIXTH))
    return u.like(found)


_SIXTH = "1/6"


def _word(name: str) -> Callable[[Any], Any]:
    """A word on jets, from its value and three derivatives over the table of a kind."""

    def word(u: Any) -> Any:
        if not isinstance(u, Jet):
            raise TypeError(name)
        return chain(u, outer(name, u.kind, u.terms[0]))

    return word


# ---- words that branch, and words of two arguments ----------------------------------------------------------------------


def _where(kind: Kind, condition: Any, yes: Any, no: Any) -> Any:
    if not isinstance(yes, Jet) and not isinstance(no, Jet):
        return kind.choose(condition, yes, no)
    a, b = _pair(yes, no)
    return a.like([kind.choose(condition, x, y) for x, y in zip(a.terms, b.terms, strict=True)])


def _pair(u: Any, v: Any) -> tuple[Jet, Jet]:
    like = u if isinstance(u, Jet) else v
    lift = [side if isinstance(side, Jet) else _constant(like, side) for side in (u, v)]
    return lift[0], lift[1]


def _constant(like: Jet, value: Any) -> Jet:
    zero = like.kind.number("0")
    return like.like((value, *[zero] * (len(like.terms) - 1)))


def _larger(kind: Kind, u: Any, v: Any) -> Any:
    return _where(kind, u >= v, u, v)


def _smaller(kind: Kind, u: Any, v: Any) -> Any:
    return _where(kind, u <= v, u, v)


def _abs(kind: Kind, u: Any) -> Any:
    if not isinstance(u, Jet):
        return abs(u)
    kind.note(u.diary, u.terms[0], 0.0)
    sign = kind.sign(u.terms[0])
    return u.like((abs(u.terms[0]), *(sign * term for term in u.terms[1:])))


def _sign(kind: Kind, u: Any) -> Any:
    if not isinstance(u, Jet):
        return kind.sign(u)
    kind.note(u.diary, u.terms[0], 0.0)
    return _constant(u, kind.sign(u.terms[0]))


def _hypot(kind: Kind, u: Any, v: Any) -> Any:
    if isinstance(v, Jet):
        u, v = v, u
    table = kind.table
    if not isinstance(u, Jet):
        return table["hypot"](u, v)
    if isinstance(v, Jet):
        return _one(kind, "sqrt", u.power(2) + v.power(2))
    root = table["hypot"](u.terms[0], v)
    unit, rest = table["unit"](u.terms[0], v), v / root
    square = kind.power(rest, 2)
    return chain(u, (root, unit, square / root, -3.0 * (unit * (square / root / root))))


def _atan2(kind: Kind, v: Any, u: Any) -> Any:
    if not isinstance(u, Jet) and not isinstance(v, Jet):
        return kind.table["atan2"](v, u)
    a, b = _pair(v, u)
    slope = (_slope(a) * _cut(b) - _slope(b) * _cut(a)) / (_cut(a).power(2) + _cut(b).power(2))
    terms = [term * (1.0 / k if kind.exact else f"1/{k}") for k, term in enumerate(slope.terms, 1)]
    return a.like((kind.table["atan2"](a.terms[0], b.terms[0]), *terms))


def _slope(u: Jet) -> Jet:
    return u.like([term * float(k) for k, term in enumerate(u.terms)][1:])


def _cut(u: Jet) -> Jet:
    return u.like(u.terms[:-1])


def _sinc(kind: Kind, u: Any) -> Any:
    table = kind.table
    if not isinstance(u, Jet):
        return table["sinc"](u)[0]
    return chain(u, table["sinc"](u.terms[0]))


def _chebyshev(kind: Kind, degree: Any, u: Any) -> Any:
    count = kind.whole(degree) or 0
    before, now = (_constant(u, kind.number("1")), u) if isinstance(u, Jet) else (kind.number("1"), u)
    for _ in range(count):
        before, now = now, 2.0 * (u * now) - before
    return before


def _one(kind: Kind, name: str, u: Any) -> Any:
    return _word(name)(u) if isinstance(u, Jet) else kind.table[name](u)


def words(kind: Kind) -> dict[str, Callable[..., Any]]:
    """The meaning of every word and operator on series of this kind, and on numbers of it."""
    from functools import partial

    one = {name: partial(_one, kind, name) for name in RULES}
    zero = kind.number("0")
    return one | {
        "number": kind.number, "pi": lambda: kind.table["pi"](), "e": lambda: kind.table["e"](),
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
        "where": partial(_where, kind), "max": partial(_larger, kind), "min": partial(_smaller, kind),
        "clip": lambda u, low, high: _smaller(kind, _larger(kind, u, low), high),
        "relu": lambda u: _larger(kind, u, zero), "abs": partial(_abs, kind), "sign": partial(_sign, kind),
        "held_exp": one["exp"],
        "logaddexp": lambda u, v: v + one["softplus"](u - v), "hypot": partial(_hypot, kind),
        "atan2": partial(_atan2, kind), "sinc": partial(_sinc, kind), "gamma": lambda u: kind.table["gamma"](u),
        "T": partial(_chebyshev, kind),
    }  # fmt: skip


def valued(tree: Node, values: Mapping[str, Any], meaning: Mapping[str, Callable[..., Any]]) -> Any:
    """As ``evaluate``, but what occurs twice is computed once, and is then the same object."""
    known: dict[Node, Any] = {}

    def value(node: Node) -> Any:
        if node not in known:
            if isinstance(node, Call):
                known[node] = meaning[node.word](*(value(below) for below in node.arguments))
            elif isinstance(node, Infix) and node.operator == "neg":
                known[node] = -value(node.right)
            elif isinstance(node, Infix):
                known[node] = meaning[node.operator](value(node.left), value(node.right))
            else:
                known[node] = evaluate(node, values, meaning)
        return known[node]

    return value(tree)


def expand(tree: Node, z: Any, values: Mapping[str, Any], *, kind: Kind, order: int = 2) -> tuple[Jet, list[Any]]:
    """The Taylor series of a tree at numbers or on boxes ``z``, and the diary of its branches."""
    diary: list[Any] = []
    one, zero = kind.number("1"), kind.number("0")
    start = Jet((z, *([one] + [zero] * (order - 1) if order else [])), kind, diary)
    result = valued(tree, {**values, "z": start}, words(kind))
    return result if isinstance(result, Jet) else _constant(start, result), diary
