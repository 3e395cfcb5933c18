"""A function with its derivatives, by Taylor series: on float64 numbers, or on intervals that contain the true values.

The rules for every word are written once, over a *kind* of number: a table of what exp, tanh, ... mean on it. A branch
(where, max, min, abs, sign) is entered in a diary: on numbers which side was taken, on intervals whether it was certain.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from ._interval import Three
from ._kinds import Kind
from ._rules import outer

__all__ = ["Forced", "Jet", "chain", "word"]


class Forced(list[Any]):
    """A diary that was written before: the sign of every difference is known, and comparisons follow it."""

    def __init__(self, signs: Sequence[Any]) -> None:
        super().__init__()
        self._signs = iter(signs)

    def next(self) -> Any:
        """The sign of the difference that is looked at now."""
        return next(self._signs)


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
            return word("exp")(exponent * word("ln")(self))
        whole = self.kind.whole(exponent)
        if whole is not None:
            return self.power(whole)
        factors, found, one = 1.0, list[Any](), self.kind.number("1")
        for k in range(len(self.terms)):
            found.append(self.kind.real_power(self.terms[0], exponent - k * one) * factors)
            factors = factors * (exponent - k * one)
        return chain(self, found)

    def __rpow__(self, base: Any) -> Any:
        return word("exp")(self * self.kind.table["ln"](base))

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
        if isinstance(self.diary, Forced):
            yes = how(self.diary.next(), 0)
            return Three(yes, ~yes)
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


def word(name: str) -> Callable[[Any], Any]:
    """A word on jets, from its value and three derivatives over the table of a kind."""

    def on(u: Any) -> Any:
        if not isinstance(u, Jet):
            raise TypeError(name)
        return chain(u, outer(name, u.kind, u.terms[0]))

    return on
