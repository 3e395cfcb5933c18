"""Searching for preferred inputs changes no model, and what is wrong is said, for one unit or for all."""

from __future__ import annotations

import copy
from math import inf
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from _preferred import FREE, Of, built, linear, normal
from neurofn._errors import DataError, SettingError, ShapeError, SiteError
from neurofn.explaining import (
    PCA,
    Ascent,
    Bounded,
    Examples,
    Facets,
    Learned,
    Noise,
    PreferredInput,
    Smooth,
    find_preferred_inputs,
)

# --- The model is left as it was --------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Counts its calls in two buffers even in evaluation, in place and anew, draws random numbers, and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("total", torch.zeros(()))
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        self.total += 1
        if self.fails and torch.is_grad_enabled():
            raise RuntimeError("as planned")
        return x + 0.01 * torch.randn(x.shape)


@pytest.mark.parametrize("around", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_bit_equal_afterwards(around: Any, fails: bool) -> None:
    model = built(
        lambda: nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(), Restless(), nn.Linear(8, 2)
        )
    )
    model[1].eval()  # a frozen layer stays frozen, and the others stay in training
    model[0].bias.requires_grad_(False)
    model[5].weight.grad = torch.ones(2, 8)
    model[4].fails = fails
    calls = model[4].calls
    state, modes = copy.deepcopy(model.state_dict()), [part.training for part in model.modules()]
    hooks = [len(part._forward_hooks) for part in model.modules()]
    with around():
        if fails:
            with pytest.raises(RuntimeError, match="as planned"):
                find_preferred_inputs(model, normal(20, 4), at="5", units=0)
        else:
            (found,) = find_preferred_inputs(model, normal(20, 4), at="5", units=0)
            assert found.activation is not None
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert [part.training for part in model.modules()] == modes
    assert [len(part._forward_hooks) for part in model.modules()] == hooks
    assert model[4].calls is calls
    assert not model[0].bias.requires_grad
    assert torch.equal(model[5].weight.grad, torch.ones(2, 8))
    assert all(p.grad is None for p in model.parameters() if p is not model[5].weight)


def test_generator_and_encoder_are_left_as_they_were_too() -> None:
    encoder, generator = built(lambda: (nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))))
    before = copy.deepcopy(generator.state_dict())
    prior = Learned.fit(generator, encoder, inputs=normal(50, 4))
    search = Ascent(prior=prior, start=Facets(2), steps=20)
    found = find_preferred_inputs(linear(normal(4)), normal(50, 4), at="1", units=0, search=search)
    assert len(found) == 2
    assert generator.training
    assert all(torch.equal(before[name], value) for name, value in generator.state_dict().items())
    assert all(p.grad is None for p in [*generator.parameters(), *encoder.parameters()])


# --- Bad input --------------------------------------------------------------------------------------------------------


def only(model: nn.Module, real: Tensor, **settings: Any) -> PreferredInput:
    (found,) = find_preferred_inputs(model, real, at="0", units=0, search=Ascent(**settings))
    return found


def test_a_dead_unit_says_so_and_no_other_loses_its_result() -> None:
    layer = built(lambda: nn.Linear(3, 2))
    layer.bias.data = torch.tensor([-100.0, 0.0])
    dead, alive = find_preferred_inputs(nn.Sequential(layer, nn.ReLU()), normal(30, 3), at="1", units=[0, 1])
    assert dead.problem.startswith("dead: activation is 0")
    assert (dead.input, dead.activation, dead.gain, dead.trajectory) == (None, None, None, ())
    assert alive.problem == ""
    assert alive.activation > alive.best_example


def test_no_gradient_at_the_start_is_told_from_death() -> None:
    bump = Of(lambda x: (x.sum(dim=1, keepdim=True) - 4).relu())
    real = torch.cat([normal(30, 3), torch.full((1, 3), 3.0)])
    found = only(bump_in(bump), real, start=Noise())
    assert "start=Examples()" in found.problem
    assert found.input is None
    assert only(bump_in(bump), real, start=Examples()).problem == ""
    cut = only(bump_in(Of(lambda x: x.detach().sum(dim=1, keepdim=True))), real)
    assert cut.problem.startswith("the gradient is zero")


def bump_in(module: nn.Module) -> nn.Sequential:
    return nn.Sequential(module)


def test_nan_on_the_way_keeps_the_best_before_and_says_so() -> None:
    edge = bump_in(Of(lambda x: torch.where(x.norm(dim=1) < 5, x.sum(dim=1), torch.nan)[:, None]))
    found = only(edge, normal(40, 3), prior=Bounded(inf, FREE))
    assert "NaN or infinite at step" in found.problem
    assert found.activation == pytest.approx(max(found.trajectory))
    assert np.linalg.norm(found.input) < 5
    never = only(bump_in(Of(lambda x: x.sum(dim=1, keepdim=True) * torch.nan)), normal(9, 3))
    assert never.problem == "activation is NaN or infinite in every real input"
    slope = bump_in(Of(lambda x: (x.sum(dim=1, keepdim=True) * 0).sqrt()))  # 0, with the slope 0 * inf
    assert "at step 0" in only(slope, normal(9, 3)).problem
    assert only(slope, normal(9, 3)).input is None


def test_bad_input_says_what_is_wrong() -> None:
    model, real = linear(normal(3)), normal(20, 3)
    for wrong, error, text in [
        ({"at": "*"}, SiteError, "2 modules"),
        ({"at": "7"}, SiteError, "no module"),
        ({"units": [0, 1]}, SettingError, r"\[1\]"),
        ({"inputs": [{"x": real}]}, DataError, "dict"),
        ({"inputs": torch.ones(4, 3, dtype=torch.long)}, DataError, "embeddings"),
        ({"inputs": torch.full((4, 3), torch.nan)}, DataError, "finite"),
        ({"inputs": []}, DataError, "no batches"),
        ({"search": Ascent(prior=Smooth())}, ShapeError, "Bounded"),
        ({"search": Ascent(over=torch.cumsum)}, ShapeError, "torch.amax"),
        ({"search": Ascent(prior=PCA.fit(normal(9, 2), components=1))}, ShapeError, "PCA.fit"),
        ({"search": Ascent(prior=Learned(Of(lambda z: z), normal(9, 2)))}, ShapeError, "prior makes"),
        ({"search": Ascent(prior=Learned(Of(lambda z: z), normal(9, 3)))}, SettingError, "encoder="),
    ]:
        given: dict[str, Any] = {"inputs": real, "at": "1", "units": 0, **wrong}
        with pytest.raises(error, match=text):
            find_preferred_inputs(model, given.pop("inputs"), **given)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Ascent(steps=0),
        lambda: Ascent(rate=0.0),
        lambda: Bounded(norm=-1.0),
        lambda: Bounded(span=(1.0, 0.0)),
        lambda: Smooth(jitter=-1),
        lambda: Facets(clusters=0),
        lambda: Noise(0),
        lambda: Examples(0),
        lambda: PCA.fit(normal(9, 4), components=5),
        lambda: PCA.fit(normal(9, 4), components=2, deviations=0.0),
        lambda: Learned(Of(lambda z: z), normal(9, 3), deviations=inf),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(SettingError):
        make()
