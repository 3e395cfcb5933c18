"""Codes of a few bits for every number of a tensor: made, packed, read back; by the kernel where there is one, else plainly.

The layout is that of the kernel (see ``_kernel.cpp``): blocks of 32 rows of 16 numbers, and one plane of 16 words for each bit.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from torch import Tensor

from ._kernel import FORWARDS, Kernel, kernel
from ._steps import Steps

__all__ = ["encode", "scale"]

_COLUMNS, _ROWS = 16, 32
_BLOCK = _COLUMNS * _ROWS
_AT_ONCE = 2048  # blocks that the plain code spreads out at a time


def encode(z: Tensor, steps: Steps, *, hot: str | None) -> tuple[Tensor | None, Tensor, Tensor]:
    """(values, codes, places of NaN) of a dense tensor. Values are those of the function ``hot``; None where it is None, or the
    kernel is not there or has no such function."""
    packed = torch.empty(-(-z.numel() // _BLOCK), steps.bits, _COLUMNS, dtype=torch.int32, device=z.device)
    compiled = _kernel_for(z)
    if compiled is not None:
        which = FORWARDS.get(hot or "", 0)
        values = torch.empty_like(z) if which else None
        boundaries = _tensors(steps, z.device)[0]
        has_nan = compiled.forward(z, packed, boundaries, which=which, out=values)
    else:
        values = None
        has_nan = not z.is_meta and bool(z.isnan().any())
        _pack(_in_line(z), steps, packed)
    places = _in_line(z).isnan().nonzero().squeeze(1) if has_nan else packed.new_empty(0, dtype=torch.int64)
    return values, packed, places


def scale(g: Tensor, packed: Tensor, nan: Tensor, *, steps: Steps) -> Tensor:
    """``g`` times the level of each code, NaN at the places ``nan``; ``g`` is dense and in the order of the encoded tensor."""
    result = torch.empty_like(g)
    compiled = _kernel_for(g)
    levels = _tensors(steps, g.device)[1]
    if compiled is not None:
        compiled.backward(g, packed, levels, bits=steps.bits, out=result)
    else:
        for (begin, end), codes in _unpack(packed, g.numel()):
            _in_line(result)[begin:end] = _in_line(g)[begin:end] * levels.to(g.dtype)[codes]
    if nan.numel():
        _in_line(result)[nan] = float("nan")
    return result


def _kernel_for(z: Tensor) -> Kernel | None:
    fits = z.device.type == "cpu" and z.dtype == torch.float32 and type(z) in (Tensor, torch.nn.Parameter)
    return kernel() if fits else None


@functools.cache
def _tensors(steps: Steps, device: torch.device) -> tuple[Tensor, Tensor]:
    levels = [*steps.levels, *[0.0] * (16 - len(steps.levels))]
    with torch.inference_mode(False):  # else a table first made there could not be used in training
        return (
            torch.tensor(steps.boundaries, dtype=torch.float32, device=device),
            torch.tensor(levels, dtype=torch.float32, device=device),
        )


def _in_line(tensor: Tensor) -> Tensor:
    """The numbers of a dense tensor in the order of memory."""
    return tensor.as_strided((tensor.numel(),), (1,))


def _pack(line: Tensor, steps: Steps, packed: Tensor) -> None:
    boundaries = _tensors(steps, line.device)[0].to(line.dtype)
    rows = torch.arange(_ROWS, dtype=torch.int32, device=line.device)[:, None]
    for first in range(0, len(packed), _AT_ONCE):
        part = line[first * _BLOCK : (first + _AT_ONCE) * _BLOCK]
        part = torch.nn.functional.pad(part, (0, -len(part) % _BLOCK))
        codes = torch.bucketize(part, boundaries, out_int32=True).masked_fill(part.isnan(), 0)
        whole = codes.view(-1, _ROWS, _COLUMNS)
        for bit in range(steps.bits):
            # every row sets a bit of its own, so the sum is their union; the highest makes it negative, which is meant
            plane = (((whole >> bit) & 1) << rows).sum(dim=1, dtype=torch.int64)
            packed[first : first + len(whole), bit] = plane.to(torch.int32)


def _unpack(packed: Tensor, count: int) -> Iterator[tuple[tuple[int, int], Tensor]]:
    rows = torch.arange(_ROWS, dtype=torch.int32, device=packed.device)[:, None]
    for first in range(0, len(packed), _AT_ONCE):
        part = packed[first : first + _AT_ONCE]
        codes = sum(((part[:, bit, None, :] >> rows) & 1) << bit for bit in range(packed.shape[1]))
        begin, end = first * _BLOCK, min((first + _AT_ONCE) * _BLOCK, count)
        yield (begin, end), torch.as_tensor(codes).flatten()[: end - begin].long()
