"""Intervals of float64 numbers with outward rounding: an array of them at once, so that thousands of boxes cost one call.

Sums, products, quotients and roots are rounded correctly by the processor, so one step outward contains the true value. For
the other functions the libraries promise a few units in the last place; ``_SLACK`` allows them sixteen, and a test holds them
to four. An interval of NaN is empty: the function is defined nowhere in the box.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

__all__ = [
    "Interval", "Three", "cosine", "even", "growing", "hull", "number", "real_power", "select", "sine", "whole_number",
]  # fmt: skip

_SLACK = 2.0**-48


@dataclass(frozen=True)
class Three:
    """The answer of a comparison for every box: surely, surely not, or neither."""

    yes: Any
    no: Any

    @property
    def known(self) -> Any:
        """Where there is an answer."""
        return self.yes | self.no


class Interval:
    """Boxes [lo, hi]; arrays broadcast as in numpy."""

    __slots__ = ("hi", "lo")
    __array_ufunc__ = None

    def __init__(self, lo: Any, hi: Any) -> None:
        self.lo = np.asarray(lo, dtype=float)
        self.hi = np.asarray(hi, dtype=float)

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, _Known):
            return NotImplemented
        if not isinstance(other, Interval) and other == 0:
            return self
        v = number(other)
        exact = _exactly(self, v, operator.add)
        return outward(self.lo + v.lo, self.hi + v.hi) if exact is None else exact

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -number(other) if isinstance(other, _Known) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return number(other) + -self

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, _Known):
            return NotImplemented
        if not isinstance(other, Interval) and other in (0, 1):
            return self if other else Interval(0.0, 0.0)
        v = number(other)
        if (exact := _exactly(self, v, operator.mul)) is not None:
            return exact
        corners = [_product(a, b) for a in (self.lo, self.hi) for b in (v.lo, v.hi)]
        result = outward(np.minimum.reduce(corners), np.maximum.reduce(corners))
        result.lo = np.where((self.lo >= 0) & (v.lo >= 0), np.maximum(result.lo, 0), result.lo)
        return result

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, _Known):
            return NotImplemented
        exact = _exactly(self, number(other), operator.truediv)
        return self * number(other).inverse() if exact is None else exact

    def __rtruediv__(self, other: Any) -> Any:
        return number(other) / self if not self.lo.ndim else self.inverse() * number(other)

    def inverse(self) -> Interval:
        """1/u, without bound on the side where the box touches 0."""
        lo = np.where(self.lo > 0, 1 / self.hi, np.where(self.hi < 0, 1 / self.hi, -np.inf))
        hi = np.where(self.lo > 0, 1 / self.lo, np.where(self.hi < 0, 1 / self.lo, np.inf))
        lo = np.where((self.lo == 0) & (self.hi > 0), 1 / self.hi, lo)
        hi = np.where((self.hi == 0) & (self.lo < 0), 1 / self.lo, hi)
        empty = np.isnan(self.lo) | ((self.lo == 0) & (self.hi == 0))
        found = outward(np.where(empty, np.nan, lo), np.where(empty, np.nan, hi))
        found.lo = np.where(self.lo >= 0, np.maximum(found.lo, 0), found.lo)
        return found

    def power(self, exponent: int) -> Interval:
        """u**n for a whole number n."""
        if exponent < 0:
            return self.power(-exponent).inverse()
        if exponent == 1:
            return self
        if exponent % 2:
            found = _rounded(self.lo**exponent, self.hi**exponent)
            return Interval(np.where(self.lo >= 0, np.maximum(found.lo, 0), found.lo), found.hi)
        near, far = self.nearest(), self.farthest()
        found = _rounded(near**exponent, far**exponent)
        return Interval(np.maximum(found.lo, 0), found.hi)

    def __abs__(self) -> Interval:
        return Interval(self.nearest(), self.farthest())

    def nearest(self) -> Any:
        """The least |u| of every box."""
        return np.maximum(np.maximum(self.lo, -self.hi), 0)

    def farthest(self) -> Any:
        """The largest |u| of every box."""
        return np.maximum(-self.lo, self.hi)

    def within(self, other: Interval) -> Interval:
        """The common part of two enclosures of the same thing; an empty one says nothing."""
        return Interval(np.fmax(self.lo, other.lo), np.fmin(self.hi, other.hi))

    def __lt__(self, other: Any) -> Any:
        if not isinstance(other, _Known):
            return NotImplemented
        v = number(other)
        return Three(self.hi < v.lo, self.lo >= v.hi)

    def __le__(self, other: Any) -> Any:
        if not isinstance(other, _Known):
            return NotImplemented
        v = number(other)
        return Three(self.hi <= v.lo, self.lo > v.hi)

    def __gt__(self, other: Any) -> Any:
        return number(other) < self if isinstance(other, _Known) else NotImplemented

    def __ge__(self, other: Any) -> Any:
        return number(other) <= self if isinstance(other, _Known) else NotImplemented

    def __pow__(self, exponent: Any) -> Any:
        if not isinstance(exponent, _Known):
            return NotImplemented
        whole = whole_number(exponent)
        return self.power(whole) if whole is not None else real_power(self, exponent)

    def at(self, rows: Any) -> Interval:
        """Some of the boxes."""
        return Interval(self.lo[rows], self.hi[rows]) if self.lo.ndim else self


_Known = Interval | int | float | str


def _exactly(u: Interval, v: Interval, how: Callable[[Any, Any], Any]) -> Interval | None:
    """The result for two single numbers, where float64 holds it: 1 - a, 2/a and the like stay exact."""
    if u.lo.ndim or v.lo.ndim or u.lo != u.hi or v.lo != v.hi or not math.isfinite(u.lo) or not math.isfinite(v.lo):
        return None
    if how is operator.truediv and v.lo == 0:
        return None
    exact = how(Fraction(float(u.lo)), Fraction(float(v.lo)))
    near = float(exact) if abs(exact) < Fraction(10) ** 300 else math.inf
    return Interval(near, near) if math.isfinite(near) and Fraction(near) == exact else None


def _product(a: Any, b: Any) -> Any:
    """a*b, where 0 times an infinite bound is 0: the numbers in a box are finite."""
    raw = a * b
    return np.where(np.isnan(raw) & ~np.isnan(a) & ~np.isnan(b), 0.0, raw)


def outward(lo: Any, hi: Any) -> Interval:
    """One step outward on each side."""
    return Interval(np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf))


def _rounded(lo: Any, hi: Any) -> Interval:
    """As many steps outward as library functions may err."""
    below, above = lo * np.where(lo > 0, 1 - _SLACK, 1 + _SLACK), hi * np.where(hi > 0, 1 + _SLACK, 1 - _SLACK)
    return outward(below, above)


@cache
def _constant(text: str) -> Interval:
    near = float(text) if "/" not in text else float(Fraction(text))
    if not math.isfinite(near):
        return Interval(np.finfo(float).max, np.inf)
    if near == 0 and text.strip("0.+-eE") and set(text.lower().partition("e")[0]) & set("123456789"):
        return Interval(0.0, 5e-324)
    exact = Fraction(text)
    return Interval(near, near) if Fraction(near) == exact else outward(near, near)


def number(value: Any) -> Interval:
    """A number, or the text of one, as an interval that contains it."""
    if isinstance(value, Interval):
        return value
    return _constant(value) if isinstance(value, str) else Interval(value, value)


def whole_number(exponent: Any) -> int | None:
    """The whole number that an exponent is, if it is one of use."""
    box = number(exponent)
    value = float(box.lo) if box.lo.ndim == 0 and box.lo == box.hi else math.nan
    return int(value) if value == value // 1 and abs(value) <= 256 else None


def real_power(u: Interval, exponent: Any) -> Interval:
    """u**e for u >= 0: extreme at corners, since e*ln(u) is."""
    e = number(exponent)
    corners = [np.power(np.maximum(a, 0), b) for a in (u.lo, u.hi) for b in (e.lo, e.hi)]
    found = _rounded(np.minimum.reduce(corners), np.maximum.reduce(corners))
    empty = (u.hi < 0) | np.isnan(u.lo)
    return Interval(np.where(empty, np.nan, np.maximum(found.lo, 0)), np.where(empty, np.nan, found.hi))


def select(condition: Three, yes: Interval, no: Interval) -> Interval:
    """One of two per box; what contains both where the condition has no answer there."""
    both = hull(yes, no)
    lo = np.where(condition.yes, yes.lo, np.where(condition.no, no.lo, both.lo))
    return Interval(lo, np.where(condition.yes, yes.hi, np.where(condition.no, no.hi, both.hi)))


def hull(u: Interval, v: Interval) -> Interval:
    """The smallest box around two; an empty one adds nothing."""
    return Interval(np.fmin(u.lo, v.lo), np.fmax(u.hi, v.hi))


Word = Callable[[Any], Interval]


def growing(plain: Callable[[Any], Any], *, low: float = -math.inf, least: float = -math.inf) -> Word:
    """A growing function on boxes; it is defined from ``low`` on and nowhere below ``least``."""

    def word(u: Any) -> Interval:
        box = number(u)
        cut = np.maximum(box.lo, low)
        found = _rounded(plain(cut), plain(np.maximum(box.hi, low)))
        empty = (box.hi < low) | np.isnan(box.lo)
        return Interval(
            np.where(empty, np.nan, np.maximum(found.lo, least)), np.where(empty, np.nan, np.maximum(found.hi, least))
        )

    return word


def even(plain: Callable[[Any], Any], *, falling: bool = True) -> Word:
    """An even function on boxes that falls (or grows) with |u| and has no negative value."""

    def word(u: Any) -> Interval:
        box = number(u)
        near, far = plain(box.nearest()), plain(box.farthest())
        found = _rounded(far, near) if falling else _rounded(near, far)
        empty = np.isnan(box.lo)
        return Interval(np.where(empty, np.nan, np.maximum(found.lo, 0)), np.where(empty, np.nan, found.hi))

    return word


_TURN = 2 * math.pi


def sine(u: Any) -> Interval:
    """The sine on boxes."""
    return _wave(number(u), np.sin, math.pi / 2)


def cosine(u: Any) -> Interval:
    """The cosine on boxes."""
    return _wave(number(u), np.cos, 0.0)


def _wave(box: Interval, plain: Callable[[Any], Any], crest: float) -> Interval:
    first, last = plain(box.lo), plain(box.hi)
    found = _rounded(np.fmin(first, last), np.fmax(first, last))
    far = (box.farthest() > 1e6) & (box.lo < box.hi)  # the count of turns would be rounded
    top = far | _passes(box, crest)
    bottom = far | _passes(box, crest + math.pi)
    hi = np.where(top, 1.0, np.minimum(found.hi, 1))
    lo = np.where(bottom, -1.0, np.maximum(found.lo, -1))
    empty = np.isnan(box.lo)
    return Interval(np.where(empty, np.nan, lo), np.where(empty, np.nan, hi))


def _passes(box: Interval, crest: float) -> Any:
    """Whether a box may hold crest + a whole number of turns."""
    lo, hi = (box.lo - crest) / _TURN, (box.hi - crest) / _TURN
    room = 1e-15 * (2 + np.abs(lo) + np.abs(hi))
    inside = np.floor(hi + room) >= np.ceil(lo - room)
    return np.where(box.lo < box.hi, inside, False)
