"""Listening to the calls of torch that a module's own code makes: while it runs, or while torch.fx traces it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode

from ._errors import SettingError

__all__ = ["Listener", "is_code", "run", "running", "trace"]


class Listener(Protocol):
    """What hears calls. One with a method ``value(proxy, path)`` hears while tracing of what submodules give, and of
    inputs, whose path is None."""

    def call(self, run: Callable[..., Any], name: str, arguments: tuple[Any, dict[str, Any]], result: Any) -> None:
        """One call with its result; ``run`` computes it on other tensors."""


def is_code(module: nn.Module) -> bool:
    """Whether the class is of the user, not of torch or ours."""
    kind = getattr(type(module), "_neurofn_base", type(module))
    return kind.__module__.split(".")[0] not in ("torch", "neurofn")


class _Running(TorchFunctionMode):
    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self.listener = listener

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        settings = kwargs or {}
        result = func(*args, **settings)
        self.listener.call(func, getattr(func, "__name__", str(func)), (args, settings), result)
        return result


@contextmanager
def running(listener: Listener) -> Iterator[None]:
    """Listen to everything that runs inside."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]), _Running(listener):
        yield


class _Tracer(fx.Tracer):
    """Traces one module's own code: every module inside it is a leaf."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self.listener = listener

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **named: Any) -> fx.Proxy:
        proxy = super().create_proxy(kind, target, args, kwargs, *rest, **named)
        if kind == "call_function":
            self.listener.call(target, getattr(target, "__name__", str(target)), (args, kwargs), proxy)
        elif kind == "call_method":
            self.listener.call(_method(target), target, (args, kwargs), proxy)
        elif kind in ("call_module", "placeholder") and hasattr(self.listener, "value"):
            self.listener.value(proxy, target if kind == "call_module" else None)
        return proxy


def _method(name: str) -> Callable[..., Any]:
    return lambda first, *args, **kwargs: getattr(first, name)(*args, **kwargs)


def trace(listener: Listener, module: nn.Module) -> fx.Graph | str:
    """Trace the own code of a module; gives its graph, or the reason why it cannot be traced."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return _Tracer(listener).trace(module, concrete_args=_defaults(module))
    except Exception as error:  # control flow that depends on data: any exception of the user's code
        return str(error).splitlines()[0] if str(error) else type(error).__name__


def _defaults(module: nn.Module) -> dict[str, Any]:
    """Arguments that may be left out, at their defaults: code asks whether they are None, which a traced value never is."""
    parameters = inspect.signature(module.forward).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def run(model: nn.Module, on: Any) -> Any:
    """The model's output on a batch: a tensor, a tuple or a dict of arguments; raises SettingError where it fails."""
    compiled = any(isinstance(getattr(part, "_orig_mod", None), nn.Module) for part in model.modules())
    plainly = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
    try:
        with plainly:
            if isinstance(on, dict):
                return model(**on)
            return model(*on) if isinstance(on, tuple | list) else model(on)
    except Exception as error:  # foreign code on foreign data
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingError(
            f"the model does not run on the batch on= ({type(error).__name__}: {reason}); give a tensor, a tuple of "
            "arguments, or a dict of named ones"
        ) from error
