"""What a swap can not reach, with the reason: nothing is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..functions import catalogue as functions
from ._swap_recognise import agrees, expected, unanswered
from .layer import NeuronLayer

__all__ = ["grouped", "is_compiled", "opaque", "unreachable"]

_GATED = (nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell)


def is_compiled(module: nn.Module) -> bool:
    """Whether torch.compile made this module."""
    return isinstance(getattr(module, "_orig_mod", None), nn.Module)


def opaque(module: nn.Module) -> bool:
    """Whether nothing inside a module is exchanged: scripted code, and neurons, whose text says what they compute."""
    return isinstance(module, (torch.jit.ScriptModule, NeuronLayer))


def unreachable(modules: Iterable[tuple[str, nn.Module]], wanted: Tensor) -> Iterator[tuple[str, str]]:
    """(path, reason) of modules that compute the function, or may, where it cannot be exchanged."""
    gates = any(agrees(expected(functions[name]), wanted) for name in ("sigmoid", "tanh"))
    for path, module in modules:
        if isinstance(module, _GATED) and gates:
            yield (
                path,
                f"gates of {type(module).__name__} are inside one kernel; write the cell as a module to swap them",
            )
        elif isinstance(module, (nn.RNN, nn.RNNCell)) and agrees(expected(functions[module.nonlinearity]), wanted):
            yield (
                path,
                f"{module.nonlinearity} of {type(module).__name__} is inside one kernel; write the cell as a module",
            )
        elif isinstance(module, torch.jit.ScriptModule):
            yield path, "scripted code cannot be changed; swap before torch.jit.script"
        elif isinstance(module, NeuronLayer) and _names(module, wanted):
            yield path, f"the function is part of the neurons {module.neuron}; build them from another text"
        elif is_compiled(module):
            yield path, "calls inside compiled code are not looked for; swap before torch.compile"
        elif unanswered(module) and not any(True for _ in module.children()):
            yield path, f"{type(module).__name__} has weights without values, nobody can say what it computes"
        elif callable(vars(module).get("forward")):
            yield path, "its forward was replaced on the instance; calls inside it are not looked for"


def _names(layer: NeuronLayer, wanted: Tensor) -> bool:
    inside = (getattr(part, "function", None) for part in layer.modules())
    return any(agrees(expected(function), wanted) for function in inside if function is not None)


def grouped(reasons: Iterable[tuple[str, str, Any]]) -> list[str]:
    """One line for all modules of a kind with the same reason: (path, reason, kind)."""
    lines: dict[tuple[str, Any], list[str]] = {}
    for path, reason, kind in reasons:
        lines.setdefault((reason, kind), []).append(path or "the model itself")
    more = {key: f" and {len(paths) - 1} more like it" if len(paths) > 1 else "" for key, paths in lines.items()}
    return [f"{paths[0]}{more[key]}: {key[0]}" for key, paths in lines.items()]
