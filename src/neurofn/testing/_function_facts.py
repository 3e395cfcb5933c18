"""Checks of what is claimed of a function: each stated fact against the formula at many digits, default parameters."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from ..functions import Function, catalogue
from ._reference import decisions, derivatives

__all__ = ["FEWEST_FACTS"]

FEWEST_FACTS = 3
"""A function states at least so many facts. A family need not: what it is depends on its coefficients."""

_CLOSE = 1e-12
_FAR = (1e2, 1e4, 1e8, 1e16, 1e32, 1e100, 1e300)


def check_facts_stated(function: Function) -> None:
    """Enough is claimed for a reader, and for the checks below, to know the function by."""
    stated = sorted(function.facts.stated())
    enough = function.build is not None or len(stated) >= FEWEST_FACTS
    _assert(enough, f"{function.name} states {len(stated)} facts {stated}, expected {FEWEST_FACTS} or more")


def check_parity(function: Function) -> None:
    """even: f(-z) = f(z); odd: f(-z) = -f(z)."""
    for name, sign in (("even", 1), ("odd", -1)):
        if getattr(function.facts, name):
            for z in _line():
                here, there = _value(function, z), sign * _value(function, -z)
                _assert(
                    _near(here, there), f"{function.name} is not {name}: f({z}) = {float(here)}, f({-z}) does not fit"
                )


def check_monotone(function: Function) -> None:
    """Neighbours on a line of points are in order, and no slope has the other sign."""
    direction = {None: 0, "increasing": 1, "decreasing": -1}[function.facts.monotone]
    before = None
    for z in _line() if direction else ():
        value, slope = (direction * term for term in _both(function, z)[0][:2])
        _assert(before is None or value >= before, f"{function.name} is not {function.facts.monotone} just below {z}")
        _assert(slope >= 0, f"{function.name} is not {function.facts.monotone}: its slope at {z} is {float(slope)}")
        before = value


def check_range(function: Function) -> None:
    """No value lies outside, and both bounds are attained or approached."""
    if function.facts.range is None:
        return
    low, high = function.facts.range
    for bound, sign in ((low, -1), (high, 1)):
        z, extreme = _extreme(function, sign)
        if math.isinf(bound):
            _assert(sign * extreme > 50, f"{function.name} has no value beyond {float(extreme)}, stated is {bound}")
            continue
        _assert(
            _near(extreme, bound),
            f"{function.name} comes to {float(extreme)!r} at {float(z)!r}, stated is the bound {bound!r}",
        )


def check_limits(function: Function) -> None:
    """Far out on either side the values settle at the stated limit, or at none."""
    for limit, side in zip(function.facts.limits or (), (-1, 1), strict=False):
        values = [_value(function, side * z) for z in _FAR]
        seen = [float(value) for value in values]
        where = f"{function.name}, limit towards {side * math.inf}: the last values are {seen[-3:]}, stated is {limit}"
        if limit is None:  # they swing, within bounds or ever wider to both sides
            swinging = abs(values[-1]) < 1e6 or min(values) < 0 < max(values)
            _assert(swinging and abs(values[-1] - values[-2]) > 1e-3, where)
        elif math.isinf(limit):
            sign = math.copysign(1, limit)
            _assert(all(_grows(sign * a, sign * b) for a, b in pairwise(values)) and abs(values[-1]) > 100, where)
        else:
            # 1/ln(z) may be on its way, but must come nearer
            errors = [abs(value - limit) for value in values]
            _assert(errors[-1] <= 1e-2 and (errors[-1] <= _CLOSE or errors[-1] < errors[-2] < errors[-3]), where)


def check_at_zero(function: Function) -> None:
    """Value and slope at 0; the slope None says that there is a kink."""
    if function.facts.at_zero is None:
        return
    value, slope = function.facts.at_zero
    right, left = _both(function, 0.0)
    _assert(_near(right[0], value), f"{function.name}: f(0) is {float(right[0])!r}, stated is {value!r}")
    slopes = [float(left[1]), float(right[1])]
    agree = slopes[0] != slopes[1] if slope is None else _near(right[1], slope) and _near(left[1], slope)
    _assert(agree, f"{function.name}: the slopes at 0 are {slopes}, stated is {slope!r}")


def check_kinks(function: Function) -> None:
    """At every declared kink the slope jumps, and it jumps nowhere else.

    The slope of a formula can only jump where one of its comparisons changes its outcome; those places are found by bisection.
    """
    declared = function.facts.kinks
    for kink in declared:
        _assert(_jump(function, kink) > 1e-6, f"{function.name} has no kink at {kink}, though one is declared")
    for place in _switches(function):
        known = any(abs(place - kink) <= 1e-9 * max(1, abs(kink)) for kink in declared)
        _assert(
            known or _jump(function, place) <= 1e-6,
            f"{function.name} has a kink at {place!r} that is not declared: the slope jumps by {_jump(function, place):g}",
        )


def check_cases(function: Function) -> None:
    """ "a=0": "relu" is true: with a=0 the values are those of relu at its defaults."""
    for text, name in function.facts.cases.items():
        settings = {key.strip(): _number(value) for key, value in (part.split("=") for part in text.split(","))}
        for z in _line():
            case, other = _value(function, z, **settings), _value(catalogue[name], z)
            _assert(
                _near(case, other),
                f"{function.name} with {text} is not {name}: {float(case)!r} against {float(other)!r} at {z}",
            )


# ---- helpers ------------------------------------------------------------------------------------------------------------


def _assert(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _number(text: str) -> float:
    return float(ast.literal_eval(text.strip()))


def _near(a: Any, b: Any) -> bool:
    return bool(a == b or abs(a - b) <= _CLOSE * max(1, abs(b)))


def _grows(before: Any, after: Any) -> bool:
    """Whether ``after`` is larger, or both are beyond every format, where the reference holds exponentials still."""
    return bool(before < after or (after > 1e308 and abs(after - before) <= _CLOSE * after))


def _line() -> list[float]:
    """Points in order, of both signs: dense between -12 and 12, and a few far out."""
    near = [k / 16 + (k % 7) / 1000 for k in range(1, 16 * 12)]
    positive = [*(10.0**-k for k in (200, 30, 12, 6, 4)), *near, 15.0, 30.0, 80.0, *_FAR]
    return [*(-z for z in reversed(positive)), 0.0, *positive]


def _value(function: Function, z: float, **settings: float) -> Any:
    return derivatives(function.definition, z, {**function.defaults, **settings})[0]


def _both(function: Function, z: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    right, left = (derivatives(function.definition, z, function.defaults, side=side) for side in (1, -1))
    return right, left


def _extreme(function: Function, sign: int) -> tuple[float, Any]:
    """Where the values are largest (sign 1) or smallest: the best point of the line, refined between its neighbours."""
    line = _line()
    values = [sign * _value(function, z) for z in line]
    best = max(range(len(line)), key=values.__getitem__)
    low, high = line[max(best - 1, 0)], line[min(best + 1, len(line) - 1)]
    z, value = line[best], values[best]
    for _ in range(60 if high - low < 10 else 0):  # shrinks the bracket to 1e-10 of its width, the value to its square
        left, right = low + (high - low) * 0.382, high - (high - low) * 0.382
        at_left, at_right = sign * _value(function, left), sign * _value(function, right)
        low, high = (low, right) if at_left > at_right else (left, high)
        z, value = max((z, value), (left, at_left), (right, at_right), key=lambda pair: pair[1])
    return z, sign * value


def _jump(function: Function, z: float) -> float:
    """By how much the slope changes across ``z``, against its size; 1e-10 to both sides no smooth one changes much."""
    step = 1e-10 * max(1.0, abs(z))
    left, right = (derivatives(function.definition, z + side * step, function.defaults)[1] for side in (-1, 1))
    return float(abs(right - left) / (1 + abs(right)))


def _switches(function: Function) -> Iterator[float]:
    """Where, on the line, some comparison of the formula changes its outcome."""
    decide: Callable[[float], tuple[int, ...]] = partial(decisions, function.definition, parameters=function.defaults)
    line = _line()
    outcomes = [decide(z) for z in line]
    for k in range(len(line) - 1):
        low, high, below = line[k], line[k + 1], outcomes[k]
        if below == outcomes[k + 1]:
            continue
        while (middle := low + (high - low) / 2) not in (low, high) and high - low > 1e-15:
            low, high = (middle, high) if decide(middle) == below else (low, middle)
        yield high
