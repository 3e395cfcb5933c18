"""The statistics of studies: intervals, paired comparisons over seeds, many p-values at once, and jumps that coincide.

Everything is deterministic: resampling has a generator of its own with a fixed seed. Values that are not finite stand for
diverged seeds; they are dropped, in pairs where seeds are paired, and counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._errors import DataError

__all__ = [
    "Comparison",
    "Interval",
    "compare",
    "describe",
    "holm",
    "mean_interval",
    "signed_rank_p",
    "simultaneous",
]

Array = np.ndarray[Any, np.dtype[np.float64]]

DRAWS = 10_000
FEW = 5  # below this many values a bootstrap has too few different samples


@dataclass(frozen=True)
class Interval:
    """A mean and where it lies with 95 % confidence; n values went in, dropped were not finite.

    low and high are NaN where n < 2.
    """

    mean: float
    low: float
    high: float
    n: int
    dropped: int = 0


@dataclass(frozen=True)
class Comparison:
    """Two conditions over the same seeds: the mean of first minus second in ``unit``, its interval, and how sure.

    low, high: of this comparison alone; `simultaneous` corrects them for a family. error: the standard error of the mean.
    p: two-sided, of the exact signed-rank test; `holm` corrects a family. smallest_p: what p would be if every seed agreed.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    error: float
    p: float
    smallest_p: float
    n: int
    dropped: int
    unit: str


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The mean with a bootstrap interval; from 2 to 4 values Student's t, for one value none.

    values: (n,). The bootstrap is the expanded percentile one (Hesterberg, arXiv:1411.5279): percentiles of resampled means,
    moved outwards by the factor by which the plain bootstrap is known to be too narrow for small n.

    >>> interval = mean_interval([1.0, 2.0, 3.0, float("nan")])
    >>> interval.mean, round(interval.low, 3), round(interval.high, 3), interval.n, interval.dropped
    (2.0, -0.484, 4.484, 3, 1)
    """
    from scipy import stats

    given = np.asarray(values, dtype=np.float64).ravel()
    kept = given[np.isfinite(given)]
    n, dropped = len(kept), len(given) - len(kept)
    if n < 2:
        return Interval(float(kept[0]) if n else math.nan, math.nan, math.nan, n, dropped)
    mean, tail = float(kept.mean()), (1 - level) / 2
    if n < FEW:
        half = float(stats.t.ppf(1 - tail, n - 1) * kept.std(ddof=1) / math.sqrt(n))
        return Interval(mean, mean - half, mean + half, n, dropped)
    expanded = float(stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf(tail, n - 1)))
    rows = np.random.default_rng(0).integers(n, size=(DRAWS, n))
    low, high = np.quantile(kept[rows].mean(axis=1), [expanded, 1 - expanded])
    return Interval(mean, float(low), float(high), n, dropped)


def signed_rank_p(differences: ArrayLike) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test, exact for any n, also with ties; 1 where all differences are 0.

    differences: (n,), finite. Zeros are left out; tied sizes share their mean rank. Given the sizes, each sign is a fair coin
    under the null, so the distribution of the rank sum follows by adding one rank after the other.

    >>> signed_rank_p([1.0, 2.0, 3.0, 4.0, 5.0])
    0.0625
    """
    from scipy import stats

    kept = np.asarray(differences, dtype=np.float64)
    kept = kept[kept != 0]
    if len(kept) == 0:
        return 1.0
    doubled = np.rint(2 * stats.rankdata(np.abs(kept))).astype(int)  # mean ranks are halves
    chance = np.zeros(doubled.sum() + 1)
    chance[0] = 1.0
    for rank in doubled:
        chance = (chance + np.concatenate([np.zeros(rank), chance[:-rank]])) / 2
    observed = int(doubled[kept > 0].sum())
    return min(1.0, 2 * float(min(chance[: observed + 1].sum(), chance[observed:].sum())))


def compare(
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: tuple[str, str] = ("first", "second"),
    unit: str = "",
    scale: float = 1.0,
) -> Comparison:
    """Paired comparison of two conditions over the same seeds.

    first, second: (n,), one value per seed in the same order; a seed with a value that is not finite on either side is
    dropped from both. scale: what to multiply by for ``unit``, 100 for accuracies as "points". Raises DataError for unequal
    lengths.

    >>> compare([0.91, 0.93, 0.92], [0.90, 0.91, 0.91], names=("gelu", "relu"), unit="points", scale=100).p
    0.25
    """
    a, b = (np.asarray(values, dtype=np.float64).ravel() * scale for values in (first, second))
    if len(a) != len(b):
        raise DataError(f"{names[0]} has {len(a)} seeds and {names[1]} has {len(b)}; pairs need the same seeds in both")
    kept = np.isfinite(a) & np.isfinite(b)
    a, b = a[kept], b[kept]
    # Scores on one test set are multiples of one sample, and their differences are equal up to rounding: ties, not ranks.
    differences = np.round(a - b, 12 - math.ceil(math.log10(max(1e-280, np.abs([*a, *b, 0]).max()))))
    interval = mean_interval(differences)
    return Comparison(
        first=names[0],
        second=names[1],
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        error=float(differences.std(ddof=1) / math.sqrt(len(a))) if len(a) > 1 else math.nan,
        p=signed_rank_p(differences),
        smallest_p=signed_rank_p(np.arange(1.0, len(a) + 1)),
        n=len(a),
        dropped=int((~kept).sum()),
        unit=unit,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p-values that stay valid when the whole family is read; NaN stays, and is not counted.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = list(p_values), 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[place] = largest
    return corrected


def simultaneous(comparison: Comparison, *, of: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of one of a family ``of`` comparisons: with the probability ``level`` all of theirs hold together.

    Student's t with Bonferroni's correction. Not the bootstrap: so far out in the tails it has nothing to resample; the largest
    mean that n = 5 values give is their maximum, below the true mean once in 32 times. NaN where n < 2.

    >>> wins = compare([1.0, 2.0, 3.0, 4.0, 5.0], [0.0] * 5)
    >>> [round(end, 2) for of in (1, 7) for end in simultaneous(wins, of=of)]
    [1.04, 4.96, -0.58, 6.58]
    """
    from scipy import stats

    if comparison.n < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf(1 - (1 - level) / (2 * of), comparison.n - 1)) * comparison.error
    return comparison.difference - half, comparison.difference + half


def describe(comparison: Comparison, *, p: float | None = None, higher: str = "better", alpha: float = 0.05) -> str:
    """The comparison in words.

    p: the corrected p-value, where there is a family. higher: what more of the unit means, "better", or "worse" for losses.
    "±" is half the width of the comparison's interval.

    >>> wins = compare([0.912, 0.915, 0.920, 0.917, 0.911, 0.918], [0.91] * 6, names=("gelu", "relu"), unit="points", scale=100)
    >>> describe(wins)
    'gelu better than relu by 0.55 ± 0.34 points (p = 0.031)'
    >>> describe(wins, p=0.2)
    'gelu and relu: no difference seen with 6 seeds (p = 0.2)'
    """
    one, other, value = comparison.first, comparison.second, comparison.p if p is None else p
    lost = (
        f"; {comparison.dropped} seed{'s' * (comparison.dropped > 1)} dropped, diverged" if comparison.dropped else ""
    )
    seeds = f"{comparison.n} seed{'s' * (comparison.n != 1)}"
    if comparison.n == 0:
        return f"{one} and {other}: nothing to compare{lost}"
    if not value < alpha:
        few = f", too few for any: p is {comparison.smallest_p:.2g} at best" if comparison.smallest_p >= alpha else ""
        return f"{one} and {other}: no difference seen with {seeds} (p = {value:.2g}{few}){lost}"
    if (comparison.difference > 0) != (higher == "better"):
        one, other = other, one
    size, half = abs(comparison.difference), (comparison.high - comparison.low) / 2
    digits = max(0, min(6, 1 - math.floor(math.log10(half)))) if half > 0 and math.isfinite(half) else 2
    unit = f" {comparison.unit}" if comparison.unit else ""
    return f"{one} better than {other} by {size:.{digits}f} ± {half:.{digits}f}{unit} (p = {value:.2g}){lost}"
