"""Checks of what a layer can be told after it was built: ranges, masks, finer grids; and of the slopes of its slopes."""

from __future__ import annotations

import warnings

from .._errors import SettingError
from ..edges import Basis, Edge, find_edge
from ..functions import Count
from ..neurons.language import Neuron
from ._neuron_layers import IN, OUT, close, gathered, inputs, layer_of

__all__ = [
    "check_pruned_edges_are_zero",
    "check_raw_units_do_not_matter",
    "check_refinement_keeps_the_function",
    "check_slopes_have_slopes",
]


def check_raw_units_do_not_matter(part: Neuron) -> None:
    """Fitted to its range, a layer gives for inputs in other units what it gives for these; the state has the range."""
    import torch

    x = inputs()
    scale = torch.logspace(-2, 3, IN, base=2, dtype=torch.float64)  # powers of two, and no shift: nothing is rounded
    plain, raw, twin = layer_of(part), layer_of(part), layer_of(part, seed=1)
    plain.fit_range(x)
    raw.fit_range(x * scale)
    close(raw(x * scale), plain(x), f"{part}: in raw units")
    close(raw.definition(x * scale), plain.definition(x), f"{part}: in raw units, by definition")
    twin.load_state_dict(raw.state_dict())
    close(twin(x * scale), raw(x * scale), f"{part}: after its state was loaded")
    moved = all(bool((gather.edges(x) != gather.edges(x.flip(0))).any()) for _, gather in plain.gathers)
    assert moved, f"{part}: fitted to the range of its inputs it no longer depends on them"


def check_pruned_edges_are_zero(part: Neuron) -> None:
    """A pruned edge gives 0, on the fast path and by definition, and others what they gave; the mask is in the state."""
    import torch

    layer, twin, x = layer_of(part), layer_of(part, seed=1), inputs()
    keep = torch.arange(IN * OUT).reshape(IN, OUT) % 3 != 0
    before, apart = [gather.edges(x) for _, gather in layer.gathers], layer(x) - layer.definition(x)
    for (_, gather), edges in zip(layer.gathers, before, strict=True):
        gather.prune(keep)
        close(gather.edges(x), torch.where(keep, edges, 0.0), f"{part}: edges after pruning")
    close(layer(x) - layer.definition(x), apart, f"{part}: after pruning, the fast path from the definition")
    twin.load_state_dict(layer.state_dict())
    close(twin(x), layer(x), f"{part}: pruned, after its state was loaded")


def check_refinement_keeps_the_function(part: Neuron) -> None:
    """Splines whose cells are divided give what they gave; of other bases the change that is stated is the one there is."""
    bases = [find_edge(term.name) for tree in gathered(part.tree) for term in tree.edge]
    names = {name for edge in bases for name, spec in edge.settings.items() if isinstance(spec, Count)}
    for name in sorted(names & {"grid", "degree", "entries", "size"}):
        layer, x = layer_of(part), inputs(40)
        splines = all(basis.order is not None or name not in edge.settings for edge, basis in _with_bases(part))
        before = [gather.edges(x) for _, gather in layer.gathers]
        try:
            stated = layer.refine(**{name: _finer(part, name)}, x=x)
        except SettingError:
            continue  # weights that are bound, or a family that ends there
        after = [gather.edges(x) for _, gather in layer.gathers]
        change = max(float((b - a).detach().norm() / a.detach().norm()) for a, b in zip(before, after, strict=True))
        assert abs(change - stated) <= 1e-6 * (1 + change), (
            f"{part}: refining {name} changes {change:.3g}, says {stated:.3g}"
        )
        assert not splines or stated <= 1e-9, (
            f"{part}: dividing the cells by refining {name} changes it by {stated:.3g}"
        )
        twin = layer_of(Neuron(layer.neuron.tree), seed=1)
        twin.load_state_dict(layer.state_dict())
        close(twin(x), layer(x), f"{part}: refined, after its state was loaded")


def _with_bases(part: Neuron) -> list[tuple[Edge, Basis]]:
    terms = [term for tree in gathered(part.tree) for term in tree.edge]
    return [(find_edge(term.name), find_edge(term.name).basis(dict(term.settings))) for term in terms]


def _finer(part: Neuron, name: str) -> int:
    """Twice the value that there is; a table has an entry at either end of its cells."""
    terms = [term for tree in gathered(part.tree) for term in tree.edge]
    for term in terms:
        spec = find_edge(term.name).settings.get(name)
        if isinstance(spec, Count):
            now = int(dict(term.settings).get(name, spec.default))
            order = find_edge(term.name).basis(dict(term.settings)).order
            return 2 * now - (1 if name == "entries" and order else 0)
    raise AssertionError(name)


def check_slopes_have_slopes(part: Neuron) -> None:
    """The gradient of the gradient equals difference quotients: what equations with derivatives in them are trained on."""
    import torch

    layer, upstream = layer_of(part), inputs(2, OUT).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, where a second derivative is 0 everywhere
        agree = torch.autograd.gradgradcheck(
            layer, inputs(2).requires_grad_(), upstream, raise_exception=False, atol=1e-4
        )
    assert agree, f"{part}: the gradient of the gradient of the inputs is not its slope"
