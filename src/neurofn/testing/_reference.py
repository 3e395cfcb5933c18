"""The many-digit reference: a formula and its first three derivatives, exact to 20 digits, at one point.

A formula is evaluated on truncated Taylor series of mpmath numbers. Where a condition is tied (at a kink) the series decides
it as the points just beside it would, so that one-sided slopes are exact. Precision is doubled until two evaluations agree:
no fixed number of digits is enough, since 1 + exp(-200) - 1 already needs 90.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from ..formula import Formula, Node, evaluate, numpy_words

__all__ = ["DIGITS", "decisions", "derivatives", "rough_derivatives"]

DIGITS = 20
"""Digits to which two evaluations must agree."""

_ORDER = 3
_START, _LAST = 40, 640  # digits; what the last precision loses is below the smallest number of any format
_FAR = 2**40  # beyond, exp is held: exp(-2**40) is nothing in any format, and exp of a googol would never end


def derivatives(formula: Formula, z: float, parameters: Mapping[str, float], *, side: int = 1) -> tuple[Any, ...]:
    """(f, f', f'', f''') at ``z`` as mpmath numbers, NaN where undefined; at a kink from the right (1) or the left (-1).

    >>> from neurofn.formula import Formula
    >>> [float(value) for value in derivatives(Formula("abs(z)*z"), 0.0, {}, side=-1)]
    [0.0, 0.0, -2.0, 0.0]
    """
    return _derivatives(formula.text, z, tuple(sorted(parameters.items())), side)


def rough_derivatives(
    formula: Formula, z: float, parameters: Mapping[str, float], *, side: int = 1
) -> tuple[Any, ...]:
    """The same from one evaluation: enough for the size of a term, not for a zero."""
    return _expand(formula.text, z, tuple(parameters.items()), side, 2 * _START)


def decisions(formula: Formula, z: float, parameters: Mapping[str, float]) -> tuple[int, ...]:
    """The outcome of every comparison, abs, sign, max and min at ``z``: kinks can only lie where one of them changes."""
    made: list[int] = []
    _expand(formula.text, z, tuple(parameters.items()), 1, _START, made)
    return tuple(made)


@lru_cache(maxsize=200_000)
def _derivatives(text: str, z: float, parameters: tuple[tuple[str, float], ...], side: int) -> tuple[Any, ...]:
    digits = _START
    now = _expand(text, z, parameters, side, digits)
    while digits < _LAST:
        before, digits = now, 2 * digits
        now = _expand(text, z, parameters, side, digits)
        if 0 in now and digits < _LAST:  # a true zero, or all digits were lost: only many more can tell
            before, digits = now, _LAST
            now = _expand(text, z, parameters, side, digits)
            if all((a == 0) == (b == 0) for a, b in zip(before, now, strict=True)):
                break
        if all(_agree(a, b) for a, b in zip(before, now, strict=True)):
            break
    return now


def _agree(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b) or abs(a - b) <= abs(b) * 10**-DIGITS)


def _expand(
    text: str, z: float, parameters: tuple[tuple[str, float], ...], side: int, digits: int, made: list[int] | None = None
) -> tuple[Any, ...]:  # fmt: skip
    from mpmath import mp

    with mp.workdps(digits):
        values: dict[str, Any] = {name: mp.mpf(value) for name, value in parameters}
        values["z"] = Series((mp.mpf(z), mp.one, mp.zero, mp.zero), side, [] if made is None else made)
        result = evaluate(_tree(text), values, _words())
        terms = result.terms if isinstance(result, Series) else (mp.mpf(result), *[mp.zero] * _ORDER)
        return tuple(term * factor for term, factor in zip(terms, (1, 1, 2, 6), strict=True))


@cache
def _tree(text: str) -> Node:
    return Formula(text).tree


class Series:
    """A function near a point: its Taylor coefficients up to the third, the side it is looked at from, and a diary."""

    def __init__(self, terms: Sequence[Any], side: int, made: list[int]) -> None:
        self.terms = tuple(terms)
        self.side = side
        self.made = made

    def like(self, terms: Sequence[Any]) -> Series:
        return Series(terms, self.side, self.made)

    def lift(self, other: Any) -> Series:
        return other if isinstance(other, Series) else self.like((other, 0, 0, 0))

    def beside(self) -> int:
        """The sign just beside the point, entered in the diary."""
        turned = (term * self.side**k for k, term in enumerate(self.terms))
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
        return self + -other

    def __rsub__(self, other: Any) -> Series:
        return -self + other

    def __mul__(self, other: Any) -> Series:
        if not isinstance(other, Series):
            return self.like([term * other for term in self.terms])
        a, b = self.terms, other.terms
        return self.like([sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(_ORDER + 1)])

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

    def __pow__(self, exponent: Any) -> Series:
        if isinstance(exponent, Series):
            return _chain(_exp)(exponent * _chain(_ln)(self))
        if exponent == int(exponent) and abs(exponent) <= 256:
            product = self.like((1, 0, 0, 0))
            for _ in range(abs(int(exponent))):
                product = product * self
            return product if exponent >= 0 else 1 / product
        return _chain(_exp)(exponent * _chain(_ln)(self))

    def __rpow__(self, base: Any) -> Series:
        return self.lift(base) ** self

    def __lt__(self, other: Any) -> bool:
        return (self - other).beside() < 0

    def __le__(self, other: Any) -> bool:
        return (self - other).beside() <= 0

    def __gt__(self, other: Any) -> bool:
        return (self - other).beside() > 0

    def __ge__(self, other: Any) -> bool:
        return (self - other).beside() >= 0


# ---- words: each from its value and three derivatives at a number -------------------------------------------------------


def _nan() -> Any:
    from mpmath import mp

    return mp.nan


def _chain(outer: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], Any]:
    """A word on series by the chain rule (Faà di Bruno), from ``outer``: its value and derivatives at a number."""

    def word(u: Any) -> Any:
        if not isinstance(u, Series):
            return outer(u)[0]
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

    return u.like((u.beside() if u.terms[0] else 0, 0, 0, 0)) if isinstance(u, Series) else mp.sign(u)


def _abs(u: Any) -> Any:
    return u * (u.beside() or 1) if isinstance(u, Series) else abs(u)


def _divide(u: Any, v: Any) -> Any:
    return _nan() if not isinstance(v, Series) and v == 0 else u / v


@cache
def _words() -> dict[str, Callable[..., Any]]:
    from mpmath import mp

    return {
        "number": mp.mpf, "pi": lambda: +mp.pi, "e": lambda: +mp.e,
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divide, "**": operator.pow,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
        "where": lambda condition, yes, no: yes if condition else no,
        "max": lambda u, v: u if u >= v else v, "min": lambda u, v: u if u <= v else v, "abs": _abs, "sign": _sign,
        "exp": _chain(_exp), "ln": _chain(_ln), "sqrt": _chain(_sqrt), "sin": _chain(_sine), "cos": _chain(_cosine),
        "tanh": _chain(_tanh), "sigma": _chain(_sigma), "softplus": _chain(_softplus), "erf": _chain(_erf),
        "Phi": _chain(_normal), "phi": _chain(_density), "T": numpy_words()["T"],
    }  # fmt: skip
