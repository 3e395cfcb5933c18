"""Linear regions: the tent map, one layer of planes, the walk against dense sampling, pieces that are linear; boundaries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments import ActivationCodes, activation_patterns, boundaries, region_density, regions_along
from neurofn.instruments.regions import regions_by_sampling


@pytest.fixture(autouse=True)
def layers_start_from_a_random_state_of_their_own() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def filled(*layers: nn.Module, seed: int = 0) -> nn.Sequential:
    """The layers with weights and biases from a normal law."""
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter in model.parameters():
            scale = 1.0 if parameter.ndim == 1 else math.sqrt(2 / parameter[0].numel())
            parameter.copy_(torch.randn(parameter.shape, generator=generator(seed + parameter.numel())) * scale)
    return model


def tent(depth: int) -> nn.Sequential:
    """x -> 2x up to 1/2, 2 - 2x behind it, ``depth`` times."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        into, out = nn.Linear(1, 2), nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            into.weight.fill_(1)
            into.bias.copy_(torch.tensor([0.0, -0.5]))
            out.weight.copy_(torch.tensor([[2.0, -4.0]]))
        layers += [into, nn.ReLU(), out]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("depth", [1, 2, 5, 10])
def test_the_tent_map_folded_on_itself_has_two_to_the_depth_pieces(depth: int) -> None:
    found = regions_along(tent(depth), torch.zeros(1), torch.ones(1))
    assert found.regions == 2**depth
    assert np.array(found.positions) == pytest.approx(np.arange(1, 2**depth) / 2**depth)


def test_one_layer_changes_once_for_every_plane_between_the_ends() -> None:
    model = filled(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 2))
    start, end = torch.tensor([1.0, 0.0, -2.0]), torch.tensor([-1.0, 2.0, 1.0])
    with torch.no_grad():
        differ = int(((model[0](start) > 0) != (model[0](end) > 0)).sum())
    found = regions_along(model, start, end)
    assert (len(found.positions), found.units) == (differ, 40)
    assert found.density == pytest.approx(differ / math.sqrt(17))


@pytest.mark.parametrize("seed", range(4))
def test_the_walk_equals_dense_sampling(seed: int) -> None:
    model = filled(
        nn.Linear(2, 6),
        nn.ReLU(),
        nn.Sequential(nn.Linear(6, 5), nn.LeakyReLU()),
        nn.Linear(5, 4),
        nn.ReLU(),
        seed=seed,
    )
    ends = torch.randn(2, 2, generator=generator(seed)) * 3
    found = regions_along(model, ends[0], ends[1])
    assert found.regions == regions_by_sampling(model, ends[0], ends[1], points=20_001)
    assert found.regions > 3
    assert found.to_dict()["regions"] == found.regions


def test_the_network_is_linear_on_every_piece_and_bent_at_every_change() -> None:
    model = filled(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 4), nn.ReLU(),
                   nn.Linear(4, 1)).eval()  # fmt: skip
    start, end = torch.randn(2, 1, 6, 6, generator=generator())
    places = [0.0, *regions_along(model, start, end).positions, 1.0]
    assert len(places) > 10
    model.double()

    def value(place: float) -> float:
        with torch.no_grad():
            return float(model((start.double() + place * (end.double() - start.double()))[None]))

    slopes = []
    for low, high in itertools.pairwise(places):
        assert value((low + high) / 2) == pytest.approx((value(low) + value(high)) / 2, abs=1e-12)
        slopes.append((value(high) - value(low)) / (high - low))
    assert np.abs(np.diff(slopes)).min() > 1e-9


def test_density_is_read_beside_shuffled_weights() -> None:
    model = filled(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    before = {name: entry.clone() for name, entry in model.state_dict().items()}
    inputs = torch.randn(30, 2, generator=generator())
    found = region_density(model, inputs, segments=10)
    assert found == region_density(model, inputs, segments=10)
    assert found.units == 64
    assert found.shuffled == pytest.approx(found.density, rel=0.5)  # of random weights, any order is as good
    assert all(torch.equal(entry, before[name]) for name, entry in model.state_dict().items())
    # all units of the first layer turn on at one place: few regions; dealt out anew they spread
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.01]]).expand(32, 2))
        model[0].bias.zero_()
        model[2].weight.fill_(0)
    folded = region_density(model, inputs, segments=10)
    assert folded.shuffled > 2 * folded.density


def test_data_lie_in_as_many_regions_as_there_are_patterns() -> None:
    """Three lines in general position cut the plane into seven regions; points that are many find all of them."""
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        model[0].bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
    patterns = activation_patterns(model, torch.randn(2000, 2, generator=generator()))
    part = ActivationCodes(above=0.5)
    assert part.compute(part.update(part.start(3), patterns.double()))["codes"] == 7
    assert activation_patterns(nn.Linear(2, 3), torch.ones(4, 2)).shape == (4, 0)


def test_boundaries_are_planes() -> None:
    weight, bias = torch.randn(5, 3, generator=generator()).double(), torch.randn(5, generator=generator(1)).double()
    found = boundaries(weight, bias)
    on = torch.from_numpy(found.points)
    assert (weight * on).sum(dim=1).numpy() == pytest.approx(-bias.numpy())
    assert np.linalg.norm(found.points, axis=1) == pytest.approx(np.abs(found.distances))
    assert all(
        value == pytest.approx(np.zeros(5), abs=1e-12) for value in found.moved(boundaries(weight * 3, bias * 3))
    )
    assert np.isnan(boundaries(torch.zeros(1, 2)).distances).all()
    flipped = boundaries(-weight, bias)
    assert found.moved(flipped)[1] == pytest.approx(np.full(5, math.pi))


def test_equal_noise_moves_boundaries_of_small_weights_further() -> None:
    noise, weight = torch.randn(200, 10, generator=generator()) * 0.01, torch.randn(200, 10, generator=generator(1))
    moves = [np.median(boundaries(weight * size).moved(boundaries(weight * size + noise))[1]) for size in (0.1, 1.0)]
    assert moves[0] == pytest.approx(10 * moves[1], rel=0.1)


def test_wrong_models_and_shapes_are_refused() -> None:
    with pytest.raises(SettingError, match="Tanh is no piece"):
        regions_along(nn.Sequential(nn.Tanh()), torch.zeros(1), torch.ones(1))

    class Residual(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + super().forward(x)

    class ReLU(nn.Module):
        """Of that name, and another function."""

    for wrong in (Residual(nn.ReLU()), ReLU()):
        with pytest.raises(SettingError, match="is no piece"):
            regions_along(wrong, torch.zeros(1), torch.ones(1))
    with pytest.raises(ShapeError, match="two inputs of one shape"):
        regions_along(nn.ReLU(), torch.zeros(1), torch.ones(2))
    with pytest.raises(ShapeError, match="span no segment"):
        region_density(nn.ReLU(), torch.zeros(1, 2))
    with pytest.raises(SettingError, match="1 or more"):
        region_density(nn.ReLU(), torch.zeros(2, 2), segments=0)
    with pytest.raises(ShapeError, match="one number per unit"):
        boundaries(torch.ones(2, 3), torch.ones(3))
    with pytest.raises(ShapeError, match="one layer"):
        boundaries(torch.ones(2, 3)).moved(boundaries(torch.ones(3, 3)))
