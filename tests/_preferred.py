"""What the tests of preferred inputs share: numbers, weights and functions as modules, without moving any global state."""

from __future__ import annotations

from math import inf
from typing import Any

import torch
from torch import Tensor, nn

FREE = (-inf, inf)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def built(build: Any, seed: int = 0) -> Any:
    """What ``build()`` gives, its weights drawn without moving the global random state."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def linear(weight: Tensor) -> nn.Sequential:
    layer = built(lambda: nn.Linear(weight.numel(), 1))
    layer.weight.data = weight[None].clone()
    return nn.Sequential(nn.Flatten(), layer)


class Of(nn.Module):
    """A function of rows as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)
