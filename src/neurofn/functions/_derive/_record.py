"""Everything that is derived of a function, as one frozen record that goes to JSON and comes back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["Claim", "Derived", "Enclosure"]


@dataclass(frozen=True)
class Enclosure:
    """Infimum and supremum; ``width`` is how far off either may be, ``proved`` that boxes show it to 1e-9."""

    low: float
    high: float
    width: float
    proved: bool


@dataclass(frozen=True)
class Claim:
    """A property in a word, None where it has none; ``proved`` by the form of the formula or by boxes, else seen at points."""

    value: str | None
    proved: bool


@dataclass(frozen=True)
class Derived:
    """What follows from a formula at given parameters; means are over a standard normal input, NaN where there is none.

    ``range`` and ``slope`` are the ranges of f and f', over all z where ``reach`` is infinite, else for |z| up to it;
    ``lipschitz`` is the largest |f'|, infinite at a jump. ``limits`` are those towards -inf and inf, None where not known.
    ``breaks`` are (z, kind, values left and right, slopes left and right), kind being jump, kink or bend. ``moments`` are
    E f, E f**2, E f f', E f'**2, E z f f' and the disagreement of two quadratures. ``gains`` are forward, backward and mean.
    ``fixed_points`` of q -> gain**2 * E f(sqrt(q) Z)**2 with the forward gain: q, slope of the map, and chi. Points of
    ``edge_of_chaos`` are (q, sw, sb). ``hermite`` are the first six coefficients.

    >>> from neurofn.functions import catalogue, derived
    >>> record = derived(catalogue["silu"])
    >>> record.derivative, round(record.range.low, 6), record.range.proved, round(record.gains["forward"], 4)
    ('sigma(z) + z*sigma(z)*(1 - sigma(z))', -0.278465, True, 1.6765)
    """

    derivative: str | None
    derivative_latex: str | None
    range: Enclosure
    slope: Enclosure
    reach: float
    limits: tuple[float | None, float | None]
    at_zero: tuple[float, float | None]
    zeros: tuple[float, ...]
    zero_stretches: tuple[tuple[float, float], ...]
    breaks: tuple[tuple[Any, ...], ...]
    monotone: Claim
    parity: Claim
    convexity: Claim
    moments: Mapping[str, float]
    gains: Mapping[str, float]
    fixed_points: tuple[Mapping[str, float], ...]
    edge_of_chaos: tuple[Mapping[str, float], ...]
    hermite: tuple[float, ...]
    cost: Mapping[str, int]
    backward: Mapping[str, Any]

    @property
    def lipschitz(self) -> float:
        """The least Lipschitz constant, as far as ``slope`` is known."""
        return max(abs(self.slope.low), abs(self.slope.high))

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where the slope jumps, or the value."""
        return tuple(one[0] for one in self.breaks if one[1] != "bend")

    def to_json(self) -> dict[str, Any]:
        """Plain lists and texts; infinities and NaN as texts."""
        made: dict[str, Any] = _plain(asdict(self))
        return made

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Derived:
        """The record that ``to_json`` made."""
        raw = {field.name: _number(data[field.name]) for field in fields(cls)}
        for name in ("range", "slope"):
            raw[name] = Enclosure(**raw[name])
        for name in ("monotone", "parity", "convexity"):
            raw[name] = Claim(**data[name])
        for name in ("derivative", "derivative_latex"):
            raw[name] = data[name]
        return cls(**raw)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _number(value: Any) -> Any:
    if isinstance(value, str) and value in ("inf", "-inf", "nan"):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _number(one) for key, one in value.items()}
    return tuple(_number(one) for one in value) if isinstance(value, list) else value
