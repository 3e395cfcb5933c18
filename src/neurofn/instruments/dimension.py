"""Dimension: of the surface that a layer's activations lie on, of the functions a network can reach, of what it must learn."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import DataError, SettingError
from ._base import Batch, Instrument, Readings, State, catalogue
from ._flat import flat_call
from ._sketch import EMPTY, key_by_hand, keys_of, smallest, words_of

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FunctionalDimension", "IntrinsicDimension", "functional_dimension"]

Array = np.ndarray[Any, Any]
_LEFT_OUT = 0.1  # the share of largest ratios that the fit of two-NN leaves out
_EQUAL = 1e-9  # logarithms of ratios whose mean is below this are rounding


@dataclass(frozen=True)
class IntrinsicDimension(Instrument):
    """The dimension of the surface that rows of activations lie on, from the distances to their nearest rows.

    "two-NN": Facco and others (doi:10.1038/s41598-017-11873-y): with mu the distance to the second nearest row over that to
    the nearest, the slope through 0 of -log(1 - F(mu)) against log mu, the largest tenth left out. "two-NN likelihood": the
    maximum of the likelihood of the same law, (n - 1) / sum log mu.
    "MLE": Levina and Bickel (NIPS 2004): with T_j the distance to the j-th nearest row, the mean over rows of
    (k - 2) / sum_{j < k} log(T_k / T_j). "MLE inverse": the likelihood of all rows together (MacKay and Ghahramani 2005),
    (k - 1) over the mean of these sums. k is ``neighbours``.

    Distances need rows side by side, so the state keeps at most ``kept`` of them: those whose content has the smallest hash,
    the same for any order and split. Equal rows count once, as float32 makes them; a row whose nearest lies within
    four roundings of its own length is left out, and counted in "unresolved rows". Readings also: "rows" seen, "rows used",
    "too few rows" (1 with fewer than 100 used, or not over ten times the larger dimension). Estimates stay below the truth from
    about 10 dimensions on, whatever the method, unless rows grow exponentially with it. Weights do not count but for 0.

    State: (N + 1) ``kept`` numbers; cost per row: a hash of N words, and per batch N ``kept`` numbers moved; a reading takes
    kept**2 N operations.
    Raises SettingError for ``kept`` or ``neighbours`` that are too small.

    >>> import torch
    >>> dimension = IntrinsicDimension()
    >>> line = torch.rand(500, 1, generator=torch.Generator().manual_seed(0)) @ torch.ones(1, 8)
    >>> round(dimension.compute(dimension.update(dimension.start(8), line))["two-NN"])
    1
    """

    kept: int = 1000
    neighbours: int = 10

    def __post_init__(self) -> None:
        for name, least in (("kept", 4), ("neighbours", 3)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SettingError(f"{name}={value!r}: give a whole number, {least} or more")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """More places than rows, and fewer."""
        return cls(), cls(kept=20, neighbours=4)

    def merge(self, a: State, b: State) -> State:
        import torch

        b = {name: entry.to(a[name].device) for name, entry in b.items()}
        keys, place = smallest(torch.cat([a["keys"], b["keys"]]), self.kept)
        rows = torch.cat([a["sample"], b["sample"]], dim=1)[:, place]
        return {
            "sample": rows.masked_fill(keys == EMPTY, 0.0),
            "keys": keys,
            "rows": a["rows"] + b["rows"],
            "roundoff": torch.maximum(a["roundoff"], b["roundoff"]),
            "nonfinite rows": a["nonfinite rows"] + b["nonfinite rows"],
        }

    def _start(self, neurons: int) -> State:
        import torch

        return {
            "sample": torch.zeros(neurons, self.kept, dtype=torch.float64),
            "keys": torch.full((self.kept,), EMPTY, dtype=torch.int64),
            "rows": torch.zeros((), dtype=torch.int64),
            "roundoff": torch.zeros((), dtype=torch.float64),
        }

    def _update(self, state: State, batch: Batch) -> State:
        import torch

        rows = batch.keep.sum()
        return self.merge(state, {
            "sample": (batch.values + 0.0).T,
            "keys": keys_of(words_of(batch.values)).masked_fill(~batch.keep, EMPTY),
            "rows": rows,
            "roundoff": torch.full_like(state["roundoff"], batch.roundoff) * (rows > 0),
            "nonfinite rows": torch.zeros_like(state["nonfinite rows"]),
        })  # fmt: skip

    def _compute(self, state: State) -> Readings:
        import torch

        sample = state["sample"][:, state["keys"] < EMPTY].T.contiguous()
        apart = torch.cdist(sample, sample, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(math.inf)
        nearest = apart.topk(min(self.neighbours, max(len(sample) - 1, 0)), dim=1, largest=False).values.numpy()
        return self._readings(sample.numpy(), nearest, float(state["roundoff"]), rows=int(state["rows"]))

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        import torch
        from scipy.spatial import KDTree

        matrix = values.double().numpy() + 0.0
        roundoff = torch.finfo(values.dtype).eps if values.is_floating_point() and len(matrix) else 0.0
        different = np.unique(matrix, axis=0) if len(matrix) else matrix
        keys = [key_by_hand(row) for row in different.view(np.int64).tolist()]
        sample = different[np.argsort(keys, kind="stable")[: self.kept]]
        count = min(self.neighbours, max(len(sample) - 1, 0))
        nearest = KDTree(sample).query(sample, k=count + 1)[0][:, 1:] if count else np.zeros((len(sample), 0))
        return self._readings(sample, nearest, roundoff, rows=len(matrix))

    def _readings(self, sample: Array, nearest: Array, roundoff: float, *, rows: int) -> Readings:
        """nearest: (rows of the sample, neighbours), distances in rising order."""
        told = (
            nearest[:, 0] > 4 * roundoff * np.linalg.norm(sample, axis=1)
            if nearest.shape[1]
            else np.zeros(len(sample), bool)
        )
        near = nearest[told]
        found = dict.fromkeys(("two-NN", "two-NN likelihood", "MLE", "MLE inverse"), math.nan)
        if near.shape[1] > 1 and len(near) > 1:
            ratios = np.log(near[:, 1] / near[:, 0])
            found |= {"two-NN": _slope(ratios), "two-NN likelihood": _inverse(ratios.sum() / (len(ratios) - 1))}
        if near.shape[1] == self.neighbours and len(near):
            sums = np.log(near[:, -1:] / near[:, :-1]).sum(axis=1)
            known = sums[sums > _EQUAL]
            found |= {
                "MLE": float(((self.neighbours - 2) / known).mean()) if len(known) else math.nan,
                "MLE inverse": _inverse(sums.mean() / (self.neighbours - 1)),
            }
        largest = max((value for value in found.values() if not math.isnan(value)), default=0.0)
        return {
            **found,
            "rows": float(rows),
            "rows used": float(len(near)),
            "unresolved rows": float(len(sample) - len(near)),
            "too few rows": float(len(near) < max(100.0, 10 * largest)),
        }


def _slope(ratios: Array) -> float:
    """Least squares through 0 of -log(1 - i/n) against the i-th smallest of ``ratios``, of all but the largest."""
    n = len(ratios)
    used = int(n * (1 - _LEFT_OUT))
    x, y = np.sort(ratios)[:used], -np.log1p(-np.arange(1, used + 1) / n)
    return float(x @ y) / float(x @ x) if used and x.mean() > _EQUAL else math.nan


def _inverse(mean: float) -> float:
    return 1 / float(mean) if mean > _EQUAL else math.nan


@dataclass(frozen=True)
class FunctionalDimension:
    """How many directions of a network's weights change its outputs on given inputs.

    rank: how many. parameters and outputs: the sides of the Jacobian, which bound it. smallest, next: the smallest
    singular value that counted and the largest that did not (0 where there is none), as shares of the largest: far apart
    where the rank is sure.

    >>> FunctionalDimension(rank=3, parameters=4, outputs=10, smallest=0.1, next=1e-17).redundancy
    1
    """

    rank: int
    parameters: int
    outputs: int
    smallest: float
    next: float

    @property
    def redundancy(self) -> int:
        """Directions of the weights that change nothing on these inputs, to first order."""
        return self.parameters - self.rank

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def functional_dimension(model: nn.Module, inputs: Tensor, *, tolerance: float = 1e-9) -> FunctionalDimension:
    """The functional dimension of ``model`` at its weights: the rank of the Jacobian of its outputs on ``inputs`` by them.

    Source: hidden symmetries of ReLU networks (arXiv:2306.06179). Of a ReLU network it is at most the number of parameters less
    that of hidden neurons (each can be scaled against the weights behind it); it is lower where there are hidden
    symmetries. With fewer outputs than parameters the inputs bound it, not the network: give more.

    Computed in float64 on a copy of the weights, in the mode the model is in; needs outputs * parameters numbers at once.
    tolerance: singular values up to this share of the largest do not count. Raises SettingError for tolerance outside (0, 1),
    DataError where there is no parameter or no input.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))  # a b x + a c + d: two numbers of four
    >>> functional_dimension(model, torch.linspace(-1, 1, 9)[:, None]).rank
    2
    """
    import torch

    if not 0 < tolerance < 1:
        raise SettingError(f"tolerance={tolerance}: give a share between 0 and 1, for example 1e-9")
    call, start = flat_call(model)
    if not len(start) or not len(inputs):
        raise DataError(f"{len(start)} parameters and {len(inputs)} inputs have no Jacobian; give a model and inputs")
    given = inputs.double() if inputs.is_floating_point() else inputs
    jacobian = torch.func.jacrev(lambda weights: call(weights, given).flatten())(start)
    values = torch.linalg.svdvals(jacobian).numpy()
    shares = values / values[0] if len(values) and values[0] > 0 else np.zeros(len(values))
    rank = int((shares > tolerance).sum())
    return FunctionalDimension(
        rank=rank,
        parameters=len(start),
        outputs=len(jacobian),
        smallest=float(shares[rank - 1]) if rank else 0.0,
        next=float(shares[rank]) if rank < len(shares) else 0.0,
    )


catalogue.add("IntrinsicDimension", IntrinsicDimension)
