"""What estimators of information share: a bounded part of the rows with their labels, and labels in random order."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import SettingError
from ._base import Batch, Labelled, Readings, State
from ._sketch import EMPTY, key_by_hand, keys_of, smallest, words_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SHUFFLES", "LabelledRows", "entropy"]

Array = np.ndarray[Any, Any]

SHUFFLES = 8
"""Random orders of the labels that the control is the mean of."""


class LabelledRows(Labelled):
    """Rows with their labels, the different ones of smallest hash with the weight of each, and labels in random order."""

    kept: int

    def _check_kept(self) -> None:
        if isinstance(self.kept, bool) or not isinstance(self.kept, int) or self.kept < 2:
            raise SettingError(f"kept={self.kept!r}: give the number of rows to keep, 2 or more")

    @abstractmethod
    def _about(self, sample: Array, share: Array, labels: Array) -> dict[str, float]:
        """Readings in bits from rows (rows, neurons), their shares and their labels from 0; "I(T;Y)" among them."""

    @abstractmethod
    def _about_by_hand(self, sample: Array, share: Array, labels: Array) -> dict[str, float]:
        """The same by other means."""

    def merge(self, a: State, b: State) -> State:
        import torch

        b = {name: entry.to(a[name].device) for name, entry in b.items()}
        every = torch.cat([a["keys"], b["keys"]])
        keys, place = smallest(every, self.kept)
        slot = torch.searchsorted(keys, every).clamp(max=self.kept - 1)
        known = (keys[slot] == every) & (every < EMPTY)
        mass = torch.cat([a["mass"], b["mass"]]) * known
        return {
            "sample": torch.cat([a["sample"], b["sample"]], dim=1)[:, place].masked_fill(keys == EMPTY, 0.0),
            "keys": keys,
            "label": torch.cat([a["label"], b["label"]])[place].masked_fill(keys == EMPTY, 0),
            "mass": torch.zeros(self.kept, dtype=torch.float64, device=mass.device).index_add(0, slot, mass),
            "rows": a["rows"] + b["rows"],
            "nonfinite rows": a["nonfinite rows"] + b["nonfinite rows"],
        }

    def _start(self, neurons: int) -> State:
        import torch

        return {
            "sample": torch.zeros(neurons, self.kept, dtype=torch.float64),
            "keys": torch.full((self.kept,), EMPTY, dtype=torch.int64),
            "label": torch.zeros(self.kept, dtype=torch.int64),
            "mass": torch.zeros(self.kept, dtype=torch.float64),
            "rows": torch.zeros((), dtype=torch.int64),
        }

    def _update(self, state: State, batch: Batch) -> State:
        import torch

        labels = self._labels(batch.targets)
        words = torch.cat([words_of(batch.values), labels[:, None]], dim=1)
        return self.merge(state, {
            "sample": (batch.values + 0.0).T,
            "keys": keys_of(words).masked_fill(~batch.keep, EMPTY),
            "label": labels,
            "mass": batch.mass,
            "rows": batch.keep.sum(),
            "nonfinite rows": torch.zeros_like(state["nonfinite rows"]),
        })  # fmt: skip

    def _labels(self, targets: Tensor | None) -> Tensor:
        assert targets is not None
        if targets.ndim != 1:
            raise SettingError(f"{self} needs one whole number per row as its label; targets are {targets.dtype} of shape "
                               f"{tuple(targets.shape)}")  # fmt: skip
        return targets

    def _compute(self, state: State) -> Readings:
        used = (state["keys"] < EMPTY).numpy()
        sample, labels = state["sample"].numpy().T[used], state["label"].numpy()[used]
        return self._readings(sample, state["mass"].numpy()[used], labels, int(state["rows"]), how=self._about)

    def _labelled_definition(self, values: Tensor, weights: Tensor | None, targets: Tensor) -> Readings:
        matrix, labels = values.double().numpy() + 0.0, self._labels(targets).tolist()
        mass = np.ones(len(matrix)) if weights is None else weights.double().numpy()
        found: dict[tuple[int, ...], float] = defaultdict(float)
        for row, label, weight in zip(matrix.view(np.int64).tolist(), labels, mass, strict=True):
            found[*row, label] += float(weight)
        chosen = sorted(found, key=key_by_hand)[: self.kept]
        words = np.array([row[:-1] for row in chosen], dtype=np.int64).reshape(-1, matrix.shape[1])
        own = np.array([row[-1] for row in chosen], dtype=np.int64)
        held = np.array([found[row] for row in chosen])
        return self._readings(words.view(np.float64), held, own, len(matrix), how=self._about_by_hand)

    def _readings(self, sample: Array, mass: Array, labels: Array, rows: int, *, how: Any) -> Readings:
        shared = {"rows": float(rows), "rows used": float(len(sample))}
        names = (*self._names(), "I(T;Y), shuffled", "H(Y)", "ceiling")
        if not len(sample):
            return {**dict.fromkeys(names, math.nan), **shared, "too few rows": 1.0}
        share = mass / mass.sum()
        labels = np.unique(labels, return_inverse=True)[1]
        seen = how(sample, share, labels)
        generator = np.random.default_rng(0)
        null = [how(sample, share, generator.permutation(labels))["I(T;Y)"] for _ in range(SHUFFLES)]
        ceiling = math.log2(1 / float((share**2).sum()))
        told = {
            **seen,
            "I(T;Y), shuffled": float(np.mean(null)),
            "H(Y)": entropy(np.bincount(labels, share)),
            "ceiling": ceiling,
        }
        return {**told, **shared, "too few rows": float(seen["I(X;T)"] > ceiling - 1)}

    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """The readings of `_about`."""


def entropy(shares: Array) -> float:
    """In bits, of shares that sum to 1; zeros are left out.

    >>> entropy(np.array([0.5, 0.5, 0.0]))
    1.0
    """
    shares = shares[shares > 0]
    return -float((shares * np.log2(shares)).sum())
