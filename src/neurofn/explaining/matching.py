"""Which units of two networks do the same: correlation over the same samples, one-to-one assignment, and what chance gives.

Two baselines tell a match from none: the samples of one network dealt out anew (no relation at all), and its units turned
into random directions of the same space (the same information, but in no preferred units).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .._errors import SettingError, ShapeError
from ._chance import benjamini_hochberg
from .units import Units

__all__ = ["Match", "correlations", "match"]

Array = np.ndarray[Any, Any]
_SAMPLES = 64


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

    Places are rows where both have the same ones, else units are averaged over their places. Constant units have
    correlation 0. Raises ShapeError where the samples differ in number. Streams: never all activations in memory.

    >>> values = np.random.default_rng(0).normal(size=(50, 3))
    >>> first, second = Units.from_activations(values), Units.from_activations(-values[:, ::-1])
    >>> round(float(correlations(first, second)[0, 2]), 6)
    -1.0
    """
    return _Moments.of(first, second, np.arange(first.samples)).correlations()


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

    if draws < 1:
        raise SettingError(f"draws={draws}: give at least 1, for example 100")
    generator = np.random.default_rng(seed)
    moments = _Moments.of(first, second, np.arange(first.samples))
    table = moments.correlations()
    best = table.max(axis=1)
    rotated = np.mean([moments.rotated(generator).max(axis=1) for _ in range(draws)], axis=0)
    above = np.zeros(len(table), np.int64)
    for _ in range(draws):
        order = generator.permutation(first.samples)
        above += _Moments.of(first, second, order).correlations().max(axis=1) >= best - 1e-12
    p = benjamini_hochberg(((1 + above) / (1 + draws)).tolist())
    own, partners = linear_sum_assignment(table, maximize=True)
    return [
        Match(
            first.names[i], second.names[j], float(table[i, j]), float(best[i]), float(best[i] - rotated[i]), float(p[i] or 0.0)
        )
        for i, j in zip(own, partners, strict=True)
    ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Moments:
    """Covariances: of the units of both networks, and of each network's own (of the first the diagonal alone)."""

    across: Array
    own: Array
    other: Array

    @classmethod
    def of(cls, first: Units, second: Units, order: Array) -> _Moments:
        """``order``: the sample of the second network beside each sample of the first."""
        if first.samples != second.samples:
            raise ShapeError(
                f"the networks saw {first.samples} and {second.samples} samples: give the same ones, in order"
            )
        pooled = _places(first) != _places(second)
        count = 0
        centre: tuple[Array, Array] | None = None
        sums: tuple[Array, ...] | None = None
        for x, y in _pairs(first, second, order, pooled=pooled):
            centre = (
                (x.mean(axis=0), y.mean(axis=0)) if centre is None else centre
            )  # keeps large means from eating digits
            x, y = x - centre[0], y - centre[1]
            batch = (x.T @ y, (x * x).sum(axis=0), y.T @ y, x.sum(axis=0), y.sum(axis=0))
            sums = batch if sums is None else tuple(a + b for a, b in zip(sums, batch, strict=True))
            count += len(x)
        assert sums is not None
        xy, xx, yy, x, y = (total / count for total in sums)
        return cls(xy - np.outer(x, y), xx - x**2, yy - np.outer(y, y))

    def correlations(self) -> Array:
        """(units of the first, units of the second)."""
        return _scaled(self.across, self.own, np.diag(self.other))

    def rotated(self, generator: np.random.Generator) -> Array:
        """The correlations with a random rotation of the second network's units, each scaled to deviation 1 before."""
        deviations = np.sqrt(np.maximum(np.diag(self.other), 0))
        scale = np.divide(1, deviations, out=np.zeros_like(deviations), where=deviations > 0)
        turn, upper = np.linalg.qr(generator.normal(size=self.other.shape))
        turn = scale[:, None] * turn * np.sign(np.diag(upper))
        return _scaled(self.across @ turn, self.own, np.einsum("ij,ik,kj->j", turn, self.other, turn, optimize=True))


def _scaled(across: Array, own: Array, other: Array) -> Array:
    scale = np.sqrt(np.outer(np.maximum(own, 0), np.maximum(other, 0)))
    tiny = np.finfo(np.float64).eps * scale.max(initial=0)
    return np.asarray(np.clip(np.divide(across, scale, out=np.zeros_like(across), where=scale > tiny), -1, 1))


def _places(units: Units) -> tuple[int, ...]:
    return units.blocks[0].store.shape[1:] if len(units.blocks) == 1 else (-1,)


def _pairs(first: Units, second: Units, order: Array, *, pooled: bool) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(order), _SAMPLES):
        own = np.arange(start, min(start + _SAMPLES, len(order)))
        yield _rows(first, own, pooled=pooled), _rows(second, order[own], pooled=pooled)


def _rows(units: Units, samples: Array, *, pooled: bool) -> Array:
    found = []
    for block in units.blocks:
        values = block.store.take(samples, fill=0).astype(np.float64)
        values = values.reshape(*values.shape[:2], -1)
        mean = pooled or len(units.blocks) > 1
        found.append(values.mean(axis=2) if mean else values.swapaxes(1, 2).reshape(-1, values.shape[1]))
    return np.concatenate(found, axis=1)
