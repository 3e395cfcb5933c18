"""The many-digit reference: a formula and its first three derivatives, exact to 20 digits, at one point.

A formula is evaluated on truncated Taylor series of mpmath numbers. Where a condition is tied (at a kink) the series decides
it as the points just beside it would, so that one-sided slopes are exact. Precision is doubled until two evaluations agree:
no fixed number of digits is enough, since 1 + exp(-200) - 1 already needs 90.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from ..formula import Formula, Node, evaluate
from ._series import ORDER, Series, series_words

__all__ = ["DIGITS", "decisions", "derivatives", "rough_derivatives"]

DIGITS = 20
"""Digits to which two evaluations must agree."""

_START, _LAST = 40, 640  # digits; what the last precision loses is below the smallest number of any format


def derivatives(formula: Formula, z: float, parameters: Mapping[str, float], *, side: int = 0) -> tuple[Any, ...]:
    """(f, f', f'', f''') at ``z`` as mpmath numbers, NaN where undefined.

    At a kink or a jump: from the right (1) or the left (-1), or (0) the value there and the slope of the branch chosen there.

    >>> from neurofn.formula import Formula
    >>> [float(value) for value in derivatives(Formula("abs(z)*z"), 0.0, {}, side=-1)]
    [0.0, 0.0, -2.0, 0.0]
    """
    asked = formula.text, z, tuple(sorted(parameters.items()))
    return _derivatives(*asked, side if side and _tied(*asked) else 0)


def rough_derivatives(formula: Formula, z: float, parameters: Mapping[str, float], *, side: int = 0) -> tuple[Any, ...]:
    """The same from one evaluation: enough for the size of a term, not for a zero."""
    return _expand(formula.text, z, tuple(parameters.items()), side, 2 * _START)


def decisions(formula: Formula, z: float, parameters: Mapping[str, float]) -> tuple[int, ...]:
    """The outcome of every comparison, abs, sign, max and min at ``z``: kinks can only lie where one of them changes."""
    made: list[int] = []
    _expand(formula.text, z, tuple(parameters.items()), 1, _START, made)
    return tuple(made)


@lru_cache(maxsize=200_000)
def _tied(text: str, z: float, parameters: tuple[tuple[str, float], ...]) -> bool:
    made: list[int] = []
    _expand(text, z, parameters, 0, _START, made)
    return 0 in made


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
        result = evaluate(_tree(text), values, series_words())
        terms = result.terms if isinstance(result, Series) else (mp.mpf(result), *[mp.zero] * ORDER)
        return tuple(term * factor for term, factor in zip(terms, (1, 1, 2, 6), strict=True))


@cache
def _tree(text: str) -> Node:
    return Formula(text).tree
