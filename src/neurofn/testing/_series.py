"""Truncated Taylor series of many-digit numbers, and what the words of formulas mean on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from .._words import chebyshev, infix_words

__all__ = ["ORDER", "Series", "series_words"]

ORDER = 3
"""How many derivatives a series carries."""

_FAR = 2**40  # beyond, exp is held: exp(-2**40) is nothing in any format, and exp of a googol would never end


class Series:
    """A function near a point: its Taylor coefficients up to the third, the side it is looked at from, and a diary."""

    def __init__(self, terms: Sequence[Any], side: int, made: list[int]) -> None:
        self.terms = tuple(terms)
        self.side = side
        self.made = made

    def like(self, terms: Sequence[Any]) -> Series:
        """Other terms, at the same point."""
        return Series(terms, self.side, self.made)

    def lift(self, other: Any) -> Series:
        """A number as a constant series."""
        return other if isinstance(other, Series) else self.like((other, 0, 0, 0))

    def beside(self) -> int:
        """The sign just beside the point (for side 0: at the point), entered in the diary."""
        turned = (term * self.side**k for k, term in enumerate(self.terms))  # 0**0 is 1
        first = next((term for term in turned if term != 0), 0)
        self.made.append((first > 0) - (first < 0))
        return self.made[-1]

    def __neg__(self) -> Series:
        return self.like([-term for term in self.terms])

    def __add__(self, other: Any) -> Series:
        if not isinstance(other, Series):
            return self.like((self.terms[0] + other, *self.terms[1:]))
        return self.like([a + b for a, b in zip(self.terms, other.terms, strict=True)])

    __radd__ = __add__

    def __sub__(self, other: Any) -> Series:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Series:
        return self.__neg__().__add__(other)

    def __mul__(self, other: Any) -> Series:
        if not isinstance(other, Series):
            return self.like([term * other for term in self.terms])
        a, b = self.terms, other.terms
        return self.like([sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(ORDER + 1)])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Series:
        b = self.lift(other).terms
        if b[0] == 0:
            return self.like([_nan()] * 4)
        quotient: list[Any] = []
        for k, term in enumerate(self.terms):
            quotient.append((term - sum(quotient[i] * b[k - i] for i in range(k))) / b[0])
        return self.like(quotient)

    def __rtruediv__(self, other: Any) -> Series:
        return self.lift(other) / self

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, Series):
            return _chain(_exp)(exponent * _chain(_ln)(self))
        if exponent == int(exponent) and abs(exponent) <= 256:
            product = self.like((1, 0, 0, 0))
            for _ in range(abs(int(exponent))):
                product = product * self
            return product if exponent >= 0 else 1 / product
        return _chain(_exp)(exponent * _chain(_ln)(self))

    def __rpow__(self, base: Any) -> Any:
        return self.lift(base) ** self

    def __lt__(self, other: Any) -> bool:
        return self.__sub__(other).beside() < 0

    def __le__(self, other: Any) -> bool:
        return self.__sub__(other).beside() <= 0

    def __gt__(self, other: Any) -> bool:
        return self.__sub__(other).beside() > 0

    def __ge__(self, other: Any) -> bool:
        return self.__sub__(other).beside() >= 0


# ---- words: each from its value and three derivatives at a number -------------------------------------------------------


def _nan() -> Any:
    from mpmath import mp

    return mp.nan


def _chain(outer: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], Any]:
    """A word on series by the chain rule (Faà di Bruno), from ``outer``: its value and derivatives at a number."""

    def word(u: Any) -> Any:
        if not isinstance(u, Series):
            return outer(u)[0]
        if not any(u.terms[1:]):  # constant here, whatever slopes the word has
            return u.like((outer(u.terms[0])[0], 0, 0, 0))
        f, f1, f2, f3 = outer(u.terms[0])
        _, a, b, c = u.terms
        return u.like((f, f1 * a, f1 * b + f2 * a * a / 2, f1 * c + f2 * a * b + f3 * a * a * a / 6))

    return word


def _held(u: Any) -> Any:
    from mpmath import mp

    return mp.exp(max(min(u, _FAR), -_FAR))


def _exp(u: Any) -> tuple[Any, ...]:
    return (_held(u),) * 4


def _ln(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    return (mp.ln(u), 1 / u, -1 / u**2, 2 / u**3) if u > 0 else (_nan(),) * 4


def _sqrt(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    if u <= 0:
        return (mp.zero if u == 0 else _nan(), *[_nan()] * 3)
    root = mp.sqrt(u)
    return root, 1 / (2 * root), -1 / (4 * u * root), 3 / (8 * u * u * root)


def _sine(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    cosine, sine = mp.cos_sin(u)
    return sine, cosine, -sine, -cosine


def _cosine(u: Any) -> tuple[Any, ...]:
    sine, cosine, _, _ = _sine(u)
    return cosine, -sine, -cosine, sine


def _tanh(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    t = mp.tanh(max(min(u, _FAR), -_FAR))
    slope = 4 / (_held(u) + _held(-u)) ** 2  # not 1 - t**2: no digits may cancel
    return t, slope, -2 * t * slope, (4 * t * t - 2 * slope) * slope


def _sigma(u: Any) -> tuple[Any, ...]:
    s, q = 1 / (1 + _held(-u)), 1 / (1 + _held(u))
    return s, s * q, s * q * (q - s), s * q * (1 - 6 * s * q)


def _softplus(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    s, s1, s2, _ = _sigma(u)
    return max(u, mp.zero) + mp.log1p(_held(-abs(u))), s, s1, s2


def _density(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    f = _held(-u * u / 2) / mp.sqrt(2 * mp.pi)
    return f, -u * f, (u * u - 1) * f, (3 - u * u) * u * f


def _normal(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    return mp.erfc(-max(min(u, 2**20), -(2**20)) / mp.sqrt(2)) / 2, *_density(u)[:3]


def _erf(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    f = _held(-u * u) * 2 / mp.sqrt(mp.pi)
    return mp.erf(max(min(u, 2**20), -(2**20))), f, -2 * u * f, (4 * u * u - 2) * f


def _sign(u: Any) -> Any:
    from mpmath import mp

    return u.like((u.beside(), 0, 0, 0)) if isinstance(u, Series) else mp.sign(u)


def _abs(u: Any) -> Any:
    return u * (u.beside() or 1) if isinstance(u, Series) else abs(u)


def _divide(u: Any, v: Any) -> Any:
    return _nan() if not isinstance(v, Series) and v == 0 else u / v


def _power(u: Any, v: Any) -> Any:
    if not isinstance(u, Series) or isinstance(v, Series) or u.terms[0] != 0 or v <= 0 or v == int(v):
        return u**v
    if not any(u.terms):
        return u
    return u.like([0 if k < v else _nan() for k in range(ORDER + 1)])  # a broken power of 0: no slope beyond it


def _inverse_tangent(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    q = 1 + u * u
    return mp.atan(u), 1 / q, -2 * u / q**2, (6 * u * u - 2) / q**3


def _inverse_sinh(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    root = mp.sqrt(1 + u * u)
    return mp.asinh(u), 1 / root, -u / root**3, (2 * u * u - 1) / root**5


def _sine_quotient(u: Any) -> tuple[Any, ...]:
    from mpmath import mp

    if abs(u) >= 1:
        f = mp.sin(u) / u
        f1 = (mp.cos(u) - f) / u
        f2 = (-mp.sin(u) - 2 * f1) / u
        return f, f1, f2, (-mp.cos(u) - 3 * f2) / u
    # its power series, slope by slope: the quotient would lose every digit near 0
    slopes, coefficient, k = [mp.zero] * (ORDER + 1), mp.one, 0
    while k <= ORDER or abs(coefficient * u ** (2 * k - ORDER)) > mp.eps * mp.eps:
        for order in range(min(ORDER, 2 * k) + 1):
            slopes[order] += mp.ff(2 * k, order) * coefficient * u ** (2 * k - order)
        k += 1
        coefficient /= -(2 * k) * (2 * k + 1)
    return tuple(slopes)


def _more_words() -> dict[str, Callable[..., Any]]:
    """Words that are others put together; digits that cancel are found by more precision."""
    exp, ln, sqrt, softplus = _chain(_exp), _chain(_ln), _chain(_sqrt), _chain(_softplus)
    return {
        "relu": lambda u: u if u >= 0 else u * 0,
        "clip": lambda u, low, high: low if u <= low else high if u >= high else u,
        "expm1": lambda u: exp(u) - 1, "log1p": lambda u: ln(1 + u), "logaddexp": lambda u, v: v + softplus(u - v),
        "hypot": lambda u, v: sqrt(u * u + v * v), "sinh": lambda u: (exp(u) - exp(-u)) / 2,
        "cosh": lambda u: (exp(u) + exp(-u)) / 2, "sech": lambda u: 2 / (exp(u) + exp(-u)),
        "atan": _chain(_inverse_tangent), "asinh": _chain(_inverse_sinh), "sinc": _chain(_sine_quotient),
        "erfc": lambda u: 1 - _chain(_erf)(u),
    }  # fmt: skip


@cache
def series_words() -> dict[str, Callable[..., Any]]:
    """The meaning of every word and operator on series and numbers."""
    from mpmath import mp

    return infix_words() | {
        "number": mp.mpf, "pi": lambda: +mp.pi, "e": lambda: +mp.e, "/": _divide, "**": _power,
        "where": lambda condition, yes, no: yes if condition else no,
        "max": lambda u, v: u if u >= v else v, "min": lambda u, v: u if u <= v else v, "abs": _abs, "sign": _sign,
        "exp": _chain(_exp), "ln": _chain(_ln), "sqrt": _chain(_sqrt), "sin": _chain(_sine), "cos": _chain(_cosine),
        "tanh": _chain(_tanh), "sigma": _chain(_sigma), "softplus": _chain(_softplus), "erf": _chain(_erf),
        "Phi": _chain(_normal), "phi": _chain(_density), "T": chebyshev, "gamma": mp.gamma,
        **_more_words(),
    }  # fmt: skip
