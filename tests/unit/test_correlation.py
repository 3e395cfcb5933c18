"""Neuronal correlation: exact copies, independent noise against its null, constants and too few rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from neurofn._errors import SettingError
from neurofn.instruments import Correlation, Readings


def read(rows: torch.Tensor, weights: torch.Tensor | None = None, *, threshold: float = 0.5) -> Readings:
    part = Correlation(threshold=threshold)
    return part.compute(part.update(part.start(rows.shape[1]), rows, weights))


def noise(rows: int, neurons: int) -> torch.Tensor:
    return torch.randn(rows, neurons, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)


@pytest.mark.parametrize("rows", [5, 50, 500])
def test_independent_neurons_give_the_null(rows: int) -> None:
    seen = read(noise(rows, 60), threshold=0.3)
    for name, near in (("mean |r|", 0.05), ("rms r", 0.05), ("above", 0.3)):
        assert seen[name] == pytest.approx(seen[f"{name}, null"], rel=near, abs=2e-3), name
    assert seen["too few rows"] == float(rows <= 60)


def test_copies_correlate_fully_whatever_their_scale_and_mean() -> None:
    one = noise(40, 1)
    seen = read(torch.cat([one, 3 * one + 100, -one], dim=1))
    assert (seen["mean |r|"], seen["above"]) == (pytest.approx(1), 1.0)
    assert (seen["largest r"], seen["smallest r"]) == (pytest.approx(1), pytest.approx(-1))
    assert seen["determination"] == 1.0


def test_a_known_correlation_is_found() -> None:
    base = noise(20_000, 2)
    seen = read(torch.stack([base[:, 0], 0.6 * base[:, 0] + 0.8 * base[:, 1]], dim=1))
    assert seen["largest r"] == pytest.approx(0.6, abs=0.02)
    assert seen["determination"] == pytest.approx(1 - math.sqrt(1 - 0.36), abs=0.02)


def test_constant_neurons_are_left_out_and_counted() -> None:
    rows = torch.cat([noise(30, 2), torch.full((30, 1), 1e6, dtype=torch.float64)], dim=1)
    seen = read(rows)
    assert seen["constant neurons"] == 1.0
    assert np.isfinite(float(seen["mean |r|"]))
    assert math.isnan(float(read(rows[:, 2:])["mean |r|"]))
    assert math.isnan(float(read(rows[:1])["mean |r|"]))


def test_unequal_weights_are_worth_fewer_rows() -> None:
    rows = noise(100, 3)
    weights = torch.full((100,), 1e-9, dtype=torch.float64)
    weights[:10] = 1.0
    assert read(rows, weights)["rms r, null"] == pytest.approx(1 / 3, rel=1e-6)
    with pytest.raises(SettingError, match="between 0 and 1"):
        Correlation(threshold=1.0)
