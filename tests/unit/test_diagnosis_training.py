"""The diagnosis of real trainings: none of healthy ones, the right one of trainings that were spoiled on purpose."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from neurofn.instruments import ActivatedNeurons, Dormant, EpsilonRank, Moments, Saturated, Spectrum
from neurofn.reporting import Finding, diagnose
from neurofn.tasks import catalogue as tasks
from neurofn.watching import Record, watch

SET = (Moments(), EpsilonRank(eps=1e-3, relative=True), EpsilonRank(eps=1e-3), Spectrum(), ActivatedNeurons(), Dormant(),
       Saturated())  # fmt: skip
STEPS, BATCH, WIDTH = 200, 256, 64


def network(function: type[nn.Module], *, depth: int = 2, gain: float = 1.0) -> nn.Sequential:
    sizes = [64, *[WIDTH] * depth]
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), function())]
    made = nn.Sequential(*layers, nn.Linear(WIDTH, 10))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(gain)
    return made


def trained(model: nn.Module, *, rate: float = 3e-3, steps: int = STEPS, seed: int = 0) -> Record:
    """The record of a training on real digits, losses among it."""
    split = tasks["digits"].load().train
    inputs, labels = (torch.as_tensor(part) for part in (split.x, split.y))
    draw = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    with watch(model, *SET, every=10) as record:
        for _ in range(steps):
            chosen = torch.randint(len(inputs), (BATCH,), generator=draw)
            loss = nn.functional.cross_entropy(model(inputs[chosen].float()), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record.log(loss=loss.item())
    return record.record


def fired(record: Record) -> dict[str, Finding]:
    return {finding.rule: finding for finding in diagnose(record) if finding.fires}


@pytest.mark.parametrize("function", [nn.ReLU, nn.Tanh, nn.GELU])
def test_a_healthy_training_has_no_finding(function: type[nn.Module]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        record = trained(network(function))
    assert record.where(reading="loss").columns["value"][-1] < 0.3
    assert fired(record) == {}


def test_biases_far_below_0_are_a_dead_layer() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = network(nn.ReLU)
        nn.init.constant_(model[2].bias, -100.0)
        found = fired(trained(model, steps=60))
    assert found["dead layer"].sites == ("3",)
    assert found["dead layer"].kind == "alarm"


def test_weights_that_are_too_large_saturate_tanh() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = fired(trained(network(nn.Tanh, gain=60.0), steps=60, rate=1e-4))
    assert set(found["saturation"].sites) == {"1", "3"}  # and not the layers before, which have no ends


def test_deep_networks_of_small_weights_vanish_and_of_large_ones_explode() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = fired(trained(network(nn.ReLU, depth=6, gain=0.3), steps=40, rate=0.0))
        large = fired(trained(network(nn.ReLU, depth=6, gain=12.0), steps=40, rate=0.0))
    assert "vanishing variance" in small
    assert "exploding variance" not in small
    assert "exploding variance" in large


def test_a_training_that_blows_up_is_told_with_step_and_site() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = fired(trained(network(nn.ReLU), rate=1e30, steps=30))
    (one,) = found["first value that is not finite"].evidence
    assert 0 < one.step <= 10
    assert one.site in ("", "0", "1", "2", "3", "4")
