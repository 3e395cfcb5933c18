"""Aggregates: how the edges of a neuron become one number.

Each is stated twice: ``definition`` goes through the edges one by one, ``reduce`` is the tensor code; where a neuron is a
weighted sum of its terms, ``share`` says with which factor, and a layer is one matrix product. ``degree`` is the power by
which the aggregate of n edges grows when all of them are scaled: what initialisation needs to keep the variance, to within
``spread``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

from ._registry import NEURON_NAMES, Registry

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Aggregate", "catalogue"]

KAN_NODES = "arXiv:2407.20667"
Share = Callable[[int], float]
Code = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Aggregate:
    """``reduce`` maps edges (..., inputs, neurons) to (..., neurons).

    >>> import torch
    >>> from neurofn.aggregates import catalogue
    >>> catalogue["median"].reduce(torch.tensor([[1.0], [5.0], [2.0], [4.0]]))
    tensor([3.])
    """

    name: str
    formula: str
    source: str
    reduce: Callable[..., Tensor] = field(repr=False)
    definition: Callable[..., Tensor] = field(repr=False)
    share: Share | None = field(default=None, repr=False)
    degree: Share = field(default=lambda n: 1.0, repr=False)
    spread: tuple[float, float] = (0.5, 2.0)


catalogue: Registry[Aggregate] = Registry("aggregate", package="neurofn.aggregates", names=NEURON_NAMES)
"""Every aggregate by name."""


def _add(name: str, formula: str, reduce: Code, definition: Code, **facts: Any) -> None:
    catalogue.add(name, Aggregate(name, formula, KAN_NODES, reduce, definition, **facts))


def _one_by_one(step: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def definition(edges: Tensor) -> Tensor:
        total = edges[..., 0, :]
        for i in range(1, edges.shape[-2]):
            total = step(total, edges[..., i, :])
        return total

    return definition


_total = _one_by_one(lambda total, edge: total + edge)


def _plain_mean(edges: Tensor) -> Tensor:
    return _total(edges) / edges.shape[-2]


def _plain_var(edges: Tensor) -> Tensor:
    centre = _plain_mean(edges).unsqueeze(-2)
    return _plain_mean((edges - centre) ** 2)


def _median(edges: Tensor) -> Tensor:
    # First the places of the middle, which have no slope: the largest one or two of the smaller half, found without sorting.
    # Then only these edges are picked, so that the backward pass keeps their places and not all edges.
    n, fixed = edges.shape[-2], edges.detach()
    half = fixed.topk(n // 2 + 1, dim=-2, largest=False, sorted=False)
    place = half.indices.gather(-2, half.values.topk(2 - n % 2, dim=-2).indices)
    highest = fixed.amax(-2)  # NaN where any edge is
    return edges.gather(-2, place).mean(-2).where(~highest.isnan(), highest)


def _plain_median(edges: Tensor) -> Tensor:
    # An edge is in the middle when as many others lie below as above it; ties and even numbers give two, with one mean.
    import torch

    n = edges.shape[-2]
    below = (edges.unsqueeze(-2) > edges.unsqueeze(-3)).sum(-2)
    equal = (edges.unsqueeze(-2) == edges.unsqueeze(-3)).sum(-2)

    def place(rank: int) -> Tensor:
        at = (below <= rank) & (rank < below + equal)
        return torch.where(at, edges, 0.0).sum(-2) / at.sum(-2)

    return (place((n - 1) // 2) + place(n // 2)) / 2


def _norm(edges: Tensor) -> Tensor:
    import torch

    lengths: Tensor = torch.linalg.vector_norm(edges, dim=-2)  # its slope at 0 is 0, that of a square root would be NaN
    return lengths


def _var(edges: Tensor) -> Tensor:
    return (edges - edges.mean(dim=-2, keepdim=True)).square().mean(dim=-2)


def _std(edges: Tensor) -> Tensor:
    return _norm(edges - edges.mean(dim=-2, keepdim=True)) / sqrt(edges.shape[-2])


_add("sum", "sum_i e_i", lambda e: e.sum(-2), _total, share=lambda n: 1.0)
_add("mean", "sum_i e_i / n", lambda e: e.mean(-2), _plain_mean, share=lambda n: 1 / n)
_add("max", "max_i e_i", lambda e: e.amax(-2), _one_by_one(lambda a, b: a.maximum(b)))
_add("min", "min_i e_i", lambda e: e.amin(-2), _one_by_one(lambda a, b: a.minimum(b)))
_add("median", "the middle e_i, or the mean of the middle two", _median, _plain_median)
# A few values carry all the variance of a product of many edges: what initialisation keeps is its order of magnitude.
_add(
    "product", "prod_i e_i", lambda e: e.prod(-2), _one_by_one(lambda a, b: a * b), degree=float, spread=(1e-3, 1e3)
)  # fmt: skip
_add("norm", "sqrt(sum_i e_i**2)", _norm, lambda e: _total(e**2).sqrt())
_add("var", "sum_i (e_i - mean)**2 / n", _var, _plain_var, degree=lambda n: 2.0)
_add("std", "sqrt(var)", _std, lambda e: _plain_var(e).sqrt())
