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

from _preferred import FREE, Of, built, linear, normal
from neurofn._errors import ShapeError
from neurofn.explaining import (
    PCA,
    Ascent,
    Bounded,
    Examples,
    Facets,
    Learned,
    Noise,
    Smooth,
    find_preferred_inputs,
)
from neurofn.explaining.priors import Space
from neurofn.explaining.starts import k_means
from neurofn.tasks import catalogue


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


def test_activations_are_those_of_the_module_even_where_the_next_layer_writes_into_them() -> None:
    model, real = convolution(), normal(30, 1, 6, 6)
    (found,) = find_preferred_inputs(model, real, at="0", units=2, search=Ascent(steps=5, over=torch.mean))
    plain = model[0](real).detach().mean(dim=(2, 3))[:, 2]
    assert found.best_sample == int(plain.argmax())
    assert found.best_example == pytest.approx(float(plain.max()), rel=1e-5)
    assert found.real_deviation == pytest.approx(float(plain.std(correction=0)), rel=1e-5)
    assert found.activation == pytest.approx(
        float(model[0](torch.as_tensor(found.input)[None]).detach()[0, 2].mean()), rel=1e-5
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


def test_units_that_climb_side_by_side_end_where_they_end_alone() -> None:
    model, real = convolution(), normal(40, 1, 6, 6)
    search = Ascent(start=Facets(clusters=5), steps=40, over=torch.mean)
    together = find_preferred_inputs(model, real, at="0", units=[3, 0, 1], search=search)
    alone = [one for unit in (3, 0, 1) for one in find_preferred_inputs(model, real, at="0", units=unit, search=search)]
    assert len(together) == len(alone) > 10
    for one, other in zip(together, alone, strict=True):
        assert (one.unit, one.facet, one.made_of, one.best_sample) == (
            other.unit,
            other.facet,
            other.made_of,
            other.best_sample,
        )
        np.testing.assert_allclose(one.input, other.input, atol=1e-3)


class Positive:
    """A prior of one's own: inputs are exponentials of codes."""

    def space(self, inputs: Tensor) -> Space:
        class Logarithms(Space):
            def decode(self, codes: Tensor) -> Tensor:
                return codes.exp()

            def encode(self, inputs: Tensor) -> Tensor:
                return inputs.log()

            def cost(self, codes: Tensor) -> Tensor:
                return codes.square().sum(dim=1)

        return Logarithms(inputs.log())


def test_a_prior_of_ones_own() -> None:
    weight = torch.tensor([2.0, -1.0, 0.5])
    (found,) = find_preferred_inputs(
        linear(weight), normal(80, 3).exp(), at="1", units=0, search=Ascent(prior=Positive(), steps=500)
    )
    # where the gradient of weight * exp(z) / deviation is that of the price, 2 z
    slope = weight.numpy() * found.input / found.real_deviation
    np.testing.assert_allclose(2 * np.log(found.input), slope, atol=0.02)


def test_facets_cluster_what_by_gives() -> None:
    real = torch.tensor([[5.0, 0.0], [5.0, 9.0], [-5.0, 0.0], [-5.0, 9.0], [0.0, 0.0], [0.0, 0.0]])
    values = np.array([5.0, 4.0, 3.0, 2.0, 0.0, 0.0])
    for by, expected in [(None, ((0, 1), (2,))), (lambda x: x[:, 1:], ((0, 2), (1,)))]:
        _, made_of = Facets(clusters=2, by=by).begin(Space(real), real, values)
        assert made_of == expected
    with pytest.raises(ShapeError, match="one row"):
        Facets(by=torch.ravel).begin(Space(real), real, values)


def test_k_means_finds_blobs_and_never_more_clusters_than_points() -> None:
    centres = np.array([[0.0, 0], [9, 0], [0, 9], [9, 9]])
    truth = np.arange(80) % 4
    points = centres[truth] + np.random.default_rng(0).normal(size=(80, 2))
    labels = k_means(points, 4, seed=0)
    assert len({(int(a), int(b)) for a, b in zip(labels, truth, strict=True)}) == 4
    assert len(set(k_means(np.repeat(centres[:2], 3, axis=0), 5, seed=0).tolist())) == 2
