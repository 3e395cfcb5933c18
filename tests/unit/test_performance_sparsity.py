"""Sparsity that costs little: padding that is free, noise that is not, and dead units while weights go."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from neurofn._errors import SettingError, SiteError
from neurofn.instruments import PerformanceSparsity, PruningDeadRate


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def wide_and_narrow() -> tuple[nn.Module, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Half of the units carry all; the other half is a thousand times smaller."""
    first, last = nn.Linear(4, 20), nn.Linear(20, 1)
    with torch.no_grad():
        first.weight[10:] *= 1e-3
        first.bias[10:] *= 1e-3
    x = torch.randn(200, 4)
    model = nn.Sequential(first, nn.GELU(), last)
    return model, [(x, model(x).detach() + 0.1 * torch.randn(200, 1))]


def test_small_units_are_done_without_and_the_rest_is_not() -> None:
    model, data = wide_and_narrow()
    seen = PerformanceSparsity(percent=1.0, levels=50).of(model, data, loss=mse_loss)
    assert 0.5 <= float(seen["sparsity"]) < 0.75
    assert 1.0 <= float(seen["loss ratio"]) <= 1.01
    assert seen["sparsity without loss"] == 0.0
    free = PerformanceSparsity(percent=1e9, levels=5).of(model, data, loss=mse_loss)
    assert (free["sparsity"], free["level"], np.asarray(free["threshold"])[0]) == (1.0, 1.0, math.inf)
    none = PerformanceSparsity(percent=0.0, levels=1).of(model, data, loss=mse_loss)
    assert (none["sparsity"], none["level"]) == (0.0, 0.0)


def test_zeros_of_relu_cost_nothing_and_perplexity_is_another_bar() -> None:
    model = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 3))
    x = torch.randn(100, 4)
    data = [(x, model(3 * x).argmax(dim=1))]
    seen = PerformanceSparsity(percent=0.0).of(model, data, loss=cross_entropy)
    assert seen["sparsity without loss"] == pytest.approx(0.5, abs=0.15)
    assert float(seen["sparsity"]) >= float(seen["sparsity without loss"])
    words = PerformanceSparsity(percent=5.0, perplexity=True).of(model, data, loss=cross_entropy)
    before = float(words["loss"]) / float(words["loss ratio"])
    assert float(words["loss"]) <= before + math.log(1.05) + 1e-9


def test_pruning_everything_but_biases_kills_units_for_good() -> None:
    model = nn.Sequential(nn.Linear(6, 50), nn.ReLU(), nn.Linear(50, 1))
    x = torch.randn(60, 6)
    seen = PruningDeadRate((0.0, 0.999)).of(model, [(x, x[:, :1])], loss=mse_loss)
    assert model[0].bias is not None
    negative = float((model[0].bias < 0).double().mean())
    assert np.asarray(seen["static dead rate"])[1] == pytest.approx(negative, abs=0.05)
    assert np.asarray(seen["dynamic dead rate"])[0] == pytest.approx(0.5, abs=0.1)
    assert PruningDeadRate((0.0, 0.9)).units(model) == [0.0, 0.9]


def test_what_cannot_be_pruned_or_cut() -> None:
    x = torch.zeros(3, 2)
    for part in (PerformanceSparsity(), PruningDeadRate()):
        with pytest.raises(SiteError, match="one by one"):
            part.of(nn.Linear(2, 2), [(x, x)], loss=mse_loss)
    for wrong in (
        lambda: PerformanceSparsity(percent=-1.0),
        lambda: PerformanceSparsity(levels=0),
        lambda: PruningDeadRate((1.0,)),
        lambda: PruningDeadRate(()),
    ):
        with pytest.raises(SettingError):
            wrong()
