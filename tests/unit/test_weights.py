"""Spectra of weight matrices: random ones have nothing above their edge, planted directions are counted."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from neurofn._errors import ShapeError
from neurofn.instruments import WeightSpectra, matrix_spectrum
from neurofn.instruments.weights import weight_matrices


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("shape", [(100, 100), (60, 300), (300, 60)])
def test_noise_stays_below_its_edge(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    found = [matrix_spectrum(0.3 * generator.normal(size=shape)) for _ in range(60)]
    assert np.mean([each.noise for each in found]) == pytest.approx(0.3, rel=0.01)
    assert sum(each.above_edge for each in found) <= 4  # 1 in 100 is expected, and 60 draws were made
    assert found[0].edge == pytest.approx(0.3 * (math.sqrt(shape[0]) + math.sqrt(shape[1])), rel=0.06)


def test_planted_directions_are_counted_and_large_entries_are_told_from_them() -> None:
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(80, 120))
    sides = np.linalg.qr(generator.normal(size=(80, 3)))[0], np.linalg.qr(generator.normal(size=(120, 3)))[0]
    planted = matrix_spectrum(noise + 40 * sides[0] @ sides[1].T)
    assert (planted.above_edge, planted.above_edge_shuffled) == (3.0, 0.0)
    heavy = matrix_spectrum(generator.standard_cauchy(size=(80, 120)))
    assert heavy.above_edge > 10
    assert heavy.above_edge_shuffled > 10  # the same entries anywhere do it too


def test_a_power_law_of_eigenvalues_is_found() -> None:
    generator = np.random.default_rng(2)
    eigenvalues = (1 - generator.random(400)) ** (-1 / 1.5)  # exponent 2.5
    axes = np.linalg.qr(generator.normal(size=(400, 400)))[0]
    found = matrix_spectrum(axes * np.sqrt(eigenvalues))
    assert found.exponent == pytest.approx(2.5, abs=4 * found.error)
    assert 0 < found.error < 0.3


def test_known_ranks_and_unusable_matrices() -> None:
    assert matrix_spectrum(np.eye(6)).effective_rank == pytest.approx(6)
    assert math.isnan(matrix_spectrum(np.eye(20)).exponent)  # all equal
    assert math.isnan(matrix_spectrum(np.zeros((3, 3))).largest)
    assert math.isnan(matrix_spectrum([[1.0, math.nan]]).stable_rank)
    with pytest.raises(ShapeError, match="no matrix"):
        matrix_spectrum([1.0, 2.0])


def test_every_matrix_of_a_model_is_named() -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )
    assert {name: matrix.shape for name, matrix in weight_matrices(model).items()} == {
        "0.weight": (8, 27),
        "3.weight": (2, 8),
    }
    assert WeightSpectra().units(model) == ["0.weight", "3.weight"]
    readings = WeightSpectra().of(model)
    assert np.shape(readings["stable rank"]) == (2,)
