"""Whole linear layers replaced by learnable neurons that start as the same function.

An aggregate that is a weighted sum carries the linear layer in its ``linear`` terms, which join the edge where it has none; its
other terms start at 0 and learn from there. A product of neurons carries it in one factor while the others start as 1, a sum
in one summand while the others start as 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from .._errors import SettingError, SiteError, did_you_mean
from ..aggregates import catalogue as aggregates
from ..functions import Function
from ..functions import catalogue as functions
from ._swap_exchange import move_hooks
from ._swap_left import grouped
from ._swap_parts import everywhere, matches, no_fast_path, settled
from ._swap_recognise import computes, expected
from .language import Activated, Aggregated, Neuron, Term, Tree, neuron
from .layer import NeuronLayer

__all__ = ["like", "replace_layers"]

_LINE = "line"
_Start = tuple[
    Tree, tuple[str | float, ...]
]  # the tree, and for each aggregate in it the line or the constant it starts as


def like(layer: nn.Linear, new: str | Neuron) -> NeuronLayer:
    """A layer of the neurons ``new`` that computes what ``layer`` does; raises SettingError where it cannot.

    >>> linear = nn.Linear(3, 2)
    >>> like(linear, "sum(bspline)")
    NeuronLayer(sum(linear + bspline), 3 -> 2, path=fused)
    """
    start = _carry(neuron(new).tree)
    if start is None:
        raise SettingError(f"{new} cannot start as a linear layer: {_WHY}")
    return _build(layer, start, None)


_WHY = (
    "it needs a sum or mean of edges that no function bends, such as sum(silu + bspline) or sum(linear) * sum(linear)"
)


def replace_layers(
    model: nn.Module, old: str, new: str, at: str
) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Replace layers in place; gives the text of the neurons, the paths, what was there, and what is left."""
    behind = _behind(old)
    start = _begin(neuron(new).tree, behind)
    if start is None:
        raise SettingError(f"{new} cannot start as {old}: {_WHY}")
    found, left = _layers(model, behind)
    chosen = {path: layer for path, layer in found.items() if matches(path, at)}
    if not chosen:
        raise SiteError(_nothing(old, at, list(found), left))
    made: dict[int, NeuronLayer] = {}
    for path, layer in chosen.items():
        parent, _, name = path.rpartition(".")
        owner = model.get_submodule(parent)
        if id(layer) not in made:
            made[id(layer)] = _build(layer, start, behind)
            settled(made[id(layer)], layer, layer)
            move_hooks(layer, made[id(layer)])
        setattr(owner, name, made[id(layer)])
        if behind is not None:
            setattr(owner, _next(owner, name), nn.Identity())
        no_fast_path(model, owner)
    what = "Linear" if behind is None else f"Linear and {behind.name}"
    how = tuple(f"{what} {layer.in_features} -> {layer.out_features}" for layer in chosen.values())
    return str(Neuron(start[0])), tuple(chosen), how, tuple(left)


def _behind(old: str) -> Function | None:
    """The function behind the layer that the text names; None for a layer alone."""
    tree = neuron("sum(linear)" if old == "linear" else old).tree
    inner = tree.inner if isinstance(tree, Activated) else tree
    if inner != Aggregated("sum", (Term("linear"),)) or (isinstance(tree, Activated) and tree.settings):
        raise SettingError(f"{old} names no layers to replace; give 'linear', or a function of it: 'relu(sum(linear))'")
    return functions[tree.function] if isinstance(tree, Activated) else None


def _begin(tree: Tree, behind: Function | None) -> _Start | None:
    if behind is None:
        return _carry(tree)
    if not isinstance(tree, Activated) or tree.function != behind.name or tree.settings:
        raise SettingError(f"neurons that start as {behind.name}(sum(linear)) are {behind.name}(...) too")
    inner = _carry(tree.inner)
    return None if inner is None else (replace(tree, inner=inner[0]), inner[1])


def _carry(tree: Tree) -> _Start | None:
    """How a neuron starts as a linear one."""
    if isinstance(tree, Aggregated):
        if aggregates[tree.aggregate].share is None or not dict(tree.settings).get("bias", True):
            return None
        has = any(term.name == "linear" for term in tree.edge)
        return (tree if has else replace(tree, edge=(Term("linear"), *tree.edge))), (_LINE,)
    if isinstance(tree, Activated):
        return None
    rest = 1.0 if tree.operator == "*" else 0.0
    left, beside = _carry(tree.left), _constant(tree.right, rest)
    if left is not None and beside is not None:
        return replace(tree, left=left[0]), left[1] + beside
    right, beside = _carry(tree.right), _constant(tree.left, rest)
    if right is not None and beside is not None and tree.operator != "/":
        return replace(tree, right=right[0]), beside + right[1]
    return None


def _constant(tree: Tree, value: float) -> tuple[float, ...] | None:
    """How a neuron starts as a constant, with weights of 0 that can still learn."""
    if isinstance(tree, Aggregated):
        summed = aggregates[tree.aggregate].share is not None
        return (value,) if summed and (dict(tree.settings).get("bias", True) or value == 0) else None
    if isinstance(tree, Activated):
        inside = _solve(tree, value)
        return None if inside is None else _constant(tree.inner, inside)
    if tree.operator == "*" and value == 1:
        left, right = _constant(tree.left, 1.0), _constant(tree.right, 1.0)
    else:
        left, right = _constant(tree.left, value), _constant(tree.right, 1.0 if tree.operator == "*" else 0.0)
    return None if left is None or right is None else left + right


def _solve(tree: Activated, value: float) -> float | None:
    """An argument nearest 0 at which the function has this value and a slope, by halving; None where there is none."""
    settings: dict[str, Any] = dict(tree.settings)
    module = functions[tree.function].module(**settings).double()
    grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    with torch.no_grad():
        over = module(grid) - value
        crossing = (over[:-1] * over[1:] <= 0) & (over[:-1] != over[1:])
        if not bool(crossing.any()):
            return None
        at = int(grid[:-1].abs().where(crossing, torch.inf).argmin())
        low, high = grid[at].clone(), grid[at + 1].clone()
        for _ in range(60):
            middle = (low + high) / 2
            same = (module(middle) - value) * (module(low) - value) > 0
            low, high = (middle, high) if bool(same) else (low, middle)
    return float(high)


def _build(layer: nn.Linear, start: _Start, behind: Function | None) -> NeuronLayer:
    tree, roles = start
    with torch.random.fork_rng(devices=[]):  # every weight that is drawn here is overwritten
        made = Neuron(tree).dense(layer.in_features, layer.out_features)
    made.to(device=layer.weight.device, dtype=layer.weight.dtype)
    with torch.no_grad():
        for (_, gather), role in zip(made.gathers, roles, strict=True):
            gather.weight.zero_()
            if not isinstance(role, str):
                _ = None if gather.bias is None else gather.bias.fill_(role)
                continue
            at = [term.name for term in gather.tree.edge].index("linear")
            share = gather.aggregate.share
            assert share is not None
            assert gather.bias is not None
            factor = gather.scale * share(layer.in_features)
            gather.weight[:, gather.parts[at][1]] = layer.weight.T.unsqueeze(1) / factor
            gather.bias.zero_() if layer.bias is None else gather.bias.copy_(layer.bias)
    _checked(layer, made, behind)
    return made


def _checked(layer: nn.Linear, made: NeuronLayer, behind: Function | None) -> None:
    """Raise SettingError where the new layer does not start as the old one: some edges cannot be 0."""
    weight = layer.weight
    if weight.is_meta:
        return
    generator = torch.Generator(weight.device).manual_seed(0)
    x = torch.randn(16, layer.in_features, generator=generator, device=weight.device).to(weight.dtype)
    with torch.no_grad():
        straight = layer.forward(x)
        wanted, given = (straight if behind is None else behind(straight)).double(), made(x).double()
        size = (x.double().abs() @ weight.double().abs().T).max() + 1
    if not bool(((wanted - given).abs() <= 32 * torch.finfo(weight.dtype).eps * size).all() | ~wanted.isfinite().all()):
        raise SettingError(f"{made.neuron} does not start as a linear layer: one of its bases cannot be 0 everywhere")


def _layers(model: nn.Module, behind: Function | None) -> tuple[dict[str, nn.Linear], list[str]]:
    """The layers that can be replaced, and the others with the reason."""
    uses: dict[int, list[str]] = {}
    for module in model.modules():
        for weight in module.parameters(recurse=False):
            uses.setdefault(id(weight), []).append(type(module).__name__)
    found: dict[str, nn.Linear] = {}
    left: list[tuple[str, str, object]] = []
    modules = dict(everywhere(model))
    for path, layer in modules.items():
        if not isinstance(layer, nn.Linear):
            continue
        why = _why_not(layer, uses)
        owner, _, name = path.rpartition(".")
        if not path:
            raise SiteError(
                "the model is itself a linear layer; put it into a Sequential, or build neuron(...).dense()"
            )
        if why:
            left.append((path, why, type(layer)))
        elif behind is None or _is_behind(behind, modules[owner], name):
            found[path] = layer
        else:
            left.append((path, f"no module of a Sequential that computes {behind.name} is behind it", type(layer)))
    return found, grouped(left)


def _is_behind(function: Function, owner: nn.Module, name: str) -> bool:
    """Whether the next module of a Sequential computes the function."""
    after = _next(owner, name) if isinstance(owner, nn.Sequential) else ""
    return bool(after) and computes(owner.get_submodule(after), expected(function))


def _next(owner: nn.Module, name: str) -> str:
    """The name of the module behind this one, "" at the end."""
    names = [*(child for child, _ in owner.named_children()), ""]
    return names[names.index(name) + 1]


def _why_not(layer: nn.Linear, uses: dict[int, list[str]]) -> str:
    if isinstance(layer.weight, nn.parameter.UninitializedParameter):
        return "the layer has no weights yet; run the model once on a batch"
    if type(layer) is not nn.Linear:
        return f"{type(layer).__name__} is more than a linear layer, or is used by its weight"
    shared = sorted({kind for weight in layer.parameters() for kind in uses[id(weight)] if kind != "Linear"})
    if shared or any(len(uses[id(weight)]) > 1 for weight in layer.parameters()):
        return f"its weights are shared with another layer ({', '.join(shared) or 'Linear'})"
    return ""


def _nothing(old: str, at: str, found: list[str], left: list[str]) -> str:
    if found:
        return f"no layer {old} has a path like {at!r}; {did_you_mean(at, found, what='path')}"
    return f"this model has no layer {old} that can be replaced" + ("".join(f"; {line}" for line in left))
