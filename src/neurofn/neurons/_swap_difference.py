"""How far two models are apart on a batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ._range import RangeWarning
from ._swap_listen import run
from ._swap_parts import light_copy

__all__ = ["difference"]


def difference(one: nn.Module, other: nn.Module, on: Any) -> float:
    """The largest absolute difference between the outputs of two models on a batch, both in evaluation; inf for NaN."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)  # of copies; the model itself will tell
        outputs = [list(_tensors(run(light_copy(model).eval(), on))) for model in (one, other)]
    pairs = [(a, b) for a, b in zip(*outputs, strict=True) if a.numel()]
    apart = [float((a.double() - b.double()).abs().nan_to_num(nan=torch.inf).max()) for a, b in pairs]
    return max(apart, default=0.0)


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, tuple | list):
        for value in output:
            yield from _tensors(value)
