"""Swap the neuron functions of any model: a copy with other functions, and the list of places that changed.

A module is recognised by what it computes, not by its class: an ``nn.ReLU``, a ``nn.LeakyReLU(0.0)`` and a class of the
user's own that computes max(z, 0) are all "relu". Functional calls such as ``F.relu`` inside a ``forward`` cannot be exchanged
from outside; they are looked for and listed, never passed over in silence.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from .._errors import SiteError, did_you_mean
from ..functions import Function
from ..functions import catalogue as functions

__all__ = ["Swapped", "swap"]


@dataclass(frozen=True)
class Swapped:
    """``model`` is the changed copy, ``sites`` the paths that changed, ``left`` what was found and could not be changed."""

    model: nn.Module
    sites: tuple[str, ...]
    left: tuple[str, ...] = ()


def swap(model: nn.Module, old: str, new: str, *, at: str = "*", settings: Mapping[str, Any] | None = None) -> Swapped:
    """A copy of ``model`` where every module that computes the function ``old`` computes ``new``.

    ``old`` and ``new`` are names in the catalogue, ``at`` a pattern of module paths (``"layer4.*"``), ``settings`` those of
    ``new``. Learned parameters of ``new`` hold one value per module. Raises UnknownNameError for names that are not in the
    catalogue, SettingError for settings, and SiteError where nothing matches.

    >>> import torch
    >>> from neurofn import swap
    >>> swapped = swap(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)), "relu", "snake")
    >>> swapped.sites, swapped.left
    (('1',), ())
    """
    before, after = functions[old], functions[new]
    changed = copy.deepcopy(model)
    found = {path: module for path, module in changed.named_modules() if _computes(module, before)}
    sites = tuple(path for path in found if fnmatch.fnmatchcase(path, at))
    for path in sites:
        if not path:
            raise SiteError(
                f"the model is itself {before.name}; build {after.name} with catalogue[{new!r}].module() instead"
            )
        replacement = after.module(**(settings or {}))
        replacement.train(found[path].training)
        _replace(changed, path, replacement)
    left = _functional(changed, before)
    if not sites:
        raise SiteError(_nothing(before.name, at, list(found), left))
    return Swapped(changed, sites, left)


def _replace(model: nn.Module, path: str, replacement: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, replacement)


def _nothing(name: str, at: str, found: list[str], left: tuple[str, ...]) -> str:
    if found:
        return f"no module that computes {name} has a path like {at!r}; {did_you_mean(at, found, what='path')}"
    if left:
        return f"no module computes {name}, but there are calls that no swap can reach: " + "; ".join(left)
    return f"nothing in this model computes {name}; its functions may be other ones, or inside compiled code"


def _probe() -> Tensor:
    return torch.linspace(-4, 4, 33, dtype=torch.float64)


def _agrees(compute: Callable[[Tensor], Any], function: Function) -> bool:
    z = _probe()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            result = compute(z.clone())
    except Exception:  # a foreign module may raise anything when it is asked about a tensor that it was not made for
        return False
    same_kind = isinstance(result, Tensor) and result.shape == z.shape and result.is_floating_point()
    return same_kind and bool(torch.allclose(result.double(), function(z), rtol=1e-9, atol=1e-9))


def _computes(module: nn.Module, function: Function) -> bool:
    if any(True for _ in module.children()) or any(True for _ in module.buffers()):
        return False
    probed = copy.deepcopy(module).double()
    # forward, not a call: the hooks of the user's model are none of our business
    return all(_agrees(probed.train(mode).forward, function) for mode in (True, False))


class _Leaves(fx.Tracer):
    """Traces the model's own forward methods down to modules without children."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not any(True for _ in m.children())


def _functional(model: nn.Module, function: Function) -> tuple[str, ...]:
    """Calls inside ``forward`` methods that compute the function, as far as the model can be traced."""
    try:
        graph = _Leaves().trace(model)
    except Exception as error:  # control flow that depends on data: any exception of the user's code
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return (f"functional calls could not be looked for, the model cannot be traced ({reason})",)
    found = []
    for node in graph.nodes:
        compute = _as_function(node)
        if compute is not None and _agrees(compute, function):
            name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
            found.append(f"functional call {name} (node {node.name}); make it a module to swap it")
    return tuple(found)


def _as_function(node: fx.Node) -> Callable[[Tensor], Any] | None:
    """The call as a function of its one tensor argument, with its literal settings kept; None where there are more tensors."""
    tensors = [argument for argument in (*node.args, *node.kwargs.values()) if isinstance(argument, fx.Node)]
    if (
        node.op not in ("call_function", "call_method")
        or len(tensors) != 1
        or not node.args
        or node.args[0] is not tensors[0]
    ):
        return None
    rest, named = node.args[1:], {**node.kwargs, **({"inplace": False} if "inplace" in node.kwargs else {})}
    if node.op == "call_method":
        return lambda z: getattr(z, str(node.target))(*rest, **named)
    target: Any = node.target
    return lambda z: target(z, *rest, **named)
