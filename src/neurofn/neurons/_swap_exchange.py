"""Exchanging calls inside a ``forward``: the module keeps its own code, and chosen calls in it go to modules.

While the ``forward`` runs, a ``TorchFunctionMode`` looks where each call of torch stands in the code; at the chosen places the
new function is computed instead. Nothing of the user's code is rewritten, so flags, defaults, control flow and attributes that
change later mean what they did. Under torch.compile such a module runs outside the compiled parts.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from .._sites_places import Place, frame_of_call, in_place, module_of, place_of, tensors_of
from ._swap_calls import Call

__all__ = ["Gate", "InPlace", "exchange", "exchanged", "exchanging", "move_hooks"]

_TABLE = "_neurofn_exchanged"  # of each changed module: place -> what happens there
Action = tuple[str, str, int]
"""("hold" or "put", name of the new submodule, number of the tensor among the arguments; -1 for the held one)."""


class InPlace(nn.Module):
    """A function that overwrites its input, as ``nn.ReLU(inplace=True)`` does."""

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        """f(z), written into z; what the slope needs is kept apart."""
        return z.copy_(self.function(z.clone()))


class Gate(nn.Module):
    """A gated linear unit with any gate: the first half of an axis times f(second half)."""

    def __init__(self, function: nn.Module, dim: int = -1) -> None:
        super().__init__()
        self.function, self.dim = function, dim

    def forward(self, z: Tensor, dim: int | None = None) -> Tensor:
        """(..., 2n, ...) -> (..., n, ...)."""
        value, gate = z.chunk(2, dim=self.dim if dim is None else dim)
        result: Tensor = value * self.function(gate)
        return result


def move_hooks(old: nn.Module, new: nn.Module) -> None:
    """Hooks on a module stay with its place."""
    for name in ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
                 "_forward_pre_hooks_with_kwargs", "_backward_hooks", "_backward_pre_hooks"):  # fmt: skip
        getattr(new, name).update(getattr(old, name))
    new._is_full_backward_hook = old._is_full_backward_hook


def exchange(call: Call, name: str, replacement: nn.Module) -> None:
    """Make the owner of the call compute it by ``replacement``, which becomes its submodule ``name``.

    The owner is changed: its class becomes one that runs the same methods under the exchange.
    """
    owner, (place, number) = call.owner, call.take
    table: dict[Place, tuple[Action, ...]] = dict(getattr(owner, _TABLE, {}))
    if place == call.place:
        table[place] = (*table.get(place, ()), ("put", name, number))
    else:
        table[place] = (*table.get(place, ()), ("hold", name, number))
        table[call.place] = (*table.get(call.place, ()), ("put", name, -1))
    base = getattr(type(owner), "_neurofn_base", type(owner))
    plain = {method for method in call.methods if inspect.isfunction(getattr(base, method, None))}
    owner.__class__ = _class(base, tuple(sorted(plain | {"forward"} | exchanging(owner))))
    setattr(owner, _TABLE, table)
    owner.add_module(name, replacement)


def exchanged(call: Call) -> bool:
    """Whether an earlier swap has exchanged this call already."""
    return any(kind == "put" for kind, _, _ in getattr(call.owner, _TABLE, {}).get(call.place, ()))


def exchanging(module: nn.Module) -> frozenset[str]:
    """The methods of a module that run under an exchange."""
    return getattr(type(module), "_neurofn_methods", frozenset())


_made: dict[tuple[type[nn.Module], tuple[str, ...]], type[nn.Module]] = {}


def _class(base: type[nn.Module], methods: tuple[str, ...]) -> type[nn.Module]:
    """The class that runs these methods of ``base`` under the exchange, one for each such set."""
    if (base, methods) in _made:
        return _made[base, methods]
    body = {name: _under_exchange(base, name) for name in methods}
    told = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    own = {"_neurofn_base": base, "_neurofn_methods": frozenset(methods), "__reduce_ex__": _reduce}
    return _made.setdefault((base, methods), type(base.__name__, (base,), {**told, **own, **body}))


def _reduce(self: nn.Module, protocol: object) -> Any:
    kind: Any = type(self)
    return _restore, (kind._neurofn_base, tuple(sorted(kind._neurofn_methods))), self.__dict__


def _restore(base: type[nn.Module], methods: tuple[str, ...]) -> nn.Module:
    kind = _class(base, methods)
    return kind.__new__(kind)


def _under_exchange(base: type[nn.Module], name: str) -> Any:
    original = getattr(base, name)

    @functools.wraps(original)
    def method(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_dynamo_compiling():
            return torch.compiler.disable(method)(self, *args, **kwargs)  # type: ignore[no-untyped-call]
        with _Exchange(self):
            return original(self, *args, **kwargs)

    return method


class _Exchange(TorchFunctionMode):
    """Acts on calls whose place is in the table and that the owner's own code makes."""

    def __init__(self, owner: nn.Module) -> None:
        super().__init__()
        self.owner = owner
        self.table: dict[Place, tuple[Action, ...]] = getattr(owner, _TABLE)
        self.held: dict[str, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        settings = kwargs or {}
        frame = frame_of_call()
        actions = self.table.get(place_of(frame), ()) if frame is not None else ()
        if not actions or module_of()[0] is not self.owner:
            return func(*args, **settings)
        tensors = tensors_of(args, settings, (Tensor, fx.Proxy))
        for kind, name, number in actions:
            if kind == "hold":
                self.held[name] = tensors[number]
                continue
            if number < 0 and name not in self.held:
                warnings.warn(
                    f"{name}: its end was reached without its beginning, and it was not exchanged", stacklevel=2
                )
                return func(*args, **settings)
            z = self.held.pop(name) if number < 0 else tensors[number]
            module = self.owner.get_submodule(name)
            if isinstance(module, Gate):
                return module(z, _dim(args, settings))
            return _computed(module, z, in_place(getattr(func, "__name__", ""), settings))
        return func(*args, **settings)


def _computed(module: nn.Module, z: Tensor, overwrite: bool) -> Any:
    return z.copy_(module(z.clone())) if overwrite else module(z)


def _dim(args: Any, settings: Any) -> int:
    return int(settings.get("dim", args[1] if len(args) > 1 else -1))
