"""What chance would give: a unit's firing dealt out to other samples, moved within them as well, or a network without training.

The first two keep how often a unit fires and the shape in which it does, so that a coherent blob is compared with coherent
blobs. A null has ``n`` draws, given by `moves`; `moved` makes one of them from masks, plainly, and `explain` on packed bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._errors import SettingError, ShapeError
from .score import score

if TYPE_CHECKING:
    from .units import Units

__all__ = ["Chance", "Null", "Shifted", "Shuffled", "Untrained", "by_chance", "moved"]

Array = np.ndarray[Any, Any]
Move = tuple[Array, Array | None]
"""order (samples,): the firing of sample i goes to sample order[i]. steps (samples, axes), each from 0 to below 1: how far it
goes along each axis of the grid, as a share of its size; None where it stays in its place."""


class Null(Protocol):
    """Such as Shuffled or Shifted."""

    @property
    def n(self) -> int:
        """How many draws."""

    def moves(self, samples: int, axes: int) -> Iterator[Move]:
        """``n`` draws for ``samples`` samples with a grid of ``axes`` axes."""


@dataclass(frozen=True)
class Shuffled:
    """``n`` random orders of the samples; ``seed`` says which. Samples must not hang together, as frames of one film do: then
    whole films are the samples.

    >>> order, steps = next(Shuffled(2).moves(3, 2))
    >>> order.tolist(), steps
    ([2, 0, 1], None)
    """

    n: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_none(self.n)

    def moves(self, samples: int, axes: int) -> Iterator[Move]:
        """Orders alone."""
        generator = np.random.default_rng(self.seed)
        for _ in range(self.n):
            yield generator.permutation(samples), None


@dataclass(frozen=True)
class Shifted:
    """``n`` random orders of the samples in which the firing of each is moved as well, around the edges of its grid.

    It asks another question than Shuffled: whether a unit matches a formula better than it would if it fired as much anywhere.
    Take it beside Shuffled, not for it. A unit that fires above in every sample matches "sky" by its place alone; Shuffled
    calls that chance, and this calls it a match. Of 2,000 random blobs (`plant`), which lie more often in the middle of an
    image than at its edges, as things in photographs do, it called 92 % better than chance at p < 0.05, and Shuffled 5 %. Where
    no place is usual both ask the same. ``seed`` says which draws.

    >>> order, steps = next(Shifted(1).moves(3, 2))
    >>> order.shape, steps.shape
    ((3,), (3, 2))
    """

    n: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_none(self.n)

    def moves(self, samples: int, axes: int) -> Iterator[Move]:
        """Orders, and random steps along every axis; a sample that is one position has none."""
        generator = np.random.default_rng(self.seed)
        for _ in range(self.n):
            yield generator.permutation(samples), generator.random((samples, axes)) if axes else None


@dataclass(frozen=True, eq=False)
class Untrained:
    """The same units before training: with what held-out scores the same search explains those.

    units: read from a freshly initialised network of the same architecture, over the same samples in the same order, with the
    same threshold. Every unit is compared with all of them; such p-values may be corrected as others are (arXiv:2104.08279).
    Threshold by Quantile, so that both fire equally often: IoU grows with how often a unit fires. Only for `explain`.

    >>> from neurofn.explaining import Units
    >>> Untrained(Units.from_masks(np.ones((4, 9, 5), bool)))
    Untrained(4 units)
    """

    units: Units

    def __repr__(self) -> str:
        return f"Untrained({len(self.units)} units)"


def moved(fires: Array, move: Move) -> Array:
    """One draw of where a unit fires, bool (samples, *grid), as ``fires`` is: sample by sample, axis by axis.

    >>> fires = np.array([[True, False, False, False], [False] * 4])
    >>> moved(fires, (np.array([1, 0]), np.array([[0.5], [0.0]]))).tolist()
    [[False, False, False, False], [False, False, True, False]]
    """
    order, steps = move
    found = np.zeros_like(fires)
    for sample, place in enumerate(order):
        own = fires[sample]
        if steps is not None:
            by = tuple(int(share * size) for share, size in zip(steps[sample], own.shape, strict=True))
            own = np.roll(own, by, axis=tuple(range(own.ndim)))
        found[place] = own
    return found


@dataclass(frozen=True, eq=False)
class Chance:
    """The score of a formula, what it scores by chance, float (draws,), and how often that is as good: ``p``, above 0."""

    score: float
    by_chance: Array
    p: float

    @classmethod
    def of(cls, real: float, by_chance: Array) -> Chance:
        """p = (1 + draws as good) / (1 + draws), which is valid for any number of draws.

        >>> Chance.of(0.5, np.array([0.1, 0.2, 0.5])).p
        0.5
        """
        as_good = int((by_chance >= real - 1e-12).sum())
        return cls(float(real), by_chance, (1 + as_good) / (1 + len(by_chance)))


def by_chance(fires: Array, true: Array, *, null: Null | None = None, measure: str = "iou") -> Chance:
    """What a fixed formula scores for a unit, and for the same firing dealt out by a null (Shuffled(200) if not given).

    fires, true: bool (samples, *grid), where the unit fires and the formula is true. Give samples on which the formula was
    not searched: among all formulas some fit anything. Raises ShapeError where the two have different shapes.

    >>> generator = np.random.default_rng(0)
    >>> true = generator.random((60, 5, 5)) < generator.random((60, 1, 1))
    >>> by_chance(true, true).score, by_chance(true, true).p < 0.01
    (1.0, True)
    """
    if fires.shape != true.shape or fires.ndim < 1:
        raise ShapeError(f"the unit has shape {fires.shape} and the formula {true.shape}: give both (samples, *grid)")
    draws = (moved(fires, move) for move in (null or Shuffled()).moves(len(fires), fires.ndim - 1))
    both = np.array([int((drawn & true).sum()) for drawn in (fires, *draws)])
    scores = score(measure, (both, int(true.sum()), int(fires.sum()), fires.size))
    return Chance.of(scores[0], scores[1:])


def _refuse_none(n: int) -> None:
    if n < 1:
        raise SettingError(f"n={n}: give at least 1 draw, for example Shuffled(200)")
