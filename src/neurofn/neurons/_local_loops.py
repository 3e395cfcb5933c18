"""Sums of splines and their gradients as loops, for numba; their twin is ``_local.cpp``.

A ``grid`` is knots (1 or n_in, count), the order, what is outside (0 constant, 1 linear, 2 zero), and whether cells are even.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # type: ignore[import-untyped, unused-ignore]  # it has no types
import numpy as np

__all__ = ["add_sums", "input_gradient", "weight_gradient"]

Array = np.ndarray[Any, Any]

F = TypeVar("F", bound=Callable[..., Any])


def _compiled(function: F) -> F:
    # Sums may be fused with products and be summed in another order; nothing that would lose a NaN.
    fastmath = {"contract", "reassoc"}
    try:
        return cast(F, numba.njit(cache=True, nogil=True, fastmath=fastmath)(function))
    except RuntimeError:  # no folder can be written to
        return cast(F, numba.njit(nogil=True, fastmath=fastmath)(function))


@_compiled
def _cell(x: Any, knots: Array, order: int, cells: int, even: bool) -> Any:
    """The cell of x, clamped or NaN."""
    last = cells - 1
    if np.isnan(x):
        return 0 if even else last
    low = knots[order]
    if not even:
        return min(max(np.searchsorted(knots[order : order + cells + 1], x, side="right") - 1, 0), last)
    cell = int(min(max((x - low) / ((knots[order + cells] - low) / cells), 0), last))
    if x < knots[order + cell] and cell > 0:
        cell -= 1
    if x >= knots[order + cell + 1] and cell < last:
        cell += 1
    return cell


@_compiled
def _spline(x: Any, knots: Array, rest: Any, value: Array, slope: Array) -> Any:
    """Fills the order + 1 values and slopes at x, and returns the number of the first."""
    order, outside, even = rest
    cells = len(knots) - 1 - 2 * order
    low, high = knots[order], knots[order + cells]
    inside = low if x < low else high if x > high else x
    cell = _cell(inside, knots, order, cells, even)
    value[0] = 1 + 0 * inside  # NaN stays NaN
    slope[:] = 0
    for degree in range(1, order + 1):
        carried = 0 * inside
        for r in range(degree):
            above, below = knots[cell + 1 + order + r], knots[cell + 1 + order - degree + r]
            share = value[r] / (above - below) if above > below else 0 * value[r]
            if degree == order:
                slope[r] -= order * share
                slope[r + 1] += order * share
            value[r] = carried + (above - inside) * share
            carried = (inside - below) * share
        value[degree] = carried
    if outside == 1:
        value += (x - inside) * slope
        return cell
    if outside == 2 and (x < low or x > high):
        value[:] = 0
    if not low <= x <= high:
        slope[:] = 0
    return cell


@_compiled
def add_sums(x: Array, grid: Any, weight: Array, out: Array) -> None:
    """See ``LocalKernel``."""
    knots, order, outside, even = grid
    value, slope = np.zeros(order + 1, x.dtype), np.zeros(order + 1, x.dtype)
    for i in range(x.shape[1]):
        own = knots[i % len(knots)]
        for b in range(len(x)):
            first = _spline(x[b, i], own, (order, outside, even), value, slope)
            for r in range(order + 1):
                share, row = value[r], first + r
                for o in range(out.shape[1]):
                    out[b, o] += share * weight[i, row, o]


@_compiled
def input_gradient(x: Array, grid: Any, weight: Array, grad: Array, out: Array) -> None:
    """See ``LocalKernel``."""
    knots, order, outside, even = grid
    value, slope = np.zeros(order + 1, x.dtype), np.zeros(order + 1, x.dtype)
    mixed = np.zeros(grad.shape[1], x.dtype)
    for i in range(x.shape[1]):
        own = knots[i % len(knots)]
        for b in range(len(x)):
            first = _spline(x[b, i], own, (order, outside, even), value, slope)
            mixed[:] = 0
            for r in range(order + 1):
                share, row = slope[r], first + r
                for o in range(grad.shape[1]):
                    mixed[o] += share * weight[i, row, o]
            total = 0 * mixed[0]
            for o in range(grad.shape[1]):
                total += mixed[o] * grad[b, o]
            out[b, i] = total


@_compiled
def weight_gradient(x: Array, grid: Any, grad: Array, out: Array) -> None:
    """See ``LocalKernel``."""
    knots, order, outside, even = grid
    value, slope = np.zeros(order + 1, x.dtype), np.zeros(order + 1, x.dtype)
    for i in range(x.shape[1]):
        own = knots[i % len(knots)]
        out[i] = 0
        for b in range(len(x)):
            first = _spline(x[b, i], own, (order, outside, even), value, slope)
            for r in range(order + 1):
                share, row = value[r], first + r
                for o in range(grad.shape[1]):
                    out[i, row, o] += share * grad[b, o]
