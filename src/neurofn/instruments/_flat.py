"""A model as a function of one vector that holds all its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._errors import ShapeError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["flat_call"]


def flat_call(model: nn.Module) -> tuple[Callable[[Tensor, Tensor], Tensor], Tensor]:
    """A function of (all parameters in one vector, inputs), in float64, and the vector of ``model``."""
    import torch

    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    named = dict(model.named_parameters())
    shapes = [named[name].shape for name in names]
    buffers = {name: entry.detach().double() if entry.is_floating_point() else entry.detach().clone()
               for name, entry in model.named_buffers()}  # fmt: skip
    frozen = {name: entry.detach().double() for name, entry in named.items() if name not in set(names)}

    def call(weights: Tensor, inputs: Tensor) -> Tensor:
        parts = torch.split(weights, [shape.numel() for shape in shapes])
        learned = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        output = torch.func.functional_call(model, {**frozen, **learned, **buffers}, (inputs,))
        if not isinstance(output, torch.Tensor):
            raise ShapeError(f"the model gives {type(output).__name__}; give one that gives a tensor")
        return output

    if not names:
        return call, torch.zeros(0, dtype=torch.float64)
    return call, torch.cat([named[name].detach().double().flatten() for name in names])
