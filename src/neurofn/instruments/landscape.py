"""Landscape: in how few random directions of its weights a network can be trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .._errors import DataError, SettingError, ShapeError
from ._flat import flat_call

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LandscapeDimension", "RandomSubspaces"]


@dataclass(frozen=True)
class LandscapeDimension:
    """In how many random directions training reached its goal.

    dimension: the smallest number of directions tried whose score reached the share of ``baseline``, which is the score of
    training in all ``parameters``; None where none did. scores: (directions, score) as tried. untrained: the control, the
    score of the weights as they were given; a dimension says nothing where that reaches the goal too.

    >>> LandscapeDimension(dimension=2, baseline=1.0, untrained=0.1, parameters=9, scores=((1, 0.5), (2, 0.97))).dimension
    2
    """

    dimension: int | None
    baseline: float
    untrained: float
    parameters: int
    scores: tuple[tuple[int, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class RandomSubspaces:
    """The intrinsic dimension of an objective landscape (Li and others, arXiv:1804.08838), found by training.

    The weights are theta + P z: theta is where the model stands, P has columns of length 1 in random directions, and only z
    is trained, from 0, by Adam on all rows at once. The dimension is the smallest number of columns whose score on held-out
    rows is at least ``share`` of that of training all weights for as many steps at the same rate. The score of labels is the
    accuracy (loss: cross-entropy), of real targets 1 - residual variance / variance (loss: mean square).

    dimensions: numbers of directions to try, rising; all are tried, since scores need not rise with them.
    steps, learning_rate: of every training. seed: of P. The paper trains until convergence with the optimiser tuned per
    size; few steps give too large a dimension. Costs len(dimensions) + 1 trainings and parameters * dimension numbers.
    The given model is left as it is. Raises SettingError for settings out of range.

    >>> import torch
    >>> inputs = torch.eye(6)[:2]  # two equations for six weights
    >>> model = torch.nn.Linear(6, 1, bias=False)
    >>> found = RandomSubspaces(dimensions=(1, 2, 3), share=0.99).of(model, inputs, torch.tensor([[1.0], [-1.0]]))
    >>> found.dimension, found.parameters
    (2, 6)
    """

    dimensions: tuple[int, ...]
    steps: int = 500
    learning_rate: float = 0.05
    share: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in zip((0, *self.dimensions), self.dimensions, strict=False))
        if not self.dimensions or not rising:
            raise SettingError(
                f"dimensions={self.dimensions}: give rising numbers of directions, for example (1, 10, 100)"
            )
        if self.steps < 1 or not (math.isfinite(self.learning_rate) and self.learning_rate > 0 and 0 < self.share <= 1):
            raise SettingError(f"steps={self.steps}, learning_rate={self.learning_rate}, share={self.share}: give 1 step or "
                               "more, a positive rate and a share in (0, 1]")  # fmt: skip

    def of(
        self, model: nn.Module, inputs: Tensor, targets: Tensor, *, held_out: tuple[Tensor, Tensor] | None = None
    ) -> LandscapeDimension:
        """The dimension of ``model`` learning ``targets`` (rows,) labels or (rows, k) values from ``inputs``.

        held_out: (inputs, targets) to score on; None for those learned from. Runs in float64, in the mode the model is in.
        Raises ShapeError where rows and targets differ in number, DataError for a score of all weights that is not positive.
        """
        import torch

        scored = held_out or (inputs, targets)
        for rows, wanted in ((inputs, targets), scored):
            if len(rows) != len(wanted) or not len(rows):
                raise ShapeError(f"{len(rows)} inputs and {len(wanted)} targets; give one target per input")
        data = _double(inputs), _double(targets)
        scored = _double(scored[0]), _double(scored[1])
        call, start = flat_call(model)
        generator = torch.Generator().manual_seed(self.seed)

        def trained(directions: Tensor | None) -> float:
            """The score after training in these directions; None for all."""
            size = len(start) if directions is None else directions.shape[1]
            z = torch.zeros(size, dtype=torch.float64, requires_grad=True)
            optimizer = torch.optim.Adam([z], lr=self.learning_rate)
            for _ in range(self.steps):
                optimizer.zero_grad()
                _loss(call(start + (z if directions is None else directions @ z), data[0]), data[1]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            return _score(call(start + (z if directions is None else directions @ z), scored[0]), scored[1])

        baseline = trained(None)
        if not baseline > 0:
            raise DataError(
                f"training all weights gives the score {baseline:.3g}; give more steps or another rate first"
            )
        scores = []
        for size in self.dimensions:
            directions = torch.randn(len(start), size, generator=generator, dtype=torch.float64)
            scores.append((size, trained(directions / directions.norm(dim=0))))
        reached = [size for size, score in scores if score >= self.share * baseline]
        untrained = _score(call(start, scored[0]), scored[1])
        return LandscapeDimension(min(reached, default=None), baseline, untrained, len(start), tuple(scores))


def _double(values: Tensor) -> Tensor:
    return values.detach().double() if values.is_floating_point() else values.detach()


def _loss(output: Tensor, targets: Tensor) -> Tensor:
    from torch.nn import functional

    if targets.is_floating_point():
        return functional.mse_loss(output, targets.view_as(output))
    return functional.cross_entropy(output, targets.long())


def _score(output: Tensor, targets: Tensor) -> float:
    output = output.detach()
    if not targets.is_floating_point():
        return float((output.argmax(dim=1) == targets).double().mean())
    wanted = targets.view_as(output)
    spread = float((wanted - wanted.mean(dim=0)).square().sum())
    return 1 - float((output - wanted).square().sum()) / spread if spread else math.nan
