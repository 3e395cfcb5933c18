"""Kinds of numbers that Taylor series are made of, float64 arrays and intervals: base functions and branches on each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ._interval import (
    Interval,
    Three,
    cosine,
    even,
    growing,
    number,
    outward,
    real_power,
    select,
    sine,
    whole_number,
)  # fmt: skip

__all__ = ["Kind", "floats", "intervals"]


@dataclass(frozen=True)
class Kind:
    """``table`` holds base functions; ``note`` enters a comparison in a diary; ``choose`` takes one of two by a condition."""

    table: Mapping[str, Callable[..., Any]]
    number: Callable[[str], Any]
    power: Callable[[Any, int], Any]
    real_power: Callable[[Any, Any], Any]
    whole: Callable[[Any], int | None]
    note: Callable[[list[Any], Any, Any], None]
    choose: Callable[[Any, Any, Any], Any]
    sign: Callable[[Any], Any]
    exact: bool


# ---- float64 ------------------------------------------------------------------------------------------------------------


def _sigma(u: Any) -> Any:
    e = np.exp(-np.abs(u))
    return np.where(np.asarray(u) >= 0, 1 / (1 + e), e / (1 + e))


def _bump(u: Any) -> Any:
    e = np.exp(-np.abs(u))
    return e / (1 + e) ** 2


def _sech(u: Any) -> Any:
    e = np.exp(-np.abs(u))
    return 2 * e / (1 + e * e)


def _softplus(u: Any) -> Any:
    return np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))


def _phi(u: Any) -> Any:
    return np.exp(-0.5 * np.square(u)) / math.sqrt(2 * math.pi)


def _bell(u: Any) -> Any:
    return np.exp(-np.square(u)) * (2 / math.sqrt(math.pi))


@cache
def _library() -> dict[str, Callable[..., Any]]:
    erf, erfc, gamma = (np.vectorize(word, otypes=[float]) for word in (math.erf, math.erfc, _gamma))
    normal = np.vectorize(lambda u: 0.5 * math.erfc(-u / math.sqrt(2)), otypes=[float])
    words: dict[str, Callable[..., Any]] = {
        "exp": np.exp, "expm1": np.expm1, "ln": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
        "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "sech": _sech, "sigma": _sigma, "bump": _bump,
        "softplus": _softplus, "phi": _phi, "bell": _bell, "Phi": normal, "erf": erf, "erfc": erfc, "atan": np.arctan,
        "asinh": np.arcsinh, "gamma": gamma, "hypot": np.hypot, "sinc": _sinc,
        "unit": lambda u, v: u / np.hypot(u, v), "pi": lambda: np.float64(math.pi), "e": lambda: np.float64(math.e),
    }  # fmt: skip
    return words


def _sinc(u: Any) -> Any:
    """sin(u)/u and three derivatives; near 0 by the series, where the quotients cancel."""
    u = np.asarray(u, dtype=float)
    small = np.abs(u) < 1
    near = _sinc_series(np.where(small, u, 0.0), lambda v, n: v**n)
    far = _sinc_quotient(np.where(small, 1.0, u), np.sin, np.cos)
    return tuple(np.where(small, a, b) for a, b in zip(near, far, strict=True))


def _sinc_series(u: Any, power: Callable[[Any, int], Any]) -> list[Any]:
    found = []
    for order in range(4):
        total: Any = 0.0
        for k in range(12, -1, -1):
            if 2 * k >= order:
                factor = (-1) ** k * math.prod(range(2 * k - order + 1, 2 * k + 1)) / math.factorial(2 * k + 1)
                total = power(u, 2 * k - order) * factor + total
        found.append(total)
    return found


def _sinc_quotient(u: Any, sin: Callable[[Any], Any], cos: Callable[[Any], Any]) -> list[Any]:
    s, c, r = sin(u), cos(u), 1.0 / u
    g = s * r
    first = (c - g) * r
    second = -g - 2.0 * (first * r)
    return [g, first, second, -first - 2.0 * (second * r) + 2.0 * (first * r * r)]


def _gamma(u: float) -> float:
    try:
        return math.gamma(u)
    except (ValueError, OverflowError):
        return math.nan


def _whole(exponent: Any) -> int | None:
    value = float(exponent) if np.ndim(exponent) == 0 else math.nan
    return int(value) if value == value // 1 and abs(value) <= 256 else None


@cache
def floats() -> Kind:
    """float64 arrays; the diary holds the sign of every difference that was compared."""
    return Kind(
        table=_library(), number=lambda text: np.float64(text), power=_float_power,
        real_power=np.power, whole=_whole, note=lambda diary, u, v: diary.append(np.sign(np.subtract(u, v))),
        choose=np.where, sign=np.sign, exact=True,
    )  # fmt: skip


def _float_power(u: Any, exponent: int) -> Any:
    return np.power(u, float(exponent))


# ---- intervals ----------------------------------------------------------------------------------------------------------


def _interval_hypot(u: Any, v: Any) -> Interval:
    a, b = abs(number(u)), abs(number(v))
    return outward(np.nextafter(np.hypot(a.lo, b.lo), 0), np.hypot(a.hi, b.hi))


def _interval_gamma(u: Any) -> Interval:
    box = number(u)
    found = _library()["gamma"](box.lo)
    return Interval(found * (1 - 1e-13), found * (1 + 1e-13))


def _interval_sinc(u: Any) -> tuple[Interval, ...]:
    box = number(u)
    small = box.farthest() < 1
    inside = Interval(np.where(small, box.lo, 0.0), np.where(small, box.hi, 0.0))
    # the factors of the series are rounded, and it is cut off: both far below what is added on each side
    near = [term + Interval(-1e-14, 1e-14) for term in _sinc_series(inside, lambda v, n: v.power(n))]
    far = _sinc_quotient(box, sine, cosine)
    return tuple(select(Three(small, ~small), a, b) for a, b in zip(near, far, strict=True))


def _interval_unit(u: Any, v: Any) -> Interval:
    """u/hypot(u, v) grows with u, and is nearer to 0 the larger |v| is."""
    box, other = number(u), abs(number(v))
    corners = [a / np.hypot(a, b) for a in (box.lo, box.hi) for b in (other.lo, other.hi)]
    corners = [
        np.where(np.isinf(a), np.sign(a), c) for a, c in zip((box.lo, box.lo, box.hi, box.hi), corners, strict=True)
    ]
    found = Interval(np.fmin(corners[0], corners[1]) - 1e-15, np.fmax(corners[2], corners[3]) + 1e-15)
    return Interval(np.maximum(found.lo, -1), np.minimum(found.hi, 1))


@cache
def _interval_library() -> dict[str, Callable[..., Interval]]:
    plain = _library()
    words: dict[str, Callable[..., Interval]] = {
        name: growing(plain[name]) for name in ("tanh", "sinh", "asinh", "atan", "erf")
    }
    words |= {name: growing(plain[name], least=0.0) for name in ("exp", "sigma", "softplus")}
    words |= {name: even(plain[name]) for name in ("sech", "bump")}
    below_one = growing(np.expm1, least=-1.0)
    exp = words["exp"]
    rest: dict[str, Callable[..., Any]] = {
        # the rounding of an argument far out moves these by more than the library does: arguments are boxes too
        "phi": lambda u: exp(number(u).power(2) * -0.5) * Interval(0.39894228040143265, 0.3989422804014328),
        "bell": lambda u: exp(-number(u).power(2)) * Interval(1.1283791670955123, 1.1283791670955128),
        "Phi": lambda u: _falling_erfc(-number(u) * Interval(0.7071067811865475, 0.7071067811865476)) * 0.5,
        "expm1": below_one, "ln": growing(np.log, low=0.0), "log1p": growing(np.log1p, low=-1.0),
        "sqrt": growing(np.sqrt, low=0.0, least=0.0), "sin": sine, "cos": cosine, "cosh": even(np.cosh, falling=False),
        "erfc": _falling_erfc,
        "gamma": _interval_gamma, "hypot": _interval_hypot, "sinc": _interval_sinc,
        "unit": _interval_unit, "pi": lambda: outward(math.pi, math.pi), "e": lambda: outward(math.e, math.e),
    }  # fmt: skip
    return words | rest


def _falling_erfc(u: Any) -> Interval:
    plain = _library()["erfc"]
    return growing(lambda v: plain(-v), least=0.0)(-number(u))


@cache
def intervals() -> Kind:
    """Boxes; the diary holds where each comparison was certain."""
    return Kind(
        table=_interval_library(), number=number, power=lambda u, n: number(u).power(n), real_power=real_power,
        whole=whole_number, note=_note, choose=select, sign=_sign, exact=False,
    )  # fmt: skip


def _note(diary: list[Any], u: Any, v: Any) -> None:
    a, b = number(u), number(v)
    diary.append((a.lo >= b.hi) | (a.hi <= b.lo))


def _sign(u: Any) -> Interval:
    box = number(u)
    return Interval(np.where(box.lo > 0, 1.0, np.where(box.lo == 0, 0.0, -1.0)),
                    np.where(box.hi < 0, -1.0, np.where(box.hi == 0, 0.0, 1.0)))  # fmt: skip
