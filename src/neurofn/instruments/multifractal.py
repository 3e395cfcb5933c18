"""Multifractal: how unevenly the strong connections of neurons are spread over scales (NeuroMFA)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError
from ._base import Readings
from ._probe import Data, Loss, Probe, probes
from .weights import weight_matrices

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Multifractal", "emergence"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Multifractal(Probe):
    """The multifractal spectrum of the neuron interaction network, node by node (NeuroMFA, arXiv:2402.09099).

    A neuron is joined to those of the next layer at the distance 1/|w|; distances beyond ``reach`` are no edges. Let N_i(r)
    be 1 plus the number of neighbours of neuron i within r, and Z_q(r) = sum_i (N_i(r) / N_i(largest r))**q over neurons
    with at least ``least`` neighbours. tau(q) is the slope of log Z_q over log r; alpha = d tau / d q, f = q alpha - tau,
    by differences between the q from -3 to 3 in steps of 0.1.

    Readings: "alpha0", alpha at q = 0, where f is largest (the paper's regularity: lower is more regular); "width", of the
    range of alpha (heterogeneity); "alpha" and "spectrum", the pairs (alpha, f), one per step of q; "straightness", the
    least r**2 of the lines that tau was read from: a spectrum from lines that are none says nothing. Controls: "alpha0,
    shuffled" and "width, shuffled", of the same weights in random order within each matrix, which keeps their distribution
    and takes away what neurons differ by.

    Ours: radii are ``radii`` steps, even in their logarithm, from the shortest to the longest edge, where the paper takes
    whole numbers; all neurons are read, none are sampled; layers follow each other as the matrices of `weight_matrices` do,
    and each input of a matrix is a neuron. It reads no data. NaN where no neuron has enough neighbours. `emergence`
    compares two states. Cost: a sort of each matrix and 61 * radii * neurons powers. Raises SettingError for settings that
    are not above 0.

    >>> import torch
    >>> layer = torch.nn.Linear(4, 200)
    >>> with torch.no_grad():  # distances r even from 0 to 1: N grows as r, and every neuron the same
    ...     _ = layer.weight.copy_(1 / ((torch.arange(200) + 1.0) / 200)[:, None].expand(200, 4))
    >>> readings = Multifractal().of(layer)
    >>> round(readings["alpha0"], 1), readings["width"] < 0.01
    (0.9, True)
    """

    reach: float = 150.0
    radii: int = 30
    least: int = 10

    needs: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[tuple[str, ...]] = (
        "alpha0", "width", "alpha", "spectrum", "straightness", "alpha0, shuffled", "width, shuffled"
    )  # fmt: skip

    def __post_init__(self) -> None:
        if not self.reach > 0:
            raise SettingError(
                f"reach={self.reach}: give the longest distance 1/|w| of an edge, above 0, such as 150.0"
            )
        for name, least in (("radii", 3), ("least", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SettingError(f"{name}={value!r}: give a whole number, {least} or more")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """For layers of a few neurons."""
        return cls(least=2), cls(reach=4.0, radii=5, least=1)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        return self._readings(model, self._partition)

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        return self._readings(model, self._partition_by_hand)

    def _readings(self, model: nn.Module, how: Any) -> Readings:
        matrices = list(weight_matrices(model).values())
        generator = np.random.default_rng(0)
        mixed = [generator.permutation(matrix.ravel()).reshape(matrix.shape) for matrix in matrices]
        own, shuffled = (_spectrum(*how(each)) for each in (matrices, mixed))
        return {
            **own,
            "alpha0, shuffled": shuffled["alpha0"],
            "width, shuffled": shuffled["width"],
        }

    def _partition(self, matrices: list[Array]) -> tuple[Array, Array]:
        """Logarithms of the radii (radii,), and of Z_q (q, radii)."""
        far = [_distances(matrix, self.reach) for matrix in matrices]
        nodes = [np.sort(row[row <= self.reach]) for side in far for row in side]
        nodes = [node for node in nodes if len(node) >= self.least]
        if not nodes:
            return np.zeros(0), np.zeros((len(_POWERS), 0))
        radii = self._radii(min(node[0] for node in nodes), max(node[-1] for node in nodes))
        within = 1.0 + np.array([np.searchsorted(node, radii, side="right") for node in nodes])
        shares = within / within[:, -1:]
        return np.log(radii), np.log(np.array([(shares**power).sum(axis=0) for power in _POWERS]))

    def _partition_by_hand(self, matrices: list[Array]) -> tuple[Array, Array]:
        nodes = []
        for matrix in matrices:
            for column in range(matrix.shape[1]):
                gaps = [1 / abs(w) for w in matrix[:, column].tolist() if w != 0 and 1 / abs(w) <= self.reach]
                nodes += [gaps] if len(gaps) >= self.least else []
        if not nodes:
            return np.zeros(0), np.zeros((len(_POWERS), 0))
        radii = self._radii(min(map(min, nodes)), max(map(max, nodes)))
        logs = np.zeros((len(_POWERS), len(radii)))
        for place, power in enumerate(_POWERS):
            for step, radius in enumerate(radii):
                counts = [(1 + sum(gap <= radius for gap in gaps)) / (1 + len(gaps)) for gaps in nodes]
                logs[place, step] = math.log(math.fsum(count**power for count in counts))
        return np.log(radii), logs

    def _radii(self, shortest: float, longest: float) -> Array:
        radii = np.geomspace(shortest, longest, self.radii)
        radii[-1] = longest  # rounding must not lose the last edge
        return radii


_POWERS = np.round(np.arange(-3.0, 3.05, 0.1), 1)


def emergence(first: Readings, now: Readings) -> float:
    """The paper's degree of emergence from one state of a training to another: width / width_0 * log(alpha0_0 / alpha0).

    first, now: readings of `Multifractal`. NaN where a spectrum is missing or an exponent is not positive.

    >>> round(emergence({"width": 0.1, "alpha0": 1.0}, {"width": 0.2, "alpha0": 0.5}), 3)
    1.386
    """
    width, centre = float(now["width"]) / (float(first["width"]) or math.nan), float(now["alpha0"])
    start = float(first["alpha0"])
    return width * math.log(start / centre) if start > 0 and centre > 0 else math.nan


def _distances(matrix: Array, reach: float) -> Array:
    """(inputs, outputs): 1/|w|, infinity for no edge."""
    size = np.abs(matrix.T)
    return np.asarray(np.where(size > 0, 1 / np.where(size > 0, size, 1.0), np.inf))


def _spectrum(x: Array, logs: Array) -> dict[str, float | Array]:
    if len(x) < 3 or np.ptp(x) < 1e-9:
        unknown = np.full(len(_POWERS) - 1, np.nan)
        return {
            "alpha0": math.nan,
            "width": math.nan,
            "alpha": unknown,
            "spectrum": unknown.copy(),
            "straightness": math.nan,
        }
    apart, heights = x - x.mean(), logs - logs.mean(axis=1, keepdims=True)
    slopes = heights @ apart / (apart @ apart)
    spread = (heights**2).sum(axis=1)
    bent = np.abs(_POWERS) > 1e-9  # at q = 0 the line is level
    fit = slopes[bent] ** 2 * (apart @ apart) / np.where(spread[bent] > 0, spread[bent], 1.0)
    alpha = np.diff(slopes) / np.diff(_POWERS)
    heights = _POWERS[:-1] * alpha - slopes[:-1]
    return {
        "alpha0": float(
            alpha[np.abs(_POWERS[:-1] + 0.05) < 0.06].mean()
        ),  # f of the two steps beside q = 0 is the same
        "width": float(np.ptp(alpha)),
        "alpha": alpha,
        "spectrum": heights,
        "straightness": float(fit.min()),
    }


probes.add("Multifractal", Multifractal)
