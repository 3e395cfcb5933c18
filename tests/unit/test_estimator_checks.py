"""Scikit-learn's own checks of estimators, all of them; those that fit many times are in the slow lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from neurofn import KANClassifier, KANRegressor
from neurofn.neurons.ranges import RangeWarning

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


@parametrize_with_checks([KANRegressor(), KANClassifier()])
def test_the_checks_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
