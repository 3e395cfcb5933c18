"""Power laws by maximum likelihood, with the model that fits the data: bounded or not, counts or real numbers.

A straight line through a histogram in logarithms has a bias, and an exponent of 1 or less exists only on a bounded range: a
fit that assumes none returns something near 1 or a tail that is not there. Here the range is said, exponents of any sign
are found on a bounded one, and other laws are held against the fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import DataError, SettingError
from ._power_models import Counts, Reals

__all__ = ["Alternative", "PowerLaw", "compare_laws", "fit_power_law"]

Array = np.ndarray[Any, np.dtype[np.float64]]

_CANDIDATES = 200
_EXPONENTS = (-20.0, 20.0)
_LONGEST = 10_000_000
"""Whole numbers that are summed one by one; a range of counts with more than that is refused."""


@dataclass(frozen=True)
class PowerLaw:
    """p(x) ~ x**-exponent for low <= x <= high, where high may be infinity.

    error: the standard error of the exponent from the curvature of the likelihood. n: the values within the range, of
    which there were ``of`` in all. distance: the largest gap between the empirical and the fitted distribution function
    (Kolmogorov and Smirnov).

    >>> law = fit_power_law(np.array([1.0, 2.0, 4.0, 8.0]), low=1.0, high=8.0)
    >>> round(law.exponent, 9), law.n
    (1.0, 4)
    """

    exponent: float
    error: float
    low: float
    high: float
    n: int
    of: int
    distance: float
    discrete: bool


@dataclass(frozen=True)
class Alternative:
    """Another law over the same range: its parameters, and whether it is nearer to the data than the power law.

    ratio: sum over the values of log p(power law) - log p(alternative): positive favours the power law. p: of Vuong's test that
    both are equally near (doi:10.2307/1912557); for the power law with exponential cut-off, which contains the power law, of
    the likelihood-ratio test.

    >>> Alternative("exponential", (0.5,), ratio=12.0, p=0.001).ratio > 0  # the power law is nearer
    True
    """

    name: str
    parameters: tuple[float, ...]
    ratio: float
    p: float


def fit_power_law(values: Any, *, low: float | None = None, high: float = math.inf, discrete: bool = False) -> PowerLaw:
    """The exponent by maximum likelihood for the values in [low, high].

    values: (n,) positive numbers; whole ones where ``discrete``. low: None takes, of at most 200 values, the one from which on
    the fit is nearest to the data (Clauset, Shalizi and Newman, arXiv:0706.1062). high: the largest value that was
    possible; without it the exponent is above 1, because nothing else has a finite sum. On a bounded range it may be any.

    Raises DataError where fewer than two different values lie in the range, SettingError for a range that is none.

    >>> values = (1 - np.random.default_rng(0).random(20_000)) ** (-1 / 1.5)
    >>> abs(fit_power_law(values, low=1.0).exponent - 2.5) < 0.05
    True
    """
    given = np.sort(np.asarray(values, dtype=np.float64).ravel())
    _check(given, low, high, discrete)
    given = given[given <= high]
    if low is not None:
        return _fit(given[given >= low], low, high, discrete=discrete, of=np.size(values))
    places = np.unique(given)
    places = places[: max(1, int(np.searchsorted(places, given[-2])))]  # at least two values must stay
    chosen = places[np.unique(np.linspace(0, len(places) - 1, min(len(places), _CANDIDATES)).astype(int))]
    fits = []
    for start in chosen:
        tail = given[np.searchsorted(given, start) :]
        if tail[0] < tail[-1]:
            fits.append(_fit(tail, float(start), high, discrete=discrete, of=np.size(values)))
    return min(fits, key=lambda fit: fit.distance)


def _check(values: Array, low: float | None, high: float, discrete: bool) -> None:
    if low is not None and not 0 < low < high:
        raise SettingError(f"low={low}, high={high}: a power law needs 0 < low < high")
    inside = values[(values >= (low or 0)) & (values <= high)]
    if not len(inside) or inside[0] == inside[-1] or not np.isfinite(values).all():
        raise DataError(f"{len(inside)} values lie in the range [{low or 0}, {high}], and they are not two different finite "
                        "ones: there is no exponent to find")  # fmt: skip
    if values[0] <= 0 and low is None:
        raise DataError(
            f"the smallest value is {values[0]:g}; a power law has positive ones: leave out zeros, or give low=1"
        )
    if discrete and (inside != np.floor(inside)).any():
        raise DataError("discrete=True, and the values are no whole numbers; leave it out for real numbers")
    if discrete and math.isfinite(high) and high - (low or 1) > _LONGEST:
        raise SettingError(f"high={high:g}: counts up to {_LONGEST:,} above low are supported; leave high out beyond")


def _fit(tail: Array, low: float, high: float, *, discrete: bool, of: int) -> PowerLaw:
    """By the root of the score: the mean logarithm of the data is that of the law."""
    from scipy.optimize import brentq

    model = Counts(low, high) if discrete else Reals(low, high)
    mean = float(np.log(tail).mean())
    lowest = _EXPONENTS[0] if math.isfinite(high) else 1 + 1e-9

    def score(exponent: float) -> float:
        return model.moments(exponent)[0] - mean

    ends = score(lowest), score(_EXPONENTS[1])
    if ends[0] <= 0 or ends[1] >= 0:  # steeper than any exponent that we look at
        exponent = lowest if ends[0] <= 0 else _EXPONENTS[1]
    else:
        exponent = float(brentq(score, lowest, _EXPONENTS[1], xtol=1e-12))
    variance = model.moments(exponent)[1]
    error = 1 / math.sqrt(len(tail) * variance) if variance > 0 else math.inf
    points, counts = np.unique(tail, return_counts=True)
    steps = np.concatenate([[0.0], np.cumsum(counts) / len(tail)])
    fitted = model.below(exponent, points)
    before = model.below(exponent, points - 1) if discrete else fitted
    distance = max(np.abs(steps[1:] - fitted).max(), np.abs(steps[:-1] - before).max())
    return PowerLaw(exponent, error, low, high, len(tail), of, float(distance), discrete)


def compare_laws(values: Any, law: PowerLaw) -> tuple[Alternative, ...]:
    """Other laws fitted to the values that ``law`` was fitted to, each over the same range: exponential, log-normal, cut-off.

    Raises DataError where no value lies in the range of the law.

    >>> values = np.random.default_rng(0).exponential(3.0, 4000) + 1
    >>> law = fit_power_law(values, low=1.0)
    >>> [(other.name, other.ratio < 0, other.p < 1e-6) for other in compare_laws(values, law)][0]
    ('exponential', True, True)
    """
    from scipy import stats

    given = np.asarray(values, dtype=np.float64).ravel()
    x = given[(given >= law.low) & (given <= law.high)]
    if not len(x):
        raise DataError(f"no value lies in the range [{law.low}, {law.high}] of the law")
    model = Counts(law.low, law.high) if law.discrete else Reals(law.low, law.high)
    own = model.log_density(law.exponent, x)
    grid = _Grid(law, x)
    found = []
    for name, shape, begin in _SHAPES:
        parameters, logs = grid.fit(shape, begin(x, law.exponent), x)
        differences = own - logs
        ratio = float(differences.sum())
        if name == "power law with cut-off":
            p = float(stats.chi2.sf(max(0.0, -2 * ratio), 1))
        else:
            spread = float(differences.std()) * math.sqrt(len(x))
            p = float(2 * stats.norm.sf(abs(ratio) / spread)) if spread > 0 else 1.0
        found.append(Alternative(name, tuple(float(value) for value in parameters), ratio, p))
    return tuple(found)


Shape = Callable[[Array, Array], Array]
_SHAPES: tuple[tuple[str, Shape, Callable[[Array, float], list[float]]], ...] = (
    ("exponential", lambda x, q: -np.exp(q[0]) * x, lambda x, a: [-math.log(x.mean())]),
    ("log-normal", lambda x, q: -np.log(x) - (np.log(x) - q[0]) ** 2 / (2 * np.exp(2 * q[1])),
     lambda x, a: [float(np.log(x).mean()), math.log(float(np.log(x).std()) or 1.0)]),
    ("power law with cut-off", lambda x, q: -q[0] * np.log(x) - np.exp(q[1]) * x, lambda x, a: [a, -math.log(x.max())]),
)  # fmt: skip
"""Logarithms of densities up to a constant; scales are given by their logarithms, so that they stay positive."""


class _Grid:
    """The range of a law as points with weights, over which any density is brought to 1."""

    def __init__(self, law: PowerLaw, x: Array) -> None:
        top = law.high if math.isfinite(law.high) else float(x.max()) * 1e4
        if law.discrete:
            ends = np.unique(np.geomspace(math.ceil(law.low), math.floor(top) + 1, 20_000).round())
            self.at, self.weight = (ends[:-1] + ends[1:] - 1) / 2, np.diff(ends)
        else:
            nodes, weights = np.polynomial.legendre.leggauss(16)
            edges = np.linspace(math.log(law.low), math.log(top), 401)
            half = np.diff(edges)[:, None] / 2
            self.at = np.exp((edges[:-1, None] + half + half * nodes).ravel())
            self.weight = (half * weights).ravel() * self.at

    def fit(self, shape: Shape, begin: list[float], x: Array) -> tuple[Array, Array]:
        """The parameters of the largest likelihood, and the log density of every value."""
        from scipy.optimize import minimize
        from scipy.special import logsumexp

        def logs(parameters: Array) -> Array:
            with np.errstate(over="ignore"):
                total = logsumexp(shape(self.at, parameters), b=self.weight)
                return np.asarray(shape(x, parameters) - total)

        def loss(parameters: Array) -> float:
            value = -float(logs(parameters).mean())
            return value if math.isfinite(value) else 1e10

        found = minimize(
            loss, np.asarray(begin), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 2000}
        )
        return found.x, logs(found.x)
