"""What chance would give: a unit's firing dealt out to other samples, as whole samples or moved within them as well.

Both keep how often a unit fires and the shape in which it does, so that a coherent blob is compared with coherent blobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .._errors import SettingError, ShapeError
from .score import score

__all__ = ["Chance", "Null", "Shifted", "Shuffled", "by_chance"]

Array = np.ndarray[Any, Any]


class Null(Protocol):
    """Such as Shuffled or Shifted."""

    @property
    def n(self) -> int:
        """How many draws."""

    def draw(self, fires: Array, number: int) -> Array:
        """Draw ``number``, from 0 to n - 1, of where a unit fires by chance: bool, in the shape given, (samples, *grid)."""


@dataclass(frozen=True)
class Shuffled:
    """``n`` random orders of the samples; ``seed`` says which.

    >>> Shuffled(2).orders(3)[0].tolist()
    [2, 0, 1]
    """

    n: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_none(self.n)

    def orders(self, samples: int) -> list[Array]:
        """Permutations of range(samples)."""
        generator = np.random.default_rng(self.seed)
        return [generator.permutation(samples) for _ in range(self.n)]

    def draw(self, fires: Array, number: int) -> Array:
        """The firing of each sample at the place of another; the draws are not those of `orders`.

        >>> Shuffled(1).draw(np.array([[True, False], [False, False]]), 0).sum()
        np.int64(1)
        """
        return np.asarray(fires[np.random.default_rng([self.seed, number]).permutation(len(fires))])


@dataclass(frozen=True)
class Shifted:
    """``n`` random orders of the samples in which the firing of each is moved as well, around the edges of its grid.

    It asks more than Shuffled asks: whether a unit matches a formula better than it would if it fired as much anywhere. A unit
    that fires above in every sample matches "sky" by its place alone; Shuffled calls that chance, and this does not. Without
    usual places both ask the same. ``seed`` says which draws.

    >>> Shifted(1).draw(np.array([[True, False, False, False]]), 0).sum()
    np.int64(1)
    """

    n: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_none(self.n)

    def draw(self, fires: Array, number: int) -> Array:
        """The firing of each sample at the place of another, moved by a random step along every axis of the grid."""
        generator = np.random.default_rng([self.seed, number])
        found = fires[generator.permutation(len(fires))]
        steps = [generator.integers(0, size, len(fires)) for size in fires.shape[1:]]
        for axis, (size, step) in enumerate(zip(fires.shape[1:], steps, strict=True), start=1):
            place = (np.arange(size) - step[:, None]) % size
            shape = [len(fires) if k == 0 else size if k == axis else 1 for k in range(fires.ndim)]
            found = np.take_along_axis(found, place.reshape(shape), axis)
        return np.asarray(found)


def _refuse_none(n: int) -> None:
    if n < 1:
        raise SettingError(f"n={n}: give at least 1 draw, for example Shuffled(200)")


@dataclass(frozen=True, eq=False)
class Chance:
    """The score of a formula, what it scores by chance, float (draws,), and how often that is as good: ``p``, above 0."""

    score: float
    by_chance: Array
    p: float


def by_chance(fires: Array, true: Array, *, null: Null | None = None, measure: str = "iou") -> Chance:
    """What a fixed formula scores for a unit, and for the same firing dealt out by a null (Shuffled(200) if not given).

    fires, true: bool (samples, *grid), where the unit fires and the formula is true. Give samples on which the formula was
    not searched: among all formulas some fit anything. p = (1 + draws as good) / (1 + draws), which is valid for any n. Raises
    ShapeError where the two have different shapes.

    >>> generator = np.random.default_rng(0)
    >>> true = generator.random((60, 5, 5)) < generator.random((60, 1, 1))
    >>> by_chance(true, true).score, by_chance(true, true).p < 0.01
    (1.0, True)
    """
    if fires.shape != true.shape or fires.ndim < 1:
        raise ShapeError(f"the unit has shape {fires.shape} and the formula {true.shape}: give both (samples, *grid)")
    null = null or Shuffled()
    size, total, positions = int(true.sum()), int(fires.sum()), fires.size
    draws = (null.draw(fires, number) for number in range(null.n))
    both = np.array([int((fires & true).sum()), *(int((drawn & true).sum()) for drawn in draws)])
    scores = score(measure, (both, size, total, positions))
    as_good = int((scores[1:] >= scores[0] - 1e-12).sum())
    return Chance(float(scores[0]), scores[1:], (1 + as_good) / (1 + null.n))
