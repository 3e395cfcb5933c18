"""BinnedInformation and KernelInformation: what a layer tells about inputs and labels, by estimators that follow its scale.

Mutual information of a deterministic layer is infinite, or a matter of the noise or the bins that one adds; bins of a fixed
width then show how activations grow and not what they tell. Both estimators here scale with the activations. Neither
escapes that rows are few: where nearly every row has a pattern of its own, the layer "tells" all about any labels, shuffled
ones too. That control is a reading.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._errors import SettingError
from ._base import catalogue
from ._labelled_rows import SHUFFLES, LabelledRows, entropy

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class BinnedInformation(LabelledRows):
    """Mutual information of a layer T with inputs X and labels Y, in bits, by adaptive binning (EBAB, arXiv:1902.09037).

    Each neuron's value becomes one of ``bins`` bins, whose limits are the same for the whole layer and such that each holds
    equally many of the different values seen; a row becomes the pattern of its bins. "I(X;T)" is the entropy of the
    patterns, as the layer is a function of its inputs; "I(T;Y)" that less the entropy within labels. "neuron I(T;Y)" is the
    mean over neurons of the same of single neurons, which few rows suffice for.

    Controls: "I(T;Y), shuffled" and "neuron I(T;Y), shuffled", the mean over 8 random orders of the labels: what chance alone
    gives, of which nothing is taken off. "ceiling", the entropy of the rows (log2 of their number, if all differ), which
    I(X;T) cannot pass, and "too few rows", 1 where it is within 1 bit of that: then most rows have patterns of their own,
    I(T;Y) is near "H(Y)" whatever the labels, and neither means anything. Few rows bias I(T;Y) upwards, I(X;T) downwards.

    Patterns need rows side by side, so the state keeps at most ``kept`` different pairs (row, label), those of the smallest
    hash of their content, with the weight of each: the same for any order and split. "rows" were seen, "rows used" kept.
    State: kept (N + 3) numbers; cost per row: one hash of N numbers, and a sort of ``kept`` keys per batch. Raises
    SettingError for targets that are no labels, fewer than two bins, or fewer than two rows kept.

    >>> import torch
    >>> part = BinnedInformation(bins=2)
    >>> values, labels = torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.tensor([0, 0, 1, 1])
    >>> readings = part.compute(part.update(part.start(1), values, targets=labels))
    >>> readings["I(X;T)"], readings["I(T;Y)"], readings["I(T;Y), shuffled"] < 1
    (1.0, 1.0, True)
    """

    bins: int = 30
    kept: int = 2048

    def __post_init__(self) -> None:
        self._check_kept()
        if isinstance(self.bins, bool) or not isinstance(self.bins, int) or self.bins < 2:
            raise SettingError(f"bins={self.bins!r}: give the number of bins, 2 or more, such as 30")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All rows of a small set, and a part of them in few bins."""
        return cls(kept=100), cls(bins=3, kept=20)

    def _names(self) -> tuple[str, ...]:
        return "I(X;T)", "I(T;Y)", "neuron I(T;Y)", "neuron I(T;Y), shuffled"

    def _binned(self, sample: Array) -> Array:
        levels, place = np.unique(sample, return_inverse=True)
        return np.asarray((place * self.bins // len(levels)).reshape(sample.shape))

    def _about(self, sample: Array, share: Array, labels: Array) -> dict[str, float]:
        binned = self._binned(sample)
        pattern = np.unique(binned, axis=0, return_inverse=True)[1].ravel()
        whole = entropy(np.bincount(pattern, share))
        alone = _single(binned, share, labels, self.bins)
        generator = np.random.default_rng(1)
        null = [_single(binned, share, generator.permutation(labels), self.bins) for _ in range(SHUFFLES)]
        told = _mutual(pattern, labels, share)
        return {
            "I(X;T)": whole,
            "I(T;Y)": told,
            "neuron I(T;Y)": alone,
            "neuron I(T;Y), shuffled": float(np.mean(null)),
        }

    def _about_by_hand(self, sample: Array, share: Array, labels: Array) -> dict[str, float]:
        order = {value: rank for rank, value in enumerate(sorted(set(sample.ravel().tolist())))}
        rows = [tuple(order[value] * self.bins // len(order) for value in row) for row in sample.tolist()]
        generator = np.random.default_rng(1)
        null = [_single_by_hand(rows, share, generator.permutation(labels)) for _ in range(SHUFFLES)]
        return {
            "I(X;T)": _entropy_by_hand(rows, share),
            "I(T;Y)": _mutual_by_hand(rows, labels, share),
            "neuron I(T;Y)": _single_by_hand(rows, share, labels),
            "neuron I(T;Y), shuffled": float(np.mean(null)),
        }


@dataclass(frozen=True)
class KernelInformation(LabelledRows):
    """Mutual information of a layer T with inputs X and labels Y, in bits, by scaled kernels (aKDE, arXiv:1902.09037).

    Gaussian noise is added to the activations, of deviation ``noise`` times the largest magnitude in the layer, and the
    information of the noisy layer is bounded by the distances of rows (arXiv:1706.02419): with d_ij the distance and p_i
    the share of rows, - sum_i p_i log sum_j p_j exp(-d_ij**2 / (2 s**2)) bounds I(X;T) from above ("I(X;T)"), the same with
    8 s**2 from below ("I(X;T), lower"). "I(T;Y)" is the upper one of all rows less its mean within labels, which is an
    estimate and no bound.

    The bounds are those of the mixture of the rows at hand: as the rows of the world are more, "I(X;T)" is too low by up to
    what "ceiling", the entropy of the rows, cuts off. Controls and further readings as in
    `BinnedInformation`. The paper scales its noise by the largest activation of each layer and each epoch; its constant is
    stated as a variance, here it is the deviation, because then a layer multiplied by any number tells the same.

    State: kept (N + 3) numbers; cost per row as there, and kept**2 N operations per reading. Raises SettingError for
    targets that are no labels, noise that is not above 0, or fewer than two rows kept.

    >>> import torch
    >>> part = KernelInformation()
    >>> values, labels = torch.tensor([[0.0], [0.0], [1.0], [1.0]]), torch.tensor([0, 0, 1, 1])
    >>> readings = part.compute(part.update(part.start(1), values, targets=labels))
    >>> round(readings["I(X;T)"], 9), round(readings["I(T;Y)"], 9)
    (1.0, 1.0)
    """

    noise: float = 0.03
    kept: int = 1024

    def __post_init__(self) -> None:
        self._check_kept()
        if not (math.isfinite(self.noise) and self.noise > 0):
            raise SettingError(f"noise={self.noise}: give a share of the largest activation above 0, such as 0.03")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All rows of a small set, and a part of them with much noise."""
        return cls(kept=100), cls(noise=0.3, kept=20)

    def _names(self) -> tuple[str, ...]:
        return "I(X;T)", "I(X;T), lower", "I(T;Y)"

    def _about(self, sample: Array, share: Array, labels: Array) -> dict[str, float]:
        from scipy.spatial.distance import cdist

        scale = self.noise * float(np.abs(sample).max()) or 1.0
        near = (cdist(sample, sample) / scale) ** 2
        kernel = np.exp(-near / 2)
        upper, within = _bound(kernel, share), 0.0
        for label in range(int(labels.max()) + 1):
            own = labels == label
            part = share[own].sum()
            within += float(part) * _bound(kernel[np.ix_(own, own)], share[own] / part)
        return {"I(X;T)": upper, "I(X;T), lower": _bound(np.exp(-near / 8), share), "I(T;Y)": upper - within}

    def _about_by_hand(self, sample: Array, share: Array, labels: Array) -> dict[str, float]:
        scale = self.noise * max(abs(value) for row in sample.tolist() for value in row) or 1.0
        rows = range(len(sample))

        def bound(chosen: Array, width: float) -> float:
            whole, total = float(share[chosen].sum()), 0.0
            for i in chosen:
                gaps = ((sample[chosen] - sample[i]) ** 2).sum(axis=1) / scale**2
                total -= (
                    float(share[i]) / whole * math.log2(float((share[chosen] / whole * np.exp(-gaps / width)).sum()))
                )
            return total

        every = np.array(rows)
        groups = [every[labels == label] for label in set(labels.tolist())]
        within = sum(float(share[group].sum()) * bound(group, 2) for group in groups)
        upper = bound(every, 2)
        return {"I(X;T)": upper, "I(X;T), lower": bound(every, 8), "I(T;Y)": upper - within}


def _bound(kernel: Array, share: Array) -> float:
    return -float(share @ np.log2(kernel @ share))


def _mutual(kinds: Array, labels: Array, share: Array) -> float:
    both = kinds * (int(labels.max()) + 1) + labels
    parts = [np.bincount(np.unique(each, return_inverse=True)[1], share) for each in (kinds, labels, both)]
    return entropy(parts[0]) + entropy(parts[1]) - entropy(parts[2])


def _single(binned: Array, share: Array, labels: Array, bins: int) -> float:
    """The mean over neurons of I(neuron; label), from one table of counts (neurons, bins, labels)."""
    neurons, kinds = binned.shape[1], int(labels.max()) + 1
    places = (np.arange(neurons) * bins + binned) * kinds + labels[:, None]
    table = np.bincount(places.ravel(), np.repeat(share, neurons), neurons * bins * kinds).reshape(neurons, bins, kinds)
    return (entropy(table.sum(axis=2)) + entropy(table.sum(axis=1)) - entropy(table)) / float(neurons)


def _entropy_by_hand(kinds: Any, share: Array) -> float:
    total: dict[Any, float] = defaultdict(float)
    for kind, part in zip(kinds, share.tolist(), strict=True):
        total[kind] += part
    return -math.fsum(part * math.log2(part) for part in total.values())


def _mutual_by_hand(kinds: Any, labels: Array, share: Array) -> float:
    told: float = _entropy_by_hand(kinds, share)
    for label in set(labels.tolist()):
        own = [at for at in range(len(labels)) if labels[at] == label]
        part = float(share[own].sum())
        told -= part * _entropy_by_hand([kinds[at] for at in own], share[own] / part)
    return told


def _single_by_hand(rows: list[tuple[int, ...]], share: Array, labels: Array) -> float:
    neurons = len(rows[0])
    return sum(_mutual_by_hand([row[at] for row in rows], labels, share) for at in range(neurons)) / neurons


catalogue.add("BinnedInformation", BinnedInformation)
catalogue.add("KernelInformation", KernelInformation)
