"""Norms and spreads of tensors that survive large numbers: what is squared is first divided by its largest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["channelwise", "deviation", "groups_of", "norm", "root_mean_square"]

Dims = int | tuple[int, ...]


def root_mean_square(x: Tensor, dim: Dims, eps: float) -> Tensor:
    """sqrt(mean(x**2) + eps), with the reduced axes kept."""
    scale = x.detach().abs().amax(dim, keepdim=True).clamp(min=1)
    return scale * ((x / scale).square().mean(dim, keepdim=True) + eps / scale / scale).sqrt()


def deviation(x: Tensor, dim: Dims, eps: float) -> Tensor:
    """sqrt(var(x) + eps) with the variance that divides by n, the reduced axes kept."""
    return root_mean_square(x - x.mean(dim, keepdim=True), dim, eps)


def norm(x: Tensor, dim: Dims) -> Tensor:
    """The Euclidean norm with the reduced axes kept; its slope at 0 is 0."""
    import torch

    largest = x.detach().abs().amax(dim, keepdim=True)
    scale = torch.where(largest > 0, largest, 1)
    square = (x / scale).square().sum(dim, keepdim=True)
    return scale * torch.where(largest > 0, square, 1).sqrt() * (largest > 0)


def channelwise(values: Tensor) -> Tensor:
    """One number per channel, or one for all, in the shape that meets (batch, channels, height, breadth)."""
    return values.reshape(-1, 1, 1) if values.ndim else values


def groups_of(x: Tensor, size: int) -> Tensor:
    """The last axis in two: groups, and the ``size`` neighbours in each."""
    return x.reshape(*x.shape[:-1], x.shape[-1] // size, size)
