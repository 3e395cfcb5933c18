"""What chance would give: the unit's firing dealt out to other samples, as whole samples, so that its shape stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import SettingError

__all__ = ["Shuffled"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Shuffled:
    """``n`` random orders of the samples; ``seed`` says which.

    >>> Shuffled(2).orders(3)[0].tolist()
    [2, 0, 1]
    """

    n: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n < 1:
            raise SettingError(f"n={self.n}: give at least 1 shuffle, for example Shuffled(200)")

    def orders(self, samples: int) -> list[Array]:
        """Permutations of range(samples)."""
        generator = np.random.default_rng(self.seed)
        return [generator.permutation(samples) for _ in range(self.n)]
