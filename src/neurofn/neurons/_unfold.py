"""Windows of images: where they lie, how they are read in blocks, and the same once more, tap by tap."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["NUMBERS_AT_ONCE", "Windows", "in_blocks", "padded", "taps", "windows"]

NUMBERS_AT_ONCE = 2**23
"""So many numbers of windows are laid out at a time: 32 MiB of float32."""


@dataclass(frozen=True)
class Windows:
    """Where windows lie, one number for each of the axes of space; ``padding`` is (before, after) for each.

    >>> Windows((3,), (2,), (1,), ((1, 1),)).count((6,))
    (3,)
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """How many pixels a window reaches over."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def count(self, space: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows fit into an image; below 1 where none does."""
        sizes = zip(space, self.padding, self.spans, self.stride, strict=True)
        return tuple((size + sum(around) - span) // stride + 1 for size, around, span, stride in sizes)


def padded(images: Tensor, at: Windows) -> Tensor:
    """Images with zeros around them."""
    borders = [border for around in reversed(at.padding) for border in around]
    return torch.nn.functional.pad(images, borders) if any(borders) else images


def windows(images: Tensor, at: Windows) -> Tensor:
    """A view (batch, channels, *places, *kernel) of padded images (batch, channels, *space)."""
    for axis, (span, stride, dilation) in enumerate(zip(at.spans, at.stride, at.dilation, strict=True)):
        images = images.unfold(axis + 2, span, stride)
        if dilation > 1:
            images = images[..., ::dilation]
    return images


def taps(images: Tensor, at: Windows) -> Tensor:
    """The same by definition: for every tap of the kernel the pixels that it meets, one slice after the other."""
    space = tuple(images.shape[2:])
    places = Windows(at.kernel, at.stride, at.dilation, ((0, 0),) * len(space)).count(space)
    found = []
    for tap in itertools.product(*map(range, at.kernel)):
        here = images
        for axis, (place, stride, dilation) in enumerate(zip(tap, at.stride, at.dilation, strict=True)):
            first = place * dilation
            here = here.narrow(axis + 2, first, (places[axis] - 1) * stride + 1)
            here = here[(slice(None),) * (axis + 2) + (slice(None, None, stride),)]
        found.append(here)
    stacked = torch.stack(found, dim=-1)
    return stacked.reshape(*stacked.shape[:-1], *at.kernel)


def in_blocks(view: Tensor, dimensions: int, run: Callable[[Tensor], Tensor], *, whole: bool) -> Tensor:
    """``run`` on all windows, (batch, *places, channels, *kernel) -> (batch, *places, neurons), a block after the other.

    Where there is more than one block, backward lays each out again instead of keeping it. ``whole``: in one block.
    """
    axes = range(2, 2 + dimensions)
    laid_out = view.permute(0, *axes, 1, *range(2 + dimensions, 2 + 2 * dimensions))
    batch, height = laid_out.shape[:2]
    rows = max(1, NUMBERS_AT_ONCE // max(1, prod(laid_out.shape[2:])))  # of places, in one or more samples
    samples = max(1, rows // height)
    if whole or (samples >= batch and rows >= height):
        return run(laid_out)
    if laid_out.requires_grad and not _followed():
        run = partial(_again, run)
    parts = [
        torch.cat([run(block) for block in few.split(min(rows, height), dim=1)], dim=1)
        for few in laid_out.split(samples)  # type: ignore[no-untyped-call]  # torch declares no types for it
    ]
    return torch.cat(parts)


def _again(run: Callable[[Tensor], Tensor], block: Tensor) -> Tensor:
    result: Any = checkpoint(run, block, use_reentrant=False, preserve_rng_state=False)
    return result  # type: ignore[no-any-return]


def _followed() -> bool:
    """Whether a compiler or a transform such as vmap looks on: neither goes together with laying out again."""
    active = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
    return torch.compiler.is_compiling() or bool(active())
