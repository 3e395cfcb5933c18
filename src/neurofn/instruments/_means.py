"""Means of rows that were summed apart, brought together: what every state of centred sums merges by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ._base import State

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Together", "together"]


class Together(NamedTuple):
    """Two states: the second on the device of the first, their common mean and weight, the gap between their means, and the
    weight with which products of the gap add to sums of products about the means."""

    b: State
    mean: Tensor
    weight: Tensor
    gap: Tensor
    mass: Tensor


def together(a: State, b: State, *, weight: str = "weight") -> Together:
    """By the formulas of Chan, Golub and LeVeque, doi:10.1007/978-3-642-51461-6_3; means are (neurons, ...), weights (...).

    >>> import torch
    >>> one, two = ({"mean": torch.tensor([mean]), "weight": torch.tensor(1.0)} for mean in (1.0, 3.0))
    >>> together(one, two).mean, together(one, two).mass
    (tensor([2.]), tensor(0.5000))
    """
    import torch

    b = {name: entry.to(a[name].device) for name, entry in b.items()}
    total = a[weight] + b[weight]
    share = torch.where(total > 0, b[weight] / total, 0.0)  # 0/0 is not taken where neither has rows
    gap = b["mean"] - a["mean"]
    return Together(b, a["mean"] + gap * share, total, gap, a[weight] * share)
