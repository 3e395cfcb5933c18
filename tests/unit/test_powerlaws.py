"""Power laws: known exponents below and above 1, bounded and not, and what else the data could be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from neurofn._errors import DataError, SettingError
from neurofn.instruments.powerlaws import compare_laws, fit_power_law

Array = np.ndarray[Any, Any]


def bounded(exponent: float, n: int, *, seed: int, top: int = 1000) -> Array:
    """Counts from 1 to ``top``."""
    k = np.arange(1, top + 1)
    weights = k**-exponent
    return np.random.default_rng(seed).choice(k, size=n, p=weights / weights.sum())


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 0.3, 0.6, 0.9, 1.0, 1.7])
def test_exponents_of_bounded_counts(exponent: float) -> None:
    found = [fit_power_law(bounded(exponent, 5000, seed=seed), low=1, high=1000, discrete=True) for seed in range(20)]
    assert np.mean([law.exponent for law in found]) == pytest.approx(exponent, abs=0.02)
    assert np.std([law.exponent for law in found]) == pytest.approx(found[0].error, rel=0.6)


@pytest.mark.parametrize("exponent", [0.3, 1.0, 2.5])
def test_exponents_of_bounded_real_numbers(exponent: float) -> None:
    u = np.random.default_rng(0).random(20_000)
    rate = exponent - 1
    x = 100**u if rate == 0 else (1 - u * (1 - 100**-rate)) ** (-1 / rate)
    law = fit_power_law(x, low=1, high=100)
    assert law.exponent == pytest.approx(exponent, abs=0.03)
    assert law.distance < 0.02


def test_tails_without_a_bound() -> None:
    pareto = (1 - np.random.default_rng(1).random(5000)) ** (-1 / 1.5)
    assert fit_power_law(pareto, low=1).exponent == pytest.approx(2.5, abs=0.08)
    zeta = np.random.default_rng(2).zipf(2.5, size=5000)
    assert fit_power_law(zeta, low=1, discrete=True).exponent == pytest.approx(2.5, abs=0.08)


def test_the_start_of_a_tail_is_found() -> None:
    generator = np.random.default_rng(3)
    body, tail = generator.uniform(0.1, 10, 3000), 10 * (1 - generator.random(3000)) ** (-1 / 1.5)
    law = fit_power_law(np.concatenate([body, tail]))
    assert 7 < law.low < 16
    assert law.exponent == pytest.approx(2.5, abs=0.15)
    assert law.of == 6000


def _plain(values: Array, k: Array | None, low: float, high: float) -> float:
    """The exponent of the largest likelihood, by the definition: sums over all counts, or a quadrature."""

    def loss(exponent: float) -> float:
        if k is not None:
            return float(exponent * np.log(values).mean() + np.log((k**-exponent).sum()))
        x = np.exp(np.linspace(math.log(low), math.log(high), 200_001))
        return float(exponent * np.log(values).mean() + np.log(np.trapezoid(x**-exponent, x)))

    return float(minimize_scalar(loss, bounds=(-3, 6), method="bounded", options={"xatol": 1e-9}).x)


@pytest.mark.parametrize("exponent", [0.3, 0.9, 2.0])
def test_the_score_and_the_likelihood_agree(exponent: float) -> None:
    counts = bounded(exponent, 800, seed=5, top=50)
    k = np.arange(1, 51)
    assert fit_power_law(counts, low=1, high=50, discrete=True).exponent == pytest.approx(
        _plain(counts, k, 1, 50), abs=1e-6
    )
    real = counts + np.random.default_rng(6).random(800)
    assert fit_power_law(real, low=1, high=51).exponent == pytest.approx(_plain(real, None, 1, 51), abs=1e-6)
    many = np.random.default_rng(7).zipf(2.2, size=500)
    law = fit_power_law(many, low=1, discrete=True)
    assert law.exponent == pytest.approx(_plain(many, np.arange(1, 3_000_000, dtype=float), 1, 0), abs=2e-4)


def test_other_laws_are_told_apart() -> None:
    generator = np.random.default_rng(8)
    for values, nearest in (
        (1 + generator.exponential(5.0, 3000), "exponential"),
        (np.exp(generator.normal(2.0, 0.4, 3000)), "log-normal"),
    ):
        law = fit_power_law(values, low=float(values.min()))
        others = {other.name: other for other in compare_laws(values, law)}
        del others["power law with cut-off"]  # it contains the exponential law
        assert min(others.values(), key=lambda other: other.ratio).name == nearest
        assert others[nearest].p < 1e-6
    pareto = (1 - generator.random(3000)) ** (-1 / 1.5)
    others = {other.name: other for other in compare_laws(pareto, fit_power_law(pareto, low=1))}
    assert others["exponential"].ratio > 0
    assert others["exponential"].p < 1e-6
    assert others["power law with cut-off"].p > 0.01


def test_the_densities_that_are_compared_are_those_of_scipy() -> None:
    values = 1 + np.random.default_rng(9).exponential(2.0, 500)
    law = fit_power_law(values, low=1)
    own = stats.pareto.logpdf(values, law.exponent - 1).sum()
    exponential = compare_laws(values, law)[0]
    scale = math.exp(exponential.parameters[0])
    other = stats.expon.logpdf(values, loc=1, scale=1 / scale).sum()
    assert exponential.ratio == pytest.approx(own - other, rel=1e-4)
    assert 1 / scale == pytest.approx(values.mean() - 1, rel=1e-3)


def test_bad_data_and_ranges_are_refused() -> None:
    for values, settings in (([1.0], {}), ([2.0, 2.0], {}), ([], {}), ([1.0, math.nan], {}), ([0.0, 1.0, 2.0], {})):
        with pytest.raises(DataError):
            fit_power_law(values, **settings)
    with pytest.raises(SettingError, match="0 < low < high"):
        fit_power_law([1.0, 2.0], low=3.0, high=2.0)
    with pytest.raises(DataError, match="whole numbers"):
        fit_power_law([1.5, 2.0], low=1, discrete=True)
    law = fit_power_law([1.0, 2.0, 3.0], low=1, high=3)
    with pytest.raises(DataError, match="no value"):
        compare_laws([7.0], law)
