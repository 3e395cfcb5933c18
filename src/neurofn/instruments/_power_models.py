"""Power laws on a range, real numbers or counts: the moments of their logarithm, their distribution and their density."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Counts", "Reals"]

Array = np.ndarray[Any, np.dtype[np.float64]]


class Reals:
    """x**-a on [low, high]: in u = log(x/low) an exponential law of rate a - 1 on [0, width]."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.width = low, math.log(high / low) if math.isfinite(high) else math.inf

    def moments(self, exponent: float) -> tuple[float, float]:
        """Mean and variance of log x."""
        rate, width = exponent - 1, self.width
        if math.isinf(width):
            return math.log(self.low) + 1 / rate, 1 / rate**2
        z = rate * width
        if abs(z) < 1e-3:  # the first terms of the series around the uniform law
            return math.log(self.low) + width * (0.5 - z / 12 + z**3 / 720), width**2 * (1 / 12 - z**2 / 240)
        outer = width / math.expm1(z) if z < 700 else 0.0
        inner = outer * outer * math.exp(z) if z < 300 else 0.0
        return math.log(self.low) + 1 / rate - outer, 1 / rate**2 - inner

    def below(self, exponent: float, x: Array) -> Array:
        """The distribution function."""
        rate, u = exponent - 1, np.log(x / self.low)
        if math.isinf(self.width):
            return np.asarray(-np.expm1(-rate * u))
        if abs(rate * self.width) < 1e-9:
            return np.asarray(u / self.width)
        return np.asarray(np.expm1(-rate * u) / math.expm1(-rate * self.width))

    def log_density(self, exponent: float, x: Array) -> Array:
        """The logarithm of the density of every x."""
        rate = exponent - 1
        if math.isinf(self.width):
            return np.asarray(math.log(rate) - math.log(self.low) - exponent * np.log(x / self.low))
        z = rate * self.width
        scale = (
            math.log(self.width)
            if abs(z) < 1e-9
            else math.log(-math.expm1(-z) / rate)
            if z > -700
            else -z - math.log(-rate)
        )
        return np.asarray(-exponent * np.log(x / self.low) - scale - math.log(self.low))


class Counts:
    """k**-a for the whole numbers k from low to high."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = math.ceil(low), high
        self.logs = np.log(np.arange(self.low, math.floor(high) + 1)) if math.isfinite(high) else None

    def moments(self, exponent: float) -> tuple[float, float]:
        """Mean and variance of log k."""
        if self.logs is None:
            return self._tail_moments(exponent)
        weights = np.exp(-exponent * (self.logs - (self.logs[0] if exponent > 0 else self.logs[-1])))
        weights /= weights.sum()
        mean = float(weights @ self.logs)
        return mean, float(weights @ (self.logs - mean) ** 2)

    def _tail_moments(self, exponent: float) -> tuple[float, float]:
        # First thousand terms one by one, the rest by the integral and the first corrections of Euler and Maclaurin.
        k = np.arange(self.low, self.low + 1000, dtype=np.float64)
        logs, end = np.log(k), float(self.low + 1000)
        sums = [float((k**-exponent * logs**power).sum()) for power in range(3)]
        rate, log = exponent - 1, math.log(end)
        head = end**-rate
        integrals = (
            head / rate,
            head * (log / rate + 1 / rate**2),
            head * (log**2 / rate + 2 * log / rate**2 + 2 / rate**3),
        )
        for power, integral in enumerate(integrals):
            value = end**-exponent * log**power
            slope = end ** (-exponent - 1) * (power * log ** (power - 1) - exponent * log**power) if power else (
                -exponent * end ** (-exponent - 1))  # fmt: skip
            sums[power] += integral + value / 2 - slope / 12
        mean = sums[1] / sums[0]
        return mean, sums[2] / sums[0] - mean**2

    def below(self, exponent: float, x: Array) -> Array:
        """The distribution function."""
        if self.logs is None:
            from scipy.special import zeta

            return np.asarray(1 - zeta(exponent, np.maximum(x, self.low - 1) + 1) / zeta(exponent, self.low))
        weights = np.exp(-exponent * (self.logs - (self.logs[0] if exponent > 0 else self.logs[-1])))
        sums = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
        return np.asarray(sums[np.clip(x - self.low + 1, 0, len(self.logs)).astype(int)])

    def log_density(self, exponent: float, x: Array) -> Array:
        """The logarithm of the probability of every x."""
        if self.logs is None:
            from scipy.special import zeta

            return np.asarray(-exponent * np.log(x) - math.log(zeta(exponent, self.low)))
        shift = -exponent * (self.logs[0] if exponent > 0 else self.logs[-1])
        return np.asarray(-exponent * np.log(x) - shift - math.log(np.exp(-exponent * self.logs - shift).sum()))
