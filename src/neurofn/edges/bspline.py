"""B-splines on equal intervals: the edges of Kolmogorov-Arnold networks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._errors import SettingError
from ..functions import Count, Fixed
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor


@edge(
    "sum_k w_k*B_k(clip(x, low, high)), B_k the B-splines of the given order on grid equal intervals of [low, high]",
    source="arXiv:2404.19756",
    grid=Count(5, low=1, high=4096),
    order=Count(3, low=0, high=5),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    constant_outside=True,
)
def bspline(grid: int, order: int, low: float, high: float) -> Basis:
    """``grid + order`` terms that sum to one on [low, high]; outside, the edge continues with its value at the border."""
    if not low < high:
        raise SettingError(f"bspline: low must be below high, got low={low!r}, high={high!r}")
    terms = partial(_terms, grid=grid, order=order, low=low, high=high)
    reference = partial(_cox_de_boor, grid=grid, order=order, low=low, high=high)
    return Basis(grid + order, terms, reference)


def _terms(x: Tensor, *, grid: int, order: int, low: float, high: float) -> Tensor:
    """The order + 1 terms that are not zero, from the place within the cell, scattered to where they belong."""
    import torch

    step = (high - low) / grid
    inside = x.clamp(low, high)
    # NaN must not become an index: the cell takes 0 in its place, the value within the cell stays NaN.
    cell = ((inside - low) / step).detach().nan_to_num(0.0).floor().clamp(0, grid - 1)
    u = (inside - (low + cell * step)) / step
    local = [torch.ones_like(u)]
    for degree in range(1, order + 1):
        # On equal intervals all knot distances are whole numbers of steps.
        carried = torch.zeros_like(u)
        raised = []
        for r, value in enumerate(local):
            share = value / degree
            raised.append(carried + (r + 1 - u) * share)
            carried = (u + degree - 1 - r) * share
        local = [*raised, carried]
    index = cell.long().unsqueeze(-1) + torch.arange(order + 1, device=x.device)
    values = torch.stack(local, dim=-1)
    empty = torch.zeros((*x.shape, grid + order), dtype=values.dtype, device=x.device)
    return empty.scatter(-1, index, values)


def _cox_de_boor(x: Tensor, *, grid: int, order: int, low: float, high: float) -> Tensor:
    """The recursion over all knots, as textbooks print it."""
    import torch

    step = (high - low) / grid
    knots = low + step * torch.arange(-order, grid + order + 1, device=x.device, dtype=x.dtype)
    inside = x.clamp(low, high).unsqueeze(-1)
    within = torch.where(inside == high, high - step / 2, inside)  # the last cell is closed
    terms = ((within >= knots[:-1]) & (within < knots[1:])).to(x.dtype) + 0 * inside  # NaN stays NaN
    for degree in range(1, order + 1):
        rise = (inside - knots[: -degree - 1]) / (knots[degree:-1] - knots[: -degree - 1])
        fall = (knots[degree + 1 :] - inside) / (knots[degree + 1 :] - knots[1:-degree])
        terms = rise * terms[..., :-1] + fall * terms[..., 1:]
    return terms
