"""EpsilonRank on matrices whose spectrum is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments import EpsilonRank, Readings, gram_spectrum


def read(instrument: EpsilonRank, values: torch.Tensor, weights: torch.Tensor | None = None) -> Readings:
    return instrument.compute(instrument.update(instrument.start(values.shape[1]), values, weights))


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def sines(neurons: int, points: int) -> tuple[torch.Tensor, torch.Tensor]:
    """sin(k pi x) on [-1, 1] at Gauss-Legendre points, and the quadrature weights."""
    x, w = np.polynomial.legendre.leggauss(points)
    k = np.arange(1, neurons + 1)
    return torch.from_numpy(np.sin(np.pi * np.outer(x, k))), torch.from_numpy(w)


def test_sines_are_orthonormal_by_quadrature() -> None:
    values, weights = sines(6, 40)
    rank = EpsilonRank(eps=0.5)
    state = rank.update(rank.start(6), values, weights)
    np.testing.assert_allclose(rank.eigenvalues(state), np.ones(6), rtol=1e-12)
    assert rank.compute(state)["rank"] == 6


def test_equidistant_points_with_a_measure_are_a_quadrature() -> None:
    points = torch.arange(256, dtype=torch.float64) / 128 - 1
    values = torch.stack(
        [amplitude * torch.sin(k * math.pi * points) for k, amplitude in ((1, 1), (2, 0.1), (3, 0.01))], 1
    )
    rank = EpsilonRank(eps=1e-3, measure=2.0)
    state = rank.update(rank.start(3), values)
    np.testing.assert_allclose(rank.eigenvalues(state), [1, 1e-2, 1e-4], rtol=1e-12)
    assert rank.compute(state)["rank"] == 2
    assert read(EpsilonRank(eps=1e-3, relative=True, measure=2.0), 100 * values)["rank"] == 2
    assert read(EpsilonRank(eps=1e-3, measure=2.0), 100 * values)["rank"] == 3


@pytest.mark.parametrize("k", [1, 3, 8])
def test_data_of_rank_k(k: int) -> None:
    values = normal(50, k) @ normal(k, 20)
    assert read(EpsilonRank(eps=1e-9), values)["rank"] == k


def test_duplicate_and_dead_neurons_add_no_rank() -> None:
    values = normal(50, 4)
    assert read(EpsilonRank(eps=1e-9), torch.cat([values, values, torch.zeros(50, 3)], 1))["rank"] == 4


def test_the_gram_is_not_centred() -> None:
    seen = read(EpsilonRank(eps=0.5), torch.ones(10, 3))
    assert (seen["rank"], seen["nonfinite rows"]) == (1, 0)
    assert seen["largest eigenvalue"] == pytest.approx(3.0)
    assert seen["noise floor"] == pytest.approx(12 * 2**-52 * 3)


def test_rounding_is_never_counted() -> None:
    tanh = torch.tanh(torch.linspace(-1, 1, 500, dtype=torch.float64)[:, None] * normal(1, 64) * 3 + normal(64))
    seen = read(EpsilonRank(eps=0.0), tanh)
    true, _ = gram_spectrum(tanh)
    assert seen["noise floor"] > 0
    assert seen["rank"] == (true > seen["noise floor"]).sum() < 64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_floor_knows_the_type_of_the_activations(dtype: torch.dtype) -> None:
    rounded = (normal(2000, 3) @ normal(3, 40)).to(dtype)
    seen = read(EpsilonRank(eps=0.0), rounded)
    assert seen["noise floor"] >= torch.finfo(dtype).eps ** 2 * float(seen["largest eigenvalue"])
    assert seen["rank"] == 3


def test_scales_at_the_ends_of_float64() -> None:
    for scale in (1e139, 1e-170, 0.0):
        seen = read(EpsilonRank(eps=1e-3, relative=True), normal(30, 5) * scale)
        assert all(np.isfinite(value) for value in seen.values())
        assert seen["rank"] == (5 if scale == 1e139 else 0)


def test_nothing_but_rows_that_are_not_finite() -> None:
    seen = read(EpsilonRank(), torch.full((3, 2), math.nan))
    assert seen == {"rank": 0.0, "largest eigenvalue": 0.0, "noise floor": 0.0, "nonfinite rows": 3.0}


def test_autocast_does_not_reach_the_sums() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = read(EpsilonRank(eps=1e-9), normal(50, 5))
    assert seen == read(EpsilonRank(eps=1e-9), normal(50, 5))


def test_gram_spectrum_keeps_small_eigenvalues() -> None:
    left, right = np.linalg.qr(normal(30, 4).numpy())[0], np.linalg.qr(normal(4, 4).T.numpy())[0]
    known = np.array([1.0, 1e-8, 1e-16, 1e-24])
    values = left * np.sqrt(known) @ right.T
    eigenvalues, vectors = gram_spectrum(values, np.ones(30))
    np.testing.assert_allclose(eigenvalues, known, rtol=1e-2)
    np.testing.assert_allclose(np.abs(vectors.T @ right), np.eye(4), atol=1e-3)


def test_gram_spectrum_of_few_rows_has_all_vectors() -> None:
    eigenvalues, vectors = gram_spectrum(normal(2, 5).float().requires_grad_())
    assert eigenvalues.shape == (5,)
    assert eigenvalues[2:].tolist() == [0, 0, 0]
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(5), atol=1e-12)
    matrix = normal(2, 5).float().double().numpy()
    np.testing.assert_allclose((vectors * eigenvalues) @ vectors.T, matrix.T @ matrix / 2, atol=1e-12)
    assert gram_spectrum(np.zeros((0, 3)))[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "hint"), [({"eps": -1.0}, "eps=-1"), ({"eps": math.nan}, "eps=nan"), ({"measure": 0.0}, "domain")]
)
def test_bad_settings(settings: dict[str, float], hint: str) -> None:
    with pytest.raises(SettingError, match=hint):
        EpsilonRank(**settings)  # type: ignore[arg-type]


def test_weights_for_all_rows_or_for_none() -> None:
    rank = EpsilonRank()
    state = rank.update(rank.update(rank.start(2), normal(3, 2)), normal(3, 2), torch.ones(3))
    with pytest.raises(SettingError, match="3 rows without weights and 3 with"):
        rank.compute(state)


@pytest.mark.parametrize("weights", [torch.tensor([-1.0, 1.0]), torch.tensor([math.nan, 1.0])])
def test_bad_weights(weights: torch.Tensor) -> None:
    with pytest.raises(SettingError, match="not negative"):
        EpsilonRank().update(EpsilonRank().start(3), normal(2, 3), weights)
    with pytest.raises(SettingError, match="not negative"):
        gram_spectrum(normal(2, 3), weights)


def test_bad_shapes() -> None:
    rank = EpsilonRank()
    for values in (normal(2, 4), normal(2), normal(2, 3, 1)):
        with pytest.raises(ShapeError, match=r"EpsilonRank\(eps=0.001\) was started for 3 neurons"):
            rank.update(rank.start(3), values)
    with pytest.raises(ShapeError, match="one weight per row"):
        rank.update(rank.start(3), normal(2, 3), torch.ones(3))
    with pytest.raises(ShapeError, match="0 neurons"):
        rank.start(0)
    for values, weights in ((np.zeros(3), None), (np.zeros((3, 0)), None), (np.zeros((3, 2)), np.ones(2))):
        with pytest.raises(ShapeError, match="shape"):
            gram_spectrum(values, weights)
