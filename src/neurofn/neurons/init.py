"""Initialisation that knows the fan-in: how large edges must be for an aggregate's output to have variance 1.

Inputs are taken to be standard normal. A weighted sum has a closed form. For the other aggregates (a maximum, a norm, ...) the
edges are products of weights and terms and so have heavier tails than a normal law; their moments are measured once on a fixed
sample instead of being assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from ..aggregates import catalogue as aggregates
from ..edges import Basis, find_edge
from .language import Term

__all__ = ["Start", "bases_of", "power_of", "start"]

_SAMPLES, _NEURONS = 256, 32


@dataclass(frozen=True)
class Start:
    """``edge_std``: standard deviation of an edge for unit variance of the output; ``centre``: the output's mean then."""

    edge_std: float
    centre: float


@lru_cache(maxsize=256)
def bases_of(edge: tuple[Term, ...]) -> tuple[Basis, ...]:
    """The bases that the terms of an edge name."""
    return tuple(find_edge(term.name).basis(dict(term.settings)) for term in edge)


@lru_cache(maxsize=256)
def power_of(edge: tuple[Term, ...]) -> float:
    """The sum of the mean squares of all terms of an edge, for a standard normal input."""
    return sum(basis.power() for basis in bases_of(edge))


@lru_cache(maxsize=256)
def start(aggregate: str, edge: tuple[Term, ...], n_in: int) -> Start:
    """Where edges of this kind begin under this aggregate; the same numbers every time."""
    part = aggregates[aggregate]
    if part.share is not None:
        return Start(1 / (part.share(n_in) * n_in**0.5), 0.0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(_SAMPLES, n_in, generator=generator, dtype=torch.float64)
    total = torch.zeros(_SAMPLES, n_in, _NEURONS, dtype=torch.float64)
    for basis in bases_of(edge):
        terms = basis.terms(x, **basis.values)
        weight = torch.randn(n_in, basis.size, _NEURONS, generator=generator, dtype=torch.float64)
        total += torch.einsum("sik,iko->sio", terms, weight / power_of(edge) ** 0.5)
    outputs = part.reduce(total)
    degree, std = part.degree(n_in), float(outputs.std())
    if not std > 0:  # one edge does not vary
        return Start(1.0, 0.0)
    edge_std = float(std ** (-1 / degree))
    return Start(edge_std, float(outputs.mean()) * edge_std**degree)
