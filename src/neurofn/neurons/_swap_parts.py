"""Putting a function into the places of a model: modules, attributes that hold a function, gates, and calls in the code."""

from __future__ import annotations

import copy
import fnmatch
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from .._errors import SettingError
from .._sites_places import in_place
from ..functions import Function
from ..functions import catalogue as functions
from ._swap_calls import Call, Observer
from ._swap_exchange import Gate, InPlace, exchange, exchanged, move_hooks
from ._swap_left import grouped, opaque, unreachable
from ._swap_listen import listen
from ._swap_recognise import agrees, computes, expected, may_be_asked

__all__ = ["Place", "copied", "everywhere", "find", "light_copy", "matches", "no_fast_path", "put", "settled"]


@dataclass(frozen=True)
class Place:
    """A place where the function is computed: its path after the swap, and how ("module ReLU", "call relu at net.py:12")."""

    path: str
    how: str
    owner: str
    call: Call | None = None
    module: nn.Module | None = None
    overwrites: bool = False


def copied(model: nn.Module) -> nn.Module:
    """A copy of the model; raises SettingError where it cannot be copied."""
    try:
        return copy.deepcopy(model)
    except Exception as error:  # foreign code, and tensors that are results of a computation
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingError(
            f"swap changes a copy, and this {type(model).__name__} cannot be copied ({type(error).__name__}: {reason}); "
            "swap the part of it that can: model.part = swap(model.part, ...).model"
        ) from error


def light_copy(model: nn.Module) -> nn.Module:
    """A copy to trace or to run and to throw away: parameters are shared, buffers and all else are not."""
    return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


def everywhere(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every path with its module, all paths of a shared one too, and nothing inside opaque modules."""
    closed: list[str] = []
    for path, module in model.named_modules(remove_duplicate=False):
        if any(path.startswith(f"{one}.") for one in closed):
            continue
        yield path, module
        if opaque(module):
            closed.append(path)
            if not path:
                return


def matches(path: str, at: str) -> bool:
    """Whether a pattern finds a path, with or without the steps that torch.compile puts in."""
    plain = ".".join(step for step in path.split(".") if step != "_orig_mod")
    return fnmatch.fnmatchcase(path, at) or fnmatch.fnmatchcase(plain, at)


def find(model: nn.Module, function: Function, on: Any) -> tuple[list[Place], list[str], frozenset[str]]:
    """All places, what is left with its reason, and the paths of modules that must go on changing their input."""
    wanted = expected(function)
    gates = agrees(expected(functions["sigmoid"]), wanted)
    places: list[Place] = []
    known: dict[int, bool] = {}
    for path, module in everywhere(model):
        if id(module) not in known:
            known[id(module)] = computes(module, wanted) or (gates and isinstance(module, nn.GLU))
        if known[id(module)]:
            places.append(Place(path, f"module {type(module).__name__}", path.rpartition(".")[0], module=module))
            continue
        for name, value in vars(module).items():
            if name != "forward" and may_be_asked(value) and computes(value, wanted):
                places.append(
                    Place(_join(path, name), f"attribute {_name_of(value)}", path, overwrites=_overwrites(value))
                )
    left = [(path, reason, None) for path, reason in unreachable(everywhere(model), wanted)]
    if agrees(expected(functions["identity"]), wanted):  # every view and every sum with 0 would be a place
        return places, grouped(left), frozenset()
    thrown = light_copy(model)
    for place in places:
        if place.module is None:  # a module instead, so that it is not heard as a call, too
            setattr(thrown.get_submodule(place.owner), place.path.rpartition(".")[2], function.module())
    silent = {place.path for place in places}
    code = [path for path, _ in everywhere(model) if path not in silent]
    heard = listen(thrown, code, Observer(wanted, gates=gates), on)
    calls = [(path, replace(call, owner=model.get_submodule(path))) for path, call in heard.calls]
    calls = [(path, call) for path, call in calls if not exchanged(call)]
    return places + _named(calls, function.name), grouped([*left, *heard.missed]), heard.overwriting


def _name_of(value: Any) -> str:
    return str(getattr(getattr(value, "func", value), "__name__", "function"))


def _overwrites(value: Any) -> bool:
    return in_place(_name_of(value), getattr(value, "keywords", {}))


def _named(calls: list[tuple[str, Call]], name: str) -> list[Place]:
    """A path for every call, that of the submodule that it will have: ``block.relu_call``, ``block.relu_call_2``."""
    places: list[Place] = []
    taken: set[str] = set()
    for owner, call in calls:
        free = (f"{name}_call{'' if number == 1 else f'_{number}'}" for number in itertools.count(1))
        chosen = next(one for one in free if not hasattr(call.owner, one) and _join(owner, one) not in taken)
        taken.add(_join(owner, chosen))
        places.append(Place(_join(owner, chosen), f"call {call.text}", owner, call=call))
    return places


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def put(model: nn.Module, place: Place, new: nn.Module, *, overwrite: bool = False) -> nn.Module:
    """Put ``new`` at the place, and give what is there now; hooks, mode, device and dtype are those of the place."""
    owner = model.get_submodule(place.owner)
    settled(new, owner, model)
    name = place.path.rpartition(".")[2]
    if place.call is not None:
        exchange(place.call, name, Gate(new) if place.call.text.startswith("glu ") else new)
        return new
    new = Gate(new, place.module.dim) if isinstance(place.module, nn.GLU) else new
    new = InPlace(new) if overwrite or place.overwrites else new
    if place.module is not None:
        new.train(place.module.training)
        move_hooks(place.module, new)
    setattr(owner, name, new)
    no_fast_path(model, owner)
    return new


def no_fast_path(model: nn.Module, changed: nn.Module) -> None:
    """In evaluation, layers of torch's transformers go through one kernel, which knows the old parts alone: not so any more."""
    if not isinstance(changed, nn.TransformerEncoderLayer):
        return
    changed.activation_relu_or_gelu = 0
    for encoder in model.modules():
        if isinstance(encoder, nn.TransformerEncoder) and any(layer is changed for layer in encoder.layers):
            encoder.use_nested_tensor = False


def settled(new: nn.Module, owner: nn.Module, model: nn.Module) -> nn.Module:
    """``new`` in the mode of its owner, on the device and in the dtype of the weights around it."""
    near = next((w for part in (owner, model) for w in part.parameters() if w.is_floating_point()), None)
    if near is not None and not isinstance(near, nn.parameter.UninitializedParameter):
        new.to(device=near.device, dtype=near.dtype)
    return new.train(owner.training)
