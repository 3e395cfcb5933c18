"""The terms of splines from their knots.

Whatever the grid, the terms are computed from the knots as the format of the inputs holds them, by differences to the knots of
the cell that an input lies in; each difference is nearly exact, and no two terms cancel.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["cox_de_boor", "knots_in", "knots_of", "local", "terms"]


def knots_of(breaks: Tensor, order: int) -> Tensor:
    """The breaks (..., cells + 1) with ``order`` more knots on either side, in steps of the cell at that border.

    >>> import torch
    >>> knots_of(torch.tensor([0.0, 1.0, 3.0]), 1)
    tensor([-1.,  0.,  1.,  3.,  5.])
    """
    import torch

    away = torch.arange(1, order + 1, dtype=breaks.dtype, device=breaks.device)
    first, last = breaks[..., :1], breaks[..., -1:]
    below = first - away.flip(0) * (breaks[..., 1:2] - first)
    above = last + away * (last - breaks[..., -2:-1])
    return torch.cat([below, breaks, above], dim=-1)


def knots_in(x: Tensor, uniform: tuple[int, float, float], order: int, breaks: Tensor | None) -> Tensor:
    """Knots in the format of x, (count,) or (n_in, count). Equal steps are taken in double precision and rounded once."""
    import torch

    if breaks is not None:
        return knots_of(breaks.to(x), order)
    grid, low, high = uniform
    place = torch.arange(-order, grid + order + 1, dtype=torch.float64, device=x.device)
    return (low + place * ((high - low) / grid)).to(x.dtype)


def _cell(x: Tensor, knots: Tensor, order: int, *, even: bool) -> Tensor:
    """The number of the cell that x, clamped and perhaps NaN, lies in: always one that there is."""

    breaks = knots[..., order : knots.shape[-1] - order]
    last = breaks.shape[-1] - 2
    given = x.detach()
    if not even:
        return _bisected(given, breaks)
    step = (breaks[-1] - breaks[0]) / (last + 1)
    # NaN must not become an index: the cell takes 0 in its place, the terms stay NaN.
    cell = ((given - breaks[0]) / step).nan_to_num(0.0).floor().clamp(0, last).long()
    # Rounding may give a neighbour where x lies next to a knot; the knots themselves decide.
    cell = cell - (given < breaks[cell]).long()
    return (cell + (given >= breaks[cell + 1]).long()).clamp(0, last)


def _bisected(x: Tensor, breaks: Tensor) -> Tensor:
    """The last cell that begins at x or below, by halving; NaN is in the first. (torch's own search has no quiet vmap.)"""
    import torch

    inputs, last = torch.arange(breaks.shape[0], device=x.device), breaks.shape[-1] - 2
    cell = torch.zeros(x.shape, dtype=torch.long, device=x.device)
    for bit in reversed(range(last.bit_length())):
        trial = (cell + 2**bit).clamp_max(last)
        cell = torch.where(breaks[inputs, trial] <= x, trial, cell)
    return cell


def local(
    x: Tensor, *, order: int, uniform: tuple[int, float, float], outside: str, breaks: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The first of the order + 1 terms that may differ from 0, (...), and their values (..., order + 1)."""
    import torch

    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    knots = knots_in(wide, uniform, order, breaks)
    low, high = knots[..., order], knots[..., knots.shape[-1] - 1 - order]
    inside = wide.clamp(low, high)
    cell = _cell(inside, knots, order, even=breaks is None)
    values = [torch.ones_like(inside) + 0 * inside]  # NaN stays NaN, also where order is 0
    shares: list[Tensor] = []
    if order:
        # Row c of the table: the 2*order knots that the terms of cell c depend on.
        table = knots[..., 1:-1].unfold(-1, 2 * order, 1)
        near = table[cell] if breaks is None else table[torch.arange(x.shape[-1], device=x.device), cell]
        left, right = (inside.unsqueeze(-1) - near).unbind(-1), (near - inside.unsqueeze(-1)).unbind(-1)
    for degree in range(1, order + 1):
        ends = [(order + r, order - degree + r) for r in range(degree)]
        widths = [near[..., above] - near[..., below] for above, below in ends]
        # Equal knots have no width: their term is 0, not 0/0.
        shares = [v / torch.where(w > 0, w, torch.inf) for v, w in zip(values, widths, strict=True)]
        rise = [left[below] * share for (_, below), share in zip(ends, shares, strict=True)]
        fall = [right[above] * share for (above, _), share in zip(ends, shares, strict=True)]
        values = [fall[0], *(up + down for up, down in zip(rise, fall[1:], strict=False)), rise[-1]]
    result = torch.stack(values, dim=-1)
    if outside == "zero":
        result = torch.where(((wide < low) | (wide > high)).unsqueeze(-1), 0.0, result)
    elif outside == "linear":
        slopes = torch.stack([-shares[0], *(a - b for a, b in pairwise(shares)), shares[-1]], dim=-1)
        result = result + (wide - inside).unsqueeze(-1) * (order * slopes)
    return cell, result.to(x.dtype)


def terms(x: Tensor, *, order: int, uniform: tuple[int, float, float], **given: Any) -> Tensor:
    """The terms that are not zero, scattered to where they belong."""
    import torch

    first, values = local(x, order=order, uniform=uniform, **given)
    index = first.unsqueeze(-1) + torch.arange(order + 1, device=x.device)
    empty = torch.zeros((*x.shape, uniform[0] + order), dtype=values.dtype, device=x.device)
    return empty.scatter(-1, index, values)


def cox_de_boor(
    x: Tensor, *, order: int, uniform: tuple[int, float, float], outside: str, breaks: Tensor | None = None
) -> Tensor:
    """The recursion over all knots, as textbooks print it."""
    import torch

    knots = knots_in(x, uniform, order, breaks)
    size = knots.shape[-1]
    low, high = knots[..., order, None], knots[..., size - 1 - order, None]
    given = x.unsqueeze(-1)
    inside = given.clamp(low, high)
    middle = (high + knots[..., size - 2 - order, None]) / 2
    within = torch.where(inside == high, middle, inside)  # the last cell is closed
    terms = ((within >= knots[..., :-1]) & (within < knots[..., 1:])).to(x.dtype) + 0 * inside  # NaN stays NaN
    slopes = torch.zeros_like(terms)
    for degree in range(1, order + 1):
        width = knots[..., degree:] - knots[..., :-degree]
        width = torch.where(width > 0, width, torch.inf)
        risen, fallen = terms[..., :-1] / width[..., :-1], terms[..., 1:] / width[..., 1:]
        slopes = degree * (risen - fallen)
        terms = (inside - knots[..., : -degree - 1]) * risen + (knots[..., degree + 1 :] - inside) * fallen
    if outside == "linear":
        return terms + (given - inside) * slopes
    return torch.where((given < low) | (given > high), 0.0, terms) if outside == "zero" else terms
