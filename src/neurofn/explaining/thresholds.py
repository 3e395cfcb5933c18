"""When a unit counts as firing: its activation is above ``low`` and not above ``high``, two numbers for each unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .._errors import SettingError

__all__ = ["Above", "Between", "Quantile", "QuantileRange", "Threshold"]

Array = np.ndarray[Any, Any]
Quantiles = Callable[[float], Array]


class Threshold(Protocol):
    """A rule that gives each unit its range."""

    def bounds(self, quantile: Quantiles) -> tuple[Array | float, Array | float]:
        """(low, high): numbers, or one for each unit. ``quantile(q)`` is the exact quantile of every unit's activations."""


@dataclass(frozen=True)
class Above:
    """Firing is an activation above ``value``, in the units of the activation: Above(0) for ReLU.

    >>> Above(0).bounds(lambda q: np.zeros(3))
    (0, inf)
    """

    value: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.value):
            raise SettingError(f"Above({self.value}): give a finite number, for example Above(0)")

    def bounds(self, quantile: Quantiles) -> tuple[Array | float, Array | float]:
        """The same for all units."""
        return self.value, np.inf


@dataclass(frozen=True)
class Between:
    """Firing is an activation above ``low`` and at most ``high``. Raises SettingError unless low < high.

    >>> Between(0, 1).bounds(lambda q: np.zeros(3))
    (0, 1)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise SettingError(f"Between({self.low}, {self.high}): the first number must be smaller than the second")

    def bounds(self, quantile: Quantiles) -> tuple[Array | float, Array | float]:
        """The same for all units."""
        return self.low, self.high


@dataclass(frozen=True)
class Quantile:
    """Firing is an activation above the unit's own quantile ``q``, exact, over all places of the samples searched; 0.995 is
    the choice of the paper. Raises SettingError unless 0 < q < 1. Source: arXiv:2006.14032.

    >>> Quantile(0.5).bounds(lambda q: np.array([q, 2 * q]))
    (array([0.5, 1. ]), inf)
    """

    q: float

    def __post_init__(self) -> None:
        if not 0 < self.q < 1:
            raise SettingError(f"Quantile({self.q}): give a number between 0 and 1, for example Quantile(0.995)")

    def bounds(self, quantile: Quantiles) -> tuple[Array | float, Array | float]:
        """One for each unit."""
        return quantile(self.q), np.inf


@dataclass(frozen=True)
class QuantileRange:
    """Firing is an activation above the unit's quantile ``low`` and at most its quantile ``high``: one range of several.
    Raises SettingError unless 0 < low < high < 1. Source: the ranges of arXiv:2310.18443, cut at quantiles.

    >>> QuantileRange(0.5, 0.75).bounds(lambda q: np.array([4 * q]))
    (array([2.]), array([3.]))
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < 1:
            raise SettingError(f"QuantileRange({self.low}, {self.high}): give 0 < low < high < 1")

    def bounds(self, quantile: Quantiles) -> tuple[Array | float, Array | float]:
        """One range for each unit."""
        return quantile(self.low), quantile(self.high)
