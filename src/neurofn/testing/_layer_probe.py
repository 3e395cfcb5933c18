"""Layer functions as maps of arrays: built, moved, asked in both of their implementations. For the checks."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..functions.layerwise import LayerFunction

__all__ = ["Probe", "build", "define", "generator", "inputs", "is_random", "moves", "valid_width"]

ROWS = 6


def valid_width(function: LayerFunction) -> int:
    """A width that the function takes, 8 or a little more."""
    counts = {name: spec.default for name, spec in function.counts.items()}
    return next(width for width in range(8, 4096) if function.axis.takes(width, counts))


def inputs(function: LayerFunction, dtype: torch.dtype = torch.float64, *, rows: int = ROWS) -> Tensor:
    """Samples of size about 2, none special, in the layout of the function; the same for every call."""
    shape = (rows, valid_width(function), *((4, 5) if function.axis.layout == "image" else ()))
    return torch.as_tensor(2 * np.random.default_rng(7).standard_normal(shape)).to(dtype)


def generator(seed: int = 5) -> torch.Generator:
    """A source of random numbers of our own."""
    return torch.Generator().manual_seed(seed)


def is_random(function: LayerFunction) -> bool:
    """Whether it draws in training."""
    return any(slot.role == "sampled" for slot in function.slots.values())


def moves(function: LayerFunction) -> bool:
    """Whether training differs from evaluation."""
    return is_random(function) or function.statistics is not None or "training" in function.uses


def build(function: LayerFunction, *, moved: float = 0.0, width: int | None = None, **settings: Any) -> Any:
    """A module in evaluation; ``moved`` shifts every learned, running and scheduled number, each by another amount.

    A new module has the same random weights at every call.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = function.module(channels=width or valid_width(function), **settings)
    shift(module, moved)
    return module.eval()


def shift(module: Any, by: float) -> None:
    """Move every learned, running and scheduled number inside its domain."""
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            slot = module.function.slots[name]
            step = torch.linspace(by, by / 2, max(tensor.numel(), 1), dtype=tensor.dtype).reshape(tensor.shape)
            moved = tensor + step.to(tensor.device)
            over = slot.high is not None and bool((moved > slot.high).any())
            low, high = -math.inf if slot.low is None else slot.low, math.inf if slot.high is None else slot.high
            tensor.copy_((tensor - step if over else moved).clamp(low, high))


def arrays(values: dict[str, Any]) -> dict[str, Any]:
    """Tensors as arrays of float64, numbers as they are."""
    return {n: v.detach().double().numpy() if isinstance(v, Tensor) else v for n, v in values.items()}


def asked(code: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values that the code takes by name."""
    return {name: values[name] for name in inspect.signature(code).parameters if name in values}


def define(module: Any, x: Tensor, *, draws: dict[str, Tensor] | None = None) -> Any:
    """The definition at the module's numbers; with ``draws`` (perhaps none) as in training, statistics and all."""
    function, plain = module.function, x.detach().double().numpy()
    values = arrays(module.values()) | arrays(draws or {})
    with np.errstate(all="ignore"):
        if draws is not None and function.statistics is not None and plain.size:
            values |= function.statistics[1](plain)
        values["training"] = draws is not None
        return np.asarray(function.definition(plain, **asked(function.definition, values)))


class Probe:
    """A layer function as a map of arrays, by its module or by its definition; what facts are asked of."""

    def __init__(self, function: LayerFunction, *, by_definition: bool) -> None:
        self.function = function
        self.by_definition = by_definition
        self._built: dict[Any, Any] = {}

    def module(self, width: int, settings: dict[str, Any]) -> Any:
        """The module for these settings, built once."""
        key = (width, *sorted(settings.items()))
        if key not in self._built:
            self._built[key] = build(self.function, width=width, **settings).double()
        return self._built[key]

    def _ask(self, x: Any, settings: dict[str, Any], draws: dict[str, Tensor] | None) -> Any:
        module, z = self.module(x.shape[self.function.axis.dim], settings), torch.tensor(np.asarray(x, dtype=float))
        if self.by_definition:
            return define(module, z, draws=draws)
        with torch.no_grad():
            if draws is None:
                return module(z).numpy()
            values = module.values(z.dtype) | draws
            if self.function.statistics is not None:
                values |= self.function.statistics[0](z)
            values["training"] = True
            return self.function.code(z, **asked(self.function.code, values)).numpy()

    def __call__(self, x: Any, **settings: Any) -> Any:
        """The function in evaluation."""
        return self._ask(x, settings, None)

    def trained(self, x: Any, **draws: float) -> Any:
        """The function in training, with every random number of a slot equal to the one given."""
        module, z = self.module(x.shape[self.function.axis.dim], {}), torch.tensor(np.asarray(x, dtype=float))
        shapes = module.draws(z, generator())
        return self._ask(x, {}, {name: torch.full_like(shapes[name], value) for name, value in draws.items()})

    def slope(self, x: Any, **settings: Any) -> Any:
        """The slope by x: of a surrogate the declared one, or what the backward pass of the module gives."""
        module = self.module(x.shape[self.function.axis.dim], settings)
        if self.by_definition and self.function.slope is not None:
            return self.function.slope(
                np.asarray(x, dtype=float), **asked(self.function.slope, arrays(module.values()))
            )["x"]
        z = torch.tensor(np.asarray(x, dtype=float), requires_grad=True)
        (slope,) = torch.autograd.grad(module(z).sum(), z)
        return slope.numpy()

    def law(self, x: Any, **settings: Any) -> tuple[Any, Any]:
        """Mean and variance of the output over the draws, as declared."""
        assert self.function.law is not None
        module = self.module(x.shape[self.function.axis.dim], settings)
        values = arrays(module.values())
        mean, variance = self.function.law(np.asarray(x, dtype=float), **asked(self.function.law, values))
        return mean, variance
