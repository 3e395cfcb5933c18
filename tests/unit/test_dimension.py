"""Dimensions: surfaces of known dimension, equal and nearly equal rows, Jacobians of known rank, solvable equations."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments import FunctionalDimension, IntrinsicDimension
from neurofn.instruments.landscape import RandomSubspaces

NAMES = ("two-NN", "two-NN likelihood", "MLE", "MLE inverse")


@pytest.fixture(autouse=True)
def layers_start_from_a_random_state_of_their_own() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def surface(dimension: int, rows: int, *, curved: bool = True) -> torch.Tensor:
    """Even points of a cube of this dimension, bent into 12 dimensions."""
    points = torch.rand(rows, dimension, dtype=torch.float64)
    flat = points @ torch.randn(dimension, 12, dtype=torch.float64)
    return flat + 0.1 * flat.sin() if curved else flat


def read(values: torch.Tensor, **settings: int) -> dict[str, float]:
    part = IntrinsicDimension(**settings)
    return part.compute(part.update(part.start(values.shape[1]), values))  # type: ignore[return-value]


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_surfaces_have_their_dimension(dimension: int) -> None:
    seen = read(surface(dimension, 4000), kept=2000)
    for name in NAMES:
        assert seen[name] == pytest.approx(dimension, rel=0.12), name
    assert (seen["rows"], seen["rows used"], seen["too few rows"]) == (4000.0, 2000.0, 0.0)


def test_many_dimensions_are_underestimated_and_few_rows_are_flagged() -> None:
    seen = read(torch.randn(2000, 40, dtype=torch.float64), kept=2000)
    assert seen["two-NN"] < 35
    assert read(surface(2, 90))["too few rows"] == 1.0


def test_scale_rotation_and_shift_do_not_matter() -> None:
    values = surface(3, 600)
    turn = torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64)).Q
    seen, same = read(values), read(values @ turn * 5 + 3)
    for name in NAMES:
        assert same[name] == pytest.approx(seen[name], rel=1e-6)


def test_equal_rows_count_once_and_rounding_is_no_distance() -> None:
    values = surface(2, 500).float()
    alone, thrice = read(values), read(values.repeat(3, 1))
    assert (thrice["rows"], thrice["rows used"]) == (1500.0, alone["rows used"])
    assert all(thrice[name] == alone[name] for name in NAMES)
    nearly = torch.cat([values, values * (1 + 2**-23)])
    seen = read(nearly)
    assert seen["unresolved rows"] > 900
    assert all(math.isnan(read(values[:1])[name]) for name in NAMES)
    halves = read(surface(2, 3000).bfloat16(), kept=3000)  # unflagged, the grid of bfloat16 would be seen
    assert halves["unresolved rows"] > 0


def test_a_part_of_the_rows_stands_for_all() -> None:
    values = surface(3, 20_000)
    means = np.mean([[read(values[i::5], kept=500)[name] for name in NAMES] for i in range(5)], axis=0)
    assert means == pytest.approx([3] * 4, rel=0.1)


def test_a_layer_of_rectified_units_has_one_number_less_per_unit() -> None:
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    found = FunctionalDimension(rows=300).of(model, [torch.randn(300, 3) * 3])
    assert (found["parameters"], found["rank"], found["redundancy"], found["outputs"]) == (32, 27, 5, 600)
    assert found["smallest counted"] > 1e4 * found["largest left out"]
    few = FunctionalDimension().of(model, [torch.randn(4, 3)])
    assert (few["rank"], few["bounded by outputs"]) == (8, 1)
    with torch.no_grad():  # a unit that is never on hides all its numbers
        model[0].bias[0] = -1000
    assert FunctionalDimension(rows=300).of(model, [torch.randn(300, 3)])["redundancy"] == 4 + 4 + 2
    assert FunctionalDimension().of(nn.ReLU(), [torch.ones(2, 1)])["rank"] == 0


def test_as_many_directions_as_equations_are_needed() -> None:
    inputs, targets = torch.randn(10, 60), torch.randn(10, 1)
    model = nn.Linear(60, 1)
    before = model.weight.detach().clone()
    found = RandomSubspaces(dimensions=(2, 5, 9, 10, 14), steps=1500, share=0.999).of(model, inputs, targets)
    assert found.dimension == 10
    assert dict(found.scores)[9] < 0.998
    assert dict(found.scores)[14] > 0.999
    assert found.untrained < 0.5
    assert torch.equal(model.weight, before)
    assert model.weight.grad is None
    assert found.to_dict()["parameters"] == 61


def test_labels_are_scored_by_accuracy_on_held_out_rows() -> None:
    inputs = torch.randn(200, 6)
    labels = (inputs[:, 0] > 0).long()
    found = RandomSubspaces(dimensions=(1, 12), steps=200).of(
        nn.Linear(6, 2), inputs[:100], labels[:100], held_out=(inputs[100:], labels[100:])
    )
    assert found.baseline > 0.9
    assert found.dimension == 12


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="4 or more"):
        IntrinsicDimension(kept=3)
    with pytest.raises(SettingError, match="3 or more"):
        IntrinsicDimension(neighbours=2)
    with pytest.raises(SettingError, match="tolerance"):
        FunctionalDimension(tolerance=0)
    with pytest.raises(SettingError, match="rows"):
        FunctionalDimension(rows=0)
    with pytest.raises(SettingError, match="rising"):
        RandomSubspaces(dimensions=(3, 2))
    with pytest.raises(SettingError, match="1 step or more"):
        RandomSubspaces(dimensions=(1,), steps=0)
    with pytest.raises(ShapeError, match="one target per input"):
        RandomSubspaces(dimensions=(1,)).of(nn.Linear(1, 1), torch.ones(2, 1), torch.ones(3, 1))
