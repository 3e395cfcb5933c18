"""One aggregate of edges as a module: the only part of a neuron that has weights per edge.

Where the aggregate is a weighted sum the fast path is one matrix product over all terms of all inputs; where it is not, the
edges are laid out and reduced, a block of neurons after the other where they are many.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._errors import ShapeError
from ..aggregates import Aggregate
from ..aggregates import catalogue as aggregates
from ..edges import Basis
from ..functions import Parameter
from .init import bases_of, power_of, start
from .language import Aggregated

__all__ = ["Gather", "Part"]

EDGES_AT_ONCE = 2**23
"""So many edges, over all samples of a batch, are laid out at a time: 32 MiB of float32."""


class Part(nn.Module):
    """A node of a neuron's tree as a module: both statements of it."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def definition(self, x: Tensor) -> Tensor:
        """The same by definition, slowly."""
        raise NotImplementedError


class Gather(Part):
    """aggregate(edge), (..., n_in) -> (..., n_out): what ``layer.gathers`` lists.

    ``weight`` (n_in, size, n_out) are the raw weights, those of one basis after those of the other (``parts`` has the slices);
    ``bias`` (n_out) or None; ``inner`` the parameters inside the terms; ``shape`` those of the aggregate, per neuron; ``mask``
    (n_in, n_out) or None, where 0 is a pruned edge; ``scale`` a fixed factor of every edge.
    """

    def __init__(self, tree: Aggregated, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        self.n_in, self.n_out = size
        self.tree = tree
        # Made here, so that torch.compile need not trace how, and again for a copy: what they hold cannot be saved.
        self.bases: tuple[Basis, ...] = bases_of(tree.edge)
        self.inner = nn.ParameterDict()
        for index, basis in enumerate(self.bases):
            for name in basis.parameters:
                self.inner[f"{name}_{index}"] = nn.Parameter(torch.full((basis.shared or self.n_in,), basis.values[name]))
        begin = start(tree.aggregate, tree.edge, self.n_in, tree.settings)
        common = start("sum", tree.edge, self.n_in).edge_std if matched else begin.edge_std
        if any(basis.begin is not None for basis in self.bases):
            common = 1.0
        self.scale = begin.edge_std / common
        self.weight = nn.Parameter(self._begun(common / power_of(tree.edge) ** 0.5))
        settings = dict(tree.settings)
        self.bias = nn.Parameter(torch.full((self.n_out,), -begin.centre)) if settings.pop("bias", True) else None
        self.shape = nn.ParameterDict()
        self.fixed: dict[str, Any] = {}
        for name, spec in self.aggregate.settings.items():
            value = settings.get(name, spec.default)
            if isinstance(spec, Parameter) and spec.learned:
                self.shape[name] = nn.Parameter(torch.full((self.n_out,), float(value)))
            else:
                self.fixed[name] = value
        self.register_buffer("mask", None)

    def _begun(self, std: float) -> Tensor:
        weight = torch.randn(self.n_in, sum(basis.size for basis in self.bases), self.n_out) * std
        for basis, part in self.parts:
            if basis.begin is not None:
                weight[:, part] = basis.begin(self.n_in, basis.size, self.n_out)
        return weight

    # Looked up by name, so that a layer can be copied and saved.
    @property
    def aggregate(self) -> Aggregate:
        return aggregates[self.tree.aggregate]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "bases"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch declares no types for it
        self.bases = bases_of(self.tree.edge)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """What exists only after it was first used (a mask) is there exactly when the state has it."""
        mask = state.get(f"{prefix}mask")
        self.mask = None if mask is None else torch.ones_like(mask, device=self.weight.device)
        super()._load_from_state_dict(state, prefix, *rest)

    @property
    def parts(self) -> tuple[tuple[Basis, slice], ...]:
        """Every basis with its slice of the second axis of ``weight``."""
        ends = torch.tensor([basis.size for basis in self.bases]).cumsum(0).tolist()
        return tuple((basis, slice(end - basis.size, end)) for basis, end in zip(self.bases, ends, strict=True))

    @property
    def fused(self) -> bool:
        """Whether all edges are one matrix product."""
        return self.aggregate.share is not None and all(basis.direct is None for basis in self.bases)

    @property
    def alive(self) -> Tensor:
        """Which edges are not pruned: bool (n_in, n_out)."""
        if self.mask is None:
            return torch.ones(self.n_in, self.n_out, dtype=torch.bool, device=self.weight.device)
        return self.mask != 0

    def prune(self, keep: Tensor) -> None:
        """From now on only the edges of ``keep``, bool (n_in, n_out), count, the others are 0; raises ShapeError."""
        if tuple(keep.shape) != (self.n_in, self.n_out):
            raise ShapeError(f"keep must be ({self.n_in}, {self.n_out}), an edge each, got {tuple(keep.shape)}")
        self.mask = keep.to(self.weight)

    def edges(self, x: Tensor) -> Tensor:
        """The value of every edge, (..., n_in, n_out), for inputs (..., n_in) of the layer."""
        weight = self._used()
        return self._edges(self._seen(x), weight, self.mask)

    def _values(self, index: int) -> dict[str, Any]:
        basis = self.bases[index]
        return {**basis.values, **{name: self.inner[f"{name}_{index}"] for name in basis.parameters}}

    def _reduce_values(self) -> dict[str, Any]:
        return {**self.fixed, **dict(self.shape.items())}

    def _used(self) -> Tensor:
        """The weights as they are used, (n_in, count, n_out): first those of all terms, then the raw ones of direct edges."""
        if all(basis.weights is None and basis.direct is None for basis in self.bases):
            return self.weight if self.mask is None else self.weight * self.mask.unsqueeze(1)
        linear, direct = [], []
        for basis, part in self.parts:
            raw = self.weight[:, part]
            if basis.direct is not None:
                direct.append(raw)
                continue
            used = raw if basis.weights is None else basis.weights(raw)
            linear.append(used if self.mask is None else used * self.mask.unsqueeze(1))
        return torch.cat(linear + direct, dim=1)

    def _seen(self, x: Tensor, way: str = "terms") -> tuple[Tensor | None, list[tuple[Any, Tensor, int]]]:
        """The terms of all edges that are linear in them, and for every other edge its code, its input and its size."""
        columns, direct = [], []
        for index, basis in enumerate(self.bases):
            if basis.direct is not None:
                direct.append((basis.direct if way == "terms" else basis.reference, x, basis.size))
            else:
                columns.append(getattr(basis, way)(x, **self._values(index)))
        if not columns:
            return None, direct
        return columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1), direct

    def _edges(self, seen: tuple[Tensor | None, list[Any]], weight: Tensor, mask: Tensor | None) -> Tensor:
        terms, direct = seen
        edges: list[Tensor] = []
        at = 0 if terms is None else terms.shape[-1]
        if terms is not None:
            # Scaled before they are laid out: edges are large, and each copy of them counts.
            used = weight[:, :at] if self.scale == 1 else weight[:, :at] * self.scale
            edges.append(terms * used[:, 0] if at == 1 else torch.einsum("...ik,iko->...io", terms, used))
        for code, x, size in direct:
            values = code(x, weight[:, at : at + size])
            values = values if self.scale == 1 else values * self.scale
            edges.append(values if mask is None else values * mask)
            at += size
        return edges[0] if len(edges) == 1 else torch.stack(edges).sum(0)

    def _reduced(self, x: Tensor) -> Tensor:
        """The aggregate of all edges, a block of neurons after the other where all edges are too many at once."""
        seen, weight, values = self._seen(x), self._used(), self._reduce_values()
        block = max(1, EDGES_AT_ONCE // max(1, x.numel()))
        blocks = []
        for at in range(0, self.n_out, block):
            here = slice(at, at + block)
            mask = None if self.mask is None else self.mask[:, here]
            own = {name: value[here] if name in self.shape else value for name, value in values.items()}
            blocks.append(self.aggregate.reduce(self._edges(seen, weight[..., here], mask), **own))
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        share = self.aggregate.share
        if share is not None and self.fused:
            terms, _ = self._seen(x)
            assert terms is not None
            result = terms.flatten(-2) @ self._used().flatten(0, 1)
            factor = self.scale * share(x.shape[-1])
            result = result if factor == 1 else result * factor
        else:
            result = self._reduced(x)
        return result if self.bias is None else result + self.bias

    def definition(self, x: Tensor) -> Tensor:
        """Every edge from its terms as printed, then one step of the aggregate after the other."""
        (terms, direct), weight = self._seen(x, "reference"), self._used()
        edges: Any = 0
        at = 0 if terms is None else terms.shape[-1]
        if terms is not None:
            edges = sum(terms[..., k : k + 1] * weight[:, k] for k in range(at))
        for code, given, size in direct:
            values = code(given, weight[:, at : at + size])
            edges = edges + (values if self.mask is None else values * self.mask)
            at += size
        result: Tensor = self.aggregate.definition(edges * self.scale, **self._reduce_values())
        return result if self.bias is None else result + self.bias
