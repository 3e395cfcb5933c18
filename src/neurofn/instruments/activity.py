"""ActivatedNeurons: which neurons of a layer were ever active, how often, and how many after D samples.

What "active" means is a part of its own: `above` a threshold, above a `pooled_quantile` of the layer, among the `top_k` of a
sample, or the `argmax`. It is never a detail: by the sign rule nearly all neurons of a ReLU layer are active after some tens
of samples, whatever the layer has learned.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .._errors import SettingError, ShapeError
from ._base import Batch, Instrument, Readings, State, catalogue, setting_text

if TYPE_CHECKING:
    from torch import Tensor

    from ._kernels import Kernel

_POINTS = 32  # of the curve K(D)
_BINS = 4096  # of the pooled histogram: sign, exponent and 3 bits of the mantissa of a float32


class Activity(ABC):
    """A rule that says which neurons are active in a row. Its text is what one types to make it.

    >>> above(0.5).definition(np.array([[0.4, 0.6]]))
    array([[False,  True]])
    """

    @abstractmethod
    def start(self, neurons: int) -> State:
        """The state of no rows: entries that add up, (neurons, ...) each."""

    @abstractmethod
    def add(self, state: State, batch: Batch) -> State:
        """The entries with a batch added."""

    @abstractmethod
    def counts(self, state: State) -> Tensor:
        """(neurons,) int64: in how many rows each neuron was active."""

    @abstractmethod
    def definition(self, matrix: np.ndarray) -> np.ndarray:
        """(rows, neurons) float64 -> bool for the whole matrix, by other means than the streamed state."""


class _ByRow(Activity):
    """A rule that needs one row at a time, so that counts are all there is to keep."""

    def start(self, neurons: int) -> State:
        import torch

        return {"count": torch.zeros(neurons, dtype=torch.int64)}

    def add(self, state: State, batch: Batch) -> State:
        return {"count": state["count"] + (self.active(batch.values) & batch.keep[:, None]).sum(dim=0)}

    def counts(self, state: State) -> Tensor:
        return state["count"]

    @abstractmethod
    def active(self, values: Tensor) -> Tensor:
        """(rows, neurons) float64 -> bool."""


@dataclass(frozen=True)
class _Above(_ByRow):
    threshold: float = 0

    def __str__(self) -> str:
        return f"above({setting_text(self.threshold)})"

    def active(self, values: Tensor) -> Tensor:
        return values > self.threshold

    def definition(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(np.greater(matrix, self.threshold))


@dataclass(frozen=True)
class _TopK(_ByRow):
    k: int | float

    def __str__(self) -> str:
        return f"top_k({self.k})"

    def number(self, neurons: int) -> int:
        return self.k if isinstance(self.k, int) else max(1, int(self.k * neurons + 1e-9))

    def start(self, neurons: int) -> State:
        if self.number(neurons) > neurons:
            raise ShapeError(f"{self} asks for more neurons than the {neurons} of this layer; give a share: top_k(0.1)")
        return super().start(neurons)

    def active(self, values: Tensor) -> Tensor:
        k = self.number(values.shape[1])
        last = values.topk(k, dim=1).values[:, -1:]
        larger, equal = values > last, values == last
        room = k - larger.sum(dim=1, keepdim=True)
        return larger | (equal & (equal.cumsum(dim=1) <= room))  # which of equal ones topk takes is not defined

    def definition(self, matrix: np.ndarray) -> np.ndarray:
        order = np.argsort(-matrix, axis=1, kind="stable")[:, : self.number(matrix.shape[1])]
        active = np.zeros(matrix.shape, dtype=bool)
        np.put_along_axis(active, order, True, axis=1)
        return active


class _Argmax(_TopK):
    def __init__(self) -> None:
        super().__init__(k=1)

    def __str__(self) -> str:
        return "argmax()"


@dataclass(frozen=True)
class _PooledQuantile(Activity):
    q: float

    def __str__(self) -> str:
        return f"pooled_quantile({setting_text(self.q)})"

    def start(self, neurons: int) -> State:
        import torch

        return {"histogram": torch.zeros(neurons, _BINS, dtype=torch.int64)}

    def add(self, state: State, batch: Batch) -> State:
        import torch

        bits = (batch.values.float() + 0.0).view(torch.int32)  # + 0.0 makes -0 the same as 0
        ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # integers in the order of the numbers
        bins = (ordered >> 20).long() + _BINS // 2
        places = bins + _BINS * torch.arange(bins.shape[1], device=bins.device)
        ones = batch.keep[:, None].expand(bins.shape).long()
        histogram = state["histogram"].flatten().scatter_add(0, places.flatten(), ones.flatten())
        return {"histogram": histogram.view_as(state["histogram"])}

    def counts(self, state: State) -> Tensor:
        below = state["histogram"].sum(dim=0).cumsum(dim=0)
        rank = max(1, math.ceil(self.q * int(below[-1])))
        edge = int((below < rank).sum())
        return state["histogram"][:, edge + 1 :].sum(dim=1)

    def definition(self, matrix: np.ndarray) -> np.ndarray:
        if matrix.size == 0:
            return np.zeros(matrix.shape, dtype=bool)
        with np.errstate(over="ignore"):
            matrix = matrix.astype(np.float32)
        magnitudes = [k * 2.0**-129 for k in range(8)]  # subnormal numbers
        magnitudes += [(1 + k / 8) * 2.0**e for e in range(-126, 128) for k in range(8)] + [np.inf]
        upward = np.searchsorted(magnitudes, np.abs(matrix), side="right")
        bins = np.where(matrix < 0, -upward, upward - 1)
        smallest = np.sort(bins, axis=None)[max(1, math.ceil(self.q * matrix.size)) - 1]
        return np.asarray(bins > smallest)


def above(threshold: float = 0) -> Activity:
    """Active: a value above ``threshold`` (in the units of the activations). Raises SettingError if it is not finite.

    >>> str(above(0.5))
    'above(0.5)'
    """
    if not math.isfinite(threshold):
        raise SettingError(f"above({threshold}): give a finite threshold, for example above(0)")
    return _Above(threshold)


def top_k(k: int | float) -> Activity:
    """Active: the ``k`` largest values of a row; a number between 0 and 1 is that share of the layer, rounded down, at least 1.

    Of equal values the neurons with smaller index are taken, so each row has exactly k active neurons, also a row of zeros.
    Raises SettingError for other numbers; a layer with fewer than k neurons raises ShapeError.

    >>> str(top_k(0.01)), str(top_k(3))
    ('top_k(0.01)', 'top_k(3)')
    """
    whole = isinstance(k, int) and not isinstance(k, bool) and k >= 1
    if not (whole or (isinstance(k, float) and 0 < k < 1)):
        raise SettingError(f"top_k({k!r}): give a count such as top_k(3), or a share of the layer such as top_k(0.01)")
    return _TopK(k)


def argmax() -> Activity:
    """Active: the largest value of a row, the first one of equal values.

    >>> str(argmax())
    'argmax()'
    """
    return _Argmax()


def pooled_quantile(q: float) -> Activity:
    """Active: a value above the ``q``-quantile of all values of the layer (all neurons and rows together), 0 < q < 1.

    The quantile needs all rows, and a stream keeps only a histogram of 4,096 bins per neuron: the values, as float32, by
    their sign, exponent and 3 bits of mantissa. Active is what lies in a bin above the quantile's. So the threshold is
    resolved to the upper edge of its bin, at most one part in 8 above the quantile; this is part of the definition.
    Raises SettingError for q outside (0, 1).

    >>> str(pooled_quantile(0.9))
    'pooled_quantile(0.9)'
    """
    if not 0 < q < 1:
        raise SettingError(f"pooled_quantile({q}): give a share between 0 and 1, for example pooled_quantile(0.9)")
    return _PooledQuantile(q)


@dataclass(frozen=True)
class ActivatedNeurons(Instrument):
    """Neurons that were active at least once, by the rule ``active``, and how many one meets in D rows.

    Source: arXiv:2412.18073, where they are the working neurons K(D) of D samples. The curve is exact, without sampling:
    of c_i active rows among n, E K(D) = sum over neurons of 1 - C(n - c_i, D) / C(n, D) for D rows drawn without
    replacement (the rarefaction curve, doi:10.2307/1934145). A row is one sample; after a convolution, one place of one.

    Readings: "activated" (K at all n rows), "share" (of the layer), "dead" (never active), "count" (array, rows in which each
    neuron was active), "curve" (array, E K(D) at D = the unit, 1 to n in even steps of log D; empty without rows). Weights
    do not change counts: a row of weight 0 is left out, another is one row.

    >>> import torch
    >>> neurons = ActivatedNeurons(active=top_k(1))
    >>> state = neurons.update(neurons.start(3), torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]))
    >>> neurons.compute(state)["count"], neurons.compute(state)["curve"]
    (array([1., 1., 0.]), array([1., 2.]))
    """

    active: Activity = _Above()

    def __post_init__(self) -> None:
        if not isinstance(self.active, Activity):
            raise SettingError(
                f"active={self.active!r}: give a rule: above(0), pooled_quantile(0.9), top_k(0.01) or argmax()"
            )

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Each rule."""
        return tuple(cls(active=rule) for rule in (above(), pooled_quantile(0.8), top_k(0.2), argmax()))

    def units(self, state: State) -> dict[str, np.ndarray]:
        return {"curve": _depths(int(state["rows"]))}

    def kernel(self, neurons: int, like: Tensor) -> Kernel | None:
        from ._kernels import AboveCounts

        limit = getattr(self.active, "threshold", None)
        return None if limit is None else AboveCounts(neurons, like, threshold=limit)

    def _start(self, neurons: int) -> State:
        import torch

        return {**self.active.start(neurons), "rows": torch.zeros((), dtype=torch.int64)}

    def _update(self, state: State, batch: Batch) -> State:
        return {**self.active.add(state, batch), "rows": state["rows"] + batch.keep.sum()}

    def _compute(self, state: State) -> Readings:
        from scipy.special import gammaln

        count, n = self.active.counts(state).numpy().astype(np.float64), int(state["rows"])
        depth, left = _depths(n)[:, None], n - count
        logs = gammaln(left + 1) - gammaln(left - depth + 1) - gammaln(n + 1.0) + gammaln(n - depth + 1)
        missed = np.where(left >= depth, np.exp(np.minimum(logs, 0.0)), 0.0)
        return _readings(count, (1.0 - missed).sum(axis=1))

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        active = self.active.definition(values.double().numpy())
        n, count = len(active), active.sum(axis=0)
        curve = [
            math.fsum(1 - math.comb(n - c, d) / math.comb(n, d) for c in count.tolist())
            for d in _depths(n).astype(int).tolist()
        ]
        return _readings(count.astype(np.float64), np.array(curve, dtype=np.float64))


def _readings(count: np.ndarray, curve: np.ndarray) -> Readings:
    activated = int((count > 0).sum())
    return {
        "activated": float(activated),
        "share": activated / len(count),
        "dead": float(len(count) - activated),
        "count": count,
        "curve": curve,
    }


def _depths(rows: int) -> np.ndarray:
    """Whole numbers from 1 to ``rows`` in even steps of their logarithm."""
    return np.unique(np.geomspace(1, rows, _POINTS).round()) if rows else np.zeros(0)


catalogue.add("ActivatedNeurons", ActivatedNeurons)
