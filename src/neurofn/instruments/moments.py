"""Moments: mean and standard deviation of every neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._base import Batch, Instrument, Readings, State, catalogue
from ._means import together

if TYPE_CHECKING:
    from torch import Tensor

    from ._kernels import Kernel


@dataclass(frozen=True)
class Moments(Instrument):
    """Mean and standard deviation (population, divided by n) of each neuron over all rows, and their averages over neurons.

    Readings: "mean" and "std" (arrays, one value per neuron), "average mean" and "average std" (numbers); in the units of
    the activations. With weights, rows count in proportion to them. NaN where there were no rows.

    Sums of squares lose their digits where the mean is large beside the deviation, so the state is the mean and the sum of
    squares about it, and batches are merged by the formulas of Chan, Golub and LeVeque (1982), source
    doi:10.1007/978-3-642-51461-6_3.

    >>> import torch
    >>> moments = Moments()
    >>> state = moments.update(moments.start(2), torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    >>> moments.compute(state)["mean"], moments.compute(state)["std"]
    (array([2., 5.]), array([1., 0.]))
    """

    def merge(self, a: State, b: State) -> State:
        b, mean, weight, gap, mass = together(a, b)
        return {
            "mean": mean,
            "square": a["square"] + b["square"] + gap * gap * mass,
            "weight": weight,
            "nonfinite rows": a["nonfinite rows"] + b["nonfinite rows"],
        }

    def kernel(self, neurons: int, like: Tensor) -> Kernel:
        from ._kernels import MomentSums

        return MomentSums(neurons, like)

    def _start(self, neurons: int) -> State:
        import torch

        zeros = torch.zeros(neurons, dtype=torch.float64)
        return {"mean": zeros, "square": zeros.clone(), "weight": torch.zeros((), dtype=torch.float64)}

    def _update(self, state: State, batch: Batch) -> State:
        import torch

        weight = batch.mass.sum()
        mean = torch.where(weight > 0, (batch.mass @ batch.values) / weight, 0.0)
        square = batch.mass @ (batch.values - mean).square()
        here = {
            "mean": mean,
            "square": square,
            "weight": weight,
            "nonfinite rows": torch.zeros_like(state["nonfinite rows"]),
        }
        return self.merge(state, here)

    def _compute(self, state: State) -> Readings:
        weight = float(state["weight"])
        mean = state["mean"].numpy() if weight > 0 else np.full(len(state["mean"]), np.nan)
        std = np.sqrt(state["square"].numpy() / weight) if weight > 0 else mean.copy()
        return _readings(mean, std)

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix = values.double().numpy()
        if len(matrix) == 0:
            nothing = np.full(matrix.shape[1], np.nan)
            return _readings(nothing, nothing.copy())
        if weights is None:
            return _readings(matrix.mean(axis=0), matrix.std(axis=0))
        mean = np.average(matrix, axis=0, weights=weights.numpy())
        return _readings(mean, np.sqrt(np.average((matrix - mean) ** 2, axis=0, weights=weights.numpy())))


def _readings(mean: np.ndarray, std: np.ndarray) -> Readings:
    return {"mean": mean, "std": std, "average mean": float(mean.mean()), "average std": float(std.mean())}


catalogue.add("Moments", Moments)
