"""Places in any `torch.nn.Module` where neurons can be read: dotted paths, patterns, and which axis holds the neurons.

The axis is never guessed from the number of dimensions: (batch, time, neurons) and (batch, channels, time) look alike. A
table says it for the layers that PyTorch has; a module of another kind (an activation, a pool, a dropout) takes the axis of
the nearest layer in front of it, and a block takes that of the last layer inside it. A module of your own says it itself
with an attribute ``neuron_axis``, and a `Site` that you make overrides everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from ._errors import ShapeError, SiteError, did_you_mean

__all__ = ["Site", "find_module", "find_sites", "first_tensor", "to_rows"]

_AXES: tuple[tuple[tuple[type[nn.Module], ...], int], ...] = (
    ((_ConvNd, _NormBase, nn.GroupNorm), 1),
    ((nn.Linear, nn.Bilinear, nn.LayerNorm, nn.Embedding, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention), -1),
)
_BOXES = (nn.Sequential, nn.ModuleList, nn.ModuleDict)  # hold layers, compute nothing of their own
_WRAPPER = "_orig_mod"  # the step that torch.compile puts into a path


@dataclass(frozen=True)
class Site:
    """One module of a model whose output is read.

    path: its dotted path, as in ``model.named_modules()``, without the steps that torch.compile puts in; "" is the model.
    kind: the name of its class.
    axis: the axis of its output along which the neurons lie, for example -1 for Linear and 1 for a convolution; the first
          of the other axes is the batch.

    >>> Site("0", "Linear", -1)
    Site(path='0', kind='Linear', axis=-1)
    """

    path: str
    kind: str
    axis: int


def find_sites(model: nn.Module, at: str | Site | Sequence[str | Site] = "*") -> list[Site]:
    """The modules of ``model`` at the paths that match ``at``, in the order of the model.

    ``at`` is one pattern or several: ``*`` stands for any text (dots too), ``?`` for one character, ``[12]`` for one of some.
    A pattern with such signs leaves out the model itself, modules that only hold others (Sequential, ModuleList,
    ModuleDict), whose outputs are those of their last module, and what is inside a layer: a module whose neuron axis is
    known, from the table or by its attribute ``neuron_axis``. An exact path names any module, "" the whole model. A `Site`
    is taken as it is, once its path is found. A module that hangs in a model at two paths has the first one.

    Raises SiteError, with near paths, for a pattern that nothing matches.

    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> [(site.path, site.kind, site.axis) for site in find_sites(model, ["1", "3"])]
    [('1', 'ReLU', 1), ('3', 'Linear', -1)]
    """
    modules = _modules(model)
    axes, common = _axes(modules), _common(modules)
    found: dict[str, Site] = {}
    for wanted in [at] if isinstance(at, str | Site) else at:
        pattern = wanted.path if isinstance(wanted, Site) else wanted
        paths = [path for path in modules if path == pattern or (path in common and fnmatchcase(path, pattern))]
        if not paths:
            known = [path for path in modules if path]
            raise SiteError(f"no module of this {type(model).__name__} matches at={pattern!r}; {_near(pattern, known)}")
        for path in paths:
            site = Site(path, type(modules[path]).__name__, axes[path])
            found[path] = wanted if isinstance(wanted, Site) else found.get(path, site)
    if not found:
        raise SiteError("at=[] names no place to read; give a pattern such as at='*'")
    return [found[path] for path in modules if path in found]


def find_module(model: nn.Module, site: Site) -> nn.Module:
    """The module of ``model`` at ``site``; raises SiteError with near paths where there is none.

    >>> from torch import nn
    >>> find_module(nn.Sequential(nn.Tanh()), Site("0", "Tanh", -1))
    Tanh()
    """
    modules = _modules(model)
    if site.path not in modules:
        raise SiteError(
            f"no module of this {type(model).__name__} is at {site.path!r}; {_near(site.path, list(modules))}"
        )
    return modules[site.path]


def first_tensor(output: Any) -> Tensor | None:
    """The tensor that stands for a module's output: itself, or the first one in a tuple, list or dict, at any depth.

    An LSTM gives (output, (h, c)): its output is taken. None where there is no tensor.

    >>> import torch
    >>> first_tensor((torch.ones(2), torch.zeros(3))).shape
    torch.Size([2])
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, dict):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        for part in output:
            found = first_tensor(part)
            if found is not None:
                return found
    return None


def to_rows(output: Any, site: Site) -> Tensor:
    """The output of the module at ``site`` as (rows, neurons): every place of every sample is a row, samples in order.

    Of a tuple, list or dict the first tensor is read (`first_tensor`). Raises SiteError where there is no real-valued
    tensor to read, ShapeError where it lacks the neuron axis.

    >>> import torch
    >>> to_rows(torch.zeros(8, 3, 5, 5), Site("0", "Conv2d", 1)).shape
    torch.Size([200, 3])
    """
    values = first_tensor(output)
    where = f"the module at {site.path!r} ({site.kind})"
    if values is None:
        raise SiteError(
            f"{where} gives {type(output).__name__}, no tensor; leave it out: name the places to read with at="
        )
    if values.is_complex():
        raise SiteError(f"{where} gives complex numbers; read a module whose output is real, named with at=")
    if values.ndim < (site.axis + 1 if site.axis >= 0 else -site.axis):
        raise ShapeError(f"{where} gives shape {tuple(values.shape)}, which has no axis {site.axis} for the neurons; "
                         f"pass at=Site({site.path!r}, {site.kind!r}, AXIS) with the axis of the neurons")  # fmt: skip
    values = values.movedim(site.axis, -1)
    return values.reshape(values.shape[:-1].numel(), values.shape[-1])


def _modules(model: nn.Module) -> dict[str, nn.Module]:
    """Path -> module in the model's order; what torch.compile wraps keeps its path and is looked into."""
    steps = ((path.split("."), module) for path, module in model.named_modules())
    return {".".join(step for step in path if step != _WRAPPER): module for path, module in steps}


def _common(modules: dict[str, nn.Module]) -> set[str]:
    """The paths that a pattern finds: neither the model itself, nor boxes, nor the inside of a layer."""
    outer = _outside_layers(modules)
    if len(outer) == 1:
        return {""}
    return {path for path in outer if path and not isinstance(modules[path], _BOXES)}


def _outside_layers(modules: dict[str, nn.Module]) -> list[str]:
    """The paths that lie in no layer: in no other module whose neuron axis is known."""
    layers = {path for path, module in modules.items() if _own_axis(module) is not None}
    return [path for path in modules if layers.isdisjoint(_parents(path))]


def _parents(path: str) -> list[str]:
    steps = path.split(".")
    return ["", *(".".join(steps[:i]) for i in range(1, len(steps)))] if path else []


def _near(pattern: str, known: list[str]) -> str:
    return did_you_mean(pattern, known, what="path") if known else 'it holds no other modules: its own path is ""'


def _axes(modules: dict[str, nn.Module]) -> dict[str, int]:
    """The neuron axis of every module: its own, else that of the last layer inside it, else of the one in front of it."""
    own = {path: _own_axis(module) for path, module in modules.items()}
    last: dict[str, int] = {}  # of the layers inside each module
    for path in _outside_layers(modules):
        axis = own[path]
        if axis is not None:
            last.update(dict.fromkeys(_parents(path), axis))
    axes: dict[str, int] = {}
    outer, before = set(_outside_layers(modules)), -1
    for path, axis in own.items():
        axes[path] = axis if axis is not None else last.get(path, before)
        if path in outer and axis is not None:
            before = axis
    return axes


def _own_axis(module: nn.Module) -> int | None:
    declared = getattr(module, "neuron_axis", None)
    if isinstance(declared, int):
        return declared
    return next((axis for kinds, axis in _AXES if isinstance(module, kinds)), None)
