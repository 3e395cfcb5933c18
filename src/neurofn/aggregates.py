"""Aggregates: how the edges of a neuron become one number.

Each is stated twice: ``definition`` goes through the edges one by one, ``reduce`` is the tensor code; where a neuron is a
weighted sum of its terms, ``share`` says with which factor, and a layer is one matrix product. ``degree`` is the power by
which the aggregate of n edges grows when all of them are scaled, None where it is no power: what initialisation needs to keep
the variance, to within ``spread``. ``settings`` stand behind the edge, ``lp(linear, p=3)``; those that are learned are learned
once per neuron.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ._registry import NEURON_NAMES, Registry
from .functions import Fixed, Learn, Parameter

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Aggregate", "catalogue"]

KAN_NODES = "arXiv:2407.20667"
Share = Callable[[int], float]
Code = Callable[..., "Tensor"]


@dataclass(frozen=True)
class Aggregate:
    """``reduce`` maps edges (..., inputs, neurons) to (..., neurons), with settings by name, tensors (neurons,) where learned.

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
    degree: Share | None = field(default=lambda n: 1.0, repr=False)
    spread: tuple[float, float] = (0.5, 2.0)
    settings: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))


catalogue: Registry[Aggregate] = Registry("aggregate", package="neurofn.aggregates", names=NEURON_NAMES)
"""Every aggregate by name."""


def _add(name: str, formula: str, reduce: Code, definition: Code, **facts: Any) -> None:
    source, aliases = facts.pop("source", KAN_NODES), facts.pop("aliases", ())
    catalogue.add(name, Aggregate(name, formula, source, reduce, definition, **facts), aliases=aliases)


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


def _sized(edges: Tensor) -> Tensor:
    """The largest edge, 1 where there is none: powers of edges over it neither overflow nor vanish."""
    import torch

    size = edges.detach().abs().amax(-2, keepdim=True)
    return torch.where((size > 0) & size.isfinite(), size, 1.0)


def _lp(edges: Tensor, *, p: float) -> Tensor:
    import torch

    size = _sized(edges)
    lengths: Tensor = torch.linalg.vector_norm(edges / size, ord=p, dim=-2) * size.squeeze(-2)
    return lengths


def _power_mean(edges: Tensor, *, p: float) -> Tensor:
    import torch

    size, tiny = _sized(edges), torch.finfo(edges.dtype).tiny
    ratio = edges / size
    mean = (ratio * ratio.abs().clamp_min(tiny) ** (p - 1)).mean(-2)
    rest = torch.where(mean == 0, 1.0, mean)  # a root is infinitely steep at 0; the slope there is given as 0
    return torch.where(mean == 0, mean.detach(), rest * rest.abs() ** (1 / p - 1)) * size.squeeze(-2)


def _plain_power_mean(edges: Tensor, *, p: float) -> Tensor:
    mean = _plain_mean(edges.sign() * edges.abs() ** p)
    return mean.sign() * mean.abs() ** (1 / p)


def _logsumexp(edges: Tensor, *, beta: float) -> Tensor:
    return (edges * beta).logsumexp(-2) / beta


def _boltzmann(edges: Tensor, *, beta: float) -> Tensor:
    return ((edges * beta).softmax(-2) * edges).sum(-2)


def _plain_boltzmann(edges: Tensor, *, beta: float) -> Tensor:
    weights = (edges * beta).exp()
    return _total(weights * edges) / _total(weights)


def _convex_mixture(edges: Tensor, **logits: Any) -> Tensor:
    import torch

    n = edges.shape[-2]
    values = [torch.as_tensor(value, dtype=edges.dtype, device=edges.device) for value in logits.values()]
    share = torch.stack([value.expand(edges.shape[-1]) for value in values]).softmax(0)
    total: Tensor = share[0] * edges.sum(-2) / sqrt(n) + share[1] * edges.amax(-2) + share[2] * edges.amin(-2)
    return total


def _plain_convex_mixture(edges: Tensor, *, a: Any, b: Any, c: Any) -> Tensor:
    a, b, c = (value.exp() for value in (a, b, c))
    ends = [catalogue[name].definition(edges) for name in ("max", "min")]
    mixed: Tensor = (a * _total(edges) / sqrt(edges.shape[-2]) + b * ends[0] + c * ends[1]) / (a + b + c)
    return mixed


_add(
    "lp", "sum_i(abs(e_i)**p)**(1/p)", _lp, lambda e, p: _total(e.abs() ** p) ** (1 / p),
    source="arXiv:1311.1780", settings={"p": Fixed(2.0, low=1)},
)  # fmt: skip
# Signed, so that it is defined for all edges and p = 1 is the mean: s*abs(s)**(1/p - 1) for s, the mean of e*abs(e)**(p - 1).
_add(
    "power_mean", "root_p(sum_i(sign(e_i)*abs(e_i)**p)/n), the sign kept by the root", _power_mean, _plain_power_mean,
    source="arXiv:1711.02512", settings={"p": Fixed(3.0, low=1)},
)  # fmt: skip
_add(
    "logsumexp", "log(sum_i exp(beta*e_i))/beta", _logsumexp, lambda e, beta: _total((e * beta).exp()).log() / beta,
    source="arXiv:1411.6228", degree=None, settings={"beta": Fixed(1.0, low=1e-3)},
)  # fmt: skip
_add(
    "boltzmann", "sum_i exp(beta*e_i)*e_i / sum_i exp(beta*e_i)", _boltzmann, _plain_boltzmann,
    source="arXiv:2008.02217", aliases=("softmax_retrieval",), degree=None, settings={"beta": Fixed(1.0)},
)  # fmt: skip
_add(
    "convex_mixture", "(exp(a)*sum_i(e_i)/sqrt(n) + exp(b)*max_i e_i + exp(c)*min_i e_i)/(exp(a) + exp(b) + exp(c))",
    _convex_mixture, _plain_convex_mixture, source="arXiv:1509.08985",
    settings={"a": Learn(0.0), "b": Learn(0.0), "c": Learn(0.0)},
)  # fmt: skip
