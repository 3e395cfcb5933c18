"""Functions far out: x**n * U(t) + L*ln(x) with x = |z| and t = 1/x, where U is smooth on [0, t0]; and exponentials of such.

What decays like an exponential enters U as a tiny interval with tiny derivatives; what grows like one is ``Huge``. What has no
such form (a sine) is ``Unsupported``; then boxes go as far as they can.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._interval import Interval, Three, number, whole_number
from ._jets import Jet

__all__ = ["DECAY", "Huge", "Tail", "Unsupported", "decaying", "one_sign", "raised", "sign_of"]

DECAY = 8  # what is small is written as x**-8 times something that is still small


class Unsupported(Exception):  # noqa: N818
    """A function has no form that this page understands; not an error of anybody."""


class Tail:
    """x**n * U(t) + L*ln(x) on boxes of t: ``jet`` is U, ``power`` is n, ``log`` is L."""

    __slots__ = ("jet", "log", "power", "t")
    __array_ufunc__ = None

    def __init__(self, power: float, jet: Jet, t: Jet, log: Interval | None = None) -> None:
        self.power, self.jet, self.t, self.log = power, jet, t, log

    def like(self, power: float, jet: Jet) -> Tail:
        """Another function on the same boxes."""
        return Tail(power, jet, self.t)

    def lift(self, other: Any) -> Tail:
        """A number as a constant."""
        return (
            other
            if isinstance(other, Tail)
            else self.like(0.0, self.t.like([number(other), *[number(0.0)] * (len(self.t.terms) - 1)]))
        )

    def plain(self) -> Tail:
        """Itself, where there is no logarithm."""
        if self.log is not None:
            raise Unsupported("a logarithm inside something")
        return self

    def scaled(self, power: float) -> Jet:
        """U of the same function for a larger n."""
        step = power - self.power
        return self.jet * raised(self.t, step) if step else self.jet

    def __neg__(self) -> Tail:
        return Tail(self.power, -self.jet, self.t, None if self.log is None else -self.log)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Huge):
            return NotImplemented
        v = self.lift(other)
        power = max(self.power, v.power)
        log = v.log if self.log is None else self.log if v.log is None else self.log + v.log
        return Tail(power, self.scaled(power) + v.scaled(power), self.t, log)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return -other + self if isinstance(other, Huge) else self + -self.lift(other)

    def __rsub__(self, other: Any) -> Tail:
        found: Tail = -self + other
        return found

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Huge):
            return NotImplemented
        if not isinstance(other, Tail):
            factor = number(other)
            if not factor.lo.ndim and factor.lo == factor.hi == 0:
                return self.lift(factor)
            return Tail(self.power, self.jet * factor, self.t, None if self.log is None else self.log * other)
        return self.like(self.plain().power + other.plain().power, self.jet * other.jet)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Huge):
            return self * other.inverse()
        if not isinstance(other, Tail):
            return self * (1.0 / number(other))
        if np.any(sign_of(other) == 0):
            raise Unsupported("a quotient by what may vanish")
        return self.like(self.plain().power - other.plain().power, self.jet / other.jet)

    def __rtruediv__(self, other: Any) -> Tail:
        found: Tail = self.lift(other) / self
        return found

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, Tail | Huge):
            raise Unsupported("a power of z")
        whole = whole_number(exponent)
        if whole is not None:
            if whole < 0:
                return 1.0 / self**-whole
            return self.like(self.plain().power * whole, self.jet.power(whole))
        box = number(exponent)
        if np.any(sign_of(self) <= 0) or (box.lo != box.hi and self.plain().power):
            raise Unsupported("a root of what may be negative")
        return self.like(self.plain().power * float(box.lo), self.jet**box)

    def __lt__(self, other: Any) -> Three:
        return other > self if isinstance(other, Huge) else compared(self - other, -1)

    def __gt__(self, other: Any) -> Three:
        return other < self if isinstance(other, Huge) else compared(self - other, 1)

    __le__, __ge__ = __lt__, __gt__


class Huge:
    """exp(rate) * size, where the rate grows without bound and the size has one sign."""

    __slots__ = ("rate", "size")
    __array_ufunc__ = None

    def __init__(self, rate: Tail, size: Tail) -> None:
        self.rate, self.size = rate, size
        one_sign(size)

    def inverse(self) -> Tail:
        """1/u, which decays."""
        found: Tail = decaying(self.rate) / self.size
        return found

    def __neg__(self) -> Huge:
        return Huge(self.rate, -self.size)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Huge):
            return Huge(self.rate, self.size + decaying(self.rate) * other)
        if self.rate is other.rate:
            return Huge(self.rate, self.size + other.size)
        step = self.rate - other.rate
        if step.power <= 0:
            raise Unsupported("two exponentials of nearly one rate")
        if one_sign(step) < 0:
            return other + self
        return Huge(self.rate, self.size + other.size * decaying(step))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Huge):
            return Huge(self.rate, self.size * other)
        return Huge(self.rate + other.rate, self.size * other.size)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, Huge):
            return Huge(self.rate, self.size / other)
        ratio = self.size / other.size
        if self.rate is other.rate:
            return ratio
        step = self.rate - other.rate
        if step.power <= 0:
            raise Unsupported("two exponentials of nearly one rate")
        return Huge(step, ratio) if one_sign(step) > 0 else decaying(step) * ratio

    def __rtruediv__(self, other: Any) -> Any:
        return self.inverse() * other

    def __pow__(self, exponent: Any) -> Any:
        box = number(exponent)
        if isinstance(exponent, Tail | Huge) or (box.lo <= 0 <= box.hi and box.lo != box.hi):
            raise Unsupported("a power of z")
        if box.lo < 0:
            return 1.0 / self ** (-box)
        return Huge(self.rate * box, self.size**box) if box.lo > 0 else self.rate.lift(1.0)

    def __lt__(self, other: Any) -> Three:
        return compared((self - other).size, -1)

    def __gt__(self, other: Any) -> Three:
        return compared((self - other).size, 1)

    __le__, __ge__ = __lt__, __gt__


def compared(difference: Any, sign: int) -> Three:
    """Whether a difference has this sign."""
    if isinstance(difference, Huge):
        difference = difference.size
    found = sign_of(difference) * sign
    return Three(found > 0, found < 0)


def raised(t: Jet, exponent: float) -> Jet:
    """t**e on boxes of t >= 0."""
    if exponent == int(exponent):
        return t.power(int(exponent))
    power: Jet = t ** number(exponent)
    return power


def sign_of(u: Tail) -> Any:
    """1 or -1 where the sign is sure on a box, else 0; a logarithm decides alone where nothing grows faster."""
    box = u.jet.terms[0]
    if u.log is not None:
        if u.power > 0:
            raise Unsupported("a sign that a logarithm may change")
        near = 1 / np.fmax(u.t.terms[0].hi, 1e-300)
        box = box + u.log * Interval(np.log(near) * (1 - 1e-14), np.inf)
    zero = np.zeros(np.broadcast(box.lo, u.t.terms[0].lo).shape)
    return np.where(box.lo > 0, 1, np.where(box.hi < 0, -1, zero))


def one_sign(u: Tail) -> int:
    """The sign, where it is the same on all boxes; raises Unsupported."""
    signs = np.unique(sign_of(u))
    if len(signs) != 1 or signs[0] == 0:
        raise Unsupported("a sign that is not sure")
    return int(signs[0])


def decaying(u: Tail) -> Tail:
    """What is at most 10*exp(-|u|) with its derivatives in u, where u grows: as x**-8 times an interval in t.

    The bounds hold on the whole box, since powers of x times the exponential fall from where the box begins.
    """
    value, first, half = u.plain().jet.terms
    n, k, t = u.power, DECAY, u.t.terms[0].hi
    x = 1 / np.fmax(t, 1e-300)
    one_sign(u)
    least = value.nearest() * 0.99
    largest = value.farthest() + first.farthest() + 2 * half.farthest() + 1
    with np.errstate(all="ignore"):
        grown = least * x**n
        if n <= 0 or not np.all((grown * n >= 4 * n + k + 8) & (grown >= 8)):
            raise Unsupported("not far enough")
        logs = math.log(10) - grown + k * np.log(x)
        a, b = (n + 1) * largest * x ** (n + 1), (n + 1) * (n + 2) * largest * x ** (n + 2)
        parts = (np.ones_like(x), k * x + a, (k * (k + 1) * x**2 + 2 * k * x * a + a * a + b) / 2)
        sizes = [np.exp(logs + np.log(part)) for part in parts]
    clean = [np.where(np.isnan(size) | (grown > 1e6), 1e-280, size) + 1e-300 for size in sizes]
    return u.like(-float(k), u.t.like([Interval(-size, size) for size in clean]))
