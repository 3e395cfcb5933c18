"""The law of activated neurons: known urns, equal rates, limits, and a network on real data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from neurofn import measure
from neurofn._errors import DataError
from neurofn.instruments.activity import top_k
from neurofn.instruments.law import ActivationLaw, activated_by_law, fit_law
from neurofn.tasks import catalogue as tasks
from neurofn.train import Recipe, build_seeded, train_alone

Array = np.ndarray[Any, Any]


def polya(neurons: int, b: float, rows: int, per_row: int, *, seed: int) -> Array:
    """Counts of an urn that is drawn from with reinforcement: ``per_row`` single draws for each row."""
    generator = np.random.default_rng(seed)
    weights = generator.gamma(b, size=neurons)
    return generator.multinomial(rows * per_row, weights / weights.sum())


@pytest.mark.parametrize("b", [0.1, 0.3, 0.7])
def test_b_of_an_urn_is_found(b: float) -> None:
    found = [fit_law(polya(2000, b, 100_000, 1, seed=seed), rows=100_000) for seed in range(5)]
    assert np.mean([law.b_of_counts for law in found]) == pytest.approx(b, rel=0.05)
    assert np.mean([law.b_of_curve for law in found]) == pytest.approx(b, rel=0.1)
    assert min(law.fit for law in found) > 0.999
    assert max(law.fit_of_equal_rates for law in found) < 0.95


def test_equal_rates_are_told_apart() -> None:
    counts = np.random.default_rng(0).multinomial(20_000, np.full(500, 1 / 500))
    law = fit_law(counts, rows=20_000)
    assert law.b_of_counts > 50
    assert law.fit_of_equal_rates > 0.999
    assert not 0 < law.exponent < 1


def test_limits_of_the_law() -> None:
    depth = np.array([0.0, 10.0, 1e4])
    assert activated_by_law(depth, 100, b=math.inf, per_row=1.0) == pytest.approx(100 * -np.expm1(-depth / 100))
    assert activated_by_law(depth, 100, b=1e9, per_row=1.0) == pytest.approx(100 * -np.expm1(-depth / 100), rel=1e-6)
    assert (activated_by_law(depth, 100, b=0.0, per_row=1.0) == 0).all()
    everything = fit_law(np.array([50, 0, 0, 0]), rows=50)
    assert (everything.b_of_counts, everything.activated) == (0.0, 1)
    assert fit_law(np.full(4, 7), rows=7).b_of_counts == math.inf


def test_the_steepest_rise_is_where_every_neuron_is_expected_once() -> None:
    depth = np.geomspace(1, 1e7, 20_001)
    for b in (0.2, 0.5, 2.0):
        rise = np.gradient(activated_by_law(depth, 1000, b=b, per_row=20.0), np.log(depth))
        assert depth[rise.argmax()] == pytest.approx(1000 / 20.0, rel=0.01)


def test_counts_that_are_none_are_refused() -> None:
    for bad in ([1.5], [-1], [9], [], [math.nan]):
        with pytest.raises(DataError, match="whole numbers from 0 to rows=5"):
            fit_law(np.array(bad), rows=5)
    assert math.isnan(fit_law(np.zeros(3), rows=0).per_row)


def test_the_law_holds_on_digits_for_a_sparse_rule_and_not_for_a_dense_one() -> None:
    data = tasks["digits"].load().train
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    network = build_seeded(lambda seed: nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)), 0)

    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(prediction, target)

    train_alone(network, (x, y), seed=0, recipe=Recipe(steps=600, batch=128), loss=loss)
    sparse, dense = ActivationLaw(active=top_k(0.01)), ActivationLaw(active=top_k(0.5))
    record = measure(network, x, sparse, dense, at="1")

    def reading(instrument: ActivationLaw, name: str) -> float:
        return float(record.where(instrument=str(instrument), reading=name).columns["value"][0])

    assert reading(sparse, "active per row") == 2.0
    assert reading(sparse, "fit") >= 0.999
    assert reading(sparse, "b of the curve") == pytest.approx(reading(sparse, "b of the counts"), rel=0.1)
    assert reading(sparse, "fit") > reading(sparse, "fit of equal rates")
    assert reading(dense, "b of the counts") > 1
