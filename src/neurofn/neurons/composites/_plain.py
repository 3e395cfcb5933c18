"""Steps that several composites share: weights at the start, and weighted sums as a definition writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["normal", "one_by_one"]


def normal(*shape: int, fan_in: float) -> Tensor:
    """Weights that keep the variance of a sum of ``fan_in`` inputs."""
    import torch

    weights: Tensor = torch.randn(*shape) / fan_in**0.5
    return weights


def one_by_one(x: Tensor, weight: Tensor) -> Tensor:
    """sum_i x_i w_ij, one input after the other: (..., n_in) and (n_in, n_out) -> (..., n_out)."""
    total = x[..., :1] * weight[0]
    for i in range(1, weight.shape[0]):
        total = total + x[..., i : i + 1] * weight[i]
    return total
