"""What passes through a model: the outputs of its modules while a block runs, and which modules are activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["activation_modules", "listening", "replacing"]

Heard = list[tuple[str, "Tensor", "Tensor"]]


def activation_modules(model: nn.Module) -> list[str]:
    """Names of the modules without children that map numbers one by one: activations of torch and of this library.

    >>> import torch
    >>> activation_modules(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Dropout()))
    ['1']
    """
    return [name for name, module in _leaves(model) if _maps_one_by_one(module)]


def _maps_one_by_one(module: nn.Module) -> bool:
    from torch import nn

    mixes = (nn.MultiheadAttention, nn.Softmax, nn.Softmax2d, nn.Softmin, nn.LogSoftmax, nn.GLU)
    home = type(module).__module__
    if home == "torch.nn.modules.activation":
        return not isinstance(module, mixes)
    return home.startswith("neurofn.functions")


def _leaves(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if not any(True for _ in module.children()):
            yield name, module


@contextmanager
def listening(model: nn.Module, names: list[str] | None = None) -> Iterator[Heard]:
    """While the block runs: (name, output, first input) of each call of a module without children, as copies.

    Copies, because a module that works in place would change the output of the one before it; the copy goes on through
    the model instead, so that gradients can be taken by it. Only tensors of floating numbers are heard.
    """
    heard: Heard = []

    def hooks(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        given: list[Tensor] = []

        def before(module: nn.Module, arguments: Any) -> None:
            given[:] = [arguments[0].detach().clone()] if arguments and _is_heard(arguments[0]) else []

        def after(module: nn.Module, arguments: Any, output: Any) -> Any:
            if not (given and _is_heard(output)):
                return None
            heard.append((name, output, given[0]))
            return output.clone()

        return before, after

    with ExitStack() as stack:
        for name, module in _leaves(model):
            if names is None or name in names:
                before, after = hooks(name)
                stack.callback(module.register_forward_pre_hook(before).remove)
                stack.callback(module.register_forward_hook(after).remove)
        yield heard


@contextmanager
def replacing(model: nn.Module, change: dict[str, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """While the block runs, the outputs of the named modules go through a function each."""
    modules = dict(model.named_modules())
    with ExitStack() as stack:
        for name, function in change.items():

            def after(module: nn.Module, arguments: Any, output: Any, function: Any = function) -> Any:
                return function(output)

            stack.callback(modules[name].register_forward_hook(after).remove)
        yield


def _is_heard(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.ndim > 0
