"""Ranks of known spectra, their bias for few rows, and what rounding may not add."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from neurofn._errors import SettingError
from neurofn.instruments import Spectrum


def read(values: torch.Tensor, spectrum: Spectrum | None = None) -> dict[str, Any]:
    part = spectrum or Spectrum()
    return part.compute(part.update(part.start(values.shape[1]), values))


def test_equal_directions_count_as_many_by_every_definition() -> None:
    seen = read(torch.eye(6, 9, dtype=torch.float64))
    for name in ("stable rank", "participation ratio", "effective rank", "effective rank of variances", "dimension"):
        assert seen[name] == pytest.approx(6), name
    assert seen["RankMe"] == pytest.approx(6, rel=1e-4)
    assert seen["saturation"] == pytest.approx(6 / 9)


def test_a_known_spectrum() -> None:
    seen = read(torch.diag(torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)))
    variances, sizes = np.array([16, 4, 1]) / 3, np.array([4, 2, 1]) / 7
    assert seen["stable rank"] == pytest.approx(21 / 16)
    assert seen["participation ratio"] == pytest.approx(21**2 / (256 + 16 + 1))
    assert seen["effective rank"] == pytest.approx(math.exp(-(sizes * np.log(sizes)).sum()))
    shares = variances / variances.sum()
    assert seen["effective rank of variances"] == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))
    assert seen["largest eigenvalue"] == pytest.approx(16 / 3)


def test_centring_takes_away_what_all_rows_share() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(4000, 5, generator=generator, dtype=torch.float64) + 100
    assert read(rows)["stable rank"] == pytest.approx(1.0, abs=1e-3)
    assert read(rows, Spectrum(centred=True))["participation ratio"] == pytest.approx(5.0, rel=0.02)


def test_few_rows_lower_entropies_and_are_reported() -> None:
    scales = torch.arange(1, 257, dtype=torch.float64) ** -0.5
    generator = torch.Generator().manual_seed(1)
    few, many = (torch.randn(n, 256, generator=generator, dtype=torch.float64) * scales for n in (128, 8192))
    seen = {n: read(rows) for n, rows in ((128, few), (8192, many))}
    assert seen[8192]["effective rank"] > 200  # the limit is 209
    assert seen[128]["effective rank"] < 0.6 * seen[8192]["effective rank"]
    assert (seen[128]["too few rows"], seen[8192]["too few rows"]) == (1.0, 0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rounding_adds_no_directions(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(2)
    low = torch.randn(2000, 3, generator=generator, dtype=torch.float64)
    full = low @ torch.randn(3, 64, generator=generator, dtype=torch.float64)
    exact, rounded = read(full), read(full.to(dtype))
    assert exact["effective rank"] == pytest.approx(read(full * 1e30)["effective rank"])
    if dtype is torch.float32:
        assert rounded["effective rank"] == pytest.approx(exact["effective rank"], rel=1e-3)
    assert rounded["stable rank"] == pytest.approx(exact["stable rank"], rel=0.02)


def test_nothing_to_rank_is_no_number() -> None:
    assert math.isnan(read(torch.zeros(5, 3))["effective rank"])
    assert math.isnan(read(torch.ones(5, 3), Spectrum(centred=True))["stable rank"])
    with pytest.raises(SettingError, match="energy=2"):
        Spectrum(energy=2)
