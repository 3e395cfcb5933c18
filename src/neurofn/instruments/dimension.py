"""Dimension: of the surface that a layer's activations lie on, of the functions a network can reach, of what it must learn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError
from ._base import Batch, Instrument, Readings, State, catalogue
from ._flat import flat_call
from ._probe import Data, Loss, Probe, probes, trained
from ._sketch import EMPTY, key_by_hand, keys_of, smallest, words_of

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FunctionalDimension", "IntrinsicDimension"]

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
class FunctionalDimension(Probe):
    """How many directions of a network's weights change its outputs: the rank of the Jacobian of outputs by parameters.

    Source: hidden symmetries of ReLU networks (arXiv:2306.06179). Of a ReLU network it is at most the number of parameters less
    that of hidden neurons, each of which can be scaled against the weights behind it; it is lower where there are hidden
    symmetries. With fewer outputs than parameters the data bound it, not the network ("bounded by outputs" is 1).

    Readings: "rank"; "parameters" that are trained; "outputs", the other side of the Jacobian; "redundancy", parameters - rank;
    "smallest counted" and "largest left out", singular values on both sides of the cut as shares of the largest: far apart
    where the rank is sure. ``tolerance`` is the cut. At most ``rows`` rows are used, the first ones ("rows used").

    Computed in float64; takes parameters * outputs numbers at once and the singular values of that matrix. Raises SettingError
    for settings out of range.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))  # a b x + a c + d: two numbers of four
    >>> FunctionalDimension().of(model, [torch.linspace(-1, 1, 9)[:, None]])["rank"]
    2.0
    """

    tolerance: float = 1e-9
    rows: int = 256

    names: ClassVar[tuple[str, ...]] = ("rank", "parameters", "outputs", "redundancy", "smallest counted", "largest left out",
                                        "bounded by outputs", "rows used")  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"rows"})

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise SettingError(f"tolerance={self.tolerance}: give a share between 0 and 1, for example 1e-9")
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or self.rows < 1:
            raise SettingError(f"rows={self.rows!r}: give how many rows to read, 1 or more")

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        call, start = flat_call(model)
        used = data.first(self.rows)
        inputs, _ = used.whole()
        inputs = inputs.double() if inputs.is_floating_point() else inputs
        if not len(start):
            return self._readings(np.zeros(0), (0, len(call(start, inputs).flatten())), used.rows)
        jacobian = torch.func.jacrev(lambda weights: call(weights, inputs).flatten())(start)
        return self._readings(torch.linalg.svdvals(jacobian).cpu().numpy(), (len(start), len(jacobian)), used.rows)

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import copy

        import torch

        alone, used = copy.deepcopy(model).double(), data.first(self.rows)
        inputs, _ = used.whole()
        outputs = alone(inputs.double() if inputs.is_floating_point() else inputs).flatten()
        weights = trained(alone)
        rows = []
        for value in outputs if weights else ():
            slopes = torch.autograd.grad(value, weights, retain_graph=True, materialize_grads=True)
            rows.append(torch.cat([slope.flatten() for slope in slopes]).numpy())
        values = np.linalg.svd(np.array(rows), compute_uv=False) if rows else np.zeros(0)
        return self._readings(values, (sum(weight.numel() for weight in weights), len(outputs)), used.rows)

    def _readings(self, values: Array, sides: tuple[int, int], rows: int) -> Readings:
        """sides: how many parameters and how many outputs."""
        shares = values / values[0] if len(values) and values[0] > 0 else np.zeros(len(values))
        rank = int((shares > self.tolerance).sum())
        return {
            "rank": float(rank),
            "parameters": float(sides[0]),
            "outputs": float(sides[1]),
            "redundancy": float(sides[0] - rank),
            "smallest counted": float(shares[rank - 1]) if rank else 0.0,
            "largest left out": float(shares[rank]) if rank < len(shares) else 0.0,
            "bounded by outputs": float(rank == sides[1]),
            "rows used": float(rows),
        }


catalogue.add("IntrinsicDimension", IntrinsicDimension)
probes.add("FunctionalDimension", FunctionalDimension)
