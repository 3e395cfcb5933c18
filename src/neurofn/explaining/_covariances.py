"""Covariances between the units of two networks over the same samples, read in batches and never kept as activations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import DataError, SettingError, ShapeError
from ._split import Holdout
from .units import Units

__all__ = ["Covariances", "Paired", "check_draws", "correlations_of", "inverse_deviations", "random_rotation"]

Array = np.ndarray[Any, Any]
_SAMPLES = 64
_FEWEST = 4  # samples on each side of a split; with fewer every correlation is near 1


@dataclass(frozen=True, eq=False)
class Covariances:
    """Of units with units: ``across`` (first, second), ``own`` (first,), the variances alone, and ``other`` (second,
    second); and the means of both networks."""

    across: Array
    own: Array
    other: Array
    means: tuple[Array, Array]

    def correlations(self) -> Array:
        """(units of the first, units of the second); 0 with constant units."""
        return correlations_of(self.across, self.own, np.diag(self.other))

    def turned(self, turn: Array) -> Covariances:
        """With the units of the second network replaced by combinations of them: ``turn`` is (units, new units)."""
        means = self.means[0], self.means[1] @ turn
        return Covariances(self.across @ turn, self.own, turn.T @ self.other @ turn, means)


def correlations_of(across: Array, own: Array, other: Array) -> Array:
    """Covariances (m, n) over the roots of the variances (m,) and (n,); 0 where one of these is 0 up to rounding."""
    scale = np.sqrt(np.outer(np.maximum(own, 0), np.maximum(other, 0)))
    tiny = np.finfo(np.float64).eps * scale.max(initial=0)
    return np.asarray(np.clip(np.divide(across, scale, out=np.zeros_like(across), where=scale > tiny), -1, 1))


def random_rotation(covariances: Covariances, generator: np.random.Generator) -> Array:
    """What turns the units of the second network, each scaled to deviation 1, by a random rotation: (units, units)."""
    turn, upper = np.linalg.qr(generator.normal(size=covariances.other.shape))
    return np.asarray(inverse_deviations(covariances.other)[:, None] * turn * np.sign(np.diag(upper)))


def inverse_deviations(other: Array) -> Array:
    """1 over the deviation of each unit, 0 for constant ones; other: (units, units)."""
    deviations = np.sqrt(np.maximum(np.diag(other), 0))
    tiny = np.finfo(np.float64).eps * deviations.max(initial=0)
    return np.asarray(np.divide(1, deviations, out=np.zeros_like(deviations), where=deviations > tiny))


class Paired:
    """Two networks over the same samples. Places are rows where both have the same ones, else units are averaged over theirs.

    A unit with NaN or infinite activations counts as constant. Raises ShapeError where the samples differ in number.
    """

    def __init__(self, first: Units, second: Units) -> None:
        if first.samples != second.samples:
            raise ShapeError(
                f"the networks saw {first.samples} and {second.samples} samples: give the same ones, in order"
            )
        self.first, self.second, self.samples = first, second, first.samples
        places = _places(first)
        self.pooled = places is None or places != _places(second)

    def split(self, holdout: float | Holdout) -> tuple[Array, Array]:
        """The numbers of the samples to learn from and of those held out; raises DataError where one part is too small."""
        out = (holdout if isinstance(holdout, Holdout) else Holdout(holdout)).of(self.samples)
        learned, held = np.flatnonzero(~out), np.flatnonzero(out)
        if min(len(learned), len(held)) < _FEWEST:
            raise DataError(
                f"of {self.samples} samples {len(held)} are held out and {len(learned)} are left to learn from: "
                f"at least {_FEWEST} are needed on either side; give more samples, or another holdout="
            )
        return learned, held

    def covariances(self, samples: Array) -> Covariances:
        """Over these samples."""
        sums: list[Array] = []
        centre: tuple[Array, Array] | None = None
        count = 0
        for x, y in self._rows(samples, samples):
            centre = centre or (x.mean(axis=0), y.mean(axis=0))  # keeps large means from eating digits
            x, y = x - centre[0], y - centre[1]
            batch = [x.T @ y, (x * x).sum(axis=0), y.T @ y, x.sum(axis=0), y.sum(axis=0)]
            sums = [a + b for a, b in zip(sums, batch, strict=True)] if sums else batch
            count += len(x)
        assert centre is not None
        xy, xx, yy, x, y = (total / count for total in sums)
        return Covariances(xy - np.outer(x, y), xx - x**2, yy - np.outer(y, y), (centre[0] + x, centre[1] + y))

    def dealt_out(self, samples: Array, known: Covariances, generator: np.random.Generator) -> Array:
        """The covariances ``across`` when the samples of the second network are dealt out anew; all others stay."""
        total, count = np.zeros_like(known.across), 0
        for x, y in self._rows(samples, generator.permutation(samples)):
            total += (x - known.means[0]).T @ (y - known.means[1])
            count += len(x)
        return total / count

    def _rows(self, samples: Array, others: Array) -> Iterator[tuple[Array, Array]]:
        for start in range(0, len(samples), _SAMPLES):
            some = slice(start, start + _SAMPLES)
            yield (
                _rows(self.first, samples[some], pooled=self.pooled),
                _rows(self.second, others[some], pooled=self.pooled),
            )


def check_draws(draws: int) -> None:
    """Raises SettingError for draws < 1."""
    if draws < 1:
        raise SettingError(f"draws={draws}: give at least 1, for example 100")


def _places(units: Units) -> tuple[int, ...] | None:
    """The places that every sample has; None for several modules, and where samples have different places, as texts do."""
    if len(units.blocks) > 1:
        return None
    store = units.blocks[0].store
    shapes = {store.take(np.array([sample]), fill=0).shape[2:] for sample in range(units.samples)}
    return next(iter(shapes)) if len(shapes) == 1 else None


def _rows(units: Units, samples: Array, *, pooled: bool) -> Array:
    found = []
    for block in units.blocks:
        values = block.store.take(samples, fill=np.nan if pooled else 0).astype(np.float64)
        values = values.reshape(*values.shape[:2], -1)
        values[:, block.bad > 0] = 0
        rows = np.nanmean(values, axis=2) if pooled else values.swapaxes(1, 2).reshape(-1, values.shape[1])
        found.append(rows)
    return np.concatenate(found, axis=1)
