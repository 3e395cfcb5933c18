"""Which few units of one network tell what a unit of another does: sparse prediction, scored on held-out samples.

Matching one unit with one other misses what is spread over a few. Here units of the second network are taken in one after
the other, and the share of variance they explain on samples that were not used tells how many it takes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .._errors import SettingError
from ._chance import benjamini_hochberg
from ._covariances import Covariances, Paired, check_draws, correlations_of, inverse_deviations, random_rotation
from ._split import Holdout
from .units import Units

__all__ = ["Prediction", "predict_units"]

Array = np.ndarray[Any, Any]
_TINY = 1e-6  # correlations that are 0 up to rounding
_SAMPLES_EACH = 4  # samples to learn from for each unit that is taken in, at the least


@dataclass(frozen=True)
class Prediction:
    """A unit of the first network, predicted from a few units of the second.

    unit: its name. partners: the names of as many units as the samples learned from bear out (extended BIC), in the order
    in which they were taken in; none where not even one does. weights: of the partners, for units scaled to deviation 1. r2:
    the share of the unit's variance on held-out samples that the first 1, 2, ... units taken in explain; below 0 where the
    mean explains more. excess: r2 less its mean over random rotations of the second network's units. p: how often the
    prediction, from the partners or else from the first unit taken in, is as good on held-out samples dealt out anew,
    corrected over units (Benjamini and Hochberg).
    """

    unit: int | str
    partners: tuple[int | str, ...]
    weights: tuple[float, ...]
    r2: tuple[float, ...]
    excess: tuple[float, ...]
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def predict_units(
    first: Units,
    second: Units,
    *,
    most: int = 8,
    holdout: float | Holdout = 0.3,
    draws: int = 100,
    seed: int = 0,
) -> list[Prediction]:
    """Predict every unit of ``first`` from at most ``most`` units of ``second``, by orthogonal matching pursuit.

    holdout: the share of samples that is kept for r2 and p. draws: how many permutations of samples and how many rotations.
    With few samples fewer units are taken in, one for four samples to learn from. Samples, places and constant units as in
    `match`. Raises SettingError for most < 1 or draws < 1, DataError for too few samples, ShapeError for other numbers of them.

    Source: one-to-many matching after arXiv:1511.07543, with pursuit in place of its lasso (doi:10.1109/ACSSC.1993.342465);
    excess over rotated baselines after arXiv:2401.12181; number of units after doi:10.1093/biomet/asn034.

    >>> values = np.random.default_rng(0).normal(size=(300, 5))
    >>> found = predict_units(Units.from_activations(values[:, :1] + values[:, 3:4]), Units.from_activations(values), draws=20)
    >>> sorted(found[0].partners), round(found[0].r2[0], 1), round(found[0].r2[1], 3)
    ([0, 3], 0.5, 1.0)
    """
    check_draws(draws)
    if most < 1:
        raise SettingError(f"most={most}: give at least 1 unit to predict from, for example 8")
    paired, generator = Paired(first, second), np.random.default_rng(seed)
    learned, held = paired.split(holdout)
    known, tested = paired.covariances(learned), paired.covariances(held)
    most = min(most, len(known.other), max(1, len(learned) // _SAMPLES_EACH))
    fit = _Fit.of(known, most=most)
    r2 = fit.r2(tested)
    turns = (random_rotation(known, generator) for _ in range(draws))
    rotated = np.mean([_Fit.of(known.turned(turn), most=most).r2(tested.turned(turn)) for turn in turns], axis=0)
    numbers = fit.numbers(len(learned))
    used = fit.weights[np.maximum(numbers, 1) - 1, np.arange(len(numbers))]  # (units of the first, units of the second)
    agreement = (used * tested.across).sum(axis=1)
    above = np.zeros(len(used), np.int64)
    for _ in range(draws):  # the spread of the prediction stays, so that agreement orders as r2 does
        dealt = (used * paired.dealt_out(held, tested, generator)).sum(axis=1)
        above += dealt >= agreement - 1e-9 * np.abs(agreement)
    p = benjamini_hochberg(((1 + above) / (1 + draws)).tolist())
    return [
        Prediction(
            unit=name,
            partners=tuple(second.names[k] for k in fit.order[: numbers[row], row]),
            weights=tuple(float(fit.scaled[numbers[row] - 1, row, k]) for k in fit.order[: numbers[row], row]),
            r2=tuple(r2[:, row].tolist()),
            excess=tuple((r2 - rotated)[:, row].tolist()),
            p=float(p[row] or 0.0),
        )
        for row, name in enumerate(first.names)
    ]


@dataclass(frozen=True, eq=False)
class _Fit:
    """Predictions learned with 1, 2, ... units: ``order`` (numbers, targets), -1 where none was taken in; ``scaled`` the
    weights for units of deviation 1, ``weights`` those for units as they are (numbers, targets, units); ``share`` of variance
    explained where learned (numbers, targets)."""

    known: Covariances
    order: Array
    scaled: Array
    weights: Array
    share: Array

    @classmethod
    def of(cls, known: Covariances, *, most: int) -> _Fit:
        across = known.correlations()
        variances = np.diag(known.other)
        inside = correlations_of(known.other, variances, variances)
        order, scaled = pursue(inside, across, most=most)
        deviations = np.sqrt(np.maximum(known.own, 0))
        weights = scaled * deviations[:, None] * inverse_deviations(known.other)
        return cls(known, order, scaled, weights, (scaled * across).sum(axis=2))

    def r2(self, tested: Covariances) -> Array:
        """The share of variance explained on other samples, (numbers, targets); 0 for targets that are constant there."""
        spread = ((self.weights @ tested.other) * self.weights).sum(axis=2)
        missed = tested.own - 2 * (self.weights * tested.across).sum(axis=2) + spread
        off = (tested.means[0] - self.known.means[0]) - self.weights @ (tested.means[1] - self.known.means[1])
        varies = (tested.own > 0) & (self.known.own > 0)
        return np.asarray(np.where(varies, 1 - (missed + off**2) / np.where(varies, tested.own, 1), 0.0))

    def numbers(self, samples: int) -> Array:
        """How many units are borne out for each target: the extended Bayesian criterion is lowest, (targets,)."""
        units = np.arange(len(self.share) + 1)[:, None]
        missed = np.concatenate([np.ones((1, self.share.shape[1])), np.maximum(1 - self.share, 1e-12)])
        price = np.log(samples) + 2 * np.log(max(self.scaled.shape[2], 2))
        return np.asarray((samples * np.log(missed) + units * price).argmin(axis=0))


def pursue(inside: Array, across: Array, *, most: int) -> tuple[Array, Array]:
    """Orthogonal matching pursuit for all targets at once, from correlations alone.

    inside: (units, units). across: (targets, units). Takes in the unit that correlates most with what is left, fits all that
    were taken in, and goes on; stops for a target of which nothing is left that any unit correlates with. Returns which unit
    was taken in at each step, (most, targets), -1 for none, and the weights after it, (most, targets, units).
    """
    targets, units = across.shape
    order, weights = np.full((most, targets), -1), np.zeros((most, targets, units))
    live, left = np.arange(targets), across.copy()
    for step in range(most):
        if step:
            weights[step] = weights[step - 1]
        picked = np.abs(left).argmax(axis=1)
        live = live[np.abs(left[live, picked[live]]) > _TINY]
        order[step, live] = picked[live]
        taken = order[: step + 1, live].T  # (live targets, units taken in)
        gram = inside[taken[:, :, None], taken[:, None, :]] + 1e-12 * np.eye(step + 1)
        solved = np.linalg.solve(gram, np.take_along_axis(across[live], taken, axis=1)[:, :, None])[:, :, 0]
        weights[step, live[:, None], taken] = solved
        left[live] = across[live] - weights[step, live] @ inside
        left[live[:, None], taken] = 0
    return order, weights
