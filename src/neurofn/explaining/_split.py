"""Which samples are held out, and which firing is dealt out where: by the number of the sample, from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import SettingError

__all__ = ["Holdout"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Holdout:
    """Hold out about this share of the samples: those whose number, mixed with the seed, comes out small. A sample keeps its
    part when others are added. Raises SettingError unless 0 <= share < 1.

    >>> Holdout(0.5).of(10).tolist()
    [True, False, True, False, False, False, True, False, False, True]
    """

    share: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise SettingError(f"holdout={self.share}: give a share from 0 to below 1, for example 0.3")

    def of(self, samples: int) -> Array:
        """Whether each sample is held out: bool (samples,)."""
        mixed = np.arange(samples, dtype=np.uint64) + np.uint64((self.seed * 0x9E3779B97F4A7C15 + 1) % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # the mixer of splitmix64
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return np.asarray((mixed ^ (mixed >> np.uint64(31))) / 2.0**64 < self.share)
