"""The lower bound of the loss: never above the error while a network trains, and exact where all is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from neurofn._errors import SettingError, ShapeError, SiteError
from neurofn.instruments import LossBound


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def network(width: int = 12) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1)).double()


def test_holds_at_every_step_of_a_training() -> None:
    model, x = network(), torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    y = torch.sin(6 * x)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    useful = 0
    for step in range(150):
        optimizer.zero_grad()
        error = (model(x) - y).square().mean()
        torch.autograd.backward(error)
        if step % 10 == 0:
            for eps in (1e-2, 1e-4, 1e-6):
                seen = LossBound(eps=eps).of(model, [(x, y)])
                assert float(seen["bound"]) <= float(seen["error"]) + 1e-12
                assert seen["error"] == pytest.approx(math.sqrt(float(error.detach())))
                useful += float(seen["bound"]) > 0.3 * float(seen["error"])
        optimizer.step()
    assert useful > 10  # it says something


def test_is_tight_where_the_network_is_the_nearest_one() -> None:
    model, x = network(), torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    y = torch.sin(6 * x)
    with torch.no_grad():
        phi = torch.cat([model[1](model[0](x)), torch.ones_like(x)], dim=1)
        best = torch.linalg.lstsq(phi[:, [0, -1]], y).solution  # only one neuron and the constant are used
        model[2].weight.zero_()
        model[2].weight[0, 0], model[2].bias[0] = best[0, 0], best[1, 0]
        model[0].weight[1:] = 0.0
        model[0].bias[1:] = 0.0
    seen = LossBound(eps=1e-12).of(model, [(x, y)])
    assert seen["rank"] == 2.0
    assert seen["bound"] == pytest.approx(float(seen["error"]), rel=1e-3)


def test_labels_and_the_resolution_of_the_rank() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    data = [(torch.randn(40, 4), torch.arange(40) % 3)]
    assert LossBound(eps=1e-3).of(model, data)["rank resolved"] == 1.0
    assert LossBound(eps=1e-16).of(model, data)["rank resolved"] == 0.0


def test_a_layer_that_is_not_the_last_is_refused() -> None:
    x = torch.zeros(5, 1, dtype=torch.float64)
    with pytest.raises(ShapeError, match="readout="):
        LossBound(readout="0").of(network(), [(x, x)])
    with pytest.raises(SiteError, match="no linear layer"):
        LossBound(readout="last").of(network(), [(x, x)])
    with pytest.raises(SiteError, match="no last layer"):
        LossBound().of(nn.Tanh(), [(x, x)])
    with pytest.raises(ShapeError, match="targets"):
        LossBound().of(network(), [(x, x.expand(5, 2))])
    with pytest.raises(SettingError, match="0 or more"):
        LossBound(eps=-1.0)
