"""Initialisation that knows the fan-in: how large edges must be for an aggregate's output to have variance 1.

Inputs are taken to be standard normal. A weighted sum has a closed form. For the other aggregates (a maximum, a norm, ...) the
edges are products of weights and terms and so have heavier tails than a normal law; their moments are measured once on a fixed
sample instead of being assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import torch

from ..aggregates import catalogue as aggregates
from ..edges import Basis, find_edge
from ._edges import look
from .language import Aggregated, Settings, Term

__all__ = ["Start", "bases_of", "begun", "power_of", "scales", "start"]

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
    """The sum of the mean squares of all terms with normal weights of an edge, for a standard normal input."""
    return sum(basis.power() for basis in bases_of(edge) if basis.begin is None) or 1.0


@lru_cache(maxsize=256)
def start(aggregate: str, edge: tuple[Term, ...], n_in: int, settings: Settings = ()) -> Start:
    """Where edges of this kind begin under this aggregate; the same numbers every time."""
    part, bases = aggregates[aggregate], bases_of(edge)
    if part.share is not None and all(basis.begin is None for basis in bases):
        return Start(1 / (part.share(n_in) * n_in**0.5), 0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.randn(_SAMPLES, n_in, dtype=torch.float64)
        total = sum(_edges(basis, x, _begun(basis, n_in, power_of(edge))) for basis in bases)
    values = {name: dict(settings).get(name, spec.default) for name, spec in part.settings.items()}

    def outputs(size: float) -> torch.Tensor:
        return part.reduce(total * size, **values)

    if any(basis.exact for basis in bases):
        return Start(1.0, float(outputs(1.0).mean()))
    std = float(outputs(1.0).std())
    if not 0 < std < inf:  # one edge does not vary, or nothing can be said
        return Start(1.0, 0.0)
    edge_std = float(std ** (-1 / part.degree(n_in))) if part.degree else _searched(outputs)
    return Start(edge_std, float(outputs(edge_std).mean()))


def _searched(outputs: Callable[[float], torch.Tensor]) -> float:
    """The size of edges that gives the outputs a standard deviation of 1, where no power law says it."""
    low, high = -20.0, 20.0  # of its binary logarithm
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if float(outputs(2.0**middle).std()) < 1 else (low, middle)
    return float(2.0 ** ((low + high) / 2))


def _begun(basis: Basis, n_in: int, power: float) -> torch.Tensor:
    if basis.begin is not None:
        return basis.begin(n_in, basis.size, _NEURONS).double()
    return torch.randn(n_in, basis.size, _NEURONS, dtype=torch.float64) / float(power**0.5)


def _edges(basis: Basis, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    used = weight if basis.weights is None or basis.direct is not None else basis.weights(weight)
    return look(basis, x, basis.values, _NEURONS).edges(used)


def scales(tree: Aggregated, n_in: int, *, matched: bool) -> tuple[float, float, float]:
    """The fixed factor of every edge, the deviation of normal raw weights, and the mean of the output then."""
    begin = start(tree.aggregate, tree.edge, n_in, tree.settings)
    common = start("sum", tree.edge, n_in).edge_std if matched else begin.edge_std
    if any(basis.begin is not None for basis in bases_of(tree.edge)):
        common = 1.0
    return begin.edge_std / common, common / power_of(tree.edge) ** 0.5, begin.centre


def begun(bases: tuple[Basis, ...], size: tuple[int, int], std: float) -> torch.Tensor:
    """Raw weights at the start, (n_in, size of all bases, n_out), with torch's random state."""
    n_in, n_out = size
    weight = torch.randn(n_in, sum(basis.size for basis in bases), n_out) * std
    at = 0
    for basis in bases:
        if basis.begin is not None:
            weight[:, at : at + basis.size] = basis.begin(n_in, basis.size, n_out)
        at += basis.size
    return weight
