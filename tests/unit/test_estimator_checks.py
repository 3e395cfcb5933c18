"""Scikit-learn's own checks of estimators, all of them: of small ones in the fast lane, of those by default in the slow one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from neurofn import KANClassifier, KANRegressor
from neurofn.neurons.ranges import RangeWarning
from neurofn.train import Recipe

pytestmark = pytest.mark.filterwarnings(
    # Some checks predict far from what was learned, and tell whoever lacks optional packages of theirs.
    f"ignore::{RangeWarning.__module__}.RangeWarning",
    "ignore::sklearn.exceptions.SkipTestWarning",
)


@pytest.fixture(autouse=True)
def random_numbers_of_numpy() -> Iterator[None]:
    """Estimators without a seed draw one from numpy's global numbers, as scikit-learn's own do: put back afterwards."""
    before = np.random.get_state()
    yield
    np.random.set_state(before)


SHORT: dict[str, Any] = {"hidden": (), "recipe": Recipe(30, 0.2)}


@pytest.mark.slow
@parametrize_with_checks([KANRegressor(), KANClassifier()])
def test_the_checks_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@parametrize_with_checks([KANRegressor(**SHORT), KANClassifier(**SHORT)])
def test_the_same_with_one_layer_and_few_updates(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
