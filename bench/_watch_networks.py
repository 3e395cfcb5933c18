"""The three networks that `bench/watch.py` trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Case:
    """A network, its batches, steps of a turn, how many rounds, and the bar of all rows at every step in per cent."""

    name: str
    build: Callable[[], nn.Module]
    data: Callable[[], tuple[Tensor, Tensor]]
    steps: int
    rounds: int
    bar: float

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Four batches, over and over."""
        made = [self.data() for _ in range(4)]
        while True:
            yield from made


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


class Attention(nn.Module):
    """Causal self-attention with four heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        q, k, v = self.into(x).view(batch, time, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, width))


class Layer(nn.Module):
    """Attention and two dense layers, each behind a normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.attention, self.behind = nn.LayerNorm(width), Attention(width), nn.LayerNorm(width)
        self.up, self.act, self.down = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.before(x))
        return x + self.down(self.act(self.up(self.behind(x))))


def transformer() -> nn.Module:
    return nn.Sequential(
        nn.Embedding(256, 128), *(Layer(128) for _ in range(4)), nn.LayerNorm(128), nn.Linear(128, 256)
    )


CASES = (
    Case("MLP", mlp, lambda: (torch.randn(128, 784), torch.randint(0, 10, (128,))), 40, 101, 10.0),
    Case("CNN", cnn, lambda: (torch.randn(64, 3, 32, 32), torch.randint(0, 10, (64,))), 3, 61, 20.0),
    Case(
        "transformer",
        transformer,
        lambda: (torch.randint(0, 256, (16, 128)), torch.randint(0, 256, (16, 128))),
        2,
        61,
        15.0,
    ),
)
