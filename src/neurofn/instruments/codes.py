"""Codes: which neurons are active, as bits. How many different codes data have, and what can be told from them alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import DataError, MissingExtraError, SettingError, ShapeError
from ._base import Batch, Instrument, Readings, State, catalogue
from ._sketch import EMPTY, bit_keys, key_by_hand, smallest

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ActivationCodes", "Categorisation", "categorise"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ActivationCodes(Instrument):
    """How many different activation codes the rows have. The code of a row is one bit per neuron: its value is over ``above``.

    Source: hash encoders (arXiv:2101.05490): the redundancy of n rows is (n - different codes) / n, 0 where every row has
    a code of its own. For the code of a whole network give its layers side by side. After a convolution a row is one place.

    The state keeps the ``kept`` smallest different hashes (63 bits) of codes. Fewer codes are counted exactly; of more, their
    number is (kept - 1) / (the largest hash kept, as a share of all), right within "relative error", which is
    one standard deviation, 1 / sqrt(kept - 2), and 0 where the count is exact (k minimum values, doi:10.1007/3-540-45726-7_1).

    Readings: "codes", "redundancy", "relative error", "constant bits" (neurons with one bit in all rows, which no code
    needs), "rows", and "active" (array, the share of rows in which each neuron's bit is 1). Rows of weight 0 are left out;
    other weights do not count. State: ``kept`` + N numbers; cost per row: N additions and a place in a sort.
    Raises SettingError for ``kept`` < 3 or ``above`` that is not finite.

    >>> import torch
    >>> codes = ActivationCodes()
    >>> readings = codes.compute(codes.update(codes.start(2), torch.tensor([[1.0, -1], [2.0, -3], [1.0, 2], [1.0, 5]])))
    >>> readings["codes"], readings["redundancy"], readings["constant bits"]
    (2.0, 0.5, 1.0)
    """

    above: float = 0.0
    kept: int = 4096

    def __post_init__(self) -> None:
        if isinstance(self.kept, bool) or not isinstance(self.kept, int) or self.kept < 3:
            raise SettingError(f"kept={self.kept!r}: give how many hashes to keep, 3 or more, for example 4096")
        if not math.isfinite(self.above):
            raise SettingError(f"above={self.above}: give a finite number, for example ActivationCodes(above=0)")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """One that counts exactly, and one that has to estimate."""
        return cls(), cls(above=0.1, kept=5)

    def merge(self, a: State, b: State) -> State:
        import torch

        b = {name: entry.to(a[name].device) for name, entry in b.items()}
        keys, _ = smallest(torch.cat([a["keys"], b["keys"]]), self.kept)
        return {**{name: a[name] + b[name] for name in ("active", "rows", "nonfinite rows")}, "keys": keys}

    def _start(self, neurons: int) -> State:
        import torch

        return {
            "active": torch.zeros(neurons, dtype=torch.int64),
            "keys": torch.full((self.kept,), EMPTY, dtype=torch.int64),
            "rows": torch.zeros((), dtype=torch.int64),
        }

    def _update(self, state: State, batch: Batch) -> State:
        import torch

        bits = (batch.values > self.above) & batch.keep[:, None]
        keys = bit_keys(bits).masked_fill(~batch.keep, EMPTY)
        return {
            "active": state["active"] + bits.sum(dim=0),
            "keys": smallest(torch.cat([state["keys"], keys]), self.kept)[0],
            "rows": state["rows"] + batch.keep.sum(),
        }

    def _compute(self, state: State) -> Readings:
        keys = state["keys"].numpy()
        return self._readings(keys[keys < EMPTY], state["active"].numpy(), rows=int(state["rows"]))

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        bits = values.double().numpy() > self.above
        codes = {tuple(row) for row in bits.astype(int).tolist()}
        keys = sorted(key_by_hand(code, bits=True) for code in codes)
        readings = self._readings(np.array(keys[: self.kept], dtype=np.int64), bits.sum(axis=0), rows=len(bits))
        if len(codes) < self.kept and len(bits):
            readings |= {"codes": float(len(codes)), "redundancy": (len(bits) - len(codes)) / len(bits)}
        return readings

    def _readings(self, keys: Array, active: Array, *, rows: int) -> Readings:
        full = len(keys) == self.kept and rows > self.kept
        codes = (self.kept - 1) / (float(keys.max()) / EMPTY) if full else float(len(keys))
        return {
            "codes": codes,
            "redundancy": max(0.0, (rows - codes) / rows) if rows else math.nan,
            "relative error": 1 / math.sqrt(self.kept - 2) if full else 0.0,
            "constant bits": float(((active == 0) | (active == rows)).sum()),
            "rows": float(rows),
            "active": active / rows if rows else np.full(len(active), np.nan),
        }


@dataclass(frozen=True)
class Categorisation:
    """How well activation codes tell classes apart: accuracies on rows that were not learned from, 0 to 1.

    k_means: clusters, as many as classes, each named after a class. neighbours: a vote of the nearest rows by Hamming
    distance. logistic: logistic regression of every class against every other. majority: the share of the class that was
    most frequent among the rows learned from. shuffled: the control, the same three with the labels of all rows dealt out anew.
    bits: how many bits were not constant; the others were dropped.

    >>> Categorisation(k_means=0.5, neighbours=1.0, logistic=1.0, majority=0.5, shuffled=(0.5, 0.4, 0.6), bits=3).bits
    3
    """

    k_means: float
    neighbours: float
    logistic: float
    majority: float
    shuffled: tuple[float, float, float]
    bits: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def categorise(
    learned: Sequence[Tensor], held_out: Sequence[Tensor], *, above: float = 0.0, neighbours: int = 9, seed: int = 0
) -> Categorisation:
    """How well the codes of rows tell their labels: three classifiers of the hash-encoder study (arXiv:2101.05490).

    learned, held_out: (values (rows, neurons), labels (rows,)); the bits are values > ``above``. Bits that are constant over
    both are dropped. Clusters are matched to classes greedily: the pair with most rows in common first. Of neighbours at
    the same distance the earlier row counts, of classes with the same votes the smaller label.

    Raises DataError for no rows, one class or constant codes, ShapeError for labels that do not fit, SettingError for
    neighbours < 1, MissingExtraError without scikit-learn.

    >>> import torch
    >>> values, labels = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(20, 1), torch.tensor([0, 1]).repeat(20)
    >>> categorise((values[:30], labels[:30]), (values[30:], labels[30:])).logistic
    1.0
    """
    if neighbours < 1:
        raise SettingError(f"neighbours={neighbours}: give 1 or more; the study takes 9")
    (bits, labels), (new, new_labels) = (_bits(*side, above=above) for side in (learned, held_out))
    if bits.shape[1] != new.shape[1]:
        raise ShapeError(f"codes have {bits.shape[1]} bits and {new.shape[1]} bits; give the same neurons twice")
    varies = np.ptp(np.concatenate([bits, new]), axis=0) > 0
    kinds, numbers = np.unique(labels, return_counts=True)
    if len(kinds) < 2 or not varies.any():
        raise DataError(
            f"{len(kinds)} class(es) and {int(varies.sum())} bits that vary; give two classes and a bit or more"
        )
    bits, new = bits[:, varies], new[:, varies]
    dealt = np.random.default_rng(seed).permutation(np.concatenate([labels, new_labels]))
    found, chance = (
        _accuracies(_guesses(bits, names, new, neighbours, seed), right)
        for names, right in ((labels, new_labels), (dealt[: len(bits)], dealt[len(bits) :]))
    )
    majority = float((new_labels == kinds[numbers.argmax()]).mean())
    return Categorisation(*found, majority, chance, int(varies.sum()))


def _accuracies(guesses: tuple[Array, Array, Array], right: Array) -> tuple[float, float, float]:
    first, second, third = (float((guess == right).mean()) for guess in guesses)
    return first, second, third


def _bits(values: Tensor, labels: Tensor, *, above: float) -> tuple[Array, Array]:
    if values.ndim != 2 or labels.shape != (len(values),):
        raise ShapeError(f"values of shape {tuple(values.shape)} with labels of shape {tuple(labels.shape)}; give "
                         "(rows, neurons) and (rows,)")  # fmt: skip
    if not len(values):
        raise DataError("there are no rows; give rows to learn from and rows held out")
    return (values.detach().cpu().double().numpy() > above).astype(np.float64), labels.detach().cpu().numpy()


def _guesses(bits: Array, labels: Array, new: Array, neighbours: int, seed: int) -> tuple[Array, Array, Array]:
    try:
        from sklearn.cluster import KMeans
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsOneClassifier
    except ImportError:
        raise MissingExtraError("scikit-learn", extra="data", purpose="categorise") from None
    count = min(len(np.unique(labels)), len(np.unique(bits, axis=0)))
    clusters = KMeans(count, n_init=10, random_state=seed).fit(bits)
    named = _greedy(clusters.labels_, labels)
    regression = OneVsOneClassifier(LogisticRegression(max_iter=5000)).fit(bits, labels)
    return named[clusters.predict(new)], _votes(bits, labels, new, neighbours), regression.predict(new)


def _greedy(clusters: Array, labels: Array) -> Array:
    """The class of each cluster: the pair with most rows in common first, then among what is left."""
    kinds, index = np.unique(labels, return_inverse=True)
    table = np.zeros((clusters.max() + 1, len(kinds)))
    np.add.at(table, (clusters, index), 1)
    named = np.zeros(len(table), dtype=np.int64)
    for _ in named:
        cluster, kind = np.unravel_index(table.argmax(), table.shape)
        named[cluster] = kind
        table[cluster], table[:, kind] = -1, -1
    return np.asarray(kinds[named])


def _votes(bits: Array, labels: Array, new: Array, neighbours: int) -> Array:
    """Of each new row the class that most of its nearest rows by Hamming distance have."""
    kinds, index = np.unique(labels, return_inverse=True)
    member = np.eye(len(kinds))[index]
    guesses = []
    for start in range(0, len(new), 512):
        some = new[start : start + 512]
        distance = some @ (1 - bits).T + (1 - some) @ bits.T  # whole numbers: exact
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :neighbours]
        guesses.append(kinds[member[nearest].sum(axis=1).argmax(axis=1)])
    return np.concatenate(guesses)


catalogue.add("ActivationCodes", ActivationCodes)
