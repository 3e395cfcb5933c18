"""Whole linear layers and convolutions replaced by learnable neurons that start as the same function."""

from __future__ import annotations

from typing import Any

from torch import nn

from .._errors import SettingError, SiteError, did_you_mean
from ..functions import Function
from ..functions import catalogue as functions
from ._swap_exchange import move_hooks
from ._swap_left import grouped
from ._swap_listen import inputs
from ._swap_parts import everywhere, matches, no_fast_path, settled
from ._swap_recognise import computes, expected
from ._swap_start import begin, built
from .geometry import Convolution
from .language import Activated, Aggregated, Neuron, Term, neuron
from .layer import NeuronLayer

__all__ = ["like", "replace_layers"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def like(layer: nn.Module, new: str | Neuron) -> NeuronLayer | Convolution:
    """A layer of the neurons ``new`` that computes what ``layer`` does; raises SettingError where it cannot.

    >>> like(nn.Linear(3, 2), "sum(bspline)")
    NeuronLayer(sum(linear + bspline), 3 -> 2, path=...)
    """
    return built(layer, begin(neuron(new).tree, None), None)


def replace_layers(
    model: nn.Module, old: str, new: str, at: str, on: Any
) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Replace layers in place; gives the text of the neurons, the paths, what was there, and what is left."""
    behind = _behind(old)
    start = begin(neuron(new).tree, behind)
    found, left = _layers(model, behind, _CONVOLUTIONS if old == "conv" else (nn.Linear,))
    chosen = {path: layer for path, layer in found.items() if matches(path, at)}
    if not chosen:
        raise SiteError(_nothing(old, at, list(found), left))
    seen = {} if on is None or old == "conv" else inputs(model, tuple(chosen), on)
    made: dict[int, nn.Module] = {}
    for path, layer in chosen.items():
        parent, _, name = path.rpartition(".")
        owner = model.get_submodule(parent)
        if id(layer) not in made:
            made[id(layer)] = settled(built(layer, start, behind, seen.get(path)), layer, layer)
            move_hooks(layer, made[id(layer)])
        setattr(owner, name, made[id(layer)])
        if behind is not None:
            setattr(owner, _next(owner, name), nn.Identity())
        no_fast_path(model, owner)
    with_it = "" if behind is None else f" and {behind.name}"
    how = tuple(f"{type(layer).__name__}{with_it} {_size(layer)}" for layer in chosen.values())
    return str(Neuron(start[0])), tuple(chosen), how, tuple(left)


def _size(layer: Any) -> str:
    sizes = (
        (layer.in_features, layer.out_features)
        if isinstance(layer, nn.Linear)
        else (layer.in_channels, layer.out_channels)
    )
    return f"{sizes[0]} -> {sizes[1]}"


def _behind(old: str) -> Function | None:
    """The function behind the layer that the text names; None for a layer alone."""
    tree = neuron("sum(linear)" if old in ("linear", "conv") else old).tree
    inner = tree.inner if isinstance(tree, Activated) else tree
    if inner != Aggregated("sum", (Term("linear"),)) or (isinstance(tree, Activated) and tree.settings):
        raise SettingError(f"{old} names no layers to replace; give 'linear', 'conv', or 'relu(sum(linear))'")
    return functions[tree.function] if isinstance(tree, Activated) else None


def _layers(
    model: nn.Module, behind: Function | None, kinds: tuple[type[nn.Module], ...]
) -> tuple[dict[str, nn.Module], list[str]]:
    """The layers that can be replaced, and the others with the reason."""
    uses: dict[int, list[str]] = {}
    for module in model.modules():
        for weight in module.parameters(recurse=False):
            uses.setdefault(id(weight), []).append(type(module).__name__)
    found: dict[str, nn.Module] = {}
    left: list[tuple[str, str, object]] = []
    modules = dict(everywhere(model))
    for path, layer in modules.items():
        if not isinstance(layer, kinds):
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


def _why_not(layer: Any, uses: dict[int, list[str]]) -> str:
    if isinstance(layer.weight, nn.parameter.UninitializedParameter):
        return "the layer has no weights yet; run the model once on a batch"
    if type(layer) not in (nn.Linear, *_CONVOLUTIONS):
        return f"{type(layer).__name__} is more than a plain layer, or is used by its weight"
    if getattr(layer, "padding_mode", "zeros") != "zeros":
        return f"there are no neurons with padding_mode={layer.padding_mode!r}"
    shared = sorted(
        {kind for weight in layer.parameters() for kind in uses[id(weight)] if kind != type(layer).__name__}
    )
    if shared or any(len(uses[id(weight)]) > 1 for weight in layer.parameters()):
        return f"its weights are shared with another layer ({', '.join(shared) or type(layer).__name__})"
    return ""


def _nothing(old: str, at: str, found: list[str], left: list[str]) -> str:
    if found:
        return f"no layer {old} has a path like {at!r}; {did_you_mean(at, found, what='path')}"
    return f"this model has no layer {old} that can be replaced" + ("".join(f"; {line}" for line in left))
