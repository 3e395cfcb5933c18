"""Sums of splines by operations of torch alone: what is traced in graphs, and the slow twin of the kernels.

A graph takes a few inputs at a time, so that the terms of all of them are never there at once; a compiler makes those
of each few in one pass, and again in backward.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..edges import Basis

__all__ = ["dense_sum"]

AT_ONCE = 1024
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
        terms = _compared(x[..., part], basis, None if breaks is None else breaks[part], count)
        sums = terms.flatten(-2) @ weight[part].flatten(0, 1)
        result = sums if result is None else result + sums
    assert result is not None
    return result


def _terms(x: Tensor, basis: Basis, breaks: Tensor | None) -> Tensor:
    return basis.terms(x) if breaks is None else basis.terms(x, breaks=breaks)


def _compared(x: Tensor, basis: Basis, breaks: Tensor | None, count: int) -> Tensor:
    """The terms, each of them chosen among those that are not 0: a compiler makes one loop of it, which scattering is not."""
    assert basis.local is not None
    first, values = basis.local(x) if breaks is None else basis.local(x, breaks=breaks)
    place = torch.arange(count, device=x.device) - first.unsqueeze(-1)
    terms = torch.zeros((), dtype=values.dtype, device=x.device)
    for r in range(values.shape[-1]):
        terms = torch.where(place == r, values[..., r : r + 1], terms)
    return terms
