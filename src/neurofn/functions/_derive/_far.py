"""Words on functions far out, and the part of the line beyond a point as a region that bounds are found on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...formula import Node
from ._expand import valued, words
from ._interval import Interval, hull, number, real_power
from ._jets import Jet, chain
from ._kinds import intervals
from ._rules import outer
from ._tails import Huge, Tail, Unsupported, decaying, one_sign, raised

__all__ = ["TailRegion"]

# How a word settles: its limit, plus what decays at least like 10*exp(-|u|), with its first two derivatives.
_SETTLES: dict[str, dict[int, float]] = {
    "exp": {-1: 0.0}, "expm1": {-1: -1.0}, "tanh": {1: 1.0, -1: -1.0}, "sigma": {1: 1.0, -1: 0.0},
    "softplus": {-1: 0.0}, "erf": {1: 1.0, -1: -1.0}, "erfc": {1: 0.0, -1: 2.0}, "Phi": {1: 1.0, -1: 0.0},
    "phi": {1: 0.0, -1: 0.0}, "sech": {1: 0.0, -1: 0.0},
}  # fmt: skip


_THROUGH_ZERO = ("tanh", "erf", "sin", "atan", "asinh", "expm1", "log1p", "sinh")


def far_word(name: str, u: Any) -> Any:
    """A word of one argument, far out."""
    if not isinstance(u, Tail | Huge):
        return words(intervals())[name](u)
    if name == "sqrt":
        found: Tail = u ** number("0.5")
        return found
    if name == "log1p" and isinstance(u, Tail) and u.plain().power < 0:
        return _through_zero(name, u)
    if name in ("ln", "log1p"):
        return _logarithm(u if name == "ln" else u + 1.0)
    if isinstance(u, Huge):
        return _far_out_of_huge(name, u)
    if u.plain().power < 0 and name in _THROUGH_ZERO:
        return _through_zero(name, u)
    if u.power <= 0:
        inner = u.jet * raised(u.t, -u.power) if u.power else u.jet
        return u.like(0.0, words(intervals())[name](inner))
    side = one_sign(u)
    if name == "softplus" and side > 0:
        return u + decaying(u)
    if name in ("exp", "expm1") and side > 0:
        return Huge(u, u.lift(1.0)) - (1.0 if name == "expm1" else 0.0)
    if name in ("sinh", "cosh"):
        sign = float(side) if name == "sinh" else 1.0
        return Huge(u * float(side), (decaying(u * 2.0) * sign * float(side) + sign) * 0.5)
    return _settled(name, u, side)


def _through_zero(name: str, u: Tail) -> Tail:
    """g(u) for g(0) = 0 and u that vanishes: u*q(u), where q is a mean of g' between 0 and u; beyond t = 0 simply g(u)."""
    inner = u.jet * raised(u.t, -u.power)
    span = hull(inner.terms[0], Interval(0.0, 0.0))
    _, first, second, third = outer(name, intervals(), span)
    near = u.jet * chain(inner, (first, second * 0.5, third * "1/3"))
    plain = chain(inner, outer(name, intervals(), inner.terms[0])) * raised(u.t, u.power)
    return u.like(u.power, near.like([a.within(b) for a, b in zip(near.terms, plain.terms, strict=True)]))


def _settled(name: str, u: Tail, side: int) -> Any:
    if name == "atan":
        return far_word("atan", 1.0 / u) * -1.0 + intervals().table["pi"]() * (side * 0.5)
    if name == "asinh":
        size = u * float(side)
        return _logarithm(size + (size * size + 1.0) ** number("0.5")) * float(side)
    limit = _SETTLES.get(name, {}).get(side)
    if limit is None:
        raise Unsupported(f"{name} far out")
    return decaying(u) + limit if limit else decaying(u)


def _far_out_of_huge(name: str, u: Huge) -> Any:
    """A word that settles, of an exponential: it has settled long before any power of its rate matters."""
    side = one_sign(u.size)
    small = decaying(u.rate * 0.5)
    if name == "softplus" and side > 0:
        grown: Tail = u + small
        return grown
    if name == "atan":
        return small + intervals().table["pi"]() * (side * 0.5)
    limit = _SETTLES.get(name, {}).get(side)
    if limit is None:
        raise Unsupported(f"{name} of an exponential")
    return small + limit if limit else small


def _logarithm(u: Any) -> Tail:
    if isinstance(u, Huge):
        both: Tail = u.rate + _logarithm(u.size)
        return both
    if one_sign(u) < 0:
        raise Unsupported("a logarithm of what is negative")
    made: Tail = u.like(0.0, words(intervals())["ln"](u.plain().jet))
    made.log = number(u.power) if u.power else None
    return made


def _sign(u: Any) -> Any:
    if not isinstance(u, Tail | Huge):
        return words(intervals())["sign"](u)
    return float(one_sign(u.size if isinstance(u, Huge) else u))


def _abs(u: Any) -> Any:
    return u * _sign(u) if isinstance(u, Tail | Huge) else abs(u)


def _chosen(condition: Any, yes: Any, no: Any) -> Any:
    if np.all(condition.yes):
        return yes
    if np.all(condition.no):
        return no
    raise Unsupported("a branch that is not sure")


def _larger(u: Any, v: Any) -> Any:
    return u if u is v else _chosen(u >= v, u, v)


def _hypot(u: Any, v: Any) -> Any:
    if not isinstance(u, Tail | Huge) and not isinstance(v, Tail | Huge):
        return words(intervals())["hypot"](u, v)
    return (u * u + v * v) ** number("0.5")


def _power(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, Tail | Huge):
        return (base if isinstance(base, Tail | Huge) else number(base)) ** exponent
    return far_word("exp", exponent * far_word("ln", base))


def _no_word(name: str, *arguments: Any) -> Any:
    if any(isinstance(argument, Tail | Huge) and getattr(argument, "power", 1) > 0 for argument in arguments):
        raise Unsupported(f"{name} far out")
    if any(isinstance(argument, Tail | Huge) for argument in arguments):
        return far_word(name, arguments[0])
    return words(intervals())[name](*arguments)


def _vocabulary() -> dict[str, Callable[..., Any]]:
    plain = words(intervals())
    one = [*_SETTLES, "atan", "asinh", "sqrt", "ln", "log1p", "sinh", "cosh"]
    return plain | {name: partial(far_word, name) for name in one} | {
        name: partial(_no_word, name) for name in ("sin", "cos", "sinc")
    } | {
        "where": _chosen, "abs": _abs, "sign": _sign, "max": _larger, "relu": lambda u: _larger(u, 0.0),
        "min": lambda u, v: -_larger(-u, -v), "clip": lambda u, low, high: -_larger(-_larger(u, low), -high),
        "hypot": _hypot, "held_exp": partial(far_word, "exp"), "**": _power,
        "logaddexp": lambda u, v: v + far_word("softplus", u - v),
    }  # fmt: skip


@dataclass(frozen=True)
class TailRegion:
    """All z beyond ``begin`` on one side (1 or -1), as boxes of t from 0 to 1/begin."""

    tree: Node
    values: Mapping[str, Interval]
    begin: float
    side: int

    def start(self) -> tuple[Any, Any]:
        """Boxes to begin with."""
        edges = (
            np.array([0, 2.0**-400, 2.0**-100, *(2.0**-k for k in range(40, 0, -4)), *np.linspace(0.25, 1, 7)])
            / self.begin
        )
        edges = np.unique(edges)
        return edges[:-1], edges[1:]

    def expand(self, lo: Any, hi: Any) -> Tail:
        """The function on boxes of t; raises Unsupported."""
        kind = intervals()
        t = Jet((Interval(lo, hi), kind.number("1"), kind.number("0")), kind, [])
        z = Tail(1.0, t * 0.0 + float(self.side), t)
        found = valued(self.tree, {**self.values, "z": z}, _vocabulary())
        if isinstance(found, Huge):
            raise Unsupported("a function that grows like an exponential")
        return found if isinstance(found, Tail) else z.lift(found)

    def place(self, at: Any) -> Any:
        """The z of a coordinate of boxes."""
        return self.side / np.fmax(at, 1e-300)

    def bend(self, lo: Any, hi: Any) -> tuple[Interval, Any]:
        """The second derivative on boxes, and where no branch is in doubt."""
        u = self.expand(lo, hi)
        n, t = u.power, u.t.terms[0]
        U, first, second = u.jet.terms[0], u.jet.terms[1], u.jet.terms[2] * 2.0
        inner = n * (n - 1) * U - 2 * (n - 1) * (t * first) + t.power(2) * second
        found = _times(t, 2 - n) * inner
        if u.log is not None:
            found = found - u.log * t.power(2)
        shape = np.shape(lo)
        spread = Interval(np.broadcast_to(found.lo, shape), np.broadcast_to(found.hi, shape))
        return spread, np.ones(shape, dtype=bool)

    def limit(self) -> tuple[float, float]:
        """The limit, as an enclosure; infinite where it is."""
        try:
            u = self.expand(np.array([0.0]), np.array([2.0**-400 / self.begin]))
        except Unsupported:
            return -math.inf, math.inf
        if u.log is not None and u.power <= 0 and (u.log.lo > 0 or u.log.hi < 0):
            return (math.copysign(math.inf, float(u.log.lo)),) * 2
        lo, hi = (float(np.ravel(end)[0]) for end in (u.jet.terms[0].lo, u.jet.terms[0].hi))
        if u.power < 0:
            return 0.0, 0.0
        if u.power > 0:
            return (-math.inf, math.inf) if lo <= 0 <= hi else (math.copysign(math.inf, lo),) * 2
        return lo, hi

    def enclose(self, lo: Any, hi: Any) -> tuple[list[Interval], list[Interval], Any]:
        """Value and slope on boxes of t, their derivatives in t, and where no branch is in doubt: everywhere."""
        u = self.expand(lo, hi)
        shape, t = np.shape(lo), u.t
        n, box = u.power, t.terms[0]
        log = u.log if u.log is not None else number(0.0)
        U, first, second = u.jet.terms[0], u.jet.terms[1], u.jet.terms[2] * 2.0
        inner = n * U - box * first
        value = U if n == 0 else U * _times(box, -n)
        slope = _times(box, 1 - n) * inner + log * box
        by_value = first if n == 0 else (first - n * (U / box)) * _times(box, -n)
        by_slope = _times(box, 1 - n) * ((n - 1) * first - box * second) + log
        if n != 1:
            by_slope = by_slope + (1 - n) * (_times(box, -n) * inner)
        if u.log is not None:
            top = np.where(lo > 0, -np.log(np.fmax(lo, 1e-300)) * (1 + 1e-14), np.inf)
            value = value + log * Interval(-np.log(hi) * (1 - 1e-14), top)
            by_value = Interval(np.full(shape, -np.inf), np.full(shape, np.inf))
        parts = [value, slope * float(self.side), by_value, by_slope * float(self.side)]
        spread = [Interval(np.broadcast_to(p.lo, shape), np.broadcast_to(p.hi, shape)) for p in parts]
        return spread[:2], spread[2:], np.ones(shape, dtype=bool)


def _times(t: Interval, exponent: float) -> Interval:
    if exponent == 0:
        return number(1.0)
    if exponent == int(exponent):
        return t.power(int(exponent))
    found: Interval = real_power(t, number(exponent))
    return found
