"""PerformanceSparsity and PruningDeadRate: how many activations a model can do without, and how many are 0 as it is pruned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError, SiteError
from ._base import Readings
from ._probe import Data, Loss, Probe, loss_of, probes, trained
from ._signals import activation_modules, listening, replacing

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["PerformanceSparsity", "PruningDeadRate"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class PerformanceSparsity(Probe):
    """The largest sparsity of activations that raises the loss by no more than ``percent`` (PPL-p% sparsity, arXiv:2411.02335).

    At an error level e, each activation module gets the largest threshold t for which the values with |a| < t, set to 0,
    hold no more than e**2 of the sum of squares of its outputs over the data: the same relative error for all layers, and a
    threshold of its own for each. Levels are 0, 1/``levels``, ..., 1; the last one is taken at which, and at all levels
    before it, the loss is at most (1 + percent/100) times that of the model. The paper takes the error at the outputs of
    the whole feed-forward block and its percentage from the perplexity: with ``perplexity=True`` and cross-entropy the loss
    may rise by log(1 + percent/100).

    Readings: "sparsity", the share of values that are 0 at that level, over all modules; "sparsity without loss", that of the
    model as it is (values that are 0 anyway), the control; "level"; "loss"; "loss ratio", after to before; "layer sparsity"
    and "threshold", one per module in the order of the calls; all on the rows given, so hold back rows that the model was
    not trained on.

    Activation modules are those that map values one by one (ReLU, GELU, ...; functions of this library). Cost: one pass per
    level until the loss is too high, and the activations of all rows in memory. Raises SettingError for a negative percent,
    SiteError where the model has no activation module.

    >>> import torch
    >>> rows = torch.tensor([[0.1, 5.0], [5.0, 0.1]])
    >>> part = PerformanceSparsity(percent=15.0)
    >>> readings = part.of(torch.nn.ReLU(), [(rows, rows + 1)], loss=torch.nn.functional.mse_loss)
    >>> readings["sparsity"], readings["sparsity without loss"]
    (0.5, 0.0)
    """

    percent: float = field(default=1.0, metadata={"always printed": True})
    perplexity: bool = False
    levels: int = 20

    names: ClassVar[tuple[str, ...]] = (
        "sparsity", "sparsity without loss", "level", "loss", "loss ratio", "layer sparsity", "threshold"
    )  # fmt: skip

    def __post_init__(self) -> None:
        if not (math.isfinite(self.percent) and self.percent >= 0):
            raise SettingError(f"percent={self.percent}: give how much the loss may rise, 0 or more, such as 1.0")
        if isinstance(self.levels, bool) or not isinstance(self.levels, int) or self.levels < 1:
            raise SettingError(f"levels={self.levels!r}: give a whole number, 1 or more, such as 20")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A little loss, and much of it."""
        return cls(percent=1.0, levels=8), cls(percent=30.0, perplexity=True, levels=5)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        assert loss is not None
        sizes = [size.flatten().sort().values for size in _sizes(model, data).values()]
        shares = [size.square().cumsum(0) / size.square().sum().clamp(min=1e-300) for size in sizes]
        whole, found = loss_of(model, data, loss), (0.0, math.nan, [0.0] * len(sizes))
        for step in range(self.levels + 1):
            level = step / self.levels
            cuts = [int(torch.searchsorted(share, level**2 * (1 + 1e-12), right=True)) for share in shares]
            thresholds = [_beyond(size, cut) for size, cut in zip(sizes, cuts, strict=True)]
            raised = self._cut_loss(model, data, loss, thresholds)
            if not raised <= self._allowed(whole):
                break
            found = level, raised, thresholds
        zeros = [float((size < max(cut, 5e-324)).double().mean()) for size, cut in zip(sizes, found[2], strict=True)]
        weights = [len(size) for size in sizes]
        bare = float(np.average([float((size == 0).double().mean()) for size in sizes], weights=weights))
        return self._readings(found, whole, zeros, bare, float(np.average(zeros, weights=weights)))

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        assert loss is not None
        every = {name: size.flatten().tolist() for name, size in _sizes(model, data).items()}
        whole, best = loss_of(model, data, loss), (0.0, math.nan, [0.0] * len(every))
        holds = True
        for step in range(self.levels + 1):
            thresholds = []
            for values in every.values():
                budget, cut = (step / self.levels) ** 2 * math.fsum(v * v for v in values), math.inf
                for candidate in sorted(set(values)):
                    if math.fsum(v * v for v in values if v <= candidate) > budget * (1 + 1e-12):
                        cut = candidate
                        break
                thresholds.append(cut)
            raised = self._cut_loss(model, data, loss, thresholds)
            holds = holds and raised <= self._allowed(whole)
            best = (step / self.levels, raised, thresholds) if holds else best
        zeros = [
            sum(v < cut or v == 0 for v in values) / len(values)
            for values, cut in zip(every.values(), best[2], strict=True)
        ]
        number = [len(values) for values in every.values()]
        bare = sum(v == 0 for values in every.values() for v in values) / sum(number)
        over = sum(share * count for share, count in zip(zeros, number, strict=True)) / sum(number)
        return self._readings(best, whole, zeros, bare, over)

    def _allowed(self, whole: float) -> float:
        rise = 1 + self.percent / 100
        return (whole + math.log(rise) if self.perplexity else whole * rise) + 1e-12 * abs(whole)

    def _cut_loss(self, model: nn.Module, data: Data, loss: Loss, thresholds: list[float]) -> float:
        def cut(threshold: float) -> Callable[[Tensor], Tensor]:
            return lambda values: values.masked_fill(values.abs() < threshold, 0.0)

        changes = dict(zip(activation_modules(model), map(cut, thresholds), strict=True))
        with replacing(model, changes):
            return loss_of(model, data, loss)

    def _readings(self, found: Any, whole: float, zeros: list[float], bare: float, over: float) -> Readings:
        level, raised, thresholds = found
        return {
            "sparsity": over,
            "sparsity without loss": bare,
            "level": level,
            "loss": raised,
            "loss ratio": raised / whole if whole > 0 else math.nan,
            "layer sparsity": np.array(zeros, dtype=np.float64),
            "threshold": np.array(thresholds, dtype=np.float64),
        }


@dataclass(frozen=True)
class PruningDeadRate(Probe):
    """Dead rates of ReLU units while the smallest weights are taken away (dynamic dead neuron rate, arXiv:2212.06145).

    At each share of ``pruned``, that share of the weights with two axes or more, the smallest by magnitude over the whole
    model, is 0; biases stay. Readings, one per share: "dynamic dead rate", the share of (unit, row) pairs whose activation
    is 0; "static dead rate", of units that are 0 for all rows; "loss". Nothing is trained in between: the paper prunes and
    trains in turns, for which take the reading at each turn with ``pruned=(0.0,)``.

    The order of pruning is that of the magnitudes; equal ones go by their place. Cost: one pass per share and a copy of
    the weights. Raises SettingError for shares outside [0, 1), SiteError where the model has no activation module.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(1, 2, bias=False), torch.nn.ReLU())
    >>> with torch.no_grad():
    ...     _ = model[0].weight.copy_(torch.tensor([[1.0], [0.5]]))
    >>> rows = torch.tensor([[1.0], [-1.0]])
    >>> data = [(rows, rows.expand(2, 2))]
    >>> PruningDeadRate((0.0, 0.5)).of(model, data, loss=torch.nn.functional.l1_loss)["dynamic dead rate"]
    array([0.5 , 0.75])
    """

    pruned: tuple[float, ...] = (0.0, 0.5, 0.8, 0.9, 0.95)

    names: ClassVar[tuple[str, ...]] = ("dynamic dead rate", "static dead rate", "loss")

    def __post_init__(self) -> None:
        object.__setattr__(self, "pruned", tuple(float(share) for share in self.pruned))
        if not self.pruned or not all(0 <= share < 1 for share in self.pruned):
            raise SettingError(
                f"pruned={self.pruned}: give shares of the weights from 0 to less than 1, such as (0.0, 0.9)"
            )

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The default, and one share."""
        return cls(), cls((0.33,))

    def units(self, model: nn.Module) -> list[float]:
        """The shares, in the order of the readings."""
        return list(self.pruned)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        assert loss is not None
        matrices = [weight for weight in trained(model) if weight.ndim > 1]
        kept = [weight.detach().clone() for weight in matrices]
        found = []
        try:
            order = torch.cat([weight.abs().flatten() for weight in kept]).argsort(stable=True)
            for share in self.pruned:
                mask = torch.ones(len(order), dtype=torch.bool, device=order.device)
                mask[order[: int(share * len(order) + 1e-9)]] = False
                with torch.no_grad():
                    for weight, own, part in zip(
                        matrices, kept, torch.split(mask, [w.numel() for w in kept]), strict=True
                    ):
                        weight.copy_(own * part.view_as(own))
                found.append((*_dead(_sizes(model, data)), loss_of(model, data, loss)))
        finally:
            with torch.no_grad():
                for weight, own in zip(matrices, kept, strict=True):
                    weight.copy_(own)
        return dict(zip(self.names, np.array(found, dtype=np.float64).T.copy(), strict=True))

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import copy

        import torch

        assert loss is not None
        found = []
        for share in self.pruned:
            twin = copy.deepcopy(model)
            places = [(abs(float(w.flatten()[at].detach())), number, at)
                      for number, w in enumerate(trained(twin)) if w.ndim > 1 for at in range(w.numel())]  # fmt: skip
            with torch.no_grad():
                for _, number, at in sorted(places)[: int(share * len(places) + 1e-9)]:
                    trained(twin)[number].view(-1)[at] = 0.0
            zero = [(size == 0).numpy() for size in _sizes(twin, data).values()]
            dynamic = sum(int(each.sum()) for each in zero) / sum(each.size for each in zero)
            static = [bool(column.all()) for each in zero for column in each.T]
            inputs, targets = data.whole()
            found.append((dynamic, sum(static) / len(static), float(loss(twin(inputs), targets).detach())))
        return dict(zip(self.names, np.array(found, dtype=np.float64).T.copy(), strict=True))


def _sizes(model: nn.Module, data: Data) -> dict[str, Tensor]:
    """Magnitudes of the outputs of each activation module over all rows and calls, (values, units) float64."""
    import torch

    names = activation_modules(model)
    if not names:
        raise SiteError("the model has no module that maps values one by one, such as torch.nn.ReLU(); use modules for its "
                        "activations, or swap them in")  # fmt: skip
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    with torch.no_grad():
        for inputs, _ in data.batches:
            with listening(model, names) as heard:
                model(inputs)
            for name, output, _ in heard:
                moved = output.movedim(1, -1) if output.ndim > 3 else output
                found[name].append(moved.reshape(-1, moved.shape[-1]).abs().double().cpu())
    return {name: torch.cat(parts) for name, parts in found.items() if parts}


def _dead(sizes: dict[str, Tensor]) -> tuple[float, float]:
    zero = [size == 0 for size in sizes.values()]
    dynamic = sum(int(each.sum()) for each in zero) / sum(each.numel() for each in zero)
    static = [each.all(dim=0) for each in zero]
    return dynamic, sum(int(each.sum()) for each in static) / sum(len(each) for each in static)


def _beyond(ordered: Tensor, cut: int) -> float:
    """The least threshold below which the first ``cut`` values lie, and no value equal to one that stays."""
    return float(ordered[cut]) if cut < len(ordered) else math.inf


for _part in (PerformanceSparsity, PruningDeadRate):
    probes.add(_part.__name__, _part)
