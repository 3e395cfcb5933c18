"""From the weights of one basis to those of another that gives the same function, or the nearest one.

Knot insertion is exact where every old knot is kept; least squares serve any two bases, and are the slow twin of insertion.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["insert_knots", "project"]

KEPT = 1e-11
"""Directions of the new terms that are this much weaker than the strongest are left out: they hold nothing but rounding."""


def insert_knots(weight: Tensor, old: Tensor, new: Tensor, order: int) -> Tensor:
    """Weights (n_in, cells + order, n_out) on knots ``old`` as weights on knots ``new``, whose breaks hold all old ones.

    Both are (n_in, count) or (count,), ``order`` knots beyond each border. A new weight is the polar form of the old
    polynomial on a cell under its term, at the ``order`` knots inside that term. Source: doi:10.1016/0010-4485(80)90154-2.

    >>> line = torch.tensor([[[0.0], [2.0]]])  # from 0 to 2 on one cell
    >>> knots = torch.tensor([-1.0, 0.0, 1.0, 2.0]), torch.tensor([-0.5, 0.0, 0.5, 1.0, 1.5])
    >>> insert_knots(line, *knots, order=1).flatten()
    tensor([0., 1., 2.])
    """
    old, new = (knots if knots.ndim == 2 else knots.unsqueeze(0) for knots in (old, new))
    count = new.shape[-1] - order - 1
    number = torch.arange(count, device=new.device)
    under = (number - order // 2).clamp(0, count - order - 1) + order  # the new cell that is looked at, as a knot
    middle = (new[:, under] + new[:, under + 1]) / 2
    cell = (torch.searchsorted(old.contiguous(), middle.contiguous(), right=True) - 1).clamp(
        order, old.shape[-1] - order - 2
    )
    cell = cell.expand(weight.shape[0], -1)
    knots = old.expand(weight.shape[0], -1)
    near = [
        weight.gather(1, (cell - order + r).unsqueeze(-1).expand(-1, -1, weight.shape[-1])) for r in range(order + 1)
    ]
    for level in range(1, order + 1):
        at = new[:, number + level]
        for r in range(order, level - 1, -1):
            below, above = knots.gather(1, cell - order + r), knots.gather(1, cell + r + 1 - level)
            share = ((at - below) / (above - below)).unsqueeze(-1)
            near[r] = (1 - share) * near[r - 1] + share * near[r]
    return near[order]


def project(terms: Tensor, target: Tensor) -> Tensor:
    """The weights (n_in, count, n_out) with which terms (rows, n_in, count) come nearest to ``target`` (rows, n_in, n_out).

    Least squares by singular values, input by input: dependent terms share a weight, and none is large without need.
    """
    scale = terms.square().sum(0).sqrt().clamp_min(torch.finfo(terms.dtype).tiny)  # (n_in, count)
    left, values, right = torch.linalg.svd((terms / scale).movedim(1, 0), full_matrices=False)
    kept = values > KEPT * values[:, :1]
    inverse = torch.where(kept, 1 / torch.where(kept, values, 1.0), 0.0)
    inner = left.mT @ target.movedim(1, 0)
    weight: Tensor = (right.mT @ (inverse.unsqueeze(-1) * inner)) / scale.unsqueeze(-1)
    return weight
