"""Blocks of activations as the fast kernels of instruments read them, and the fastest sums over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Scratch", "as_rows", "pieces_of", "sampled", "take_sum"]

_SHAPES = 64  # that are remembered; batches whose lengths keep changing would fill the memory
_PIECE = 1 << 16  # values that are summed at a time: with their buffer they stay in the cache


class Scratch:
    """Buffers that every kernel of a watch uses in turn, so that memory does not grow with the number of sites.

    >>> import torch
    >>> scratch = Scratch()
    >>> scratch.like(torch.ones(2, 3)).shape, scratch.ones(4, torch.float32)
    (torch.Size([2, 3]), tensor([[1., 1., 1., 1.]]))
    """

    def __init__(self) -> None:
        self._flat: dict[torch.dtype, Tensor] = {}
        self._views: dict[tuple[torch.dtype, torch.Size], Tensor] = {}
        self._ones: dict[tuple[torch.dtype, int], Tensor] = {}

    def like(self, values: Tensor) -> Tensor:
        """A contiguous tensor of this shape and type with anything in it; the next call gives the same memory."""
        import torch

        key = values.dtype, values.shape
        view = self._views.get(key)
        if view is None:
            flat = self._flat.get(values.dtype)
            if flat is None or flat.numel() < values.numel():
                self._views = {old: made for old, made in self._views.items() if old[0] != values.dtype}
                flat = self._flat[values.dtype] = torch.empty(values.numel(), dtype=values.dtype)
            if len(self._views) >= _SHAPES:
                self._views.clear()
            view = self._views[key] = flat[: values.numel()].view(values.shape)
        return view

    def ones(self, length: int, dtype: torch.dtype) -> Tensor:
        """A row of ones: (1, length)."""
        import torch

        ones = self._ones.get((dtype, length))
        if ones is None:
            if len(self._ones) >= _SHAPES:
                self._ones.clear()
            ones = self._ones[dtype, length] = torch.ones(1, length, dtype=dtype)
        return ones


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


def pieces_of(values: Tensor) -> Sequence[Tensor]:
    """The block in pieces that the cache holds."""
    if values.numel() <= 2 * _PIECE:
        return (values,)
    import torch

    return torch.split(values, max(1, _PIECE * values.shape[0] // values.numel()))


def take_sum(piece: Tensor, scratch: Scratch, *, into: Tensor, more: bool) -> None:
    """The sums over all but the neurons, in or (``more``) added to ``into`` (1, neurons): by a product with a row of ones.

    There is no faster sum, and for small batches what counts is the number of calls.
    """
    import torch

    if piece.ndim == 2:
        ones = scratch.ones(piece.shape[0], piece.dtype)
        if more:
            into.addmm_(ones, piece)
        else:
            torch.mm(ones, piece, out=into)
        return
    samples, neurons, places = piece.shape
    sums = torch.mv(piece.reshape(samples * neurons, places), scratch.ones(places, piece.dtype)[0])
    sums = sums.view(samples, neurons).sum(dim=0, keepdim=True)
    if more:
        into.add_(sums)
    else:
        into.copy_(sums)
