"""Which units of two networks do the same: correlation over the same samples, one-to-one assignment, and what chance gives.

Two baselines tell a match from none: the samples of one network dealt out anew (no relation at all), and its units turned
into random directions of the same space (the same information, but in no preferred units).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ._chance import benjamini_hochberg
from ._covariances import Paired, check_draws, correlations_of, random_rotation
from .units import Units

__all__ = ["Match", "correlations", "match"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Match:
    """A unit of the first network and its partner in the second, no unit having two partners.

    unit, partner: names. correlation: Pearson's, from -1 to 1. best: the largest correlation of the unit with any unit of
    the second network. excess: ``best`` less its mean over random rotations of the second network's units. p: how often
    ``best`` is as large when samples are dealt out anew, corrected over units (Benjamini and Hochberg).
    """

    unit: int | str
    partner: int | str
    correlation: float
    best: float
    excess: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def correlations(first: Units, second: Units) -> Array:
    """Pearson correlation of every unit of ``first`` with every unit of ``second`` over the same samples: (units, units).

    Places are rows where both have the same ones, else units are averaged over their places. Constant units, and units with
    NaN or infinite activations, have correlation 0. Raises ShapeError where the samples differ in number. Streams: never
    all activations in memory.

    >>> values = np.random.default_rng(0).normal(size=(50, 3))
    >>> first, second = Units.from_activations(values), Units.from_activations(-values[:, ::-1])
    >>> round(float(correlations(first, second)[0, 2]), 6)
    -1.0
    """
    return Paired(first, second).covariances(np.arange(first.samples)).correlations()


def match(first: Units, second: Units, *, draws: int = 100, seed: int = 0) -> list[Match]:
    """Match units one to one so that the sum of correlations is largest, with a permutation null and rotated baselines.

    draws: how many permutations of samples and how many rotations. Units without a partner (more units in ``first``) are
    left out; order is that of ``first``. Raises SettingError for draws < 1, ShapeError for other numbers of samples.

    Source: one-to-one matching after arXiv:1511.07543, excess over rotated baselines after arXiv:2401.12181.

    >>> values = np.random.default_rng(0).normal(size=(200, 3))
    >>> found = match(Units.from_activations(values), Units.from_activations(values[:, [2, 0, 1]]), draws=20)
    >>> [(one.unit, one.partner) for one in found]
    [(0, 1), (1, 2), (2, 0)]
    """
    from scipy.optimize import linear_sum_assignment

    check_draws(draws)
    generator = np.random.default_rng(seed)
    paired, samples = Paired(first, second), np.arange(first.samples)
    known = paired.covariances(samples)
    table = known.correlations()
    best = table.max(axis=1)
    turns = (random_rotation(known, generator) for _ in range(draws))
    rotated = np.mean([known.turned(turn).correlations().max(axis=1) for turn in turns], axis=0)
    above = np.zeros(len(table), np.int64)
    for _ in range(draws):
        across = paired.dealt_out(samples, known, generator)
        above += correlations_of(across, known.own, np.diag(known.other)).max(axis=1) >= best - 1e-12
    p = benjamini_hochberg(((1 + above) / (1 + draws)).tolist())
    own, partners = linear_sum_assignment(table, maximize=True)
    return [
        Match(
            first.names[i], second.names[j], float(table[i, j]), float(best[i]), float(best[i] - rotated[i]), float(p[i] or 0.0)
        )
        for i, j in zip(own, partners, strict=True)
    ]  # fmt: skip
