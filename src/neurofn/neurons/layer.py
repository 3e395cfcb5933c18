"""A layer of neurons, stated twice: by definition (every edge, then the aggregate) and as the machine runs it.

Where the aggregate is a weighted sum the fast path is one matrix product over all terms of all inputs; where it is not, the
edges are laid out and reduced, a block of neurons after the other where they are many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError, did_you_mean
from ..aggregates import Aggregate
from ..aggregates import catalogue as aggregates
from ..edges import Basis
from ..functions import catalogue as functions
from ..functions._module import FunctionModule
from .init import bases_of, power_of, start
from .language import Activated, Aggregated, Combined, Tree

if TYPE_CHECKING:
    from .language import Neuron

__all__ = ["NeuronLayer"]

EDGES_AT_ONCE = 2**23
"""So many edges, over all samples of a batch, are laid out at a time: 32 MiB of float32."""

_SCHEMES = ("fan_in", "matched")


class NeuronLayer(nn.Module):
    """``n_out`` neurons over ``n_in`` inputs, (..., n_in) -> (..., n_out); made by ``Neuron.dense``.

    ``layer(x)`` is the fast path, ``layer.definition(x)`` the slow one; ``layer.path`` says which the fast one is.
    """

    neuron_axis = -1

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, *, init: str) -> None:
        super().__init__()
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise SettingError(f"{name} must be a whole number of at least 1, got {size!r}")
        if init not in _SCHEMES:
            raise SettingError(f"no initialisation is called {init!r}; {did_you_mean(init, _SCHEMES)}")
        self.neuron, self.n_in, self.n_out = neuron, n_in, n_out
        self.body: _Part = _build(neuron.tree, (n_in, n_out), matched=init == "matched")

    @property
    def path(self) -> str:
        """ "fused" where every aggregate is one matrix product, else "edges"."""
        gathered = [part for part in self.modules() if isinstance(part, _Gather)]
        return "fused" if all(part.fused for part in gathered) else "edges"

    def forward(self, x: Tensor) -> Tensor:
        """The neurons' outputs (..., n_out) for inputs (..., n_in); raises ShapeError for another last axis."""
        result: Tensor = self.body(self._checked(x))
        return result

    def definition(self, x: Tensor) -> Tensor:
        """The same by definition: the terms as printed, every edge, one aggregate step after the other. Slow."""
        result: Tensor = self.body.definition(self._checked(x))
        return result

    def _checked(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.n_in:
            raise ShapeError(
                f"{self.neuron} was built for {self.n_in} inputs: expected (..., {self.n_in}), got {tuple(x.shape)}"
            )
        return x

    def extra_repr(self) -> str:
        return f"{self.neuron}, {self.n_in} -> {self.n_out}, path={self.path}"

    def __repr__(self) -> str:
        return f"NeuronLayer({self.extra_repr()})"


class _Part(nn.Module):
    """A node of a neuron's tree as a module: both statements of it."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def definition(self, x: Tensor) -> Tensor:
        raise NotImplementedError


def _build(tree: Tree, size: tuple[int, int], *, matched: bool) -> _Part:
    if isinstance(tree, Aggregated):
        return _Gather(tree, size, matched=matched)
    if isinstance(tree, Activated):
        return _Activate(tree, size, matched=matched)
    return _Combine(tree, size, matched=matched)


class _Gather(_Part):
    """aggregate(edge): weights (inputs, terms, neurons), a bias per neuron, and the parameters inside the terms."""

    def __init__(self, tree: Aggregated, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        n_in, n_out = size
        self.tree = tree
        # Made here, so that torch.compile need not trace how, and again for a copy: what they hold cannot be saved.
        self.bases: tuple[Basis, ...] = bases_of(tree.edge)
        self.inner = nn.ParameterDict()
        for index, basis in enumerate(self.bases):
            for name in basis.parameters:
                self.inner[f"{name}_{index}"] = nn.Parameter(torch.full((n_in,), basis.values[name]))
        begin = start(tree.aggregate, tree.edge, n_in)
        common = start("sum", tree.edge, n_in).edge_std if matched else begin.edge_std
        self.scale = begin.edge_std / common
        std = common / power_of(tree.edge) ** 0.5
        self.weight = nn.Parameter(torch.randn(n_in, sum(basis.size for basis in self.bases), n_out) * std)
        self.bias = nn.Parameter(torch.full((n_out,), -begin.centre)) if dict(tree.settings).get("bias", True) else None

    # Looked up by name, so that a layer can be copied and saved.
    @property
    def aggregate(self) -> Aggregate:
        return aggregates[self.tree.aggregate]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "bases"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch declares no types for it
        self.bases = bases_of(self.tree.edge)

    @property
    def fused(self) -> bool:
        return self.aggregate.share is not None

    def _terms(self, x: Tensor, way: str) -> Tensor:
        columns = []
        for index, basis in enumerate(self.bases):
            values: dict[str, Any] = {**basis.values, **{n: self.inner[f"{n}_{index}"] for n in basis.parameters}}
            columns.append(getattr(basis, way)(x, **values))
        return columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1)

    def _edges(self, terms: Tensor, weight: Tensor) -> Tensor:
        # Scaled before they are laid out: edges are large, and each copy of them counts.
        weight = weight if self.scale == 1 else weight * self.scale
        if terms.shape[-1] == 1:
            return terms * weight[:, 0]
        return torch.einsum("...ik,iko->...io", terms, weight)

    def _reduced(self, terms: Tensor) -> Tensor:
        """The aggregate of all edges, a block of neurons after the other where all edges are too many at once."""
        block = max(1, EDGES_AT_ONCE // max(1, terms[..., 0].numel()))
        blocks = [
            self.aggregate.reduce(self._edges(terms, weight)) for weight in torch.split(self.weight, block, dim=-1)
        ]
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        terms = self._terms(x, "terms")
        share = self.aggregate.share
        if share is not None:
            result = terms.flatten(-2) @ self.weight.flatten(0, 1)
            factor = self.scale * share(x.shape[-1])
            result = result if factor == 1 else result * factor
        else:
            result = self._reduced(terms)
        return result if self.bias is None else result + self.bias

    def definition(self, x: Tensor) -> Tensor:
        terms = self._terms(x, "reference")
        edges = sum(terms[..., k : k + 1] * self.weight[:, k] for k in range(terms.shape[-1])) * self.scale
        result: Tensor = self.aggregate.definition(edges)
        return result if self.bias is None else result + self.bias


class _Activate(_Part):
    """function(neuron); when matched, scaled so that a standard normal input gives a mean square of 1."""

    def __init__(self, tree: Activated, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        self.inside: _Part = _build(tree.inner, size, matched=matched)
        function = functions[tree.function]
        self.activation: FunctionModule = FunctionModule(function, size[1], dict(tree.settings))
        self.gain = function.gain(**dict(tree.settings)) if matched else 1.0

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.activation(self.inside(x))
        return result if self.gain == 1 else result * self.gain

    def definition(self, x: Tensor) -> Tensor:
        z = self.inside.definition(x)
        formula = self.activation.function.definition
        result: Tensor = formula.torch(z, **self.activation.values()) * self.gain
        return result


class _Combine(_Part):
    """left + right, left * right, or the safe quotient left / (1 + |right|)."""

    def __init__(self, tree: Combined, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        self.operator = tree.operator
        self.left: _Part = _build(tree.left, size, matched=matched)
        self.right: _Part = _build(tree.right, size, matched=matched)

    def forward(self, x: Tensor) -> Tensor:
        return self._join(self.left(x), self.right(x))

    def definition(self, x: Tensor) -> Tensor:
        return self._join(self.left.definition(x), self.right.definition(x))

    def _join(self, left: Tensor, right: Tensor) -> Tensor:
        if self.operator == "+":
            return left + right
        return left * right if self.operator == "*" else left / (1 + right.abs())
