"""InputJacobian, SignalPropagation and PathLength: how a signal and its gradient change on their way through the layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError
from ._base import Readings
from ._probe import Data, Loss, Probe, probes
from ._signals import activation_modules, listening

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["InputJacobian", "PathLength", "SignalPropagation"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class InputJacobian(Probe):
    """The singular values of the Jacobian of outputs over inputs, at each of the first ``rows`` rows.

    Readings, each the mean over rows: "mean square", of the singular values, 1 for a network that keeps lengths on average;
    "largest"; "log spread", the deviation of their logarithms, 0 at dynamical isometry (arXiv:1711.04735); "rank", the
    number of those above 1e-6 times the largest; "singular values", all, largest first. A row with singular values of 0 has
    no finite logarithm; these are left out of the spread. Cost: one gradient per row and output. Raises SettingError for no
    rows.

    >>> import torch
    >>> scale = torch.nn.Linear(2, 2, bias=False)
    >>> with torch.no_grad():
    ...     _ = scale.weight.copy_(torch.diag(torch.tensor([3.0, 1.0])))
    >>> InputJacobian().of(scale, [torch.ones(4, 2)])["singular values"]
    array([3., 1.])
    """

    rows: int = 16

    names: ClassVar[tuple[str, ...]] = ("mean square", "largest", "log spread", "rank", "singular values")
    needs: ClassVar[frozenset[str]] = frozenset({"rows"})

    def __post_init__(self) -> None:
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or self.rows < 1:
            raise SettingError(f"rows={self.rows!r}: give a whole number, 1 or more, such as 16")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All rows of a small set, and some."""
        return cls(rows=64), cls(rows=3)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        found = []
        for inputs, _ in data.first(self.rows).batches:
            for row in range(len(inputs)):
                here = inputs[row : row + 1].detach().requires_grad_()
                answer = model(here).flatten()
                slopes = [
                    torch.autograd.grad(answer[at], here, retain_graph=True, materialize_grads=True)[0].flatten()
                    for at in range(len(answer))
                ]
                found.append(torch.linalg.svdvals(torch.stack(slopes).double()).cpu().numpy())
        return self._readings(np.array(found))

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        inputs = data.first(self.rows).whole()[0]
        step, found = 1e-6, []
        for row in inputs:
            columns = []
            for place in range(row.numel()):
                moved = [row.clone(), row.clone()]
                moved[0].view(-1)[place] += step
                moved[1].view(-1)[place] -= step
                above, below = (model(each[None]).detach().double().flatten().numpy() for each in moved)
                columns.append((above - below) / (2 * step))
            found.append(np.linalg.svd(np.array(columns), compute_uv=False))
        return self._readings(np.array(found))

    def _readings(self, found: Array) -> Readings:
        spreads = [float(np.log(row[row > row[0] * 1e-6]).std()) if row[0] > 0 else math.nan for row in found]
        return {
            "mean square": float((found**2).mean()),
            "largest": float(found[:, 0].mean()),
            "log spread": float(np.mean(spreads)),
            "rank": float((found > found[:, :1] * 1e-6).sum(axis=1).mean()),
            "singular values": found.mean(axis=0),
        }


@dataclass(frozen=True)
class SignalPropagation(Probe):
    """The size of the signal forward and of the gradient backward, by depth (signal-propagation plot, arXiv:2101.08692).

    One value per module without children that was called, in the order of the calls (`sites` names them): "mean square" of
    the outputs; "squared mean" of the channels, averaged over them, and "channel variance", averaged: these are the paper's
    two; "gradient mean square", that of the derivative of the loss by the outputs, times rows squared so that the mean over
    rows in the loss is taken back. "growth forward" and "growth backward" are the slopes of their logarithms per module, from
    first to last: 0 for a signal that keeps its size, positive for one that grows on its way. A gradient grows backward where
    it is larger near the inputs.

    Channels are the second axis of outputs with four axes or more, as convolutions of images give them, else the last.
    Cost: one pass and one gradient over the data. Modules whose output is not one tensor are left out.

    >>> import torch
    >>> twice = torch.nn.Linear(1, 1, bias=False)
    >>> with torch.no_grad():
    ...     _ = twice.weight.fill_(2.0)
    >>> model = torch.nn.Sequential(twice, twice)
    >>> readings = SignalPropagation().of(model, [(torch.ones(4, 1), torch.zeros(4, 1))], loss=lambda y, t: (y - t).mean())
    >>> readings["mean square"], readings["gradient mean square"]
    (array([ 4., 16.]), array([4., 1.]))
    """

    names: ClassVar[tuple[str, ...]] = (
        "mean square", "squared mean", "channel variance", "gradient mean square", "growth forward", "growth backward"
    )  # fmt: skip

    def sites(self, model: nn.Module, inputs: Tensor) -> list[str]:
        """The modules that the values stand for, by name, in order; one that is called twice is there twice."""
        from ._probe import _left_alone

        with _left_alone(model), listening(model) as heard:
            model(inputs[:1])
        return [name for name, _, _ in heard]

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        assert loss is not None
        sums: list[Array] = []
        for inputs, targets in data.batches:
            with listening(model) as heard:
                value = loss(model(inputs), targets) * len(inputs)
            outputs = [output for _, output, _ in heard]
            slopes = torch.autograd.grad(value, outputs, materialize_grads=True)
            parts = [_sums(output.detach(), slope) for output, slope in zip(outputs, slopes, strict=True)]
            sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else parts
        return self._readings([_moments(total) for total in sums])

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        assert loss is not None
        inputs, targets = data.whole()
        with listening(model) as heard:
            value = loss(model(inputs), targets)
        found: list[tuple[float, ...]] = []
        for _, output, _ in heard:
            slope = torch.autograd.grad(value, output, retain_graph=True, materialize_grads=True)[0] * len(inputs)
            columns = _by_channel(output.detach()).numpy()
            found.append(
                (
                    np.mean(columns**2),
                    np.mean(columns.mean(axis=0) ** 2),
                    columns.var(axis=0).mean(),
                    np.mean(slope.numpy() ** 2),
                )
            )
        return self._readings(found)

    def _readings(self, found: list[tuple[float, ...]]) -> Readings:
        columns = np.array(found, dtype=np.float64).T
        return {
            **dict(zip(self.names[:4], columns, strict=True)),
            "growth forward": _slope(columns[0]),
            "growth backward": -_slope(columns[3]),
        }


@dataclass(frozen=True)
class PathLength(Probe):
    """The average number of nonlinear units on a path from an input to an output (average path length, arXiv:2211.17180).

    A unit counts as nonlinear where its outputs are no straight line of its inputs on the data: where 1 - r**2 between
    them is above ``tolerance``. A path takes one unit of each activation module in the order of the calls, all units with
    equal chance, so the average is the sum over modules of the share of nonlinear units. Paths around a module, as in
    residual networks, are not looked at: there it is an upper bound, the length of the longest branch.

    Readings: "path length"; "longest", the number of activation modules; "nonlinear share", one per module. Activation
    modules are those without children that map values one by one; ReLU, Tanh and the like, PReLU too, and functions of this
    library. Raises SettingError for a tolerance outside [0, 1).

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.ReLU())
    >>> rows = torch.tensor([[-1.0, 1.0], [1.0, 2.0], [2.0, 4.0]])  # the second unit never bends
    >>> PathLength().of(model, [rows])["nonlinear share"]
    array([0.5, 0. ])
    """

    tolerance: float = 1e-6

    names: ClassVar[tuple[str, ...]] = ("path length", "longest", "nonlinear share")
    needs: ClassVar[frozenset[str]] = frozenset({"rows"})

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise SettingError(f"tolerance={self.tolerance}: give a share from 0 to 1, such as 1e-6")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Any bend, and bends that can be seen."""
        return cls(), cls(tolerance=0.05)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        with torch.no_grad(), listening(model, activation_modules(model)) as heard:
            for inputs, _ in data.batches:
                model(inputs)
        calls = len(heard) // len(data.batches)
        return self._readings([_bend(heard[at::calls]) for at in range(calls)])

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        with torch.no_grad(), listening(model, activation_modules(model)) as heard:
            model(data.whole()[0])
        found = []
        for _, output, given in heard:
            pairs = zip(_by_channel(given).numpy().T, _by_channel(output).numpy().T, strict=True)
            left = []
            for x, y in pairs:
                fit = np.polynomial.Polynomial.fit(x, y, 1)(x) if np.ptp(x) > 0 else y
                left.append(float(((y - fit) ** 2).sum() / ((y - y.mean()) ** 2).sum()) if np.ptp(y) > 0 else 0.0)
            found.append(np.array(left))
        return self._readings(found)

    def _readings(self, found: list[Array]) -> Readings:
        shares = np.array([float((bend > self.tolerance).mean()) for bend in found], dtype=np.float64)
        return {"path length": float(shares.sum()), "longest": float(len(shares)), "nonlinear share": shares}


def _by_channel(values: Tensor) -> Tensor:
    """(values, channels) float64."""
    values = values.double().cpu()
    values = values.movedim(1, -1) if values.ndim > 3 else values
    return values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values[:, None]


def _sums(output: Tensor, slope: Tensor) -> Array:
    columns, slopes = _by_channel(output), _by_channel(slope)
    number = columns.shape[0]
    return np.concatenate([
        [number, float(slopes.square().mean()) * number], columns.sum(dim=0).numpy(), columns.square().sum(dim=0).numpy(),
    ])  # fmt: skip


def _moments(total: Array) -> tuple[float, ...]:
    number, slopes = total[:2]
    mean, square = np.split(total[2:] / number, 2)
    return float(square.mean()), float((mean**2).mean()), float((square - mean**2).mean()), float(slopes / number)


def _bend(heard: list[tuple[str, Tensor, Tensor]]) -> Array:
    """1 - r**2 of each unit; 0 for a constant output, which is a straight line."""
    import torch

    x = torch.cat([_by_channel(given) for _, _, given in heard])
    y = torch.cat([_by_channel(output) for _, output, _ in heard])
    x, y = x - x.mean(dim=0), y - y.mean(dim=0)
    xx, yy = x.square().sum(dim=0), y.square().sum(dim=0)
    slope = torch.where(xx > 0, (x * y).sum(dim=0) / xx, 0.0)
    left = (y - slope * x).square().sum(dim=0)
    return np.asarray(torch.where(yy > 0, left / yy, 0.0).numpy())


def _slope(values: Array) -> float:
    if len(values) < 2 or not (values > 0).all():
        return math.nan
    return float(np.polynomial.Polynomial.fit(np.arange(len(values)), np.log(values), 1).convert().coef[1])


for _part in (InputJacobian, SignalPropagation, PathLength):
    probes.add(_part.__name__, _part)
