"""ActivationLaw: the law by which neurons become activated, fitted twice, beside what equal rates would give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import DataError, SettingError
from ._base import Batch, Instrument, Readings, State, catalogue
from .activity import ActivatedNeurons, Activity, top_k

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ActivationLaw", "Law", "activated_by_law", "fit_law"]

Array = np.ndarray[Any, Any]
_ONE_PERCENT = top_k(0.01)
_SMALLEST, _LARGEST = 1e-6, 1e6  # beyond them b stands for 0 and for infinity: one neuron does all, all do the same


@dataclass(frozen=True)
class Law:
    """The law K(D) = N (1 - (bN/(cD + bN))**b) with c measured, fitted twice to the same counts.

    neurons: N. rows: how many were seen. per_row: c, the mean number of active neurons in a row. activated: K at all rows.
    b_of_curve: by least squares on the rarefaction curve at even steps of log D. b_of_counts: by the likelihood of the counts
    under Polya's urn. Both come from the same counts, so their agreement is a check of the law's form, not a second sample.
    fit: R**2 of the law on the curve. fit_of_equal_rates: that of N (1 - (1 - c/N)**D), where every neuron has the same rate.
    unseen: how many more neurons would ever be active, estimated from those seen once and twice (Chao, doi:10.2307/2531532).
    A b of infinity means that the counts differ by no more than equal rates make them, 0 that one neuron does everything.

    >>> law = fit_law(np.array([9, 3, 1, 0]), rows=10)
    >>> round(law.per_row, 2), law.activated, round(law.exponent + law.b_of_counts, 12)
    (1.3, 3, 1.0)
    """

    neurons: int
    rows: int
    per_row: float
    activated: int
    b_of_curve: float
    b_of_counts: float
    fit: float
    fit_of_equal_rates: float
    unseen: float

    @property
    def exponent(self) -> float:
        """a in P(count = k) ~ k**-a below the mean count: 1 - b. The law of the paper asks for 0 < a < 1."""
        return 1.0 - self.b_of_counts

    @property
    def steepest(self) -> float:
        """The D at which K rises fastest per factor of D, whatever b is: N/c."""
        return self.neurons / self.per_row if self.per_row else math.nan

    @property
    def noise(self) -> float:
        """The share of neurons that the law leaves inactive after all rows: what pruning could take away."""
        return (
            1.0
            - float(activated_by_law(self.rows, self.neurons, b=self.b_of_counts, per_row=self.per_row)) / self.neurons
        )


def activated_by_law(depth: Any, neurons: int, *, b: float, per_row: float) -> Array:
    """K(D) = N (1 - (bN/(cD + bN))**b); its limits for b = 0 and b = infinity too. Source: arXiv:2412.18073.

    >>> activated_by_law(np.array([0, 100]), 1000, b=1.0, per_row=20.0).round(1)
    array([  0. , 666.7])
    """
    mean = per_row * np.asarray(depth, dtype=np.float64) / neurons  # of the count of one neuron
    if math.isinf(b):
        return np.asarray(-neurons * np.expm1(-mean))
    if b == 0:
        return np.zeros_like(mean)
    return np.asarray(-neurons * np.expm1(-b * np.log1p(mean / b)))


def fit_law(counts: Array, *, rows: int) -> Law:
    """Fit the law to how often each neuron was active in ``rows`` rows: counts (N,) of whole numbers from 0 to rows.

    Raises DataError for counts that are none. Without rows, or where nothing was ever active, fits are NaN.

    >>> fit_law(np.zeros(3), rows=5).fit
    nan
    """
    from scipy.special import gammaln

    values = np.asarray(counts, dtype=np.float64)
    wrong = values.ndim != 1 or not len(values) or (values != np.floor(values)).any() or not np.isfinite(values).all()
    if wrong or values.min() < 0 or values.max() > rows:
        raise DataError(
            f"counts are whole numbers from 0 to rows={rows}, one per neuron; got {np.asarray(counts)!r:.60}"
        )
    depth = depths(rows)
    logs = gammaln(rows - values + 1) - gammaln(rows + 1.0)
    place = depth[:, None]
    left = rows - values - place
    missed = np.where(
        left >= 0, np.exp(np.minimum(logs - gammaln(np.maximum(left, 0) + 1) + gammaln(rows - place + 1), 0)), 0
    )
    curve = (1.0 - missed).sum(axis=1)
    return _law(values, rows, curve, b_of_curve=_by_curve(depth, curve, values), b_of_counts=_by_counts(values))


def depths(rows: int) -> Array:
    """Whole numbers from 1 to ``rows`` in even steps of their logarithm: where the curve is taken."""
    return np.unique(np.geomspace(1, rows, 32).round()) if rows else np.zeros(0)


def _law(counts: Array, rows: int, curve: Array, *, b_of_curve: float, b_of_counts: float) -> Law:
    neurons, total = len(counts), float(counts.sum())
    per_row = total / rows if rows else math.nan
    depth = depths(rows)
    known = total > 0
    by_law = activated_by_law(depth, neurons, b=b_of_curve, per_row=per_row) if known else curve
    equal = -neurons * np.expm1(depth * np.log1p(-min(per_row / neurons, 1 - 1e-16))) if known else curve
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    further = once**2 / (2 * twice) if twice else once * (once - 1) / 2
    activated = int((counts > 0).sum())
    return Law(
        neurons, rows, per_row, activated, b_of_curve, b_of_counts,
        fit=_explained(curve, by_law) if known else math.nan,
        fit_of_equal_rates=_explained(curve, equal) if known else math.nan,
        unseen=float(min(neurons - activated, (rows - 1) / rows * further)) if rows else math.nan,
    )  # fmt: skip


def _explained(curve: Array, model: Array) -> float:
    spread = float(((curve - curve.mean()) ** 2).sum())
    return 1.0 - float(((curve - model) ** 2).sum()) / spread if spread > 0 else math.nan


def _by_curve(depth: Array, curve: Array, counts: Array) -> float:
    """The b of least squares: the best of a grid, then where the derivative vanishes."""
    from scipy.optimize import brentq

    if not counts.sum() or len(curve) < 2:
        return math.nan
    neurons, rows = len(counts), float(depth[-1])
    mean = counts.sum() / rows * depth / neurons

    def slope(log_b: float) -> float:
        b = math.exp(log_b)
        ratio = mean / b
        left = np.exp(-b * np.log1p(ratio))
        return float(((neurons * (1 - left) - curve) * left * (np.log1p(ratio) - ratio / (1 + ratio))).sum())

    grid = np.linspace(math.log(_SMALLEST), math.log(_LARGEST), 400)
    losses = [((activated_by_law(depth, neurons, b=math.exp(at), per_row=mean[-1] * neurons / rows) - curve) ** 2).sum()
              for at in grid]  # fmt: skip
    best = int(np.argmin(losses))
    if best in (0, len(grid) - 1) or slope(grid[best - 1]) * slope(grid[best + 1]) > 0:
        return 0.0 if best < len(grid) / 2 else math.inf
    return math.exp(brentq(slope, grid[best - 1], grid[best + 1], xtol=1e-13, rtol=1e-14))


def _by_counts(counts: Array) -> float:
    """The b of the largest likelihood under Polya's urn, in which every neuron starts with weight b and gains 1 by each use."""
    from scipy.optimize import brentq
    from scipy.special import digamma

    total, neurons = float(counts.sum()), len(counts)
    if not total:
        return math.nan
    sizes, times = np.unique(counts[counts > 0], return_counts=True)

    def slope(log_b: float) -> float:
        b = math.exp(log_b)
        gained = float((times * (digamma(b + sizes) - digamma(b))).sum())
        return (gained - neurons * float(digamma(neurons * b + total) - digamma(neurons * b))) * b

    low, high = math.log(_SMALLEST), math.log(_LARGEST)
    if slope(high) > -1e-9:
        return math.inf if slope(low) > 0 else math.nan
    if slope(low) <= 0:
        return 0.0
    return math.exp(brentq(slope, low, high, xtol=1e-13, rtol=1e-14))


@dataclass(frozen=True)
class ActivationLaw(Instrument):
    """How the number of activated neurons grows with the number of rows, by the rule ``active``, and the law fitted to it.

    Source: arXiv:2412.18073, K(D) = N (1 - (bN/(cD + bN))**b); see `Law` for what is fitted and how. State: one count per
    neuron (and what the rule keeps); cost per row: that of the rule. The curve of one network tests the form of the law, that
    rates of neurons are spread like a gamma law. It cannot tell reinforcement from rates that were always there: that takes
    one network per number of training rows. And b depends on the rule: dense rules, such as the sign, give b above 1.

    Readings: "activated", "active per row", "b of the curve", "b of the counts", "fit", "fit of equal rates" (R**2),
    "unseen", "steepest" (N/c, in rows), "rows".

    >>> import torch
    >>> law = ActivationLaw(active=top_k(1))
    >>> state = law.update(law.start(3), torch.eye(3))
    >>> law.compute(state)["active per row"], str(law)
    (1.0, 'ActivationLaw(active=top_k(1))')
    """

    active: Activity = _ONE_PERCENT

    def __post_init__(self) -> None:
        if not isinstance(self.active, Activity):
            raise SettingError(
                f"active={self.active!r}: give a rule: above(0), pooled_quantile(0.9), top_k(0.01) or argmax()"
            )

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The rule of the default, on layers too small for 1 % one neuron, and a dense one."""
        from .activity import above

        return cls(), cls(active=above())

    @property
    def _counter(self) -> ActivatedNeurons:
        return ActivatedNeurons(active=self.active)

    def _start(self, neurons: int) -> State:
        return self._counter._start(neurons)

    def _update(self, state: State, batch: Batch) -> State:
        return self._counter._update(state, batch)

    def _compute(self, state: State) -> Readings:
        return _readings(fit_law(self.active.counts(state).numpy(), rows=int(state["rows"])))

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        active = self.active.definition(values.double().numpy())
        counts, rows = active.sum(axis=0).astype(np.float64), len(active)
        depth = depths(rows)
        curve = [sum(1 - math.comb(rows - int(c), int(d)) / math.comb(rows, int(d)) for c in counts) for d in depth]
        curve_array = np.array(curve, dtype=np.float64)
        plain = {"b_of_curve": _plain_by_curve(depth, curve_array, counts), "b_of_counts": _plain_by_counts(counts)}
        return _readings(_law(counts, rows, curve_array, **plain))


def _readings(law: Law) -> Readings:
    return {
        "activated": float(law.activated),
        "active per row": law.per_row,
        "b of the curve": law.b_of_curve,
        "b of the counts": law.b_of_counts,
        "fit": law.fit,
        "fit of equal rates": law.fit_of_equal_rates,
        "unseen": law.unseen,
        "steepest": law.steepest,
        "rows": float(law.rows),
    }


def _plain_by_curve(depth: Array, curve: Array, counts: Array) -> float:
    """The same b by the law as printed, with the derivative by a complex step and the root by halving."""
    if not counts.sum() or len(curve) < 2:
        return math.nan
    neurons, per_row = len(counts), counts.sum() / depth[-1]

    def loss(log_b: complex) -> complex:
        b = np.exp(log_b)
        left = np.exp(b * (np.log(b * neurons) - np.log(per_row * depth + b * neurons)))
        return complex(((neurons * (1 - left) - curve) ** 2).sum())

    grid = np.linspace(math.log(_SMALLEST), math.log(_LARGEST), 400)
    best = int(np.argmin([loss(at).real for at in grid]))
    ends = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    if best in (0, len(grid) - 1) or loss(ends[0] + 1e-30j).imag * loss(ends[1] + 1e-30j).imag > 0:
        return 0.0 if best < len(grid) / 2 else math.inf
    return _halved(lambda log_b: loss(log_b + 1e-30j).imag, *ends)


def _plain_by_counts(counts: Array) -> float:
    """The same b from the probabilities of the urn, draw by draw: a neuron's k-th use had the odds b + k - 1."""
    if not (total := int(counts.sum())):
        return math.nan
    uses = np.concatenate([np.arange(count) for count in counts.astype(int)])

    def slope(log_b: float) -> float:
        b = math.exp(log_b)
        return b * (math.fsum(1 / (b + uses)) - math.fsum(len(counts) / (len(counts) * b + np.arange(total))))

    if slope(math.log(_LARGEST)) > -1e-9:
        return math.inf if slope(math.log(_SMALLEST)) > 0 else math.nan
    return 0.0 if slope(math.log(_SMALLEST)) <= 0 else _halved(slope, math.log(_SMALLEST), math.log(_LARGEST))


def _halved(slope: Any, low: float, high: float) -> float:
    """exp of the place between low and high where the sign of ``slope`` changes."""
    rising = slope(high) > 0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if (slope(middle) > 0) == rising else (middle, high)
    return math.exp((low + high) / 2)


catalogue.add("ActivationLaw", ActivationLaw)
