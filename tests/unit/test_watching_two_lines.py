"""Any network is watched by the same two lines: a KAN, a network of convolutions on images, a transformer, a recurrent one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn import neuron
from neurofn.instruments import EpsilonRank, Moments
from neurofn.watching import Record, watch

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Images(nn.Module):
    """28 x 28 grey images to ten classes, with functions called in its code."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.head = nn.Linear(6 * 7 * 7, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.first(x)), 2)
        x = functional.max_pool2d(functional.gelu(self.second(x)), 2)
        result: Tensor = self.head(x.flatten(1))
        return result


class Sequences(nn.Module):
    """A transformer on tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 16)
        layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=24, batch_first=True, dropout=0.0)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(16, 11)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.encoder(self.tokens(x)))
        return result


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(3, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.rnn(x)[0])
        return result


def kan() -> nn.Module:
    return nn.Sequential(neuron("sum(silu + bspline)").dense(2, 5), neuron("sum(silu + bspline)").dense(5, 1))


def drawn(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


CASES: dict[str, tuple[Callable[[], nn.Module], Tensor, str | list[str], dict[str, int]]] = {
    "KAN": (kan, drawn(32, 2), "*", {"0": 5, "1": 1}),
    "images": (
        Images,
        drawn(8, 1, 28, 28),
        ["*", ":relu", ":gelu", "first:input"],
        {"first": 4, "second": 6, "head": 10, ":relu": 4, ":gelu": 6, "first:input": 1},
    ),
    "transformer": (
        Sequences,
        torch.arange(24).reshape(4, 6) % 11,
        ["encoder.layers.*.linear1", "head", "*.self_attn:heads", "*.self_attn:scores"],
        {
            "encoder.layers.0.linear1": 24,
            "encoder.layers.1.linear1": 24,
            "encoder.layers.0.self_attn:heads": 16,
            "encoder.layers.1.self_attn:scores": 2,
            "head": 11,
        },
    ),
    "recurrent": (
        Recurrent,
        drawn(4, 6, 3),
        ["*", "rnn[1][0]", "rnn[1][1]"],
        {"rnn": 5, "rnn[1][0]": 5, "rnn[1][1]": 5},
    ),
}


def train(model: nn.Module, x: Tensor, *, steps: int = 3) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("case", CASES)
def test_two_lines_watch_it(case: str, tmp_path: Path) -> None:
    build, x, at, neurons = CASES[case]
    torch.manual_seed(1)
    model = build()
    with watch(model, Moments(), EpsilonRank(eps=1e-3), at=at, every=1).to(tmp_path) as record:
        train(model, x)
    loaded = Record.load(tmp_path)
    assert len(loaded) == len(record)
    for site, count in neurons.items():
        assert len(loaded.where(site=site, reading="mean", step=2)) == count, site
        assert len(loaded.where(site=site, reading="rank", step=2)) == 1, site


@pytest.mark.parametrize("case", CASES)
def test_watching_leaves_the_weights_bit_for_bit(case: str) -> None:
    build, x, at, _ = CASES[case]
    torch.manual_seed(1)
    watched = build()
    with watch(watched, Moments(), EpsilonRank(eps=1e-3), at=at, every=1):
        train(watched, x)
    torch.manual_seed(1)
    bare = build()
    train(bare, x)
    for (name, a), (_, b) in zip(watched.state_dict().items(), bare.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in watched.modules())


@pytest.mark.parametrize("case", CASES)
def test_the_budget_watches_it_too(case: str) -> None:
    build, x, at, neurons = CASES[case]
    model = build()
    with watch(model, Moments(), at=at, budget=1.0) as record:
        train(model, x, steps=6)
    assert set(neurons) <= set(record.columns["site"].tolist())
