"""Dormant and saturated neurons, and sparsity: values that anybody can work out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from neurofn._errors import SettingError
from neurofn.instruments import Dormant, Instrument, Saturated, Sparsity


def read(part: Instrument, values: Any, weights: torch.Tensor | None = None) -> dict[str, Any]:
    matrix = torch.as_tensor(values, dtype=torch.float64)
    return part.compute(part.update(part.start(matrix.shape[1]), matrix, weights))


def test_a_dormant_neuron_is_small_beside_its_layer() -> None:
    rows = [[1.0, 0.02, -1.0, 0.0], [-1.0, 0.02, 1.0, 0.0]]
    seen = read(Dormant(tau=0.05), rows)
    assert seen["dormant"] == 2.0
    assert seen["score"] == pytest.approx(np.array([1, 0.02, 1, 0]) / (2.02 / 4))
    assert read(Dormant(tau=0.0), rows)["dormant"] == 1.0
    assert read(Dormant(), [[0.0, 0.0]])["dormant"] == 2.0
    assert read(Dormant(), np.array(rows) * 1e-6)["dormant"] == read(Dormant(), rows)["dormant"]


def test_saturation_is_near_an_end_in_most_rows() -> None:
    rows = torch.tensor([[1.0, -1.0, 1.0, 0.3], [1.0, 1.0, -0.2, 0.3], [0.99, -1.0, 1.0, 0.3], [1.0, 1.0, 1.0, 0.3]])
    seen = read(Saturated(of=0.9), rows)
    assert seen["saturated"] == 2.0  # a neuron that jumps between its ends is saturated too
    assert seen["near low"].tolist() == [0, 0.5, 0, 0]
    assert read(Saturated(of=0.7), rows)["saturated"] == 3.0
    assert read(Saturated(low=0.0, high=None, margin=0.4), rows)["near low"].tolist() == [0, 0.5, 0.25, 1]
    heavy = torch.tensor([0.0, 1.0, 0.0, 0.0])
    assert read(Saturated(), rows, heavy)["near high"].tolist() == [1, 1, 0, 0]


def test_sparsity_is_0_for_equal_sizes_and_1_for_one_of_many() -> None:
    equal, single = read(Sparsity(), -np.ones((5, 10))), read(Sparsity(), np.eye(10))
    assert (equal["population"], equal["average lifetime"], equal["nonzero"]) == (0.0, 0.0, 1.0)
    assert single["population"] == pytest.approx(1)
    assert single["lifetime"] == pytest.approx(np.ones(10))
    assert (single["nonzero"], single["top mass"]) == (0.1, 1.0)
    assert equal["top mass"] == pytest.approx(0.1)


def test_rows_and_neurons_of_zeros_have_no_sparsity_of_their_own() -> None:
    rows = np.zeros((4, 3))
    rows[:2, 0] = 1
    seen = read(Sparsity(), rows)
    assert seen["population"] == pytest.approx(1)
    assert np.isnan(seen["lifetime"][1:]).all()
    assert math.isnan(read(Sparsity(), np.zeros((2, 3)))["population"])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Dormant(tau=-1),
        lambda: Dormant(tau=math.nan),
        lambda: Saturated(low=None, high=None),
        lambda: Saturated(low=2.0),
        lambda: Saturated(of=0),
        lambda: Sparsity(top=1),
    ],
)
def test_wrong_settings_are_refused(wrong: Any) -> None:
    with pytest.raises(SettingError, match=r"give|below"):
        wrong()
