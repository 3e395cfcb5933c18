"""Swap the neuron functions of any model: a copy with other functions, and the list of places that changed.

A module is recognised by what it computes, not by its class: an ``nn.ReLU``, a ``nn.LeakyReLU(0.0)`` and a class of the
user's own that computes max(z, 0) are all "relu". So are attributes that hold a function, and calls in the code of a
``forward``, however they are written. What cannot be exchanged is listed with its reason, never passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from .._errors import SettingError, SiteError, did_you_mean
from ..functions import Function
from ..functions import catalogue as functions
from ._swap_difference import difference
from ._swap_neurons import replace_layers
from ._swap_parts import Place, copied, find, matches, put
from ._swap_restart import restart

__all__ = ["Swapped", "swap"]


@dataclass(frozen=True, repr=False)
class Swapped:
    """What ``swap`` gives; printed, a table.

    model: the changed copy. sites: the paths of the modules in it that are new; calls have become modules, too. left: what was
    found, or may be there, and was not changed, with the reason. how: for every site what it was. old, new: the texts asked
    for. difference: the largest one between the outputs of both models on the batch ``on``, None without one. redrawn: the
    layers whose weights ``init_for`` drew.
    """

    model: nn.Module
    sites: tuple[str, ...]
    left: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
    old: str = ""
    new: str = ""
    difference: float | None = None
    redrawn: tuple[str, ...] = ()

    def init_for(self, *, mode: str = "stable", generator: torch.Generator | None = None) -> Swapped:
        """Draw the weights of the linear and convolution layers around every site anew, for the new function, in place.

        Around a module are the last such layer before it and the first one behind it, in the order of the model; around a call
        those of the module that makes it. ``mode`` is that of ``neurofn.init_for``. The result has their paths in
        ``redrawn``. Raises SettingError where layers were swapped, which start as what they replace, and for unknown modes.

        >>> from neurofn import swap
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
        >>> swap(model, "relu", "snake").init_for().redrawn
        ('0', '2')
        """
        return replace(self, redrawn=restart(self.model, self.sites, mode=mode, generator=generator))

    def __str__(self) -> str:
        """The table: a line for every place and for all that is left."""
        count = f"{len(self.sites)} place{'' if len(self.sites) == 1 else 's'} changed, {len(self.left)} left"
        width = max(map(len, self.sites), default=0)
        lines = [f"{self.old} -> {self.new}: {count}"]
        hows = self.how or ("",) * len(self.sites)
        lines += [f"  {site:{width}}  {how}".rstrip() for site, how in zip(self.sites, hows, strict=True)]
        lines += [f"  left: {reason}" for reason in self.left]
        if self.difference is not None:
            lines.append(f"  largest difference of outputs: {self.difference:.3g}")
        if self.redrawn:
            lines.append(f"  drawn anew: {', '.join(self.redrawn)}")
        return "\n".join(lines)

    __repr__ = __str__


def swap(
    model: nn.Module, old: str, new: str, *, at: str = "*", settings: Mapping[str, Any] | None = None, on: Any = None
) -> Swapped:
    """A copy of ``model`` where everything that computes the function ``old`` computes ``new``.

    ``old`` and ``new`` are names in the catalogue, ``at`` a pattern of paths (``"layer4.*"``), ``settings`` those of ``new``.
    Exchanged are modules, attributes that hold a function (``F.relu``), gates of ``nn.GLU`` and ``F.glu`` where ``old`` is
    "sigmoid", and calls in a ``forward``, such as ``F.relu(x)``, ``x.relu_()`` or ``x * torch.sigmoid(x)``; a call gets a
    submodule of its own. Calls are found by tracing; with ``on``, a batch (a tensor, a tuple of arguments, or a dict of named
    ones), by running a copy on it. Learned parameters of ``new`` hold one value per place.

    With ``old="linear"`` whole ``nn.Linear`` layers become layers of the neurons ``new``, such as ``"sum(silu + bspline)"``;
    they start as the same function, for which a linear term joins the edge; with ``on``, edges live in the range of the inputs
    there. ``old="conv"`` does so for convolutions, ``old="relu(sum(linear))"`` for a Linear with a ReLU behind it.

    Raises UnknownNameError for names that are not in the catalogue, LanguageError for neurons, SettingError for settings and
    where a copy or an equal start is not possible, and SiteError where nothing matches.

    >>> from neurofn import swap
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> swapped = swap(model, "relu", "snake")
    >>> swapped.sites, swapped.left
    (('1',), ())
    >>> swap(model, "linear", "sum(silu + bspline)", on=torch.ones(3, 4))
    linear -> sum(linear + silu + bspline): 2 places changed, 0 left
      0  Linear 4 -> 8
      2  Linear 8 -> 2
      largest difference of outputs: ...
    """
    if not isinstance(model, nn.Module):
        raise SettingError(f"swap takes a torch.nn.Module, got {type(model).__name__}")
    if old in ("linear", "conv") or "(" in old:
        if settings:
            raise SettingError("settings of a neuron are written in its text, such as sum(bspline(grid=8))")
        changed = copied(model)
        text, sites, how, left = replace_layers(changed, old, new, at, on)
    else:
        before, after = functions[old], functions[new]
        after.module(**(settings or {}))  # wrong settings are refused before any work
        changed = copied(model)
        sites, how, left = _functions(changed, before, _Maker(new, after, settings or {}), at, on)
        text = new
    far = None if on is None else difference(model, changed, on)
    return Swapped(changed, sites, left, how, old, text, far)


@dataclass(frozen=True)
class _Maker:
    name: str
    function: Function
    settings: Mapping[str, Any]

    def __call__(self) -> nn.Module:
        return self.function.module(**self.settings)


def _functions(
    model: nn.Module, before: Function, make: _Maker, at: str, on: Any
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    places, left, overwriting = find(model, before, on)
    if any(not place.path for place in places):
        raise SiteError(f"the model is itself {before.name}; build {make.name} with catalogue[{make.name!r}].module()")
    chosen = [place for place in places if matches(place.path, at) or (place.call and matches(place.owner, at))]
    if not chosen:
        raise SiteError(_nothing(model, before.name, at, places, left))
    made: dict[int, nn.Module] = {}
    for place in chosen:
        again = made.get(id(place.module)) if place.module is not None else None
        if again is None:
            again = put(model, place, make(), overwrite=place.path in overwriting)
            made[id(place.module)] = again
        else:
            setattr(model.get_submodule(place.owner), place.path.rpartition(".")[2], again)
    return tuple(place.path for place in chosen), tuple(place.how for place in chosen), tuple(left)


def _nothing(model: nn.Module, name: str, at: str, places: list[Place], left: list[str]) -> str:
    if places:
        known = [place.path for place in places]
        return f"no place that computes {name} has a path like {at!r}; {did_you_mean(at, known, what='path')}"
    if left:
        return f"nothing that can be exchanged computes {name}; left are: " + "; ".join(left)
    kinds = {str(m) for m in model.modules() if type(m).__module__ == "torch.nn.modules.activation"}
    has = (
        f"; it has {', '.join(sorted(kinds))}"
        if kinds
        else "; its functions may be other ones, or inside compiled code"
    )
    return f"nothing in this model computes {name}{has}"
