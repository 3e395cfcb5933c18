"""Many methods over many data sets: Friedman's test, Nemenyi's critical difference, and Cliff's delta for two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._errors import DataError

__all__ = ["Delta", "Friedman", "cliffs_delta", "friedman"]

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Friedman:
    """Ranks of methods over data sets (1 is best, ties share), and what of their differences is more than chance.

    p: of Friedman's chi-squared test that no method is better than another; p_f: of Iman and Davenport's F, which is less
    cautious. critical_difference: two mean ranks that are further apart differ at the level (Nemenyi; Demsar, JMLR 7, 2006).
    pairs: the p-values of all pairs, already corrected for their number. groups: the largest sets of methods, as places in the
    given order, of which no two differ: the bars of a critical-difference diagram.

    >>> found = friedman([[0.9, 0.8, 0.1], [0.8, 0.7, 0.2], [0.7, 0.6, 0.3], [0.9, 0.6, 0.1]])
    >>> found.mean_ranks, found.groups, round(found.p, 3)
    ((1.0, 2.0, 3.0), ((0, 1), (1, 2)), 0.018)
    """

    mean_ranks: tuple[float, ...]
    statistic: float
    p: float
    p_f: float
    critical_difference: float
    pairs: tuple[tuple[float, ...], ...]
    groups: tuple[tuple[int, ...], ...]
    sets: int


def friedman(scores: ArrayLike, *, level: float = 0.95, higher: str = "better") -> Friedman:
    """Compare k methods over n data sets by the ranks of their scores.

    scores: (n, k), one row per data set; a row with a value that is not finite is dropped. higher: "better" or "worse".
    Raises DataError for fewer than three methods or two rows: compare two methods with `compare`.
    """
    from scipy import stats

    matrix = np.asarray(scores, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] < 3:
        raise DataError(f"scores have shape {matrix.shape}; give (data sets, methods) with three methods or more")
    matrix = matrix[np.isfinite(matrix).all(axis=1)]
    n, k = matrix.shape
    if n < 2:
        raise DataError(f"{n} data sets have a finite score of every method; two or more are needed")
    ranks = stats.rankdata(matrix if higher == "worse" else -matrix, axis=1)
    means = ranks.mean(axis=0)
    tied = sum(float((counts**3 - counts).sum()) for counts in (np.unique(row, return_counts=True)[1] for row in ranks))
    spread = 1 - tied / (n * k * (k**2 - 1))
    between = 12 * n / (k * (k + 1)) * float((means**2).sum()) - 3 * n * (k + 1)
    statistic = between / spread if spread > 0 else 0.0
    left = n * (k - 1) - statistic
    f = (n - 1) * statistic / left if left > 1e-12 else math.inf
    error = math.sqrt(k * (k + 1) / (6 * n))
    gaps = np.abs(means[:, None] - means[None, :])
    pairs = stats.studentized_range.sf(gaps / error * math.sqrt(2), k, np.inf)
    critical = float(stats.studentized_range.ppf(level, k, np.inf)) / math.sqrt(2) * error
    return Friedman(
        tuple(means.tolist()), statistic, float(stats.chi2.sf(statistic, k - 1)),
        float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))), critical,
        tuple(tuple(np.clip(row, 0.0, 1.0).tolist()) for row in pairs), _groups(means, critical), n,
    )  # fmt: skip


def _groups(means: Array, critical: float) -> tuple[tuple[int, ...], ...]:
    """Runs of methods, in the order of their ranks, whose ends are within the critical difference; none inside another."""
    order = np.argsort(means, kind="stable")
    sorted_means = means[order]
    ends = [int(np.searchsorted(sorted_means, low + critical, side="right")) for low in sorted_means]
    runs = [(start, end) for start, end in enumerate(ends) if end - start > 1]
    kept = [run for i, run in enumerate(runs) if i == 0 or run[1] > runs[i - 1][1]]
    return tuple(tuple(int(place) for place in order[start:end]) for start, end in kept)


@dataclass(frozen=True)
class Delta:
    """Cliff's delta: P(first > second) - P(first < second), from -1 to 1, with its interval; ``size`` in Romano's words.

    >>> cliffs_delta([3, 4, 5, 6], [1, 2, 3, 4]).size
    'large'
    """

    delta: float
    low: float
    high: float

    @property
    def size(self) -> str:
        """ "negligible" below 0.147, "small" below 0.33, "medium" below 0.474, else "large" (Romano and others, 2006)."""
        bounds = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))
        return next((word for bound, word in bounds if abs(self.delta) < bound), "large")


def cliffs_delta(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Delta:
    """How often a value of ``first`` (n,) exceeds one of ``second`` (m,), which need not be paired.

    The interval is Cliff's, from the variance of the dominances, made asymmetric so that it stays within -1 and 1
    (doi:10.1037/0033-2909.114.3.494). Values that are not finite are dropped; raises DataError where a side is then empty.
    """
    from scipy import stats

    a, b = (np.asarray(side, dtype=np.float64).ravel() for side in (first, second))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    n, m = len(a), len(b)
    if not n or not m:
        raise DataError(f"{n} and {m} finite values: each side needs one or more")
    signs = np.sign(a[:, None] - b[None, :])
    delta = float(signs.mean())
    if min(n, m) < 2:
        return Delta(delta, -1.0, 1.0)
    rows, columns = signs.mean(axis=1) - delta, signs.mean(axis=0) - delta
    total = float(((signs - delta) ** 2).sum())
    variance = (m**2 * float((rows**2).sum()) + n**2 * float((columns**2).sum()) - total) / (n * m * (n - 1) * (m - 1))
    variance = max(variance, (1 - delta**2) / (n * m - 1))
    z = float(stats.norm.ppf(0.5 + level / 2))
    root = z * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + z**2 * variance)
    scale = 1 - delta**2 + z**2 * variance
    ends = [((delta - delta**3) + sign * root) / scale if scale > 0 else delta for sign in (-1, 1)]
    return Delta(delta, max(-1.0, ends[0]), min(1.0, ends[1]))
