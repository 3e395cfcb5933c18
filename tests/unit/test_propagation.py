"""Signals through depth: isometries, growing layers, and units that are straight lines on the data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from neurofn._errors import SettingError
from neurofn.functions import catalogue
from neurofn.instruments import InputJacobian, PathLength, SignalPropagation


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def deep(gain: float, *, depth: int = 10, width: int = 100) -> nn.Module:
    layers: list[nn.Module] = []
    torch.manual_seed(0)
    for _ in range(depth):
        layer = nn.Linear(width, width, bias=False).double()
        nn.init.orthogonal_(layer.weight, gain=gain)
        layers += [layer]
    return nn.Sequential(*layers)


def rows(number: int = 8, inputs: int = 100) -> torch.Tensor:
    return torch.randn(number, inputs, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_orthogonal_layers_are_isometries() -> None:
    seen = InputJacobian(rows=2).of(deep(1.0), [rows()])
    assert seen["singular values"] == pytest.approx(np.ones(100))
    assert (seen["mean square"], seen["log spread"]) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    seen = InputJacobian(rows=2).of(nn.Sequential(deep(1.0, depth=1), nn.ReLU()), [rows()])
    assert seen["rank"] == pytest.approx(50, abs=12)  # half of the units are off


@pytest.mark.parametrize("gain", [0.8, 1.0, 1.3])
def test_growth_is_the_gain_of_a_layer(gain: float) -> None:
    x = rows()
    seen = SignalPropagation().of(deep(gain), [(x, x)], loss=mse_loss)
    assert seen["growth forward"] == pytest.approx(2 * np.log(gain), abs=1e-9)
    assert seen["growth backward"] == pytest.approx(2 * np.log(gain), abs=1e-9)
    assert len(np.asarray(seen["mean square"])) == 10
    assert SignalPropagation().sites(deep(gain), x)[:2] == ["0", "1"]


def test_modules_that_work_in_place_are_heard_apart() -> None:
    x = rows(6, 4)
    layer = nn.Linear(4, 4).double()
    tame, rough = nn.Sequential(layer, nn.ReLU(), layer), nn.Sequential(layer, nn.ReLU(inplace=True), layer)
    a, b = (SignalPropagation().of(model, [(x, x)], loss=mse_loss) for model in (tame, rough))
    assert all(a[name] == pytest.approx(b[name]) for name in a)
    assert PathLength().of(rough, [x])["path length"] == PathLength().of(tame, [x])["path length"]


def test_the_channels_of_images_are_their_second_axis() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([0.0, 1.0])[:, None, None, None])
        model[0].bias.copy_(torch.tensor([3.0, 0.0]))
    images = torch.randn(50, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = SignalPropagation().of(model, [(images, images)], loss=lambda y, t: y.mean())
    assert seen["squared mean"] == pytest.approx([4.5], abs=0.01)
    assert seen["channel variance"] == pytest.approx([0.5], rel=0.05)


def test_units_that_never_bend_shorten_the_path() -> None:
    x = rows(50, 4)
    assert PathLength().of(nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid()), [x])["path length"] == 3.0
    straight = nn.Sequential(nn.PReLU(4, init=1.0).double(), nn.Tanh())
    assert PathLength().of(straight, [x])["nonlinear share"] == pytest.approx([0, 1])
    ours = nn.Sequential(catalogue["gelu"].module(), nn.Identity(), nn.Softmax(dim=1))
    assert PathLength().of(ours, [x])["longest"] == 1.0
    assert PathLength(tolerance=0.5).of(nn.Sequential(nn.Tanh()), [x * 0.1])["path length"] == 0.0
    for wrong in (lambda: PathLength(tolerance=-1.0), lambda: InputJacobian(rows=0)):
        with pytest.raises(SettingError):
            wrong()
