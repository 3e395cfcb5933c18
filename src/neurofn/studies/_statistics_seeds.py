"""How many seeds: what would decide a question, and looking again and again without deceiving oneself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from .._errors import DataError, SettingError
from ._statistics import signed_rank_p

__all__ = ["Stopped", "levels", "seeds_needed", "stop_early"]

MOST = 100_000
_GRID = np.linspace(-8.0, 8.0, 1601)


def seeds_needed(
    differences: ArrayLike, *, effect: float | None = None, power: float = 0.8, level: float = 0.05, family: int = 1
) -> int:
    """The number of paired seeds with which a signed-rank test would find the effect with the probability ``power``.

    differences: (n,) of a pilot, whose deviation is taken as it is. effect: the size to find, in the same unit; None for the
    mean of the pilot, which flatters where the pilot was chosen for it. family: how many comparisons share the level
    (Bonferroni, a little more than Holm asks). The count for a t-test is raised by pi/3, the price of ranks for a normal
    law, and to as many seeds as a signed-rank test needs to reach the level at all. Never more than 100,000.

    Raises DataError for fewer than three finite differences or an effect of 0, SettingError for a power or level that is none.

    >>> seeds_needed([1.0, 3.0, 2.0, 4.0, 0.0], effect=2.0)
    9
    """
    from scipy import stats

    z = np.asarray(differences, dtype=np.float64).ravel()
    z = z[np.isfinite(z)]
    if not (0 < power < 1 and 0 < level < 1 and family >= 1):
        raise SettingError(
            f"power={power}, level={level}, family={family}: give probabilities between 0 and 1, and 1 or more"
        )
    size = abs(float(z.mean()) if effect is None and len(z) else effect or 0.0)
    if len(z) < 3 or not size:
        raise DataError(
            f"{len(z)} finite differences and an effect of {size:g}: three and an effect other than 0 are needed"
        )
    alpha, deviation = level / family, float(z.std(ddof=1))
    least = math.ceil(1 - math.log2(alpha))  # all signs alike have the probability 2 / 2**n
    if not deviation:
        return least

    def found(n: int) -> float:
        shift = size / deviation * math.sqrt(n)
        border = stats.t.ppf(1 - alpha / 2, n - 1)
        return float(stats.nct.sf(border, n - 1, shift) + stats.nct.cdf(-border, n - 1, shift))

    low, high = 1, 2
    while found(high) < power:
        low, high = high, 2 * high
        if high > MOST:
            return MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return min(MOST, max(least, math.ceil(high * math.pi / 3)))


@lru_cache(maxsize=64)
def levels(looks: tuple[int, ...], *, level: float = 0.05) -> tuple[float, ...]:
    """The two-sided level of each look, so that all looks together err with the probability ``level`` at most.

    looks: numbers of seeds, rising. The error is spent as the share of seeds grows, slowly at first (level * share**2), by the
    recursion of Armitage, McPherson and Rowe for a sum that grows by independent parts (Lan and DeMets,
    doi:10.1093/biomet/70.3.659). Raises SettingError for looks that do not rise.

    >>> [round(each, 3) for each in levels((10, 20, 40))]
    [0.003, 0.01, 0.043]
    """
    if not looks or list(looks) != sorted(set(looks)) or looks[0] < 1 or not 0 < level < 1:
        raise SettingError(
            f"looks={list(looks)}, level={level}: give rising numbers of seeds and a level between 0 and 1"
        )
    from scipy import stats

    shares = [look / looks[-1] for look in looks]
    step = float(_GRID[1] - _GRID[0])
    found: list[float] = []
    density = np.zeros(0)  # of the standardised sum at the last look, where no look has stopped
    spent, before = 0.0, 0.0
    for share in shares:
        if not len(density):
            density = stats.norm.pdf(_GRID)
        else:  # Z_new * sqrt(share) = Z_old * sqrt(before) + a normal part of variance share - before
            spread = math.sqrt(share - before)
            kernel = stats.norm.pdf((_GRID[:, None] * math.sqrt(share) - _GRID[None, :] * math.sqrt(before)) / spread)
            density = kernel @ density * step * math.sqrt(share) / spread
        quota = level * share**2 - spent
        tails = (
            np.cumsum(density) * step + np.cumsum(density[::-1])[::1] * step
        )  # |Z| beyond each place, from outside in
        border = -float(np.interp(quota, tails[: len(_GRID) // 2], _GRID[: len(_GRID) // 2]))
        density = np.where(np.abs(_GRID) < border, density, 0.0)
        found.append(float(2 * stats.norm.sf(border)))
        spent, before = level * share**2, share
    return tuple(found)


@dataclass(frozen=True)
class Stopped:
    """Where a sequence of looks ended: at ``n`` seeds, with ``p`` there against the ``level`` of that look.

    decided: whether p fell below it; False where all looks were used up, None where more seeds must come first.
    """

    n: int
    p: float
    level: float
    decided: bool | None


def stop_early(differences: ArrayLike, *, looks: Sequence[int], level: float = 0.05) -> Stopped:
    """The first look at which the signed-rank test of the differences so far passes the level of that look.

    differences: (n,) in the order of the seeds; a seed that is not finite counts as a difference of 0. ``looks`` must be fixed
    before the first value is seen; between them nothing may be decided.

    >>> stop_early([1.0, 1.2, 0.9, 1.1, 1.3, 0.8, 1.0, 1.2, 0.7, 1.1], looks=(10, 20)).decided
    True
    """
    z = np.nan_to_num(np.asarray(differences, dtype=np.float64).ravel(), nan=0.0, posinf=0.0, neginf=0.0)
    borders = levels(tuple(int(look) for look in looks), level=level)
    last = Stopped(0, 1.0, borders[0], None)
    for look, border in zip(looks, borders, strict=True):
        if len(z) < look:
            return last
        p = signed_rank_p(z[:look])
        last = Stopped(look, p, border, True if p < border else None)
        if last.decided:
            return last
    return Stopped(last.n, last.p, last.level, False)
