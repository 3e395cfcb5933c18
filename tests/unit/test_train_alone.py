"""The plain loop of training: it is read before each update, and what reads it may end it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from neurofn.train import Recipe, build_seeded, train_alone


def network(seed: int) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()


def labelled() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 4, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 3, (50,), generator=generator)


def test_a_plain_loop_is_read_before_each_update_and_stopped_from_outside() -> None:
    x, y = labelled()
    seen: list[int] = []
    recipe = Recipe(steps=5)
    watched = build_seeded(network, 0)
    train_alone(
        watched, (x, y), seed=0, recipe=recipe, loss=functional.cross_entropy, read=lambda step, _: seen.append(step)
    )
    assert seen == [0, 1, 2, 3, 4, 5]
    bare = build_seeded(network, 0)
    train_alone(bare, (x, y), seed=0, recipe=recipe, loss=functional.cross_entropy)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), bare.parameters(), strict=True))
    stopped, short = build_seeded(network, 0), build_seeded(network, 0)
    history = train_alone(
        stopped, (x, y), seed=0, recipe=recipe, loss=functional.cross_entropy, read=lambda step, _: step == 2
    )
    train_alone(short, (x, y), seed=0, recipe=Recipe(steps=2), loss=functional.cross_entropy)
    assert history.losses.isnan().tolist() == [[False, False, True, True, True]]
    assert all(torch.equal(a, b) for a, b in zip(stopped.parameters(), short.parameters(), strict=True))
