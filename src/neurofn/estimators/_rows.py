"""The rows that an estimator learns from: in one order, equal ones merged, and some of them held out.

A fit then depends neither on the order of the rows nor on whether a row stands there twice or once with twice the weight, and
a row is never both learned and held out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._errors import DataError

__all__ = ["Floats", "Rows", "held_out", "merged", "spread"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Different rows: ``x`` (n, features), ``y`` (n, targets), and their weights (n,), which have the mean 1."""

    x: Floats
    y: Floats
    weight: Floats

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        return Rows(self.x[chosen], self.y[chosen], self.weight[chosen])


def merged(x: Floats, y: Floats, weight: Floats) -> Rows:
    """The rows of positive weight, sorted, equal ones as one; raises DataError where no weight is positive, or one negative."""
    if (weight < 0).any() or not (weight > 0).any():
        raise DataError(
            f"sample_weight: give numbers of at least 0, one of them above 0; the smallest is {weight.min()}"
        )
    kept = weight > 0
    table = np.column_stack([x, y])[kept] + 0.0  # -0.0 becomes 0.0
    order = np.lexsort(table.T[::-1])
    table, weight = table[order], weight[kept][order]
    first = np.flatnonzero(np.r_[True, (table[1:] != table[:-1]).any(axis=1)])
    table, weight = table[first], np.add.reduceat(weight, first)
    return Rows(table[:, : x.shape[1]], table[:, x.shape[1] :], weight / weight.mean())


def held_out(strata: npt.NDArray[np.int64], share: float, random: np.random.RandomState) -> npt.NDArray[np.bool_]:
    """Which rows are held out: of each stratum, in a random order, every (1/share)-th; none of a stratum of fewer rows."""
    held = np.zeros(len(strata), dtype=bool)
    if share > 0:
        order = random.permutation(len(strata))
        order = order[np.argsort(strata[order], kind="stable")]
        _, begin = np.unique(strata[order], return_index=True)
        counts = np.diff(np.r_[begin, len(order)])
        rank = np.arange(1, len(order) + 1) - np.repeat(begin, counts)
        held[order[np.floor(rank * share) > np.floor((rank - 1) * share)]] = True
    return held


def spread(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The centre and scale of each column that outliers move little: the median, and the distance of the quartiles.

    As a normal law would have it; where the middle half is one value, a tenth of the standard deviation stands in, and 1 for a
    constant column.
    """
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    below = np.cumsum(weight[order], axis=0) / weight.sum()
    low, centre, high = (
        np.take_along_axis(ordered, np.argmax(below >= q - 1e-12, axis=0)[None], axis=0)[0] for q in (0.25, 0.5, 0.75)
    )
    unit = np.abs(values - centre).max(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    deviation = unit * np.sqrt(np.average(((values - centre) / unit) ** 2, axis=0, weights=weight))
    scale = np.maximum((high - low) / 1.349, deviation / 10)
    return centre, np.where(scale > 0, scale, 1.0)
