"""The spectrum of connections: one exponent where all neurons are alike, several where they are not."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import SettingError
from neurofn.instruments import Multifractal, emergence


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def layer(distances: torch.Tensor) -> nn.Module:
    """A layer whose neuron i has its neighbours at the distances of row i."""
    made = nn.Linear(distances.shape[0], distances.shape[1]).double()
    with torch.no_grad():
        made.weight.copy_(1 / distances.T)
    return made


def power_law(exponent: float, neurons: int = 30) -> torch.Tensor:
    """N(r) ~ r**exponent."""
    share = (torch.arange(2000, dtype=torch.float64) + 1) / 2000
    return (100 * share ** (1 / exponent)).expand(neurons, -1)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_one_law_for_all_has_one_exponent(exponent: float) -> None:
    seen = Multifractal().of(layer(power_law(exponent)))
    assert seen["alpha0"] == pytest.approx(exponent, rel=0.08)
    assert float(seen["width"]) < 1e-9
    assert float(seen["straightness"]) > 0.99
    assert np.shape(seen["alpha"]) == np.shape(seen["spectrum"]) == (60,)


def test_neurons_of_different_scales_have_a_width_that_shuffling_takes_away() -> None:
    made = nn.Linear(200, 500)
    with torch.no_grad():
        made.weight.copy_(0.1 * torch.randn(500, 200) * torch.exp(torch.randn(200)))
    seen = Multifractal().of(made)
    assert float(seen["width, shuffled"]) < 0.3 * float(seen["width"])


def test_untrained_networks_have_a_width_that_shuffling_keeps() -> None:
    """A wide spectrum alone is no sign of learning."""
    seen = Multifractal().of(nn.Sequential(nn.Linear(100, 300), nn.Linear(300, 300)))
    assert float(seen["width"]) > 1.0
    assert seen["width, shuffled"] == pytest.approx(float(seen["width"]), rel=0.05)


def test_edges_beyond_reach_are_none() -> None:
    far = power_law(1.0)
    assert math.isnan(float(Multifractal(reach=0.01).of(layer(far))["width"]))
    assert math.isnan(float(Multifractal().of(nn.Tanh())["alpha0"]))
    first, now = (Multifractal().of(layer(power_law(exponent) + 0.0)) for exponent in (2.0, 1.0))
    assert emergence({**first, "width": 0.1}, {**now, "width": 0.1}) == pytest.approx(math.log(2), abs=0.05)
    for wrong in ({"reach": 0.0}, {"radii": 2}, {"least": 0}):
        with pytest.raises(SettingError):
            Multifractal(**wrong)  # type: ignore[arg-type]
