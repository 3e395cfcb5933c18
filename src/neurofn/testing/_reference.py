"""The many-digit reference: a formula and its first three derivatives, exact to 20 digits, at one point.

A formula is evaluated on truncated Taylor series of mpmath numbers. Where a condition is tied (at a kink) the series decides
it as the points just beside it would, so that one-sided slopes are exact. Precision is doubled until two evaluations agree:
no fixed number of digits is enough, since 1 + exp(-200) - 1 already needs 90.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from .._syntax import rebuilt
from ..formula import Constant, Formula, Infix, Node, children, evaluate
from ._series import ORDER, Series, series_words

__all__ = ["DIGITS", "decisions", "derivatives", "rough_derivatives", "rounding_of_numbers"]

DIGITS = 20
"""Digits to which two evaluations must agree."""

_START, _LAST = 40, 1600  # digits; what the last precision loses is below the smallest number of any format


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


def rounding_of_numbers(
    formula: Formula, z: float, parameters: Mapping[str, float], *, side: int = 0
) -> tuple[Any, ...]:
    """By how much the value and three slopes change for a relative change of a parameter or a decimal, summed over all of them.

    >>> from neurofn.formula import Formula
    >>> [round(float(change), 6) for change in rounding_of_numbers(Formula("a*z + 0.1"), 2.0, {"a": 3.0})]
    [6.1, 3.0, 0.0, 0.0]
    """
    return _rounding(formula.text, z, tuple(sorted(parameters.items())), side)


@lru_cache(maxsize=20_000)
def _rounding(text: str, z: float, parameters: tuple[tuple[str, float], ...], side: int) -> tuple[Any, ...]:
    from mpmath import mp

    with mp.workdps(3 * _START):
        step = mp.mpf(10) ** -_START
        before = _expand(text, z, parameters, side, 3 * _START)
        moved: list[tuple[Node, tuple[tuple[str, Any], ...]]] = [
            (_tree(text), (*parameters[:k], (name, value * (1 + step)), *parameters[k + 1 :]))
            for k, (name, value) in enumerate(parameters)
        ]
        moved += [(tree, parameters) for tree in _with_one_number_moved(_tree(text), str(1 + step))]
        total = [mp.zero] * (ORDER + 1)
        for tree, given in moved:
            after = _expand_tree(tree, z, given, side=side, digits=3 * _START)
            total = [
                sum_ + (abs(a - b) / step if mp.isfinite(a - b) else 0)
                for sum_, a, b in zip(total, after, before, strict=True)
            ]
        return tuple(total)


def _with_one_number_moved(node: Node, factor: str) -> Iterator[Node]:
    """The tree with each decimal times ``factor`` in turn; numbers such as 2 and 0.25 are exact in every format."""
    if isinstance(node, Constant) and float(node.text) * 1024 % 1 != 0:
        yield Infix("*", node, Constant(factor))
    below = children(node)
    for k, child in enumerate(below):
        for moved in _with_one_number_moved(child, factor):
            yield rebuilt(node, [*below[:k], moved, *below[k + 1 :]])


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
    # far out and near 0 as many digits cancel as the input has zeros, and two evaluations may agree without them
    digits = _START + (int(2.2 * abs(math.log10(abs(z)))) if z else 0)
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
    return _expand_tree(_tree(text), z, parameters, side=side, digits=digits, made=made)


def _expand_tree(
    tree: Node, z: float, parameters: tuple[tuple[str, Any], ...], *, side: int, digits: int, made: list[int] | None = None
) -> tuple[Any, ...]:  # fmt: skip
    from mpmath import mp

    with mp.workdps(digits):
        values: dict[str, Any] = {name: mp.mpf(value) for name, value in parameters}
        values["z"] = Series((mp.mpf(z), mp.one, mp.zero, mp.zero), side, [] if made is None else made)
        result = evaluate(tree, values, series_words())
        terms = result.terms if isinstance(result, Series) else (mp.mpf(result), *[mp.zero] * ORDER)
        return tuple(term * factor for term, factor in zip(terms, (1, 1, 2, 6), strict=True))


@cache
def _tree(text: str) -> Node:
    return Formula(text).tree
