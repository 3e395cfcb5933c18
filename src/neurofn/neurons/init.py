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
from typing import TYPE_CHECKING

import torch

from ..aggregates import catalogue as aggregates
from ..edges import Basis, find_edge
from ._edges import look
from .language import Aggregated, Neuron, Settings, Term

if TYPE_CHECKING:
    from .layer import NeuronLayer

__all__ = ["Start", "bases_of", "begun", "power_of", "scales", "settle", "start", "steady"]

_SAMPLES, _NEURONS = 256, 32
_SHARES = (1.0, 0.87, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02, 0.01)
_DEPTH, _WIDTH, _ROWS, _WITHIN, _STACKS = 50, 64, 64, 4.0, 3


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
def start(aggregate: str, edge: tuple[Term, ...], n_in: int, settings: Settings = (), std: float = 1.0) -> Start:
    """Where edges of this kind begin under this aggregate, for outputs of deviation ``std``; the same numbers every time."""
    part, bases = aggregates[aggregate], bases_of(edge)
    if part.share is not None and all(basis.begin is None for basis in bases):
        return Start(std / (part.share(n_in) * n_in**0.5), 0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.randn(_SAMPLES, n_in, dtype=torch.float64)
        total = sum(_edges(basis, x, _begun(basis, n_in, power_of(edge))) for basis in bases)
    values = {name: dict(settings).get(name, spec.default) for name, spec in part.settings.items()}

    def outputs(size: float) -> torch.Tensor:
        return part.reduce(total * size, **values)

    if any(basis.exact for basis in bases):
        return Start(1.0, float(outputs(1.0).mean()))
    found = float(outputs(1.0).std())
    if not 0 < found < inf:  # one edge does not vary, or nothing can be said
        return Start(1.0, 0.0)
    edge_std = float((std / found) ** (1 / part.degree(n_in))) if part.degree else _searched(outputs, std)
    return Start(edge_std, float(outputs(edge_std).mean()))


def _searched(outputs: Callable[[float], torch.Tensor], std: float) -> float:
    """The size of edges that gives the outputs this standard deviation, where no power law says it."""
    low, high = -20.0, 20.0  # of its binary logarithm
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if float(outputs(2.0**middle).std()) < std else (low, middle)
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


@lru_cache(maxsize=256)
def steady(neuron: Neuron, n_in: int) -> float:
    """The largest share of deviation that edges may have, the rest being the biases', so that stacks keep their size.

    Tried on stacks of such layers: with 1, an aggregate or function that multiplies small differences between samples (a
    maximum, a norm, gelu) explodes within some layers, however exactly a single layer keeps the variance. Where no share is
    small enough, as for products of edges that have no bound, it is the least that was tried.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for share in _SHARES:
            if all(_keeps(neuron, n_in, share, seed=seed) for seed in range(_STACKS)):
                return share
    return _SHARES[-1]


def _keeps(neuron: Neuron, n_in: int, share: float, *, seed: int) -> bool:
    """Whether a stack keeps the mean square of its inputs within bounds."""
    torch.manual_seed(seed)
    width = max(_WIDTH // 2, min(n_in, _WIDTH))  # so few that chance decides would tell nothing
    x = torch.randn(_ROWS, width, dtype=torch.float64)
    for _ in range(_DEPTH):
        layer = neuron.dense(width, width, init="matched").double()
        settle(layer, share)
        x = layer(x)
        if not 1 / _WITHIN < float(x.square().mean()) < _WITHIN:
            return False
    return True


def settle(layer: NeuronLayer, share: float) -> None:
    """Leave the edges of a new layer this share of the deviation of their aggregate, and give the rest to normal biases."""
    if share == 1:
        return
    with torch.no_grad():
        for _, gather in layer.gathers:
            free = all(basis.weights is None and basis.direct is None for basis in gather.bases)
            if gather.bias is not None and free:
                tree = gather.tree
                whole, part = (
                    start(tree.aggregate, tree.edge, gather.n_in, tree.settings, std) for std in (1.0, share)
                )
                gather.weight.mul_(part.edge_std / whole.edge_std)
                noise = torch.randn(gather.n_out).to(gather.bias) * (1 - share**2) ** 0.5
                gather.bias.add_(noise + whole.centre - part.centre)
