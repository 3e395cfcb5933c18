"""Correlation: how strongly the neurons of a layer go together, from streamed second moments, beside what chance gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import SettingError
from ._base import Batch, Instrument, Readings, State, catalogue
from ._means import together

if TYPE_CHECKING:
    from torch import Tensor

_CONSTANT = 1e-10
"""A neuron whose deviation is below this share of its root mean square has no correlation that rounding leaves."""

_SINGULAR = 1e-10  # eigenvalues of R below this are rounding

_NAMES = ("mean |r|", "mean |r|, null", "rms r", "rms r, null", "above", "above, null", "largest r", "smallest r",
          "determination")  # fmt: skip


@dataclass(frozen=True)
class Correlation(Instrument):
    """Pearson's r between the neurons of a layer, over all pairs (neuronal correlation, arXiv:2201.09069).

    Readings: "mean |r|"; "rms r"; "above", the share of pairs with |r| > ``threshold``; "largest r" and "smallest r";
    "determination", 1 - det(R)**(1/N) with R the correlation matrix: 0 for uncorrelated neurons, 1 where one is a combination
    of others. Beside the first three stands what independent Gaussian neurons give on as many rows n: "mean |r|, null" =
    Gamma((n-1)/2) / (sqrt(pi) Gamma(n/2)), "rms r, null" = 1/sqrt(n-1), "above, null" = P(|r| > threshold). Rows with weights
    count in proportion, and n is then (sum w)**2 / sum w**2 (Kish). Rows that depend on each other, such as the pixels of one
    image or the tokens of one text, are worth fewer than n: the null is a lower bound there.

    Further: "constant neurons", which have no correlation and are left out; "rows"; "too few rows", 1 where
    there are no more rows than neurons, so that R is singular whatever the layer does.

    State: N**2 + N + 3 numbers; cost per row: 2 N**2 operations. Raises SettingError for a threshold outside (0, 1).

    >>> import torch
    >>> part = Correlation()
    >>> readings = part.compute(part.update(part.start(2), torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, -1.0]])))
    >>> round(readings["smallest r"], 9), round(readings["above"], 9), round(readings["mean |r|, null"], 3)
    (-1.0, 1.0, 0.637)
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise SettingError(f"threshold={self.threshold}: give a correlation between 0 and 1, such as 0.5")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The default and a low threshold."""
        return cls(), cls(threshold=0.2)

    def merge(self, a: State, b: State) -> State:
        import torch

        b, mean, weight, gap, mass = together(a, b)
        return {
            "mean": mean,
            "scatter": a["scatter"] + b["scatter"] + torch.outer(gap, gap) * mass,
            "weight": weight,
            **{name: a[name] + b[name] for name in ("weight squared", "rows", "nonfinite rows")},
        }

    def matrix(self, state: State) -> np.ndarray:
        """R (neurons, neurons); NaN in the rows and columns of constant neurons."""
        covariance, mean = state["scatter"].cpu().numpy() / (float(state["weight"]) or 1.0), state["mean"].cpu().numpy()
        return np.asarray(_correlations(covariance, mean))

    def _start(self, neurons: int) -> State:
        import torch

        zero = torch.zeros((), dtype=torch.float64)
        return {
            "mean": torch.zeros(neurons, dtype=torch.float64),
            "scatter": torch.zeros(neurons, neurons, dtype=torch.float64),  # sum of w (x - mean)(x - mean)^T
            "weight": zero,
            "weight squared": zero.clone(),
            "rows": torch.zeros((), dtype=torch.int64),
        }

    def _update(self, state: State, batch: Batch) -> State:
        import torch

        weight = batch.mass.sum()
        mean = torch.where(weight > 0, (batch.mass @ batch.values) / weight, 0.0)
        apart = batch.values - mean
        return self.merge(state, {
            "mean": mean,
            "scatter": (apart * batch.mass[:, None]).T @ apart,
            "weight": weight,
            "weight squared": batch.mass.square().sum(),
            "rows": batch.keep.sum(),
            "nonfinite rows": torch.zeros_like(state["nonfinite rows"]),
        })  # fmt: skip

    def _compute(self, state: State) -> Readings:
        weight, squared = float(state["weight"]), float(state["weight squared"])
        return self._readings(self.matrix(state), int(state["rows"]), weight**2 / squared if squared else 0.0)

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix = values.double().numpy()
        rows, neurons = matrix.shape
        mass = np.ones(rows) if weights is None else weights.double().numpy()
        found = np.full((neurons, neurons), np.nan)
        if rows:
            share = mass / mass.sum()
            apart = matrix - share @ matrix
            sizes = [math.sqrt(float(share @ apart[:, j] ** 2)) for j in range(neurons)]
            scale = [math.sqrt(float(share @ matrix[:, j] ** 2)) for j in range(neurons)]
            for i in range(neurons):
                for j in range(neurons):
                    if sizes[i] > _CONSTANT * scale[i] and sizes[j] > _CONSTANT * scale[j]:
                        found[i, j] = float(share @ (apart[:, i] * apart[:, j])) / sizes[i] / sizes[j]
        effective = float(mass.sum() ** 2 / (mass**2).sum()) if rows else 0.0
        return self._readings(found, rows, effective)

    def _readings(self, found: Any, rows: int, effective: float) -> Readings:
        neurons = len(found)
        varies = np.isfinite(np.diag(found))
        used = found[np.ix_(varies, varies)].clip(-1, 1)
        shared = {"constant neurons": float(neurons - varies.sum()), "rows": float(rows),
                  "too few rows": float(effective <= neurons)}  # fmt: skip
        if len(used) < 2:
            return {**dict.fromkeys(_NAMES, math.nan), **shared}
        pairs = used[np.triu_indices(len(used), 1)]
        spectrum = np.linalg.eigvalsh(used)
        volume = math.exp(float(np.log(spectrum).mean())) if spectrum[0] > _SINGULAR else 0.0
        null = _null(effective, self.threshold)
        values = (float(np.abs(pairs).mean()), null[0], float(np.sqrt((pairs**2).mean())), null[1],
                  float((np.abs(pairs) > self.threshold).mean()), null[2], float(pairs.max()), float(pairs.min()),
                  1 - volume)  # fmt: skip
        return {**dict(zip(_NAMES, values, strict=True)), **shared}


def _correlations(covariance: Any, mean: Any) -> Any:
    size = np.sqrt(np.maximum(np.diag(covariance), 0))
    varies = size > _CONSTANT * np.sqrt(size**2 + mean**2)
    scale = np.where(varies, size, 1.0)
    return np.where(np.outer(varies, varies), covariance / scale / scale[:, None], np.nan)


def _null(rows: float, threshold: float) -> tuple[float, float, float]:
    """Mean |r|, root mean square of r and P(|r| > threshold) of independent Gaussian columns of ``rows`` values."""
    from scipy.special import betainc

    if rows <= 2:
        return math.nan, math.nan, math.nan
    mean = math.exp(math.lgamma((rows - 1) / 2) - math.lgamma(rows / 2)) / math.sqrt(math.pi)
    beyond = 1 - float(betainc(0.5, (rows - 2) / 2, threshold**2))  # r**2 has a beta law
    return mean, 1 / math.sqrt(rows - 1), beyond


catalogue.add("Correlation", Correlation)
