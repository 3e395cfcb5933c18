"""The fast path of a convolution: terms once per pixel, as channels of an image, and one convolution over them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from ..functions._module import FunctionModule
from ._gather import Gather
from ._unfold import Windows, padded

__all__ = ["convolved", "vanishing"]

_CONVOLUTIONS = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d, 3: torch.nn.functional.conv3d}


def vanishing(bodies: Sequence[nn.Module]) -> bool:
    """Whether every term is 0 at 0: then padding the terms is padding the image.

    >>> from neurofn import neuron
    >>> [vanishing([neuron(text).dense(2, 1).body]) for text in ("sum(silu + square)", "sum(fourier)")]
    [True, False]
    """
    zero = torch.zeros(1)
    found = [part for body in bodies[:1] for part in body.modules() if isinstance(part, Gather)]
    bases = [basis for gather in found for basis in gather.bases]
    return all(basis.direct is None and not basis.terms(zero, **basis.values).any() for basis in bases)


def convolved(bodies: Sequence[nn.Module], images: Tensor, at: Windows, *, vanishing: bool) -> Tensor:
    """Outputs (batch, n_out, *places) for images (batch, n_in, *space); ``bodies`` has the same tree for every group."""
    even = all(before == after for before, after in at.padding)
    if not (vanishing and even):
        images = padded(images, at)
        at = Windows(at.kernel, at.stride, at.dilation, ((0, 0),) * len(at.kernel))
    return _node(bodies, images, at)


def _node(parts: Sequence[nn.Module], images: Tensor, at: Windows) -> Tensor:
    first = parts[0]
    if isinstance(first, Gather):
        return _sum([part for part in parts if isinstance(part, Gather)], images, at)
    if hasattr(first, "inside"):
        return _activated(parts, _node([part.inside for part in parts], images, at))  # type: ignore[misc]
    left, right = (_node([getattr(part, side) for part in parts], images, at) for side in ("left", "right"))
    joined: Tensor = first._join(left, right)  # type: ignore[operator]
    return joined


def _activated(parts: Sequence[nn.Module], z: Tensor) -> Tensor:
    """The function of a node; learned parameters are per channel, and channels are last where they are."""
    first = parts[0].activation
    gain: Any = parts[0].gain
    assert isinstance(first, FunctionModule)
    if not any(True for _ in first.parameters()):
        result = first.function(z, **first.values())
    else:
        groups = zip(parts, z.movedim(1, -1).chunk(len(parts), dim=-1), strict=True)
        result = torch.cat([part.activation(own) for part, own in groups], dim=-1).movedim(-1, 1)  # type: ignore[operator]
    scaled: Tensor = result if gain == 1 else result * gain
    return scaled


def _sum(gathers: Sequence[Gather], images: Tensor, at: Windows) -> Tensor:
    first = gathers[0]
    share = first.aggregate.share
    assert share is not None
    for gather, own in zip(gathers, images.chunk(len(gathers), dim=1), strict=True):
        _watch(gather, own)
    terms = [basis.terms(images, **basis.values) for basis in first.bases]
    stacked = terms[0] if len(terms) == 1 else torch.cat(terms, dim=-1)
    count = stacked.shape[-1]
    # Terms stand beside their pixel, (batch, channels, *space, terms), and become channels behind their channel.
    channels = stacked.squeeze(-1) if count == 1 else stacked.movedim(-1, 2).flatten(1, 2)
    kernel = torch.cat([_kernel(gather, at, count) for gather in gathers])
    factor = first.scale * share(first.n_in)
    biases: list[Tensor] = [gather.bias for gather in gathers if gather.bias is not None]
    bias = torch.cat(biases) if biases else None
    convolution = _CONVOLUTIONS[len(at.kernel)]
    padding = tuple(before for before, _ in at.padding)
    return convolution(
        channels, kernel if factor == 1 else kernel * factor, bias, at.stride, padding, at.dilation, len(gathers)
    )


def _watch(gather: Gather, pixels: Tensor) -> None:
    """Count the pixels outside the interval of the edges, as a dense layer counts its inputs."""
    for basis in gather.bases:
        if basis.interval is not None:
            gather.range.watch(pixels, *basis.interval, does=basis.outside)
            return


def _kernel(gather: Gather, at: Windows, count: int) -> Tensor:
    """Weights (channels * taps, terms, n_out) as (n_out, channels * terms, *kernel)."""
    weight = gather._used()
    channels, n_out = gather.n_in // prod(at.kernel), gather.n_out
    apart = weight.reshape(channels, *at.kernel, count, n_out)
    return apart.permute(-1, 0, -2, *range(1, 1 + len(at.kernel))).reshape(n_out, channels * count, *at.kernel)
