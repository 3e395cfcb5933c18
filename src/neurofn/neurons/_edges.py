"""What the edges of one basis give for some inputs, laid out in the three ways in which a basis can be stated.

A ``Seen`` is a basis after it has seen the inputs: ``edges(weight)`` multiplies with the weights of some neurons and
``total(weight)`` with those of all, summed over inputs without laying the edges out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..edges import Basis
from ..functions import Parameter

__all__ = ["Direct", "Local", "Seen", "Terms", "inside", "look"]

DENSE_AT_MOST = 256
"""Up to so many terms are laid out in full; with more, only those that may differ from 0, if there are fewer of them."""


@dataclass(frozen=True)
class Terms:
    """All terms, (..., n_in, count), for weights (n_in, count, neurons)."""

    terms: Tensor

    def edges(self, weight: Tensor) -> Tensor:
        if self.terms.shape[-1] == 1:
            return self.terms * weight[:, 0]
        return torch.einsum("...ik,iko->...io", self.terms, weight)

    def total(self, weight: Tensor) -> Tensor:
        return self.terms.flatten(-2) @ weight.flatten(0, 1)


@dataclass(frozen=True)
class Local:
    """The few terms that may differ from 0, (..., n_in, order + 1), and the number of the first, (..., n_in)."""

    first: Tensor
    values: Tensor

    def edges(self, weight: Tensor) -> Tensor:
        inputs = torch.arange(weight.shape[0], device=weight.device)
        near = (weight[inputs, self.first + k] for k in range(self.values.shape[-1]))
        return torch.stack([self.values[..., k, None] * part for k, part in enumerate(near)]).sum(0)

    def total(self, weight: Tensor) -> Tensor:
        return self.edges(weight).sum(-2)


@dataclass(frozen=True)
class Direct:
    """Edges that are not linear in terms: their code, and the inputs."""

    code: Callable[[Tensor, Tensor], Tensor]
    x: Tensor

    def edges(self, weight: Tensor) -> Tensor:
        return self.code(self.x, weight)

    def total(self, weight: Tensor) -> Tensor:
        return self.edges(weight).sum(-2)


Seen = Terms | Local | Direct


def look(basis: Basis, x: Tensor, values: Mapping[str, object], n_out: int) -> Seen:
    """The basis on its inputs, in the layout that is smallest."""
    if basis.direct is not None:
        return Direct(basis.direct, x)
    few = basis.size if basis.order is None else (basis.order + 1) * n_out
    if basis.local is not None and basis.size > max(DENSE_AT_MOST, few):
        return Local(*basis.local(x, **values))
    return Terms(basis.terms(x, **values))


def inside(spec: Parameter, value: Tensor) -> Tensor:
    """A learned parameter clamped to its domain; the gradient passes, so that one that stepped outside finds its way back."""
    if spec.low is None and spec.high is None:
        return value
    # The zero carries the gradient and is added last: far outside, value + (border - value) would be 0.
    return value.clamp(spec.low, spec.high).detach() + (value - value.detach())
