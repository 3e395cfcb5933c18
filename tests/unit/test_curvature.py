"""Curvature: the Hessian of least squares is known, and plain gradient descent settles at the edge of stability."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from neurofn._errors import DataError, SettingError
from neurofn.instruments import HessianTrace, Sharpness


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def least_squares(inputs: int = 8) -> tuple[nn.Module, list[tuple[torch.Tensor, torch.Tensor]], torch.Tensor]:
    """A linear model, its data and its Hessian 2 X'X / n."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(50, inputs, generator=generator, dtype=torch.float64) * torch.arange(1, inputs + 1)
    model = nn.Linear(inputs, 1, bias=False).double()
    return model, [(rows, rows[:, :1])], 2 * rows.T @ rows / len(rows)


def test_least_squares_has_the_curvature_of_its_data() -> None:
    model, data, hessian = least_squares()
    eigenvalues = torch.linalg.eigvalsh(hessian)
    seen = Sharpness(rate=0.01, tolerance=1e-8).of(model, data, loss=mse_loss)
    assert seen["sharpness"] == pytest.approx(float(eigenvalues[-1]))
    assert seen["smallest eigenvalue"] == pytest.approx(float(eigenvalues[0]), rel=1e-6)
    assert seen["share of edge"] == pytest.approx(float(eigenvalues[-1]) * 0.005)
    assert seen["settled"] == 1.0
    trace = HessianTrace(draws=200).of(model, data, loss=mse_loss)
    assert abs(float(trace["trace"]) - float(hessian.trace())) < 4 * float(trace["error"])
    assert trace["mean curvature"] == pytest.approx(float(trace["trace"]) / 8)


def test_too_few_steps_are_said() -> None:
    model, data, _ = least_squares(30)
    seen = Sharpness(steps=3, tolerance=1e-9).of(model, data, loss=mse_loss)
    assert (seen["steps"], seen["settled"]) == (3.0, 0.0)
    exact = Sharpness(steps=30).definition(model, data, loss=mse_loss)["sharpness"]
    assert float(seen["sharpness"]) < float(exact)


def test_gradient_descent_rises_to_the_edge_and_stays() -> None:
    x = torch.linspace(-1, 1, 30, dtype=torch.float64)[:, None]
    y = torch.sin(4 * x)
    model = nn.Sequential(nn.Linear(1, 30), nn.Tanh(), nn.Linear(30, 30), nn.Tanh(), nn.Linear(30, 1)).double()
    rate, shares = 0.1, []
    for step in range(1501):
        loss = mse_loss(model(x), y)
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for weight, slope in zip(model.parameters(), slopes, strict=True):
                weight -= rate * slope
        if step in (0, 1000, 1250, 1500):
            shares.append(float(Sharpness(rate=rate).of(model, [(x, y)], loss=mse_loss)["share of edge"]))
    assert shares[0] < 0.6
    assert all(0.9 < share < 1.1 for share in shares[1:]), shares


def test_attention_and_frozen_parameters_can_be_read() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(24, 3))
    data = [(torch.randn(6, 3, 8), torch.tensor([0, 1, 2, 0, 1, 2]))]
    whole = Sharpness().of(model, data, loss=cross_entropy)
    assert math.isfinite(float(whole["sharpness"]))
    for weight in model[0].parameters():
        weight.requires_grad_(False)
    last = Sharpness().of(model, data, loss=cross_entropy)
    assert 0 < float(last["sharpness"]) < float(whole["sharpness"])
    for weight in model.parameters():
        weight.requires_grad_(False)
    with pytest.raises(SettingError, match="no parameter"):
        Sharpness().of(model, data, loss=cross_entropy)


def test_what_is_missing_is_said() -> None:
    model, data, _ = least_squares()
    with pytest.raises(SettingError, match="loss="):
        Sharpness().of(model, data)
    with pytest.raises(SettingError, match="give batches"):
        Sharpness().of(model, [], loss=mse_loss)
    with pytest.raises(SettingError, match="pairs"):
        Sharpness().of(model, [data[0][0]], loss=mse_loss)
    with pytest.raises(DataError, match="a dict"):
        Sharpness().of(model, [{}], loss=mse_loss)
    with pytest.raises(DataError, match="as many rows"):
        Sharpness().of(model, [(data[0][0], data[0][1][:2])], loss=mse_loss)
    for wrong in ({"rate": 0.0}, {"steps": 1}, {"tolerance": 0.0}):
        with pytest.raises(SettingError):
            Sharpness(**wrong)  # type: ignore[arg-type]
