"""Places in any `torch.nn.Module` where neurons can be read: how they are written, and which axis holds the neurons.

    layer4.0.conv1         the output of a module, of several tensors the first
    rnn[1][0]              a part of it: here the last state of an LSTM; encoder['hidden'] of a dict
    layer4.0:input         what a module is given; :input[1] and :input['mask'] are other arguments
    block:relu             a function that the module's own code calls; block:relu@2 the second place where it stands
    attn:heads             of nn.MultiheadAttention, before out_proj; attn:scores are its attention weights
    layer4.*  *:input  *:gelu  *:*   patterns: ``*`` stands for any text, before and behind the colon

Steps that torch.compile, DistributedDataParallel, FSDP and activation checkpointing put into paths are left out.

The axis is never guessed from the number of dimensions: (batch, time, neurons) and (batch, channels, time) look alike. A
table says it for the layers and functions that PyTorch has; a module of another kind (an activation, a pool, a dropout) takes
the axis of the nearest layer in front of it, and a block takes that of the last layer inside it. A module of your own says it
itself with an attribute ``neuron_axis``, and a `Site` that you make overrides everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from ._errors import ShapeError, SiteError
from ._sites_address import INPUT, OUTPUT, Site, address_of, part_of
from ._sites_attention import looked_into
from ._sites_calls import listen_to
from ._sites_find import Finder, modules_of, near

__all__ = ["Site", "find_module", "find_sites", "first_tensor", "tap", "to_rows", "to_tensor"]


def find_sites(model: nn.Module, at: str | Site | Sequence[str | Site] = "*", *, on: Any = None) -> list[Site]:
    """The places of ``model`` that match ``at``, in the order of the model.

    at: one pattern or several: ``*`` stands for any text (dots too), ``?`` for one character, ``[12]`` for one of some.
        A pattern with such signs leaves out the model itself, modules that only hold others (Sequential, ModuleList,
        ModuleDict), whose outputs are those of their last module, and what is inside a layer: a module whose neuron axis is
        known, from the table or by its attribute ``neuron_axis``. An exact path names any module, "" the whole model. A `Site`
        is taken as it is, once its place is found. A module that hangs in a model at two paths has the first one. Patterns
        without a colon find outputs of modules; behind a colon stands what else is read: ``*:input``, ``*:relu``.
    on: a batch (a tensor, a tuple of arguments or a dict of named ones) on which a copy of the model is run to find functions
        that its code calls; without it the code is traced, which cannot follow control flow that depends on data.

    Raises SiteError, with near paths, for a pattern that nothing matches, and for a place whose neuron axis the table does not
    say: make a `Site` for it.

    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> [(site.path, site.kind, site.axis) for site in find_sites(model, ["1", "3", "3:input"])]
    [('1', 'ReLU', 1), ('3', 'Linear', -1), ('3:input', 'Linear', -1)]
    """
    finder = Finder(model, on)
    found: dict[str, Site] = {}
    for wanted in [at] if isinstance(at, str | Site) else at:
        for site in finder.sites(wanted.path if isinstance(wanted, Site) else wanted, ask=not isinstance(wanted, Site)):
            chosen = replace(wanted, address=site.address) if isinstance(wanted, Site) else site
            found[site.path] = chosen if isinstance(wanted, Site) else found.get(site.path, chosen)
    if not found:
        raise SiteError("at=[] names no place to read; give a pattern such as at='*'")
    order = {path: i for i, path in enumerate(finder.modules)}
    return sorted(found.values(), key=lambda site: order[address_of(site).module])


def find_module(model: nn.Module, site: Site) -> nn.Module:
    """The module of ``model`` at ``site``, or around it; raises SiteError with near paths where there is none.

    >>> from torch import nn
    >>> find_module(nn.Sequential(nn.Tanh()), Site("0", "Tanh", -1))
    Tanh()
    """
    modules = modules_of(model)
    path = site.path if site.address is None and site.path in modules else address_of(site).module
    if path not in modules:
        raise SiteError(f"no module of this {type(model).__name__} is at {path!r}; {near(path, list(modules))}")
    return modules[path]


def tap(
    model: nn.Module, site: Site, receive: Callable[[Any], None], *, active: Callable[[], bool] = lambda: True
) -> Callable[[], None]:
    """Call ``receive`` with what comes by at ``site``, for `to_rows`, until the function that is given back is called.

    It is called inside the forward pass, as soon as the value is there, so what is changed in place later is read before. Where
    ``active()`` is false nothing is done. Nothing of the model, its gradients or the random state is touched.

    Raises SiteError for a place that is not there, and for functions called in code that torch.compile has taken over.

    >>> import torch
    >>> seen = []
    >>> layer = nn.LSTM(2, 3)
    >>> stop = tap(layer, find_sites(layer, "[1][0]")[0], lambda value: seen.append(value[1][0].shape))
    >>> _ = layer(torch.zeros(4, 1, 2)); stop(); seen
    [torch.Size([1, 1, 3])]
    """
    if site.address is None:
        site = find_sites(model, [site])[0]
    address, module = address_of(site), find_module(model, site)
    if address.place is not None:
        if any(
            getattr(part, "_compiled_call_impl", None) is not None or hasattr(part, "_orig_mod")
            for part in model.modules()
        ):
            raise SiteError(f"{site.path!r} is a call inside code that torch.compile has taken over; read it before compiling, "
                            "or name modules")  # fmt: skip
        hooks = listen_to(module, (address.port, address.place), receive, active)
    else:
        hooks = [module.register_forward_hook(_hook(module, address.port, receive, active), with_kwargs=True)]

    def stop() -> None:
        for hook in hooks:
            hook.remove()

    return stop


def _hook(
    owner: nn.Module, port: str, receive: Callable[[Any], None], active: Callable[[], bool]
) -> Callable[[nn.Module, Any, dict[str, Any], Any], None]:
    def hook(module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        if module is not owner or not active():  # a copy of the model has this hook too
            return
        if port == OUTPUT:
            receive(output)
        elif port == INPUT:
            receive({**dict(enumerate(args)), **kwargs})
        else:
            assert isinstance(module, nn.MultiheadAttention)
            receive(looked_into(module, args, kwargs)[port])

    return hook


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


def to_tensor(output: Any, site: Site) -> Tensor:
    """The tensor that is read of what comes by at ``site``, as it is.

    Of a tuple, list or dict the part that the site names is read, else the first tensor (`first_tensor`). Raises SiteError
    where there is no real-valued tensor to read, ShapeError where it lacks the neuron axis.

    >>> import torch
    >>> to_tensor((torch.zeros(8, 3), None), Site("0", "Linear", -1)).shape
    torch.Size([8, 3])
    """
    where = f"the module at {site.path!r} ({site.kind})"
    values = first_tensor(part_of(output, address_of(site).parts, where=where))
    if values is None:
        raise SiteError(
            f"{where} gives {type(output).__name__}, no tensor; leave it out: name the places to read with at="
        )
    if values.is_complex():
        raise SiteError(f"{where} gives complex numbers; read a module whose output is real, named with at=")
    if values.ndim < (site.axis + 1 if site.axis >= 0 else -site.axis):
        raise ShapeError(f"{where} gives shape {tuple(values.shape)}, which has no axis {site.axis} for the neurons; "
                         f"pass at=Site({site.path!r}, {site.kind!r}, AXIS) with the axis of the neurons")  # fmt: skip
    return values


def to_rows(output: Any, site: Site) -> Tensor:
    """What comes by at ``site`` as (rows, neurons): every place of every sample is a row, samples in order.

    Raises what `to_tensor` raises.

    >>> import torch
    >>> to_rows(torch.zeros(8, 3, 5, 5), Site("0", "Conv2d", 1)).shape
    torch.Size([200, 3])
    """
    values = to_tensor(output, site).movedim(site.axis, -1)
    return values.reshape(values.shape[:-1].numel(), values.shape[-1])


def _compiled(module: nn.Module) -> bool:
    return getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")
