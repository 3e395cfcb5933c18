"""Preferred inputs: known answers are found, controls stand beside them, and no model is changed by looking at it."""

from __future__ import annotations

import copy
import json
from math import inf
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

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
from neurofn.explaining.starts import k_means
from neurofn.tasks import catalogue

FREE = (-inf, inf)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def built(build: Any, seed: int = 0) -> Any:
    """What ``build()`` gives, its weights drawn without moving the global random state."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def linear(weight: Tensor) -> nn.Sequential:
    layer = built(lambda: nn.Linear(weight.numel(), 1))
    layer.weight.data = weight[None].clone()
    return nn.Sequential(nn.Flatten(), layer)


class Of(nn.Module):
    """A function of rows as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def cosine(first: Any, second: Any) -> float:
    first, second = (np.asarray(one, dtype=float).ravel() for one in (first, second))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


# --- Known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [Facets(), Noise(), Examples()])
@pytest.mark.parametrize("norm", [None, 2.0])
def test_a_linear_unit_prefers_its_weights(start: Any, norm: float | None) -> None:
    weight, real = normal(12, seed=1), normal(200, 12)
    (found,) = find_preferred_inputs(
        linear(weight), real, at="1", units=0, search=Ascent(prior=Bounded(norm, FREE), start=start)
    )
    assert found.input is not None
    assert cosine(found.input, weight) > 0.999
    assert np.linalg.norm(found.input) == pytest.approx(norm or float(real.norm(dim=1).max()), rel=1e-5)
    assert found.problem == ""


def test_in_a_box_a_linear_unit_prefers_a_corner() -> None:
    weight = normal(6, seed=1)
    prior = Bounded(norm=inf, span=(-0.5, 2.0))
    (found,) = find_preferred_inputs(linear(weight), normal(50, 6), at="1", units=0, search=Ascent(prior=prior))
    np.testing.assert_array_equal(found.input, np.where(weight > 0, 2.0, -0.5))


def test_two_equal_maxima_are_two_facets() -> None:
    direction = normal(5, seed=1)
    direction /= direction.norm()
    square = nn.Sequential(Of(lambda x: (x @ direction)[:, None] ** 2))
    search = Ascent(prior=Bounded(3.0, FREE), start=Facets(clusters=2))
    found = find_preferred_inputs(square, normal(300, 5), at="0", units=[0], search=search)
    ways = sorted(cosine(one.input, direction) for one in found)
    assert ways == pytest.approx([-1, 1], abs=1e-3)
    assert all(one.activation == pytest.approx(9.0, rel=1e-4) and one.likeness < -0.99 for one in found)
    assert [one.facet for one in found] == [0, 1]
    assert (
        found[0].best_sample in found[0].made_of or found[0].made_of
    )  # made of real inputs, the highest cluster first


def test_facets_end_at_planted_modes_inside_the_space() -> None:
    modes = torch.tensor([[2.0, 1.0, 0.0, 0.0], [-1.0, 2.0, 0.0, 1.0]])
    bumps = nn.Sequential(Of(lambda x: (-torch.cdist(x, modes).square() / 2).exp().sum(dim=1, keepdim=True)))
    real = torch.cat([normal(200, 4), modes.repeat(20, 1) + 0.4 * normal(40, 4, seed=1)])
    search = Ascent(prior=Bounded(inf, FREE), start=Facets(clusters=2, top=40))
    found = find_preferred_inputs(bumps, real, at="0", units=0, search=search)
    distances = np.linalg.norm(np.stack([one.input for one in found])[:, None] - modes.numpy(), axis=2)
    assert sorted(distances.argmin(axis=1)) == [0, 1]
    assert distances.min(axis=1).max() < 0.05  # the other bump pulls a little


def test_facets_of_a_unit_with_one_maximum_are_alike() -> None:
    found = find_preferred_inputs(
        linear(normal(5, seed=1)), normal(300, 5), at="1", units=0, search=Ascent(start=Facets(clusters=3))
    )
    assert len(found) == 3
    assert all(one.likeness > 0.99 for one in found)


def test_the_pca_prior_stays_in_its_space_and_has_the_known_optimum() -> None:
    real = normal(400, 10) @ torch.diag(torch.linspace(3, 0.1, 10)) + 5
    weight = normal(10, seed=1)
    prior = PCA.fit(real, components=4, deviations=2.0)
    (found,) = find_preferred_inputs(linear(weight), real, at="1", units=0, search=Ascent(prior=prior))
    offset = found.input - prior.mean
    outside = offset - (offset @ prior.directions.T) @ prior.directions
    assert np.abs(outside).max() < 1e-5
    # activation / deviation - |z|^2 / (2 * 2), with activation = a z + b and the deviation over ALL inputs
    slope = prior.spread * (prior.directions @ weight.numpy())
    z = 2.0 * slope / found.real_deviation
    np.testing.assert_allclose(offset, (z * prior.spread) @ prior.directions, atol=2e-2)


def test_a_generator_that_is_linear_has_the_known_optimum_and_entries_keep_their_range() -> None:
    weight, codes = normal(6, seed=1), normal(500, 3, seed=2)
    generator = built(lambda: nn.Linear(3, 6))
    real = generator(codes).detach()
    search = Ascent(prior=Learned(generator, codes), start=Noise())
    (found,) = find_preferred_inputs(linear(weight), real, at="1", units=0, search=search)
    slope = codes.std(dim=0, correction=0) * (generator.weight.detach().T @ weight)
    z = 3.0 * slope / found.real_deviation
    expected = generator(codes.mean(dim=0) + codes.std(dim=0, correction=0) * z).detach()
    np.testing.assert_allclose(found.input, expected, atol=2e-2)
    positive = Learned(generator, codes.relu(), deviations=50.0)
    (found,) = find_preferred_inputs(
        linear(-generator.weight.detach()[:, 0]), real, at="1", units=0, search=Ascent(prior=positive, start=Noise())
    )
    code = np.linalg.lstsq(generator.weight.detach().numpy(), found.input - generator.bias.detach().numpy(), rcond=None)
    assert code[0].min() > -1e-3  # no code below the smallest seen, which is 0


def test_the_limit_of_box_and_ball_is_the_nearest_point_of_both() -> None:
    for span in ((-1.0, 0.5), (0.5, 2.0), (-inf, 0.3)):
        space = Bounded(norm=1.2, span=span).space(normal(20, 4))
        given = 2 * normal(50, 4, seed=1)
        limited, others = space.limit(given), space.limit(3 * normal(200, 4, seed=2))
        toward = torch.einsum("nd,nmd->nm", given - limited, others[None] - limited[:, None])
        assert toward.max() < 1e-4  # no allowed point is nearer


# --- Images, places, priors for them ----------------------------------------------------------------------------------


def convolution() -> nn.Sequential:
    return built(lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3)))


def roughness(image: Any) -> float:
    return float(sum(np.abs(np.diff(image, axis=axis)).sum() for axis in (1, 2)))


def test_smooth_inputs_are_smoother_and_jitter_repeats_itself() -> None:
    model, real = convolution(), normal(40, 1, 9, 9)
    rough, smooth, jittered, again = (
        find_preferred_inputs(model, real, at="0", units=1, search=Ascent(prior=prior, steps=60, over=torch.mean))[0]
        for prior in (Bounded(), Smooth(variation=5.0), Smooth(jitter=2), Smooth(jitter=2))
    )
    assert roughness(smooth.input) < 0.7 * roughness(rough.input)
    assert smooth.input.shape == (1, 9, 9)
    assert jittered.trajectory == again.trajectory
    assert jittered.input.tobytes() == again.input.tobytes()
    assert jittered.input.tobytes() != smooth.input.tobytes()


def test_steps_that_end_in_the_centre_draw_there() -> None:
    total = linear(torch.ones(81))
    real, shares = normal(40, 1, 9, 9), []
    for centre in (0.0, 0.1):
        search = Ascent(prior=Smooth(norm=2.0, span=FREE, variation=0.0, centre=centre), start=Noise())
        (found,) = find_preferred_inputs(total, real, at="1", units=0, search=search)
        shares.append(np.square(found.input[0, 3:6, 3:6]).sum() / np.square(found.input).sum())
    assert shares[0] == pytest.approx(1 / 9, abs=0.01)
    assert shares[1] > 0.5


def test_activations_are_those_of_top_examples_even_where_the_next_layer_writes_into_them() -> None:
    model, real = convolution(), normal(30, 1, 6, 6)
    (found,) = find_preferred_inputs(model, real, at="0", units=2, search=Ascent(steps=5))
    plain = model[0](real).detach().amax(dim=(2, 3))[:, 2]
    assert (found.best_sample, found.best_example) == (int(plain.argmax()), float(plain.max()))
    assert found.real_deviation == pytest.approx(float(plain.std(correction=0)), rel=1e-5)
    assert found.activation == pytest.approx(
        float(model[0](torch.as_tensor(found.input)[None]).detach()[0, 2].max()), rel=1e-5
    )


def test_a_recurrent_layer_and_its_tuple_are_read() -> None:
    model = nn.Sequential(built(lambda: nn.LSTM(3, 4, batch_first=True)))
    (found,) = find_preferred_inputs(model, normal(40, 5, 3), at="0", units=3)
    assert found.best_example < found.activation < 1
    assert found.input.shape == (5, 3)
    with pytest.raises(ShapeError, match="sample as first axis"):
        find_preferred_inputs(built(lambda: nn.LSTM(3, 4)), normal(40, 5, 3), at="", units=3)


# --- Controls ---------------------------------------------------------------------------------------------------------


def test_a_trained_network_is_driven_beyond_its_best_example_and_stands_beside_its_controls() -> None:
    data = catalogue["digits"].load().train
    x, y = torch.as_tensor(data.x), torch.as_tensor(data.y)
    model = built(lambda: nn.Sequential(nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 10)))
    untrained = copy.deepcopy(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    found = find_preferred_inputs(model, data.x, at="2", units=range(10), untrained=untrained)
    assert [one.unit for one in found] == list(range(10))
    for one in found:
        assert one.activation >= one.best_example > one.random_best > one.random_mean
        assert one.gain == pytest.approx((one.activation - one.best_example) / one.real_deviation)
        assert max(one.trajectory) == pytest.approx(one.activation, rel=1e-4)
        assert np.linalg.norm(one.input) <= float(x.norm(dim=1).max()) * 1.0001
        assert one.untrained.best_example == pytest.approx(float(untrained(x)[:, one.unit].detach().max()), rel=1e-5)
        assert one.untrained.activation != one.activation
    assert json.loads(json.dumps(found[0].to_dict()))["untrained"]["unit"] == 0


def test_from_the_best_example_nothing_is_lost() -> None:
    model = built(lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    search = Ascent(start=Examples(2), steps=30)
    found = find_preferred_inputs(model, normal(60, 4), at="2", units=[2], search=search)
    assert found[0].made_of == (found[0].best_sample,)
    assert found[0].trajectory[0] == pytest.approx(found[0].best_example)
    assert all(one.activation >= one.trajectory[0] for one in found)


# --- The model is left as it was --------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Counts its calls in a buffer even in evaluation, draws random numbers, and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
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


def test_k_means_finds_blobs_and_never_more_clusters_than_points() -> None:
    centres = np.array([[0.0, 0], [9, 0], [0, 9], [9, 9]])
    truth = np.arange(80) % 4
    points = centres[truth] + np.random.default_rng(0).normal(size=(80, 2))
    labels = k_means(points, 4, seed=0)
    assert len({(int(a), int(b)) for a, b in zip(labels, truth, strict=True)}) == 4
    assert len(set(k_means(np.repeat(centres[:2], 3, axis=0), 5, seed=0).tolist())) == 2
