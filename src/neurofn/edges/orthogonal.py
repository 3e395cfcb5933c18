"""Orthogonal polynomials on an interval; the functions ``chebyshev``, ``legendre_sum`` and ``hermite`` are bases as well."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import prod, sqrt
from typing import TYPE_CHECKING

from .._errors import SettingError
from ..functions import Choice, Count, Fixed
from ._outside import checked_interval, on_interval
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor

Step = tuple[float, float, float]
"""a, b, c of p_(k+1) = (a*u + b)*p_k - c*p_(k-1)."""


def _recurred(first: float, steps: list[Step], u: Tensor) -> list[Tensor]:
    before, found = u * 0, [u * 0 + first]
    for a, b, c in steps:
        before, after = found[-1], (a * u + b) * found[-1] - c * before
        found.append(after)
    return found


def _slopes(first: float, steps: list[Step], u: float) -> list[float]:
    """The slopes at one place, by the recurrence and its derivative."""
    values, slopes = [0.0, first], [0.0, 0.0]
    for a, b, c in steps:
        slopes.append(a * values[-1] + (a * u + b) * slopes[-1] - c * slopes[-2])
        values.append((a * u + b) * values[-1] - c * values[-2])
    return slopes[1:]


def _jacobi_steps(degree: int, a: float, b: float) -> list[Step]:
    steps = [((a + b + 2) / 2, (a - b) / 2, 0.0)]
    for k in range(1, degree):
        s = 2 * k + a + b
        under = 2 * (k + 1) * (k + a + b + 1) * s
        steps.append(
            ((s + 1) * (s + 2) * s / under, (s + 1) * (a * a - b * b) / under, 2 * (k + a) * (k + b) * (s + 2) / under)
        )
    return steps


def _choose(z: float, k: int) -> float:
    return prod((z - k + i) / i for i in range(1, k + 1))


def _jacobi_sum(u: Tensor, degree: int, a: float, b: float) -> list[Tensor]:
    """Rodrigues' formula, multiplied out."""
    down, up = (u - 1) / 2, (u + 1) / 2
    return [
        u * 0 + sum(_choose(k + a, k - s) * _choose(k + b, s) * down**s * up ** (k - s) for s in range(k + 1))
        for k in range(degree + 1)
    ]


@edge(
    "sum_k w_k*P_k(u), P_k the Jacobi polynomials with weight (1 - u)**a*(1 + u)**b, u = x moved from [low, high] to [-1, 1]",
    source="arXiv:2406.07456",
    degree=Count(4, low=1, high=32),
    a=Fixed(1.0, low=-0.99, high=20),
    b=Fixed(1.0, low=-0.99, high=20),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    outside=Choice("constant", "linear", "zero"),
)
def jacobi(degree: int, a: float, b: float, low: float, high: float, outside: str) -> Basis:
    """``degree + 1`` terms. a = b = 0 are Legendre's polynomials, a = b = -0.5 Chebyshev's times the size of each at 1."""
    interval = checked_interval("jacobi", low, high)
    steps = _jacobi_steps(degree, a, b)
    slopes = [_slopes(1.0, steps, u) for u in (-1.0, 1.0)]
    terms = on_interval(lambda u: _recurred(1.0, steps, u), interval, slopes=slopes, outside=outside)
    reference = on_interval(lambda u: _jacobi_sum(u, degree, a, b), interval, slopes=slopes, outside=outside)
    return Basis(degree + 1, terms, reference, interval=interval, outside=outside)


@lru_cache(maxsize=32)
def _gram_rows(degree: int, points: int) -> list[list[float]]:
    """Coefficients, lowest first, by Gram and Schmidt on the powers of the points; exact until the norm is divided out."""
    places = [Fraction(2 * j + 1, points) - 1 for j in range(points)]
    rows: list[list[Fraction]] = []
    values: list[list[Fraction]] = []
    for k in range(degree + 1):
        row, value = [Fraction(int(j == k)) for j in range(degree + 1)], [place**k for place in places]
        for known, there in zip(rows, values, strict=True):
            product = sum((x * y for x, y in zip(value, there, strict=True)), Fraction(0))
            share = product / sum((x * x for x in there), Fraction(0))
            row = [x - share * y for x, y in zip(row, known, strict=True)]
            value = [x - share * y for x, y in zip(value, there, strict=True)]
        rows.append(row)
        values.append(value)
    lengths = [sqrt(sum(x * x for x in value) / points) for value in values]
    return [[float(x) / length for x in row] for row, length in zip(rows, lengths, strict=True)]


@edge(
    "sum_k w_k*G_k(u), G_k the polynomials with mean(G_j*G_k) = [j = k] over that many equally spaced points of [-1, 1], "
    "u = x moved from [low, high] to [-1, 1]",
    source="arXiv:2407.01092",
    degree=Count(4, low=1, high=16),
    points=Count(64, low=2, high=512),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    outside=Choice("constant", "linear", "zero"),
)
def gram(degree: int, points: int, low: float, high: float, outside: str) -> Basis:
    """``degree + 1`` terms, the discrete Chebyshev polynomials; with more and more points they become Legendre's."""
    interval = checked_interval("gram", low, high)
    if degree >= points:
        raise SettingError(f"gram: degree must be below points, got degree={degree!r}, points={points!r}")
    norms = [sqrt(k * k * (points**2 - k * k) / ((4 * k * k - 1) * points**2)) for k in range(1, degree + 1)]
    steps = [(1 / norm, 0.0, before / norm) for norm, before in zip(norms, [0.0, *norms[:-1]], strict=True)]
    slopes = [_slopes(1.0, steps, u) for u in (-1.0, 1.0)]
    terms = on_interval(lambda u: _recurred(1.0, steps, u), interval, slopes=slopes, outside=outside)

    def plain(u: Tensor) -> list[Tensor]:
        powers = [u * 0 + 1, *(u**k for k in range(1, degree + 1))]
        return [u * 0 + sum(c * p for c, p in zip(row, powers, strict=True)) for row in _gram_rows(degree, points)]

    reference = on_interval(plain, interval, slopes=slopes, outside=outside)
    return Basis(degree + 1, terms, reference, interval=interval, outside=outside)
