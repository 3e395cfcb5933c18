"""What is learned first: low frequencies, and the easy one of two features."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments import FeatureReliance, FrequencyError


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def test_a_tanh_network_learns_low_frequencies_first() -> None:
    x = (torch.arange(100, dtype=torch.float64) / 100)[:, None]
    y = torch.sin(2 * math.pi * x) + torch.sin(10 * math.pi * x)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1)).double()
    part = FrequencyError((1.0, 5.0))
    before = np.asarray(part.of(model, [(x, y)])["error"])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        torch.autograd.backward(mse_loss(model(x), y))
        optimizer.step()
    seen = part.of(model, [(x, y)])
    after = np.asarray(seen["error"])
    assert (before > 0.8).all()
    assert after[0] < 0.3 < 0.7 < after[1]
    assert seen["learned up to"] == 1.0
    assert seen["leakage"] == pytest.approx(0, abs=1e-12)


def test_frequencies_that_the_target_does_not_have_are_unknown() -> None:
    x = (torch.arange(64, dtype=torch.float64) / 64)[:, None]
    seen = FrequencyError((1.0, 2.0, 3.0)).of(nn.Linear(1, 1).double(), [(x, torch.sin(4 * math.pi * x))])
    assert np.isnan(seen["error"]).tolist() == [True, False, True]
    assert seen["amplitude"] == pytest.approx([0, 0.5, 0], abs=1e-12)
    uneven = FrequencyError((1.0,)).of(nn.Linear(1, 1).double(), [(x[:40], x[:40])])
    assert float(uneven["leakage"]) > 0.1
    for wrong in ((), (2.0, 1.0), (-1.0,)):
        with pytest.raises(SettingError, match="frequencies="):
            FrequencyError(wrong)
    with pytest.raises(ShapeError, match="axis=3"):
        FrequencyError(axis=3).of(nn.Linear(1, 1).double(), [(x, x)])


def trained_on(columns: list[int]) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A classifier of +-1 by an easy input with a wide margin and a hard one with a narrow margin."""
    generator = torch.Generator().manual_seed(0)
    sign = torch.randint(2, (200, 1), generator=generator).double() * 2 - 1
    x = torch.cat([2 * sign, 0.2 * sign], dim=1) + 0.02 * torch.randn(200, 2, generator=generator, dtype=torch.float64)
    used = torch.zeros(2, dtype=torch.float64)
    used[columns] = 1.0
    x, y = x * used, (sign + 1) / 2
    model = nn.Linear(2, 1, bias=False).double()
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(100):
        optimizer.zero_grad()
        torch.autograd.backward(binary_cross_entropy_with_logits(model(x), y))
        optimizer.step()
    return model, x, y


def test_an_easy_feature_starves_the_hard_one() -> None:
    shares = {}
    for columns in ([0, 1], [1]):
        model, x, y = trained_on(columns)
        seen = FeatureReliance().of(model, [(x, y)], loss=binary_cross_entropy_with_logits)
        shares[len(columns)] = np.asarray(seen["reliance"])
    assert shares[1][1] > 0.2  # alone, the hard one is learned
    assert shares[2][1] < 0.01 * shares[2][0]  # beside the easy one it is not


def test_groups_are_numbers_of_inputs() -> None:
    model, x, y = trained_on([0, 1])
    part = FeatureReliance(((0, 1),))
    assert part.units(model) == ["0, 1"]
    assert part.of(model, [(x, y)], loss=binary_cross_entropy_with_logits)["share"] == pytest.approx([1.0])
    with pytest.raises(SettingError, match="from 0 to 1"):
        FeatureReliance(((2,),)).of(model, [(x, y)], loss=binary_cross_entropy_with_logits)
    with pytest.raises(ShapeError, match="rows, inputs"):
        FeatureReliance().of(nn.Flatten(), [(x[:, :, None], y)], loss=mse_loss)
