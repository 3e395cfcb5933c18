"""FrequencyError and FeatureReliance: what a training has learned so far: which frequencies, and by which inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError, ShapeError
from ._base import Readings
from ._probe import Data, Loss, Probe, loss_of, probes

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FeatureReliance", "FrequencyError"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FrequencyError(Probe):
    """The error of the model at each frequency of the target, along one axis of the inputs (spectral bias, arXiv:1806.08734).

    Let c(f) = mean over rows of r exp(-2 pi i f x), x the input number ``axis``, for the residual r = output - target,
    and the same of the target. Readings, one per frequency: "error",
    |c(f) of the residual| / |c(f) of the target|, 1 before training and 0
    for what is learned (arXiv:1901.06523), NaN where the target has less than ``least`` of its largest amplitude;
    "amplitude" of the target. "learned up to": the largest frequency up to which all known errors are below 0.5, NaN where
    none is. More than one output counts by root sum of squares.

    ``frequencies`` are in periods per unit of the input. The sums are exact transforms where the rows lie on an even
    grid of whole periods; else frequencies leak into each other, which the control shows: "leakage", the largest amplitude
    that the constant 1 has at a frequency above 0. Cost: one pass. Raises SettingError for no frequencies, ShapeError for
    inputs that are no (rows, inputs).

    >>> import torch
    >>> x = torch.arange(64)[:, None] / 64
    >>> target = torch.sin(2 * torch.pi * x) + torch.sin(8 * torch.pi * x)
    >>> model = torch.nn.Linear(1, 1)
    >>> _ = model.register_forward_hook(lambda module, given, output: torch.sin(2 * torch.pi * given[0]))  # has the first
    >>> readings = FrequencyError((1.0, 4.0)).of(model, [(x, target)])
    >>> readings["error"].round(3), readings["learned up to"]
    (array([0., 1.]), 1.0)
    """

    frequencies: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    axis: int = 0
    least: float = 1e-3

    names: ClassVar[tuple[str, ...]] = ("error", "amplitude", "learned up to", "leakage")
    needs: ClassVar[frozenset[str]] = frozenset({"rows", "targets"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "frequencies", tuple(float(each) for each in self.frequencies))
        if not self.frequencies or not all(math.isfinite(each) and each >= 0 for each in self.frequencies):
            raise SettingError(f"frequencies={self.frequencies}: give some of 0 or more, such as (1.0, 2.0, 4.0)")
        if list(self.frequencies) != sorted(set(self.frequencies)):
            raise SettingError(f"frequencies={self.frequencies}: give each once, in rising order")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The default, and few along another axis."""
        return cls(), cls((0.0, 0.3, 0.7), axis=1, least=0.2)

    def units(self, model: nn.Module) -> list[float]:
        """The frequencies, in the order of the readings."""
        return list(self.frequencies)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        sums: Array = np.zeros((3, len(self.frequencies), 1), dtype=complex)
        with torch.no_grad():
            for inputs, targets in data.batches:
                waves = self._waves(inputs)
                given = _columns(targets)
                wanted = np.stack([_columns(model(inputs)) - given, given, np.ones_like(given)])
                sums = sums + np.einsum("rf,krc->kfc", waves, wanted)
        return self._readings(sums / data.rows)

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        inputs, targets = data.whole()
        answers, given = _columns(model(inputs).detach()), _columns(targets)
        x = inputs[:, self.axis].double().numpy()
        sums = np.zeros((3, len(self.frequencies), given.shape[1]), dtype=complex)
        for place, frequency in enumerate(self.frequencies):
            for column in range(given.shape[1]):
                angle = 2 * math.pi * frequency * x
                for row, values in enumerate(
                    (answers[:, column] - given[:, column], given[:, column], np.ones(len(x)))
                ):
                    sums[row, place, column] = (values * np.cos(angle)).mean() - 1j * (values * np.sin(angle)).mean()
        return self._readings(sums)

    def _readings(self, sums: Array) -> Readings:
        left, amplitude, _ = np.sqrt((np.abs(sums) ** 2).sum(axis=-1))
        known = amplitude > self.least * amplitude.max()
        error = np.where(known, left / np.where(known, amplitude, 1.0), np.nan)
        frequencies = np.array(self.frequencies)
        bad = np.flatnonzero(known & ~(error < 0.5))
        good = np.flatnonzero(known & (error < 0.5))
        good = good[good < bad[0]] if len(bad) else good
        own = np.abs(sums[2, :, 0])[frequencies > 0]
        return {
            "error": error,
            "amplitude": amplitude,
            "learned up to": float(frequencies[good[-1]]) if len(good) else math.nan,
            "leakage": float(own.max()) if len(own) else math.nan,
        }

    def _waves(self, inputs: Tensor) -> Array:
        if inputs.ndim != 2 or not -inputs.shape[1] <= self.axis < inputs.shape[1]:
            raise ShapeError(
                f"inputs have shape {tuple(inputs.shape)}; frequencies along axis={self.axis} need (rows, inputs)"
            )
        x = inputs[:, self.axis].detach().double().cpu().numpy()
        return np.asarray(np.exp(-2j * np.pi * np.outer(x, self.frequencies)))


@dataclass(frozen=True)
class FeatureReliance(Probe):
    """By which groups of inputs the model holds its loss down, and which are starved of gradient (arXiv:2011.09468).

    ``groups`` are tuples of input numbers; without them every input is one. Readings, one per group: "reliance", the rise
    of the loss where the group is replaced by its mean over rows, which is negative where the model is better without it;
    "share", the same over the sum of all positive ones; "gradient", the root mean square of the slope of a row's loss by
    the group.

    Starvation is a claim about two models: a group that lowers the loss where it is alone and has a share near 0 beside
    another. So the control is the same model trained without the other group; one reading does not show it. Replacing by
    the mean cuts what groups say together: inputs that repeat each other share the reliance or lose it. Cost: a pass per
    group and a gradient. Raises SettingError for numbers that no input has, ShapeError for inputs that are no (rows, inputs).

    >>> import torch
    >>> line = torch.nn.Linear(2, 1, bias=False)
    >>> with torch.no_grad():
    ...     _ = line.weight.copy_(torch.tensor([[2.0, 0.0]]))
    >>> rows = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    >>> FeatureReliance().of(line, [(rows, 2 * rows[:, :1])], loss=torch.nn.functional.mse_loss)["reliance"]
    array([4., 0.])
    """

    groups: tuple[tuple[int, ...], ...] = ()

    names: ClassVar[tuple[str, ...]] = ("reliance", "share", "gradient")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Each input, and two groups."""
        return cls(), cls(((0, 2), (1,)))

    def units(self, model: nn.Module) -> list[str]:
        """The groups as text, in the order of the readings; of the inputs where no groups were given, nothing."""
        return [", ".join(map(str, group)) for group in self.groups]

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        assert loss is not None
        groups = self._groups(data)
        total = torch.zeros_like(data.batches[0][0][0], dtype=torch.float64)
        for inputs, _ in data.batches:
            total += inputs.double().sum(dim=0)
        mean, whole, rises = total / data.rows, loss_of(model, data, loss), []
        for group in groups:
            changed = []
            for inputs, targets in data.batches:
                changed.append((inputs.clone(), targets))
                changed[-1][0][:, list(group)] = mean[list(group)].to(inputs.dtype)
            rises.append(loss_of(model, Data(tuple(changed), data.rows, 0), loss) - whole)
        squares = torch.zeros_like(mean)
        for inputs, targets in data.batches:
            here = inputs.detach().clone().requires_grad_()
            value = loss(model(here), targets) * len(here)
            squares += torch.autograd.grad(value, here, materialize_grads=True)[0].double().square().sum(dim=0)
        slopes = [math.sqrt(float(squares[list(group)].sum()) / data.rows) for group in groups]
        return self._readings(rises, slopes)

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        assert loss is not None
        inputs, targets = data.whole()
        assert targets is not None
        rises, slopes = [], []
        with torch.no_grad():
            single = [float(loss(model(inputs[at : at + 1]), targets[at : at + 1])) for at in range(len(inputs))]
        for group in self._groups(data):
            moved, squared = 0.0, 0.0
            for at in range(len(inputs)):
                row = inputs[at : at + 1].clone()
                for column in group:
                    row[0, column] = inputs[:, column].mean()
                moved += float(loss(model(row), targets[at : at + 1]).detach()) - single[at]
                here = inputs[at : at + 1].clone().requires_grad_()
                slope = torch.autograd.grad(loss(model(here), targets[at : at + 1]), here)[0][0]
                squared += sum(float(slope[column]) ** 2 for column in group)
            rises.append(moved / len(inputs))
            slopes.append(math.sqrt(squared / len(inputs)))
        return self._readings(rises, slopes)

    def _groups(self, data: Data) -> tuple[tuple[int, ...], ...]:
        inputs = data.batches[0][0]
        if inputs.ndim != 2 or not inputs.is_floating_point():
            raise ShapeError(
                f"inputs are {inputs.dtype} of shape {tuple(inputs.shape)}; reliance needs numbers (rows, inputs)"
            )
        columns = inputs.shape[1]
        if any(not 0 <= column < columns for group in self.groups for column in group):
            raise SettingError(f"groups={self.groups}: the inputs are numbered from 0 to {columns - 1}")
        return self.groups or tuple((column,) for column in range(columns))

    def _readings(self, rises: list[float], slopes: list[float]) -> Readings:
        reliance = np.array(rises, dtype=np.float64)
        positive = np.maximum(reliance, 0.0)
        share = positive / positive.sum() if positive.sum() > 0 else np.full(len(rises), np.nan)
        return {"reliance": reliance, "share": share, "gradient": np.array(slopes, dtype=np.float64)}


def _columns(values: Tensor | None) -> Array:
    assert values is not None
    columns = values.detach().double().cpu().numpy()
    return np.asarray(columns.reshape(len(columns), -1))


for _part in (FrequencyError, FeatureReliance):
    probes.add(_part.__name__, _part)
