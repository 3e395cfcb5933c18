"""Finer, wider and better placed grids for a layer that has learned: what it computes stays, and the change is stated.

Where the new space contains the old one (cells are divided, degrees are added) the function is kept to rounding; elsewhere the
new weights are the nearest in least squares. Either way the change is measured through the layer and given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .._errors import DataError, SettingError
from ..edges import Basis, find_edge
from ..edges._splines import knots_in
from ..functions import Count
from ._insertion import insert_knots, project
from .init import bases_of
from .language import Activated, Aggregated, Combined, Neuron, Settings, Term, Tree

if TYPE_CHECKING:
    from ._gather import Gather
    from .layer import NeuronLayer

__all__ = ["refine", "update_grid"]

ROWS = 1024
"""From so many rows of data, evenly spread over those that were given, the new weights are found."""

AT_ONCE = 2**23
"""So many terms, over all rows, are laid out at a time: 64 MiB of double precision."""


def refine(layer: NeuronLayer, settings: dict[str, int], x: Tensor | None) -> float:
    """Give every basis of ``layer`` that has one of ``settings`` that value; see ``NeuronLayer.refine``."""
    tree = _reset(layer.neuron.tree, settings)
    if tree == layer.neuron.tree:
        _refuse_unknown(layer.neuron.tree, settings)
        return 0.0
    probe = _probe(layer, x)
    with torch.no_grad():
        before = [gather.edges(probe) for _, gather in layer.gathers]
        for (_, gather), wanted in zip(layer.gathers, _aggregated(tree), strict=True):
            _rebuild(gather, wanted, None if x is None else _spread(x))
        layer.neuron = Neuron(tree)
        return _change(before, [gather.edges(probe) for _, gather in layer.gathers])


def update_grid(layer: NeuronLayer, x: Tensor, *, uniform_share: float) -> float:
    """Move the breaks of every spline to where ``x`` (..., n_in) is; see ``NeuronLayer.update_grid``."""
    if not 0 < uniform_share <= 1:
        raise SettingError(f"uniform_share must lie above 0 and be at most 1, got {uniform_share!r}")
    rows = _spread(x)
    with torch.no_grad():
        before = [gather.edges(rows) for _, gather in layer.gathers]
        moved = 0
        for _, gather in layer.gathers:
            for index, basis in enumerate(gather.bases):
                if basis.breaks is not None:
                    _regrid(gather, index, rows, uniform_share)
                    moved += 1
        if not moved:
            raise SettingError(f"{layer.neuron} has no grid to update; grids are for splines and their like")
        return _change(before, [gather.edges(rows) for _, gather in layer.gathers])


def _change(before: list[Tensor], after: list[Tensor]) -> float:
    """The largest, over aggregates, of the norm of all differences of edges over the norm of all edges."""
    found = []
    for old, new in zip(before, after, strict=True):
        size, difference = float(old.double().norm()), float((new - old).double().norm())
        found.append(difference / size if size else difference)
    return max(found)


def _spread(x: Tensor) -> Tensor:
    rows = x.detach().reshape(-1, x.shape[-1])
    if not len(rows):
        raise DataError("a grid cannot be updated from no inputs; give at least one row")
    if not bool(rows.isfinite().all()):
        raise DataError("a grid cannot be updated from NaN or infinity; give finite rows, x[x.isfinite().all(-1)]")
    return rows[torch.linspace(0, len(rows) - 1, min(len(rows), ROWS), device=x.device).round().long()]


def _probe(layer: NeuronLayer, x: Tensor | None) -> Tensor:
    """Rows on which to compare: those given, or 257 places over each input's range, interval or three deviations."""
    if x is not None:
        return _spread(x)
    gather = layer.gathers[0][1]
    low, high = gather.range.low, gather.range.high
    if low is None or high is None:
        intervals = [basis.interval or (-3.0, 3.0) for _, each in layer.gathers for basis in each.bases]
        low = gather.weight.new_full((gather.n_in,), max(first for first, _ in intervals))
        high = gather.weight.new_full((gather.n_in,), min(last for _, last in intervals))
    return low + torch.linspace(0, 1, 257, dtype=low.dtype, device=low.device).unsqueeze(-1) * (high - low)


# --- The text -----------------------------------------------------------------------------------------------------------


def _aggregated(tree: Tree) -> Iterator[Aggregated]:
    if isinstance(tree, Aggregated):
        yield tree
    elif isinstance(tree, Activated):
        yield from _aggregated(tree.inner)
    else:
        yield from (*_aggregated(tree.left), *_aggregated(tree.right))


def _reset(tree: Tree, settings: dict[str, int]) -> Tree:
    if isinstance(tree, Aggregated):
        return replace(tree, edge=tuple(_reset_term(term, settings) for term in tree.edge))
    if isinstance(tree, Activated):
        return replace(tree, inner=_reset(tree.inner, settings))
    return Combined(tree.operator, _reset(tree.left, settings), _reset(tree.right, settings))


def _reset_term(term: Term, settings: dict[str, int]) -> Term:
    known = find_edge(term.name).settings
    given = dict(term.settings)
    for name, value in settings.items():
        spec = known.get(name)
        if isinstance(spec, Count):
            given[name] = spec.check(f"{term.name}: {name}", value)
    kept: Settings = tuple(
        (name, given[name]) for name, spec in known.items() if given.get(name, spec.default) != spec.default
    )
    return Term(term.name, kept)


def _refuse_unknown(tree: Tree, settings: dict[str, int]) -> None:
    terms = [term for each in _aggregated(tree) for term in each.edge]
    known = {name for term in terms for name, spec in find_edge(term.name).settings.items() if isinstance(spec, Count)}
    if not known & set(settings):
        offered = f"its whole-number settings are {', '.join(sorted(known))}" if known else "no edge of it has any"
        raise SettingError(f"{Neuron(tree)} has no whole-number setting {', '.join(settings) or 'grid'}; {offered}")


# --- The weights --------------------------------------------------------------------------------------------------------


def _rebuild(gather: Gather, wanted: Aggregated, x: Tensor | None) -> None:
    """Exchange the bases of ``gather`` in place, with weights that keep its edges."""
    if wanted == gather.tree:
        return
    placed = None if x is None else gather.placed(x)
    weights: list[Tensor] = []
    grids: list[Tensor | None] = []
    for index, (new, (old, part)) in enumerate(zip(bases_of(wanted.edge), gather.parts, strict=True)):
        weight, grid = gather.weight[:, part], gather.grid(index)
        if wanted.edge[index] != gather.tree.edge[index]:
            _refuse_bound(old, new, str(gather.tree.edge[index]))
            breaks = _breaks(gather, index).double()
            finer = None if new.breaks is None or grid is None else _divided(breaks, new.breaks)
            weight = _carried(gather, index, new, finer, None if placed is None else placed[index]).to(weight)
            grid = None if finer is None else finer.to(weight)
        weights.append(weight)
        grids.append(grid)
    gather.become(wanted, torch.cat(weights, dim=1), grids)


def _refuse_bound(old: Basis, new: Basis, name: str) -> None:
    bound = any(basis.weights is not None or basis.direct is not None for basis in (old, new))
    if bound or old.parameters.keys() != new.parameters.keys() or old.shared != new.shared:
        raise SettingError(
            f"{name} cannot be refined: its edges are not free weighted sums of terms; build a new layer"
        )


def _breaks(gather: Gather, index: int) -> Tensor:
    """The breaks of a basis, (n_in, cells + 1), or (1, cells + 1) where all inputs share equal cells."""
    basis, grid = gather.bases[index], gather.grid(index)
    if grid is not None:
        return grid
    low, high = basis.interval or (-3.0, 3.0)
    return torch.linspace(
        low, high, (basis.breaks or 1) + 1, dtype=torch.float64, device=gather.weight.device
    ).unsqueeze(0)


def _divided(breaks: Tensor, cells: int) -> Tensor:
    """So many cells in place of the old ones: each divided evenly where that is possible, else as evenly as the old ones go."""
    old = breaks.shape[-1] - 1
    at = torch.linspace(0, old, cells + 1, dtype=breaks.dtype, device=breaks.device)
    at = torch.where((at - at.round()).abs() < 1e-9, at.round(), at)
    first = at.floor().long().clamp(0, old - 1)
    share = at - first
    return breaks[:, first] * (1 - share) + breaks[:, first + 1] * share


def _carried(gather: Gather, index: int, new: Basis, finer: Tensor | None, x: Tensor | None) -> Tensor:
    """The weights of ``new`` that give what basis ``index`` gives, (n_in, count, n_out)."""
    old, part = gather.parts[index]
    breaks = _breaks(gather, index).double()
    nested = new.breaks is not None and old.breaks is not None and new.breaks % old.breaks == 0
    if nested and new.order == old.order and old.order is not None and new.interval == old.interval:
        known, wanted = _knots(gather, old, gather.grid(index)), _knots(gather, new, finer)
        return insert_knots(gather.weight[:, part].double(), known, wanted, old.order)
    fine = _divided(breaks if finer is None else finer, 4 * max(breaks.shape[-1] - 1, new.size))
    fine = fine.expand(gather.n_in, -1).mT
    given = {name: value for name, value in _wide(gather, index).items() if name != "breaks"}
    values = {**new.values, **{name: given[name] for name in new.values if name in old.parameters}}
    values = values if finer is None else {**values, "breaks": finer}
    return _nearest(gather, index, (new, values), fine if x is None else torch.cat([fine, x.double()]))


def _knots(gather: Gather, basis: Basis, grid: Tensor | None) -> Tensor:
    """The knots of a spline as the layer holds them, rounded to its format: what is exact is exact for these."""
    like = gather.weight.float() if gather.weight.dtype in (torch.float16, torch.bfloat16) else gather.weight
    order, low, high = basis.order or 0, *(basis.interval or (-3.0, 3.0))
    return knots_in(like, (basis.breaks or 1, low, high), order, grid).double()


def _wide(gather: Gather, index: int) -> dict[str, Any]:
    """What a basis is given beside its inputs, in double precision."""
    return {name: v.double() if isinstance(v, Tensor) else v for name, v in gather.values(index).items()}


def _nearest(gather: Gather, index: int, new: tuple[Basis, dict[str, Any]], rows: Tensor) -> Tensor:
    """Weights of the ``new`` basis that come nearest to the edges of an old one on ``rows``, some inputs after the others."""
    old, part = gather.parts[index]
    weight = gather.weight[:, part].double()
    alone = not old.parameters and not new[0].parameters
    size = max(1, AT_ONCE // (len(rows) * max(old.size, new[0].size))) if alone else gather.n_in
    found = []
    for inputs in torch.split(torch.arange(gather.n_in, device=rows.device), size):
        x = rows[:, inputs]
        before = old.terms(x, **_of(_wide(gather, index), inputs))
        target = torch.einsum("sik,iko->sio", before, weight[inputs])
        found.append(project(new[0].terms(x, **_of(new[1], inputs)), target))
    return torch.cat(found)


def _of(values: dict[str, Any], inputs: Tensor) -> dict[str, Any]:
    return {name: value[inputs] if name == "breaks" else value for name, value in values.items()}


def _regrid(gather: Gather, index: int, x: Tensor, uniform_share: float) -> None:
    """New breaks for one basis, where its inputs are, and the weights that come nearest to its edges there."""
    basis, part = gather.parts[index]
    _refuse_bound(basis, basis, str(gather.tree.edge[index]))
    assert basis.breaks is not None
    placed, old = gather.placed(x)[index].double(), _breaks(gather, index).double().expand(gather.n_in, -1)
    ordered = placed.sort(0).values.mT
    low, high = ordered[:, :1], ordered[:, -1:]
    even = low + torch.linspace(0, 1, basis.breaks + 1, dtype=torch.float64, device=x.device) * (high - low)
    often = _divided(ordered.expand(-1, max(2, len(placed))), basis.breaks)
    breaks = uniform_share * even + (1 - uniform_share) * often
    # A constant column says nothing about where breaks should be: it keeps its grid.
    least = 8 * torch.finfo(gather.weight.dtype).eps * torch.maximum(low.abs(), high.abs())
    breaks = torch.where(breaks.diff(dim=-1).amin(-1, keepdim=True) > least, breaks, old).to(gather.weight).double()
    rows = torch.cat([_divided(breaks, 4 * basis.breaks).mT, placed])
    weight = _nearest(gather, index, (basis, {**_wide(gather, index), "breaks": breaks}), rows)
    gather.weight[:, part] = weight.to(gather.weight)
    gather.regrid(index, breaks)
