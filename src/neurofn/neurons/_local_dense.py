"""Sums of splines by operations of torch alone: what is traced in graphs, and the slow twin of the kernels.

A graph takes a few inputs at a time, so that the terms of all of them are never there at once; a compiler makes those
of each few in one pass, and again in backward.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from ..edges import Basis

__all__ = ["dense_sum"]

AT_ONCE = 2048
"""So many terms of one sample are laid out at a time."""


def dense_sum(x: Tensor, weight: Tensor, basis: Basis, breaks: Tensor | None) -> Tensor:
    """The weighted sums (..., n_out) of the terms of x (..., n_in), with weights (n_in, count, n_out)."""
    n_in, count, _ = weight.shape
    if not torch.compiler.is_compiling():
        return _terms(x, basis, breaks).flatten(-2) @ weight.flatten(0, 1)
    few = max(1, AT_ONCE // count)
    result = None
    for at in range(0, n_in, few):
        part = slice(at, at + few)
        terms = _traced(x[..., part], basis, None if breaks is None else breaks[part], count)
        sums = terms.flatten(-2) @ weight[part].flatten(0, 1)
        result = sums if result is None else result + sums
    assert result is not None
    return result


def _terms(x: Tensor, basis: Basis, breaks: Tensor | None) -> Tensor:
    return basis.terms(x) if breaks is None else basis.terms(x, breaks=breaks)


def _traced(x: Tensor, basis: Basis, breaks: Tensor | None, count: int) -> Tensor:
    if breaks is None and basis.order and basis.outside != "linear" and x.dtype in (torch.float32, torch.float64):
        return _truncated(x, basis, count)
    return _compared(x, basis, breaks, count)


def _truncated(x: Tensor, basis: Basis, count: int) -> Tensor:
    """The terms on equal cells as sums of truncated powers, from the nearer end of each, where they hardly cancel.

    With s the distance from that end in cells, the spline of order p is sum_j (-1)**j C(p + 1, j) max(0, s - j)**p / p!.
    """
    assert basis.order is not None and basis.interval is not None  # noqa: PT018
    low, high = basis.interval
    order, half = basis.order, (basis.order + 1) / 2
    inside = x.clamp(low, high)
    place = (inside - low) * ((count - order) / (high - low))
    middle = torch.arange(count, dtype=x.dtype, device=x.device) + (half - order)
    s = half - (place.unsqueeze(-1) - middle).abs()
    terms = torch.zeros((), dtype=x.dtype, device=x.device)
    for j in range((order + 1) // 2 + 1):
        if j < half:
            terms = terms + (-1) ** j * math.comb(order + 1, j) / math.factorial(order) * _power(s - j, order)
    if basis.outside == "zero":
        terms = torch.where(((x < low) | (x > high)).unsqueeze(-1), 0.0, terms)
    return terms


def _power(s: Tensor, order: int) -> Tensor:
    kept = s.clamp(min=0)
    return functools.reduce(torch.mul, [kept] * order)


def _compared(x: Tensor, basis: Basis, breaks: Tensor | None, count: int) -> Tensor:
    """The terms, each of them chosen among those that are not 0: a compiler makes one loop of it, which scattering is not."""
    assert basis.local is not None
    first, values = basis.local(x) if breaks is None else basis.local(x, breaks=breaks)
    place = torch.arange(count, device=x.device) - first.unsqueeze(-1)
    terms = torch.zeros((), dtype=values.dtype, device=x.device)
    for r in range(values.shape[-1]):
        terms = torch.where(place == r, values[..., r : r + 1], terms)
    return terms
