"""Neuron activation coverage: states from the closed form of the gradient, bins, and rows from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import SettingError, ShapeError, SiteError
from neurofn.instruments import Coverage, State
from neurofn.instruments.coverage import coverage_states


@pytest.fixture(autouse=True)
def layers_start_from_a_random_state_of_their_own() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """The probability that a row from inside scores higher than one from outside."""
    return float((inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean())


def seen(part: Coverage, values: torch.Tensor) -> State:
    return part.update(part.start(values.shape[1]), values)


def test_states_are_those_of_the_closed_form_before_a_linear_layer() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)).double()
    inputs = torch.randn(9, 4, dtype=torch.float64)
    with torch.no_grad():
        z = model[1](model[0](inputs))
        # the gradient of KL(u || softmax(Wz + b)) by z is W^T (p - u)
        gradient = (torch.softmax(model[2](z), dim=1) - 1 / 3) @ model[2].weight
    for at in ("0", "1"):
        states = coverage_states(model, inputs, at=at, alpha=7)
        before = model[0](inputs).detach()
        known = torch.sigmoid(7 * before * gradient * (before > 0)) if at == "0" else torch.sigmoid(7 * z * gradient)
        assert torch.allclose(states, known, atol=1e-12)
        assert not states.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_maps_are_averaged_over_places() -> None:
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Flatten(), nn.Linear(5 * 4, 2))
    inputs = torch.randn(3, 1, 4, 4)
    states = coverage_states(model, inputs, at="0", alpha=1)
    logits = model(inputs)
    weight = model[2].weight.view(2, 5, 2, 2)
    gradient = torch.einsum("nk,kcij->ncij", torch.softmax(logits, dim=1) - 0.5, weight).mean(dim=(2, 3))
    assert torch.allclose(states, torch.sigmoid(model[0](inputs).mean(dim=(2, 3)) * gradient), atol=1e-6)


def test_bins_fill_up_to_what_is_full() -> None:
    part = Coverage(bins=10, full=3)
    state = seen(part, torch.tensor([[0.05], [0.05], [0.05], [0.05], [0.55], [1.0], [1.2]]))
    readings = part.compute(state)
    assert readings["coverage"] == pytest.approx((1 + 1 / 3 + 1 / 3) / 10)
    assert readings["outside"] == pytest.approx(1 / 7)
    assert readings["too few rows"] == 1.0
    new = torch.tensor([[0.01], [0.59], [0.95], [0.35], [1.2], [-0.1], [float("nan")]])
    assert part.score(state, new) == pytest.approx([1, 1 / 3, 1 / 3, 0, 0, 0, 0])
    halves = Coverage(bins=2, full=1)  # a value between two bins lies in the upper one, the last end in the last bin
    assert halves.score(seen(halves, torch.tensor([[0.5], [1.0]])), torch.tensor([[0.25], [0.75]])) == pytest.approx(
        [0, 1]
    )
    even = (torch.arange(1000)[:, None] + 0.5) / 1000
    assert Coverage(bins=50, full=20).compute(seen(Coverage(bins=50, full=20), even))["coverage"] == 1.0


def test_rows_from_elsewhere_have_lower_scores() -> None:
    """Two classes on a ring; rows from far away and from its middle are new. Beside: neurons dealt out anew, largest softmax.

    alpha and the layer were chosen on these rows, as the paper chooses them on validation rows.
    """
    angle = torch.rand(1500) * 2 * torch.pi
    inputs = torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(1500, 2)
    labels = (inputs[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs[:1000]), labels[:1000]).backward()
        optimizer.step()
    news = torch.randn(500, 2) * 0.2 + torch.tensor([4.0, 4.0]), torch.randn(500, 2) * 0.1
    part, order = Coverage(bins=50, full=50), torch.randperm(64)
    learned, inside, *outside = (
        coverage_states(model, x, at="0", alpha=10) for x in (inputs[:1000], inputs[1000:], *news)
    )
    with torch.no_grad():
        sure, *unsure = (torch.softmax(model(x), dim=1).amax(dim=1).numpy() for x in (inputs[1000:], *news))
    state, other = seen(part, learned), seen(part, learned[:, order])
    found = [auroc(part.score(state, inside), part.score(state, new)) for new in outside]
    shuffled = [auroc(part.score(other, inside), part.score(other, new)) for new in outside]
    softmax = [auroc(sure, new) for new in unsure]
    assert min(found) > 0.9
    assert all(one > control + 0.05 for one, control in zip(found, shuffled, strict=True))
    assert softmax[0] < 0.5 < softmax[1]  # far away it is sure, in the middle it is not
    assert auroc(part.score(state, inside[::2]), part.score(state, inside[1::2])) == pytest.approx(0.5, abs=0.1)


def test_wrong_settings_and_places_are_refused() -> None:
    for wrong in ({"bins": 0}, {"full": 0}, {"low": 1.0}, {"high": float("inf")}):
        with pytest.raises(SettingError, match="give"):
            Coverage(**wrong)  # type: ignore[arg-type]
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    with pytest.raises(SiteError, match="no module is at 'x'"):
        coverage_states(model, torch.ones(1, 2), at="x")
    with pytest.raises(SettingError, match="alpha"):
        coverage_states(model, torch.ones(1, 2), at="0", alpha=0)
    with pytest.raises(ShapeError, match="2 neurons"):
        Coverage().score(Coverage().start(2), torch.ones(1, 3))
    twice = nn.Linear(2, 2)
    with pytest.raises(SiteError, match="gave 2 tensors"):
        coverage_states(nn.Sequential(twice, twice), torch.ones(1, 2), at="0")
    assert not model[0]._forward_hooks
