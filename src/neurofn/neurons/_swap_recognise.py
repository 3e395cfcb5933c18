"""What a module or a callable computes: asked on numbers, not told by its class or name."""

from __future__ import annotations

import copy
import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..functions import Function

__all__ = ["agrees", "computes", "expected", "may_be_asked", "probe", "unanswered"]

_MANY = 1024  # weights of a module that is an activation: those of the largest rational ones, or one per channel
_LAYERS = (nn.Linear, nn.Bilinear, nn.Embedding, nn.RNNBase, nn.RNNCellBase, nn.LayerNorm, nn.GroupNorm,
           nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase)  # fmt: skip


def probe() -> Tensor:
    """Numbers to ask with, (45,): near zero, where functions bend, and far out, where ReLU6 and ReLU part ways.

    They are out of order, so that sorting or adding up is not taken for a function of each.
    """
    far = torch.tensor([5.0, 5.9, 6.1, 8.0, 19.0, 25.0], dtype=torch.float64)
    numbers = torch.cat([-far, torch.linspace(-4, 4, 33, dtype=torch.float64), far])
    return numbers[torch.arange(45) * 17 % 45]


def expected(function: Function) -> Tensor:
    """What the function gives for ``probe()``."""
    with torch.no_grad():
        return function(probe())


def agrees(result: Any, wanted: Tensor) -> bool:
    """Whether a result on ``probe()`` is what is wanted there."""
    same_kind = isinstance(result, Tensor) and result.shape == wanted.shape and result.is_floating_point()
    return same_kind and bool(torch.allclose(result.double(), wanted, rtol=1e-9, atol=1e-9))


def computes(part: Any, wanted: Tensor) -> bool:
    """Whether a module (in training and in evaluation) or a callable of one tensor gives ``wanted`` on ``probe()``."""
    if not isinstance(part, nn.Module):
        return _elementwise(part, wanted)
    if not _small(part):
        return False
    try:
        asked = copy.deepcopy(part).double()
    except Exception:  # foreign code; what cannot be copied cannot be asked without changing it
        return False
    # forward, not a call: the hooks of the user's model are none of our business
    return all(_elementwise(asked.train(mode).forward, wanted) for mode in (True, False))


def _elementwise(compute: Callable[[Tensor], Any], wanted: Tensor) -> bool:
    """Whether all numbers, the larger and the smaller ones alone, give what is wanted: the others have no influence."""
    z = probe()
    return all(agrees(_answer(compute, z[some]), wanted[some]) for some in (z < 30, z > -1.6, z < 1.6))


def _answer(compute: Callable[[Tensor], Any], z: Tensor) -> Any:
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return compute(z)
    except Exception:  # a foreign part may raise anything when it is asked about a tensor that it was not made for
        return None


def _small(module: nn.Module) -> bool:
    if isinstance(module, (*_LAYERS, torch.jit.ScriptModule)) or any(True for _ in module.children()):
        return False
    if any(True for _ in module.buffers()) or unanswered(module):
        return False
    return sum(weight.numel() for weight in module.parameters()) <= _MANY


def unanswered(module: nn.Module) -> bool:
    """Whether a module without children has weights without values, so that nobody can say what it computes."""
    weights = list(module.parameters(recurse=False))
    without = [w for w in weights if w.is_meta or isinstance(w, nn.parameter.UninitializedParameter)]
    return bool(without) and not isinstance(module, _LAYERS)


def may_be_asked(value: Any) -> bool:
    """Whether an attribute of a module is a plain function of one tensor, such as ``F.relu`` or a partial of it."""
    if isinstance(value, functools.partial):
        return may_be_asked(value.func)
    if isinstance(value, types.BuiltinFunctionType | types.MethodDescriptorType):
        return True
    if not isinstance(value, types.FunctionType):
        return False
    try:
        needed = [p for p in inspect.signature(value).parameters.values() if p.default is inspect.Parameter.empty]
    except (TypeError, ValueError):
        return False
    return len([p for p in needed if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) == 1
