"""Stacked seeds of every neuron of the comparison train as each would alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurofn.neurons import neuron
from neurofn.studies.compare_functions import NEURONS
from neurofn.train import Recipe, Stack, build_seeded, train, train_alone

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(90, 6, generator=GENERATOR, dtype=torch.float64)
Y = torch.randint(0, 3, (90,), generator=GENERATOR)


@pytest.mark.parametrize(
    "text", [*NEURONS, "max(linear)", "prelu(median(silu + bspline))", "silu(sum(linear)) * sum(chebyshev)"]
)
@pytest.mark.parametrize("init", ["fan_in", "matched"])
def test_a_stack_equals_each_seed_alone(text: str, init: str) -> None:
    def build(seed: int) -> nn.Module:
        return nn.Sequential(neuron(text).dense(6, 5, init=init), neuron("sum(linear)").dense(5, 3)).double()

    recipe, loss = Recipe(steps=100, learning_rate=0.003, batch=32), nn.functional.cross_entropy
    stack = Stack(build, (3, 5))
    together = train(stack, (X, Y), recipe=recipe, loss=loss)
    for place, seed in enumerate(stack.seeds):
        network = build_seeded(build, seed)
        alone = train_alone(network, (X, Y), seed=seed, recipe=recipe, loss=loss)
        torch.testing.assert_close(together.losses[place], alone.losses[0], rtol=0, atol=1e-10)
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(stack.parameters[name][place], parameter.detach(), rtol=0, atol=1e-10)
