"""Handwritten digits, 8 by 8 pixels: real, small, and inside scikit-learn."""

from __future__ import annotations

import importlib.util

from .._errors import MissingExtraError
from . import catalogue
from ._base import Splits, Task, one_unit, standardised, stratified

SPLIT_SEED = 20261121


def _missing() -> MissingExtraError:
    return MissingExtraError("scikit-learn", extra="data", purpose="the task 'digits'")


def _read() -> Splits:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise _missing() from error
    bunch = load_digits()
    return standardised(stratified(bunch.data, bunch.target, seed=SPLIT_SEED), scale=one_unit)


def _locate() -> str:
    if importlib.util.find_spec("sklearn") is None:
        raise _missing()
    return "inside the package scikit-learn"


catalogue.add(
    "digits",
    Task(
        name="digits",
        kind="classification",
        inputs=64,
        outputs=10,
        source="https://doi.org/10.24432/C50P49",
        licence="CC BY 4.0 for the data (UCI), BSD-3-Clause for scikit-learn, which carries them",
        description="1,797 handwritten digits of 8 by 8 pixels, the test part of UCI's Optical Recognition of "
        "Handwritten Digits; 60 % train, 20 % validation, 20 % test, equal shares of every class; "
        "pixels centred, one scale",
        read=_read,
        locate=_locate,
    ),
)
