"""What is probable of a difference: better, worse, or too little to matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._errors import DataError, SettingError

__all__ = ["Belief", "believe"]

Array = np.ndarray[Any, np.dtype[np.float64]]

DRAWS = 20_000


@dataclass(frozen=True)
class Belief:
    """Posterior probabilities that the median difference lies below -rope, within [-rope, rope], and above rope.

    >>> belief = Belief(worse=0.01, alike=0.02, better=0.97, rope=0.5, n=10)
    >>> belief.decision
    'better'
    """

    worse: float
    alike: float
    better: float
    rope: float
    n: int

    @property
    def decision(self) -> str | None:
        """What has a probability above 0.95, or None."""
        chances = {"worse": self.worse, "alike": self.alike, "better": self.better}
        return next((word for word, chance in chances.items() if chance > 0.95), None)


def believe(differences: ArrayLike, *, rope: float, draws: int = DRAWS, seed: int = 0) -> Belief:
    """Bayesian signed-rank test with a region of practical equivalence (Benavoli and others, JMLR 18, 2017).

    differences: (n,), one per seed or data set; values that are not finite are dropped. rope: a difference up to this size, in
    the same unit, does not matter. A Dirichlet process over the differences, with half a prior observation at 0, gives weights;
    the statistic of a draw is how much weight the means of two differences have below, within and above the region; each
    draw counts for the largest. ``draws`` and ``seed`` fix the numbers.

    Raises DataError for no finite difference, SettingError for a negative rope.

    >>> believe([1.0, 2.0, 1.5, 1.8, 2.2, 1.1], rope=0.5).decision
    'better'
    >>> believe([0.01, -0.02, 0.0, 0.03, -0.01, 0.02], rope=0.5).decision
    'alike'
    """
    if not (np.isfinite(rope) and rope >= 0):
        raise SettingError(f"rope={rope}: give the size below which a difference does not matter, 0 or more")
    z = np.asarray(differences, dtype=np.float64).ravel()
    z = z[np.isfinite(z)]
    if not len(z):
        raise DataError("there is no finite difference to believe anything of")
    n, points = len(z), np.concatenate([[0.0], z])
    sums = points[:, None] + points[None, :]
    below, above = (sums < -2 * rope).astype(float), (sums > 2 * rope).astype(float)
    weights = np.random.default_rng(seed).dirichlet([0.5, *np.ones(n)], size=draws)
    worse = np.einsum("di,ij,dj->d", weights, below, weights, optimize=True)
    better = np.einsum("di,ij,dj->d", weights, above, weights, optimize=True)
    shares = np.stack([worse, 1 - worse - better, better])
    largest = shares == shares.max(axis=0)
    chances = (largest / largest.sum(axis=0)).mean(axis=1)
    return Belief(float(chances[0]), float(chances[1]), float(chances[2]), rope, n)
