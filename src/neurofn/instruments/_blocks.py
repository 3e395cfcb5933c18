"""Blocks of activations as the fast kernels of instruments read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["as_rows", "sampled"]


def as_rows(values: Tensor) -> Tensor:
    """A block, which is (rows, neurons) or (samples, neurons, places), as (rows, neurons).

    >>> import torch
    >>> as_rows(torch.zeros(2, 3, 5)).shape
    torch.Size([10, 3])
    """
    return values if values.ndim == 2 else values.movedim(1, 2).reshape(-1, values.shape[1])


def sampled(values: Tensor, limit: int, turn: int) -> Tensor:
    """At most about ``limit`` rows of a block, evenly spaced; over ``turn`` = 0, 1, 2, ... each row comes equally often.

    >>> import torch
    >>> sampled(torch.arange(6.0)[:, None], 2, turn=1).flatten()
    tensor([2., 5.])
    """
    if values.ndim == 2:
        stride = -(-values.shape[0] // limit)
        return values if stride <= 1 else values[_offset(turn, stride) :: stride]
    samples, _, places = values.shape
    if samples * places <= limit:
        return values
    few = max(1, min(samples, math.isqrt(limit)))  # some places of some samples, not all places of one
    over, along = -(-samples // few), -(-places // max(1, limit // few))
    part = values[_offset(turn, over) :: over, :, _offset(turn // over, along) :: along]
    return part.movedim(1, 2).reshape(-1, values.shape[1])


def _offset(turn: int, stride: int) -> int:
    """Of every ``stride`` turns each offset comes once, neighbours far apart: no period of the data goes along with it."""
    step = next(k for k in range(round(stride * 0.618) or 1, stride + 2) if math.gcd(k, stride) == 1)
    return turn * step % stride
