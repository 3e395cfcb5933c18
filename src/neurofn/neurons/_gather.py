"""One aggregate of edges as a module: the only part of a neuron that has weights per edge.

Where the aggregate is a weighted sum the fast path is one matrix product over all terms of all inputs; where it is not, the
edges are laid out and reduced, a block of neurons after the other where they are many.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError
from ..aggregates import Aggregate
from ..aggregates import catalogue as aggregates
from ..edges import Basis
from ..functions import Parameter
from ._edges import Direct, Seen, inside, look
from ._local import LocalPath, plan
from ._range import Range, place
from .init import bases_of, begun, scales
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
    (n_in, n_out) or None, where 0 is a pruned edge; ``scale`` a fixed factor of every edge; ``range`` where the inputs live;
    ``grid(k)`` the breaks of basis k, a grid per input in the units that this basis sees, None where its cells are equal.
    """

    mask: Tensor | None

    def __init__(self, tree: Aggregated, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        self.n_in, self.n_out = size
        self.tree = tree
        self._look_up()
        self.range = Range(self.n_in, str(tree))
        self.inner = nn.ParameterDict()
        for index, basis in enumerate(self.bases):
            for name in basis.parameters:
                self.inner[f"{name}_{index}"] = nn.Parameter(
                    torch.full((basis.shared or self.n_in,), basis.values[name])
                )
        self.matched = matched
        self.scale, std, centre = scales(tree, self.n_in, matched=matched)
        self.weight = nn.Parameter(begun(self.bases, size, std))
        settings = dict(tree.settings)
        self.bias = nn.Parameter(torch.full((self.n_out,), -centre)) if settings.pop("bias", True) else None
        self.shape = nn.ParameterDict()
        self.fixed: dict[str, Any] = {}
        for name, spec in self.aggregate.settings.items():
            value = settings.get(name, spec.default)
            if isinstance(spec, Parameter) and spec.learned:
                self.shape[name] = nn.Parameter(torch.full((self.n_out,), float(value)))
            else:
                self.fixed[name] = value
        self.register_buffer("mask", None)
        for index in range(len(self.bases)):
            self.register_buffer(f"breaks_{index}", None)

    def _look_up(self) -> None:
        # Made beforehand, so that torch.compile need not trace how, and again for a copy: what they hold cannot be saved.
        self.bases: tuple[Basis, ...] = bases_of(self.tree.edge)
        self._path: LocalPath | None = plan(self)

    # Looked up by name, so that a layer can be copied and saved.
    @property
    def aggregate(self) -> Aggregate:
        return aggregates[self.tree.aggregate]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("bases", "_path")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch declares no types for it
        self._look_up()

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """What exists only after it was first used (a mask, a grid) is there exactly when the state has it."""
        for name in ("mask", *(f"breaks_{index}" for index in range(len(self.bases)))):
            value = state.get(prefix + name)
            setattr(self, name, None if value is None else torch.empty_like(value, device=self.weight.device))
        super()._load_from_state_dict(state, prefix, *rest)

    @property
    def parts(self) -> tuple[tuple[Basis, slice], ...]:
        """Every basis with its slice of the second axis of ``weight``."""
        ends = list(accumulate(basis.size for basis in self.bases))
        return tuple((basis, slice(end - basis.size, end)) for basis, end in zip(self.bases, ends, strict=True))

    @property
    def fused(self) -> bool:
        """Whether all edges are one weighted sum of terms."""
        return self.aggregate.share is not None and all(basis.direct is None for basis in self.bases)

    @property
    def path(self) -> str:
        """How the layer runs: "native" and the like where a kernel takes the local edges, else "fused" or "edges"."""
        if self._path is not None and self._path.name != "plain":
            return self._path.name
        return "fused" if self.fused else "edges"

    def grid(self, index: int) -> Tensor | None:
        """The breaks (n_in, cells + 1) of a basis, in the units that it sees; None where its cells are equal."""
        breaks: Tensor | None = getattr(self, f"breaks_{index}")
        return breaks

    def regrid(self, index: int, breaks: Tensor | None) -> None:
        """Give a basis another grid of as many cells; raises SettingError where breaks do not increase."""
        cells = self.bases[index].breaks
        if cells is None:
            raise SettingError(f"{self.tree.edge[index]} has no cells; grids are for splines and their like")
        if breaks is not None and tuple(breaks.shape) != (self.n_in, cells + 1):
            raise ShapeError(
                f"{self.tree.edge[index]}: breaks must be ({self.n_in}, {cells + 1}), got {tuple(breaks.shape)}"
            )
        if breaks is not None:
            breaks = breaks.to(self.weight).contiguous()
            if not bool((breaks.diff(dim=-1) > 0).all()):
                raise SettingError(
                    f"{self.tree.edge[index]}: breaks must increase; equal or unordered breaks were given"
                )
        setattr(self, f"breaks_{index}", breaks)

    def become(self, tree: Aggregated, weight: Tensor, grids: list[Tensor | None]) -> None:
        """Compute with the bases of another text from now on; ``weight`` is a new parameter, an optimiser has to be told."""
        before = self.scale
        self.tree, self.range.name = tree, str(tree)
        self._look_up()
        # A layer built from the text alone has this factor, and the state of this one must mean the same there.
        self.scale = scales(tree, self.n_in, matched=self.matched)[0]
        if self.scale != before and any(basis.weights is not None or basis.direct is not None for basis in self.bases):
            raise SettingError(
                f"{tree}: the scale of its edges depends on what is changed, and some have no free weights"
            )
        self.weight = nn.Parameter(weight * (before / self.scale), requires_grad=self.weight.requires_grad)
        for index, grid in enumerate(grids):
            if self.bases[index].breaks is not None:
                self.regrid(index, grid)

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
        """The value of every edge, (..., n_in, n_out), for inputs (..., n_in) of the layer, in its units."""
        return self._edges(self._seen(self.placed(x)), self._weights(), self.mask)

    def placed(self, x: Tensor) -> list[Tensor]:
        """What each basis is given for inputs (..., n_in): x itself, or its place in the range where there is one."""
        u = self.range.place(x)
        return [place(basis, x, u) for basis in self.bases]

    def values(self, index: int) -> dict[str, Any]:
        """What a basis is given beside its inputs: settings, learned parameters inside their domains, its grid."""
        basis, breaks = self.bases[index], self.grid(index)
        learned = {name: inside(spec, self.inner[f"{name}_{index}"]) for name, spec in basis.parameters.items()}
        return {**basis.values, **learned, **({} if breaks is None else {"breaks": breaks})}

    def _reduce_values(self) -> dict[str, Any]:
        learned = {name: inside(self.aggregate.settings[name], value) for name, value in self.shape.items()}
        return {**self.fixed, **learned}

    def _weights(self) -> list[Tensor]:
        """For each basis its weights as they are used, (n_in, count, n_out); raw ones where an edge is not linear."""
        used = []
        for basis, part in self.parts:
            raw = self.weight if len(self.bases) == 1 else self.weight[:, part]
            weight = raw if basis.weights is None or basis.direct is not None else basis.weights(raw)
            used.append(weight if self.mask is None or basis.direct is not None else weight * self.mask.unsqueeze(1))
        return used

    def _used(self) -> Tensor:
        """The weights as they are used, those of one basis after those of the other."""
        weights = self._weights()
        return weights[0] if len(weights) == 1 else torch.cat(weights, dim=1)

    def _seen(self, placed: list[Tensor]) -> list[Seen]:
        return [
            look(basis, x, self.values(k), self.n_out)
            for k, (basis, x) in enumerate(zip(self.bases, placed, strict=True))
        ]

    def _edges(self, seen: list[Seen], weights: list[Tensor], mask: Tensor | None) -> Tensor:
        total: Tensor | None = None
        for each, weight in zip(seen, weights, strict=True):
            if isinstance(each, Direct):
                edges = each.edges(weight)
                edges = edges if self.scale == 1 else edges * self.scale
                edges = edges if mask is None else edges * mask
            else:
                # Scaled before they are laid out: edges are large, and each copy of them counts.
                edges = each.edges(weight if self.scale == 1 else weight * self.scale)
            total = edges if total is None else total + edges
        assert total is not None
        return total

    def _reduced(self, placed: list[Tensor]) -> Tensor:
        """The aggregate of all edges, a block of neurons after the other where all edges are too many at once."""
        seen, weights, values = self._seen(placed), self._weights(), self._reduce_values()
        count = placed[0].numel()
        any_count = isinstance(count, torch.SymInt)  # exported for any number of rows: the blocks cannot depend on it
        block = self.n_out if any_count else max(1, EDGES_AT_ONCE // max(1, count))
        blocks = []
        for at in range(0, self.n_out, block):
            here = slice(at, at + block)
            mask = None if self.mask is None else self.mask[:, here]
            own = {name: value[here] if name in self.shape else value for name, value in values.items()}
            edges = self._edges(seen, [weight[..., here] for weight in weights], mask)
            blocks.append(self.aggregate.reduce(edges, **own))
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=-1)

    def _summed(self, placed: list[Tensor]) -> Tensor:
        """The sum of all edges, without laying them out."""
        path = self._path
        if path is None or path.name == "plain":
            sums = [each.total(weight) for each, weight in zip(self._seen(placed), self._weights(), strict=True)]
            return sums[0] if len(sums) == 1 else torch.stack(sums).sum(0)
        inputs = [
            x if takes else basis.terms(x, **self.values(k))
            for k, (basis, x, takes) in enumerate(zip(self.bases, placed, path.takes, strict=True))
        ]
        return path(inputs, self._used(), [self.grid(k) for k in range(len(self.bases))])

    def _watched(self, x: Tensor) -> list[Tensor]:
        """What each basis is given, after a range that is being learned has seen x and what lies outside is counted."""
        u = self.range(x)
        placed = [place(basis, x, u) for basis in self.bases]
        for index, basis in enumerate(self.bases):
            if basis.interval is not None:
                breaks, (low, high) = self.grid(index), basis.interval
                if breaks is not None:
                    self.range.watch(placed[index], breaks[:, 0], breaks[:, -1], does=basis.outside)
                elif self.range.low is None or self.range.high is None:
                    self.range.watch(x, low, high, does=basis.outside)
                else:
                    self.range.watch(x, self.range.low, self.range.high, does=basis.outside)
                return placed
        if self.range.low is not None and self.range.high is not None:
            self.range.watch(x, self.range.low, self.range.high, does=None)
        return placed

    def forward(self, x: Tensor) -> Tensor:
        share, placed = self.aggregate.share, self._watched(x)
        if share is not None and self.fused:
            result = self._summed(placed)
            factor = self.scale * share(x.shape[-1])
            result = result if factor == 1 else result * factor
        else:
            result = self._reduced(placed)
        return result if self.bias is None else result + self.bias

    def definition(self, x: Tensor) -> Tensor:
        """Every edge from its terms as printed, then one step of the aggregate after the other."""
        edges: Any = 0
        for k, (basis, given, weight) in enumerate(zip(self.bases, self.placed(x), self._weights(), strict=True)):
            if basis.direct is not None:
                value = basis.reference(given, weight)
                edges = edges + (value if self.mask is None else value * self.mask)
                continue
            terms = basis.reference(given, **self.values(k))
            edges = edges + sum(terms[..., t : t + 1] * weight[:, t] for t in range(terms.shape[-1]))
        result: Tensor = self.aggregate.definition(edges * self.scale, **self._reduce_values())
        return result if self.bias is None else result + self.bias
