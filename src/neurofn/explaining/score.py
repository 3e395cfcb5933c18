"""How well a formula matches where a unit fires, from four counts of positions; each measure works on arrays.

``both`` positions have formula and unit, ``formula`` the formula, ``unit`` the unit, and there are ``positions`` in all.
Where a measure is 0/0 it is 0. The coverage measures of arXiv:2310.18443 that count positions are among them: recall is its
activation coverage, precision its detection accuracy; those that count samples are read on held-out data, see `Explanation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._errors import UnknownNameError, did_you_mean

__all__ = ["SCORES", "score"]

Array = np.ndarray[Any, Any]
Counts = tuple[Any, Any, Any, Any]


def _ratio(top: Any, bottom: Any) -> Any:
    bottom = np.asarray(bottom, dtype=float)
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=bottom != 0)


def _mcc(both: Any, formula: Any, unit: Any, positions: Any) -> Any:
    f, u, n = (np.asarray(value, dtype=float) for value in (formula, unit, positions))
    return _ratio(both * n - f * u, np.sqrt(f) * np.sqrt(u) * np.sqrt(n - f) * np.sqrt(n - u))


SCORES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "iou": lambda both, formula, unit, positions: _ratio(both, formula + unit - both),
    "precision": lambda both, formula, unit, positions: _ratio(both, formula),
    "recall": lambda both, formula, unit, positions: _ratio(both, unit),
    "f1": lambda both, formula, unit, positions: _ratio(2 * both, formula + unit),
    "mcc": _mcc,
}


def score(name: str, counts: Counts) -> Any:
    """The measure of this name ("iou", "precision", "recall", "f1", "mcc") of (both, formula, unit, positions).

    Raises UnknownNameError for another name.

    >>> float(score("iou", (2, 3, 4, 10)))
    0.4
    """
    if name not in SCORES:
        raise UnknownNameError(f"no score is called {name!r}; {did_you_mean(name, SCORES, what='score')}")
    return SCORES[name](*counts)
