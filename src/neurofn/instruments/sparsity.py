"""Sparsity: how unevenly activity is spread over neurons and over rows, and which neurons are dormant or saturated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .._errors import SettingError
from ._base import Batch, Instrument, Readings, State, catalogue

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Dormant(Instrument):
    """Neurons whose mean absolute activation is at most ``tau`` times the average of their layer.

    Source: ReDo (arXiv:2302.12902): the score of neuron i is E|h_i| / mean over neurons of E|h|, and it is dormant where
    its score is tau or less; tau = 0 counts neurons that are exactly 0. Dormant on these rows is an upper bound on dormant.

    Readings: "dormant" (how many), "share", "score" (array, per neuron; NaN where the whole layer is 0, which then is all
    dormant). State: one sum per neuron; cost per row: 2 N operations. Raises SettingError for tau < 0.

    >>> import torch
    >>> dormant = Dormant(tau=0.1)
    >>> dormant.compute(dormant.update(dormant.start(3), torch.tensor([[1.0, 0.0, -3.0]])))["dormant"]
    1.0
    """

    tau: float = 0.025

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tau) and self.tau >= 0):
            raise SettingError(f"tau={self.tau}: give a threshold of 0 or more, for example Dormant(tau=0.025)")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The default, and neurons that are exactly 0."""
        return cls(), cls(tau=0.0)

    def _start(self, neurons: int) -> State:
        import torch

        return {"size": torch.zeros(neurons, dtype=torch.float64), "mass": torch.zeros((), dtype=torch.float64)}

    def _update(self, state: State, batch: Batch) -> State:
        return {"size": state["size"] + batch.mass @ batch.values.abs(), "mass": state["mass"] + batch.mass.sum()}

    def _compute(self, state: State) -> Readings:
        mass = float(state["mass"])
        return self._readings(state["size"].numpy() / mass if mass else np.full(len(state["size"]), np.nan))

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix = np.abs(values.double().numpy())
        if not len(matrix):
            return self._readings(np.full(matrix.shape[1], np.nan))
        return self._readings(np.average(matrix, axis=0, weights=None if weights is None else weights.numpy()))

    def _readings(self, sizes: np.ndarray) -> Readings:
        average = float(sizes.mean())
        score = sizes / average if average > 0 else np.full(len(sizes), np.nan)
        if average == 0:
            number = float(len(sizes))
        else:  # equal up to rounding counts as equal
            number = float((score <= self.tau * (1 + 1e-9)).sum()) if average > 0 else math.nan
        return {"dormant": number, "share": number / len(sizes), "score": score}


@dataclass(frozen=True)
class Saturated(Instrument):
    """Neurons that lie within ``margin`` of an end of their function's range in most rows.

    low, high: the ends, in the units of the activations; None for an end that is not there. Defaults are those of tanh; for a
    logistic function give low=0. margin: what counts as near, as a share of high - low, or in units where an end is
    missing. A neuron is saturated where at least the share ``of`` of its rows are near an end: there its slope is small.

    Readings: "saturated" (how many), "share", "near low" and "near high" (arrays, shares of rows per neuron).
    State: two counts per neuron; cost per row: 4 N operations. Weights count in proportion. Raises SettingError for wrong ends.

    >>> import torch
    >>> saturated = Saturated()
    >>> state = saturated.update(saturated.start(2), torch.tensor([[0.99, 0.1], [-1.0, 0.99]]))
    >>> saturated.compute(state)["saturated"]
    1.0
    """

    low: float | None = -1.0
    high: float | None = 1.0
    margin: float = 0.025
    of: float = 0.95

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise SettingError("low=None, high=None: a function without ends does not saturate; give one of them")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise SettingError(f"low={self.low}, high={self.high}: low must be below high")
        if not (self.margin >= 0 and 0 < self.of <= 1):
            raise SettingError(f"margin={self.margin}, of={self.of}: give margin of 0 or more and of in (0, 1]")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Two ends, and one."""
        return cls(), cls(low=0.0, high=None, margin=0.01, of=0.5)

    @property
    def _near(self) -> float:
        width = 1.0 if self.low is None or self.high is None else self.high - self.low
        return self.margin * width

    def _start(self, neurons: int) -> State:
        import torch

        zeros = torch.zeros(neurons, dtype=torch.float64)
        return {"low": zeros, "high": zeros.clone(), "mass": torch.zeros((), dtype=torch.float64)}

    def _update(self, state: State, batch: Batch) -> State:
        here = dict(state)
        if self.low is not None:
            here["low"] = state["low"] + batch.mass @ (batch.values <= self.low + self._near).double()
        if self.high is not None:
            here["high"] = state["high"] + batch.mass @ (batch.values >= self.high - self._near).double()
        return {"low": here["low"], "high": here["high"], "mass": state["mass"] + batch.mass.sum()}

    def _compute(self, state: State) -> Readings:
        mass = float(state["mass"]) or math.nan
        return self._readings(state["low"].numpy() / mass, state["high"].numpy() / mass)

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix = values.double().numpy()
        if not len(matrix):
            return self._readings(*np.full((2, matrix.shape[1]), np.nan))
        mass = None if weights is None else weights.numpy()
        none = np.zeros(matrix.shape)
        low = none if self.low is None else np.less_equal(matrix - self.low, self._near)
        high = none if self.high is None else np.less_equal(self.high - matrix, self._near)
        return self._readings(np.average(low, axis=0, weights=mass), np.average(high, axis=0, weights=mass))

    def _readings(self, low: np.ndarray, high: np.ndarray) -> Readings:
        known = not np.isnan(low).any()
        number = float((low + high >= self.of * (1 - 1e-9)).sum()) if known else math.nan
        return {"saturated": number, "share": number / len(low), "near low": low, "near high": high}


@dataclass(frozen=True)
class Sparsity(Instrument):
    """How sparse activity is: over the rows of each neuron, over the neurons of each row, and in plain numbers.

    Treves and Rolls, scaled by Vinje and Gallant (doi:10.1126/science.287.5456.1273): (1 - (E|r|)**2 / E r**2) / (1 - 1/n),
    0 where all n values are equal in size, 1 where one of n is not 0. "lifetime": over the rows, per neuron (array).
    "population": over the neurons, the mean over the rows that are not all 0.
    "nonzero": the share of values that are not 0, the activation ratio of arXiv:2411.02335 and arXiv:2210.06313 for ReLU.
    "top mass": the share of the sum of |r| that the largest ``top`` of a row hold, the mean over the same rows.

    Rows of weight 0 are left out; other weights do not count, since lifetime and population are over rows as they are.
    Readings also: "average lifetime", "rows". NaN where there is nothing to average. State: two sums per neuron; cost per row:
    6 N operations and a search for the largest. Raises SettingError for ``top`` outside (0, 1).

    >>> import torch
    >>> sparsity = Sparsity(top=0.5)
    >>> readings = sparsity.compute(sparsity.update(sparsity.start(2), torch.tensor([[1.0, 0.0], [1.0, 1.0]])))
    >>> readings["population"], readings["nonzero"], readings["top mass"]
    (0.5, 0.75, 0.75)
    """

    top: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.top < 1:
            raise SettingError(
                f"top={self.top}: give a share of the layer between 0 and 1, for example Sparsity(top=0.1)"
            )

    def _number(self, neurons: int) -> int:
        return max(1, int(self.top * neurons + 1e-9))

    def _start(self, neurons: int) -> State:
        import torch

        zeros = torch.zeros(neurons, dtype=torch.float64)
        one = torch.zeros((), dtype=torch.float64)
        return {"size": zeros, "square": zeros.clone(), "population": one, "top": one.clone(), "nonzero": one.clone(),
                "rows": one.clone(), "rows not 0": one.clone()}  # fmt: skip

    def _update(self, state: State, batch: Batch) -> State:
        sizes = batch.values.abs()  # rows that are left out are 0 and add nothing
        total, square, neurons = sizes.sum(dim=1), sizes.square().sum(dim=1), sizes.shape[1]
        alive = total > 0
        per_row = (1 - total.square() / neurons / square.where(alive, 1.0)) / max(1 - 1 / neurons, 1e-300)
        largest = sizes.topk(self._number(neurons), dim=1).values.sum(dim=1) / total.where(alive, 1.0)
        return {
            "size": state["size"] + sizes.sum(dim=0),
            "square": state["square"] + sizes.square().sum(dim=0),
            "population": state["population"] + per_row.where(alive, 0.0).sum(),
            "top": state["top"] + largest.where(alive, 0.0).sum(),
            "nonzero": state["nonzero"] + (sizes > 0).sum(),
            "rows": state["rows"] + batch.keep.sum(),
            "rows not 0": state["rows not 0"] + alive.sum(),
        }

    def _compute(self, state: State) -> Readings:
        rows, alive = float(state["rows"]), float(state["rows not 0"]) or math.nan
        size, square = state["size"].numpy(), state["square"].numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            lifetime = (1 - size**2 / rows / square) / (1 - 1 / rows) if rows > 1 else np.full(len(size), np.nan)
        return {
            "lifetime": lifetime,
            "average lifetime": _mean(lifetime),
            "population": float(state["population"]) / alive if len(size) > 1 else math.nan,
            "nonzero": float(state["nonzero"]) / (rows * len(size)) if rows else math.nan,
            "top mass": float(state["top"]) / alive,
            "rows": rows,
        }

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix = np.abs(values.double().numpy())
        rows, neurons = matrix.shape
        lifetime = np.array([_vinje_gallant(column) for column in matrix.T])
        alive = matrix[matrix.any(axis=1)]
        top = [np.sort(row)[::-1][: self._number(neurons)].sum() / row.sum() for row in alive]
        return {
            "lifetime": lifetime,
            "average lifetime": _mean(lifetime),
            "population": _mean(np.array([_vinje_gallant(row) for row in alive])),
            "nonzero": float((matrix > 0).mean()) if rows else math.nan,
            "top mass": _mean(np.array(top)),
            "rows": float(rows),
        }


def _vinje_gallant(sizes: np.ndarray) -> float:
    if len(sizes) < 2 or not sizes.any():
        return math.nan
    return float((1 - sizes.mean() ** 2 / (sizes**2).mean()) / (1 - 1 / len(sizes)))


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


catalogue.add("Dormant", Dormant)
catalogue.add("Saturated", Saturated)
catalogue.add("Sparsity", Sparsity)
