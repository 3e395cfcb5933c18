"""The tangent kernel: that of a linear model is X X', wide networks keep theirs, alignment knows its targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments import TangentKernel, kernel_drift


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def rows(number: int = 12, inputs: int = 4) -> torch.Tensor:
    return torch.randn(number, inputs, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_of_a_linear_model() -> None:
    x = rows()
    model = nn.Linear(4, 3, bias=False).double()
    kernel = TangentKernel().kernel(model, [(x, x)])
    assert kernel == pytest.approx((x @ x.T).numpy())  # for each of the outputs the same, and so for their mean
    seen = TangentKernel().of(model, [(x, x)])
    assert np.asarray(seen["eigenvalues"])[4:] == pytest.approx(0)
    assert (seen["smallest eigenvalue"], seen["condition"]) == (0.0, np.inf)
    assert seen["alignment"] == pytest.approx(1.0)  # the targets are the inputs


def test_labels_are_columns() -> None:
    labels = torch.tensor([3, 3, 7, 7])
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    model = nn.Linear(2, 2, bias=False)
    seen = TangentKernel().of(model, [(x, labels)])
    assert (seen["alignment"], seen["centred alignment"]) == (pytest.approx(1), pytest.approx(1))
    crossed = TangentKernel().of(model, [(x, labels[[0, 2, 1, 3]])])
    assert crossed["alignment"] == pytest.approx(0.5)
    assert crossed["centred alignment"] == pytest.approx(0, abs=1e-6)


def test_wide_networks_keep_their_kernel() -> None:
    x = rows()
    y = torch.sin(x[:, :1])
    drifts = []
    for width in (8, 512):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 1)).double()
        for layer in (model[0], model[2]):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=torch.Generator().manual_seed(1))
        before = TangentKernel().kernel(model, [(x, y)])
        rate = 0.5 / float(np.linalg.eigvalsh(before)[-1] / len(x))
        for _ in range(100):
            slopes = torch.autograd.grad(mse_loss(model(x), y), list(model.parameters()))
            with torch.no_grad():
                for weight, slope in zip(model.parameters(), slopes, strict=True):
                    weight -= rate * slope
        drifts.append(kernel_drift(before, TangentKernel().kernel(model, [(x, y)]))["relative change"])
    assert drifts[1] < drifts[0] / 4


def test_drift_of_scaled_and_of_other_kernels() -> None:
    assert kernel_drift(np.eye(3), np.diag([1.0, 1.0, 0.0]))["rotation"] == pytest.approx(1 - 2 / np.sqrt(6))
    with pytest.raises(ShapeError, match="same rows"):
        kernel_drift(np.eye(2), np.eye(3))
    with pytest.raises(SettingError, match="2 or more"):
        TangentKernel(rows=1)
