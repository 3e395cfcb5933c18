"""Calls of functions in the ``forward`` of modules as places to read: found once by tracing or running, read while it runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from ._sites_axes import ELEMENTWISE, SILENT, after_call, axes_of, input_axes
from ._sites_places import Place, frame_of_call, module_of, place_of, tensors_of
from ._sites_trace import is_code, run, running, trace

__all__ = ["CallSite", "Found", "calls_of", "listen_to", "shapes_in"]

_SAME_NAME = {
    "iadd": "add", "radd": "add", "isub": "sub", "rsub": "sub", "subtract": "sub", "imul": "mul", "rmul": "mul",
    "multiply": "mul", "div": "truediv", "divide": "truediv", "itruediv": "truediv", "rtruediv": "truediv", "rdiv": "truediv",
    "true_divide": "truediv", "absolute": "abs", "concat": "cat", "concatenate": "cat", "ipow": "pow", "rpow": "pow",
    "rmatmul": "matmul",
}  # fmt: skip


@dataclass(frozen=True)
class CallSite:
    """A call in the code of the module at ``path``: the ``number``-th place where this function stands; axis None: unknown.

    shape of its result and how often it ran in one pass: known where it was found by running.
    """

    path: str
    name: str
    number: int
    axis: int | None
    place: Place
    shape: tuple[int, ...] | None = None
    fires: int | None = None


@dataclass
class Found:
    """The calls of a model by module, and modules whose calls could not be looked for, with the reason.

    outputs: by path what each call of the module gave, where it was run: parts and shapes (`shapes_in`).
    """

    calls: dict[str, list[CallSite]] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, list[list[tuple[str, tuple[int, ...]]]]] = field(default_factory=dict)


def shapes_in(value: Any, parts: str = "") -> list[tuple[str, tuple[int, ...]]]:
    """The tensors in nested tuples, lists and dicts: how each is reached, and its shape.

    >>> shapes_in((torch.zeros(2), {"h": torch.zeros(1, 3)}))
    [('[0]', (2,)), ("[1]['h']", (1, 3))]
    """
    if isinstance(value, Tensor):
        return [(parts, tuple(value.shape))]
    inside = value if isinstance(value, Mapping) else {}
    if isinstance(value, tuple | list):
        inside = dict(enumerate(value))
    return [found for key, one in inside.items() for found in shapes_in(one, f"{parts}[{key!r}]")]


class _Listener:
    """Hears calls, and follows along which axis of each value the neurons lie."""

    def __init__(self, axes: Mapping[str, int], *, real: bool) -> None:
        self.axes, self.real = axes, real
        self.axis: dict[int, int | None] = {}
        self.kept: list[Any] = []  # so that no identity is used twice
        self.found: dict[tuple[int, Place], tuple[nn.Module, str, int | None]] = {}
        self.runs: dict[tuple[int, Place], list[tuple[int, ...]]] = {}  # shapes of results
        self.here = ""  # the module that is being traced
        self.given = -1

    def value(self, proxy: Any, path: str | None) -> None:
        """While tracing: what a submodule gives, or an input of the module."""
        inside = f"{self.here}.{path}" if self.here and path is not None else path
        self.keep(proxy, self.given if inside is None else self.axes.get(inside))

    def keep(self, value: Any, axis: int | None) -> None:
        """Remember the axis of a value, or of the tensors in it."""
        if isinstance(value, tuple | list):
            for one in value:
                self.keep(one, axis)
        elif isinstance(value, Tensor | fx.Proxy):
            self.kept.append(value)
            self.axis[_key(value)] = axis

    def call(self, run: Callable[..., Any], name: str, arguments: tuple[Any, dict[str, Any]], result: Any) -> None:
        """One call with its result."""
        if name.startswith("__") and name.strip("_") in ("get", "set", "getitem", "setitem", "bool", "len", "contains"):
            return
        name = plain_name(name)
        with torch._C.DisableTorchFunction():
            tensors = tensors_of(*arguments, (Tensor, fx.Proxy))
            if not tensors and arguments[0] and isinstance(arguments[0][0], tuple | list):
                tensors = [one for one in arguments[0][0] if isinstance(one, Tensor | fx.Proxy)]
            axis = after_call(name, [self.axis.get(_key(one)) for one in tensors])
            if self.real and name in ELEMENTWISE and axis is not None and _broadcast(result, tensors):
                axis = None
            self.keep(result, axis)
            if (self.real and not _readable(result)) or (not self.real and axis is None) or name in SILENT:
                return
            frame, (owner, methods) = frame_of_call(), module_of()
            if frame is not None and owner is not None and "forward" in methods:
                key = id(owner), place_of(frame)
                self.found.setdefault(key, (owner, name, axis))
                if self.real:
                    self.runs.setdefault(key, []).append(tuple(result.shape))


def plain_name(name: str) -> str:
    """One name for a function however it is called: relu_, __add__ and radd are relu, add and add."""
    bare = name.strip("_") or name
    return _SAME_NAME.get(bare, bare)


def calls_of(modules: dict[str, nn.Module], on: Any = None) -> Found:
    """The calls in the code of a model's modules, ``modules`` by path, the model itself at "".

    Without a batch ``on`` they are found by tracing, and only those whose axis the table says; with one by running a copy.
    """
    if on is not None:
        return _by_running(modules, on)
    listener, found = _Listener(axes_of(modules), real=False), Found()
    given = input_axes(modules)
    seen: set[int] = set()
    for path, module in modules.items():
        if not is_code(module) or id(module) in seen:
            continue
        seen.add(id(module))
        listener.here, listener.given = path, given[path]
        reason = trace(listener, module)
        if isinstance(reason, str):
            found.unseen[path] = f"its code cannot be traced ({reason}); give a batch to run"
    return _numbered(listener, modules, found)


def _by_running(modules: dict[str, nn.Module], on: Any) -> Found:
    paths = _first_paths(modules)
    model = modules[""]
    try:
        known = {id(parameter): parameter for parameter in model.parameters()}
        copied = copy.deepcopy(model, known)
    except Exception as error:  # what users keep in their modules
        return Found({}, {"": f"the model cannot be copied to be run ({error})"})
    pairs = zip(model.modules(), copied.modules(), strict=True)
    inside = {paths[id(old)]: new for old, new in pairs if id(old) in paths}
    axes, given = axes_of(inside), input_axes(inside)
    listener, found = _Listener(axes, real=True), Found()
    for path, module in inside.items():
        outputs = found.outputs[path] = []
        _follow(listener, module, axis=axes[path], given=given[path], outputs=outputs)
    with running(listener):
        run(copied, on)
    for path, module in inside.items():
        if is_code(module) and not found.outputs[path]:
            found.unseen[path] = "was not reached by the batch"
    return _numbered(listener, inside, found)


def _follow(listener: _Listener, module: nn.Module, *, axis: int, given: int, outputs: list[Any]) -> None:
    def before(_: nn.Module, args: Any, kwargs: Any) -> None:
        for value in (*args, *kwargs.values()):
            if isinstance(value, Tensor) and listener.axis.get(_key(value)) is None:
                listener.keep(value, given)

    module.register_forward_pre_hook(before, with_kwargs=True)

    def after(_: nn.Module, args: Any, output: Any) -> None:
        listener.keep(output, axis)
        outputs.append(shapes_in(output))

    module.register_forward_hook(after)


def _numbered(listener: _Listener, modules: Mapping[str, nn.Module], found: Found) -> Found:
    """Calls by module; several of one name are numbered in the order in which they stand in the code."""
    paths = _first_paths(modules)
    order = sorted(listener.found.items(), key=lambda item: _position(item[0][1]))
    counts: dict[tuple[str, str], int] = {}
    for (owner, place), (_, name, axis) in order:
        if owner in paths:
            path = paths[owner]
            counts[path, name] = counts.get((path, name), 0) + 1
            runs = listener.runs.get((owner, place))
            ran = (runs[0], len(runs)) if runs else (None, None)
            found.calls.setdefault(path, []).append(CallSite(path, name, counts[path, name], axis, place, *ran))
    return found


def _first_paths(modules: Mapping[str, nn.Module]) -> dict[int, str]:
    paths: dict[int, str] = {}
    for path, module in modules.items():
        paths.setdefault(id(module), path)
    return paths


def _position(place: Place) -> tuple[Any, ...]:
    file, code, first, at = place
    return file, first, code, at if isinstance(at, tuple) else (at,)


class _Reading(TorchFunctionMode):
    """Hands on the results of the calls at some places in the code of one module."""

    def __init__(self, owner: nn.Module, name: str, place: Place, receive: Callable[[Any], None]) -> None:
        super().__init__()
        self.owner, self.name, self.place, self.receive = owner, name, place, receive

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if plain_name(getattr(func, "__name__", "")) == self.name:
            frame = frame_of_call()
            if frame is not None and place_of(frame) == self.place and module_of()[0] is self.owner:
                self.receive(result)
        return result


def listen_to(
    owner: nn.Module, call: tuple[str, Place], receive: Callable[[Any], None], active: Callable[[], bool]
) -> list[Any]:
    """Hooks that give ``receive`` each result of a call in ``owner`` while ``active()`` says so; `remove` each to end it."""
    name, place = call
    modes: list[ExitStack] = []

    def before(module: nn.Module, args: Any) -> None:
        if module is owner:
            entered = ExitStack()
            if active():
                entered.enter_context(_Reading(owner, name, place, receive))
            modes.append(entered)

    def after(module: nn.Module, args: Any, output: Any) -> None:
        if module is owner and modes:
            modes.pop().close()

    return [
        owner.register_forward_pre_hook(before),
        owner.register_forward_hook(after, always_call=True, prepend=True),
    ]


def _key(value: Any) -> int:
    return id(value.node) if isinstance(value, fx.Proxy) else id(value)


def _readable(result: Any) -> bool:
    return isinstance(result, Tensor) and result.is_floating_point() and result.ndim > 0


def _broadcast(result: Any, tensors: list[Any]) -> bool:
    """Whether the result has another shape than every tensor given."""
    return isinstance(result, Tensor) and all(result.shape != one.shape for one in tensors)
