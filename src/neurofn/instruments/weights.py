"""WeightSpectra: the singular values of weight matrices, beside those of random ones of the same size and entries."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._errors import DataError, ShapeError
from ._base import Readings
from ._probe import Data, Loss, Probe, probes
from .powerlaws import fit_power_law

if TYPE_CHECKING:
    from torch import nn

__all__ = ["MatrixSpectrum", "WeightSpectra", "matrix_spectrum", "weight_matrices"]

Array = np.ndarray[Any, Any]

_LEAST = 10  # singular values below which no exponent is fitted
_QUANTILE = 2.02345  # of the Tracy-Widom law of real matrices, at 0.99


@dataclass(frozen=True)
class MatrixSpectrum:
    """The spectrum of one weight matrix of m rows and n columns.

    largest: the largest singular value s. stable_rank: sum s**2 / max s**2. effective_rank: exp of the entropy of s / sum s.
    noise: the standard deviation of independent entries that would give the median singular value found here (Marchenko and
    Pastur, doi:10.1070/SM1967v001n04ABEH001994; the estimate is that of arXiv:1305.5870).
    edge: the value that the largest singular value of such a matrix exceeds in 1 of 100 draws (Johnstone,
    doi:10.1214/aos/1009210544). above_edge: the number of singular values above it. above_edge_shuffled: the same of the same
    entries in random order, the control: what is counted there is the work of single large entries, not of structure.
    exponent, error, tail: of the power law p(v) ~ v**-exponent for the ``tail`` largest eigenvalues v = s**2, cut off where the
    fit is nearest (arXiv:0706.1062); a fit says nothing about whether another law is nearer, see `compare_laws`. NaN and
    0 for fewer than 10 singular values that differ.

    >>> spectrum = matrix_spectrum(np.diag([2.0, 1.0]))
    >>> spectrum.largest, spectrum.stable_rank
    (2.0, 1.25)
    """

    largest: float
    stable_rank: float
    effective_rank: float
    noise: float
    edge: float
    above_edge: float
    above_edge_shuffled: float
    exponent: float
    error: float
    tail: float


def matrix_spectrum(weight: Any) -> MatrixSpectrum:
    """The spectrum of a matrix (m, n), in the units of its entries.

    Raises ShapeError for anything but a matrix with entries. Entries that are not finite, and zeros alone, give NaN.

    >>> noise = np.random.default_rng(0).normal(size=(60, 90))
    >>> matrix_spectrum(noise).above_edge, matrix_spectrum(noise + 1).above_edge
    (0.0, 1.0)
    """
    matrix = np.asarray(weight, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size:
        raise ShapeError(f"a weight of shape {matrix.shape} is no matrix; give (outputs, inputs)")
    if not np.isfinite(matrix).all() or not matrix.any():
        return MatrixSpectrum(*[math.nan] * len(fields(MatrixSpectrum)))
    singular = np.linalg.svd(matrix, compute_uv=False)
    shuffled = np.random.default_rng(0).permutation(matrix.ravel()).reshape(matrix.shape)
    return _from_singular(singular, np.linalg.svd(shuffled, compute_uv=False), matrix.shape)


def _from_singular(singular: Array, shuffled: Array, shape: tuple[int, ...]) -> MatrixSpectrum:
    shares = singular[singular > 0] / singular.sum()
    noise, edge = _noise_and_edge(singular, shape)
    exponent, error, tail = _tail(singular)
    return MatrixSpectrum(
        largest=float(singular[0]),
        stable_rank=float((singular**2).sum() / singular[0] ** 2),
        effective_rank=math.exp(-float((shares * np.log(shares)).sum())),
        noise=noise,
        edge=edge,
        above_edge=float((singular > edge).sum()),
        above_edge_shuffled=float((shuffled > _noise_and_edge(shuffled, shape)[1]).sum()),
        exponent=exponent,
        error=error,
        tail=tail,
    )


def _noise_and_edge(singular: Array, shape: tuple[int, ...]) -> tuple[float, float]:
    short, long = min(shape), max(shape)
    noise = float(np.median(singular)) / math.sqrt(long * _median_eigenvalue(short / long))
    roots = math.sqrt(short) + math.sqrt(long)
    width = roots * (1 / math.sqrt(short) + 1 / math.sqrt(long)) ** (1 / 3)
    return noise, noise * math.sqrt(roots**2 + _QUANTILE * width)


@functools.lru_cache
def _median_eigenvalue(aspect: float) -> float:
    """Of the Marchenko-Pastur law for ``aspect`` = short side / long side and entries of variance 1 / long side."""
    half = 2 * math.sqrt(aspect)
    angle = (np.arange(200_000) + 0.5) * math.pi / 200_000
    at = 1 + aspect - half * np.cos(angle)
    below = np.cumsum(np.sin(angle) ** 2 / at)
    return float(np.interp(0.5, below / below[-1], at))


def _tail(singular: Array) -> tuple[float, float, float]:
    values = singular[singular > singular[0] * 1e-8] ** 2
    if len(values) < _LEAST:
        return math.nan, math.nan, 0.0
    try:
        law = fit_power_law(values)
    except DataError:  # all equal
        return math.nan, math.nan, 0.0
    return law.exponent, law.error, float(law.n)


def weight_matrices(model: nn.Module) -> dict[str, Array]:
    """Parameter name -> matrix (outputs, everything else) in float64, of every parameter with two axes or more.

    >>> import torch
    >>> {name: matrix.shape for name, matrix in weight_matrices(torch.nn.Conv2d(3, 8, 5)).items()}
    {'weight': (8, 75)}
    """
    return {
        name: weight.detach().double().flatten(1).cpu().numpy()
        for name, weight in model.named_parameters()
        if weight.ndim > 1
    }


@dataclass(frozen=True)
class WeightSpectra(Probe):
    """The spectra of all weight matrices of a model, as in `matrix_spectrum`; it reads no data.

    Readings, each with one value per matrix in the order of `weight_matrices`: "largest singular value", "stable rank",
    "effective rank", "noise" (standard deviation), "edge" (of independent entries of that noise), "above edge" and "above edge,
    shuffled" (counts), "tail exponent", "tail error", "tail values". Kernels of convolutions are matrices (outputs, the rest).

    The tail exponent is that of arXiv:1810.01075, which calls the same number alpha. The cost is two singular value
    decompositions per matrix.

    >>> import torch
    >>> layer = torch.nn.Linear(2, 2)
    >>> with torch.no_grad():
    ...     _ = layer.weight.copy_(torch.diag(torch.tensor([2.0, 1.0])))
    >>> WeightSpectra().of(layer)["stable rank"]
    array([1.25])
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[tuple[str, ...]] = (
        "largest singular value", "stable rank", "effective rank", "noise", "edge", "above edge", "above edge, shuffled",
        "tail exponent", "tail error", "tail values",
    )  # fmt: skip

    def units(self, model: nn.Module) -> list[str]:
        """The names of the matrices, in the order of the readings."""
        return list(weight_matrices(model))

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        found = [matrix_spectrum(matrix) for matrix in weight_matrices(model).values()]
        return self._readings(found)

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        found = []
        for matrix in weight_matrices(model).values():
            shuffled = np.random.default_rng(0).permutation(matrix.ravel()).reshape(matrix.shape)
            sides = [side @ side.T if side.shape[0] <= side.shape[1] else side.T @ side for side in (matrix, shuffled)]
            roots = [np.sqrt(np.maximum(np.linalg.eigvalsh(side)[::-1], 0)) for side in sides]
            found.append(_from_singular(roots[0], roots[1], matrix.shape))
        return self._readings(found)

    def _readings(self, found: list[MatrixSpectrum]) -> Readings:
        own = [field.name for field in fields(MatrixSpectrum)]
        return {
            name: np.array([getattr(each, field) for each in found])
            for name, field in zip(self.names, own, strict=True)
        }


probes.add("WeightSpectra", WeightSpectra)
