"""Bounded, S-shaped functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declare import declare, function

if TYPE_CHECKING:
    from torch import Tensor

declare(
    "sigmoid", "sigma(z)", source="arXiv:2402.09092", aliases=("logistic",),
    monotone="increasing", range=(0, 1), limits=(0, 1), at_zero=(0.5, 0.25),
)  # fmt: skip
declare(
    "tanh", "tanh(z)", source="arXiv:2402.09092",
    odd=True, monotone="increasing", range=(-1, 1), limits=(-1, 1), at_zero=(0, 1),
)  # fmt: skip


@function(
    "z/(1 + abs(z))", source="bergstra2009",
    odd=True, monotone="increasing", range=(-1, 1), limits=(-1, 1), at_zero=(0, 1),
)  # fmt: skip
def softsign(z: Tensor) -> Tensor:
    import torch

    # The slope of the quotient is 1/d - |z|/d**2: all digits cancel for large z. There it is written as sign(z) - sign(z)/d.
    size = z.abs()
    small = size <= 1
    near = torch.where(small, z, 0.0)
    far = torch.where(small, 1.0, size)
    return torch.where(small, near / (1 + near.abs()), z.sign() * (1 - 1 / (1 + far)))
