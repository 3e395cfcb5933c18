"""Forward and backward as one compiled pass each, that keep one tensor between them: the input, or the output where it will do.

Left alone, a compiler decides what to keep by its own estimate, and what it keeps of a function with branches is a mask of
truth values, whose making is slow on a processor. Here backward computes everything again from the one tensor. Functions that
are one formula have passes in C++ for float32 on a processor (``_pointwise``); all else is left to torch.compile.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vjp

from .._errors import SettingError
from ..formula import Formula
from ..functions import Function, catalogue
from ..functions._module import FunctionModule
from ._kernel import has_compiler
from ._near import near_passes
from ._pointwise import Pointwise, pointwise

__all__ = ["SLOPES_OF_OUTPUTS", "Fused", "fused", "kept_bytes"]

SLOPES_OF_OUTPUTS = {
    "relu": "where(z > 0, 1, 0)", "leaky_relu": "where(z > 0, 1, a)",
    "sigmoid": "z*(1 - z)", "tanh": "(1 - z)*(1 + z)", "softplus": "-(exp(-z) - 1)", "softsign": "(1 - abs(z))**2",
    "elu": "where(z > 0, 1, z + a)", "celu": "where(z > 0, 1, z/a + 1)",
    "selu": "where(z > 0, 1.0507009873554804934193349852946, z + 1.7580993408473768599402175208123)",
}  # fmt: skip
"""Functions whose slope is a function of their value: that function, with the value for ``z``."""

_PLANS = ("auto", "input", "output")


def fused(function: str | Function, *, keep: str = "auto", channels: int | None = None, **settings: Any) -> Fused:
    """A module of the function that runs compiled, alone, and keeps one tensor for backward.

    ``keep`` is "input", "output" (for the functions of SLOPES_OF_OUTPUTS; it costs nothing where the next layer keeps its
    input) or "auto": the output where that will do. ``channels`` and ``settings`` are those of ``function.module``. The
    passes are compiled when first called: once, in C++, where the function is one formula, the tensor one of float32 on a
    processor, and no parameter is per channel; else by torch.compile, again for a new format and for a second shape. In a
    graph that is itself compiled or exported, inside the transforms of torch.func, and without a C++ compiler, it is the plain
    module. Raises SettingError for another ``keep``, and for "output" where the slope is not known from it.

    >>> fused("tanh").keep, fused("mish").keep
    ('output', 'input')
    """
    chosen = catalogue[function] if isinstance(function, str) else function
    return Fused(FunctionModule(chosen, channels, settings), keep=keep)


class Fused(nn.Module):
    """What ``fused`` gives. ``plain`` is the module of the function, with its learned parameters; ``keep`` the plan.

    >>> fused("swish").plain.b
    Parameter containing:
    tensor(1., requires_grad=True)
    """

    def __init__(self, plain: FunctionModule, *, keep: str) -> None:
        super().__init__()
        if keep not in _PLANS:
            raise SettingError(f"keep must be one of {', '.join(_PLANS)}, got {keep!r}")
        function = plain.function
        known = catalogue.get(function.name) is function and not dict(plain.named_parameters())
        slope = SLOPES_OF_OUTPUTS.get(function.name) if known else None
        if keep == "output" and slope is None:
            raise SettingError(f"the slope of {function.name} is not known from its value; keep='input' works for all")
        self.plain = plain
        self.keep = "input" if slope is None or keep == "input" else "output"
        self._passes = _passes(plain, slope if self.keep == "output" else None)

    def forward(self, z: Tensor) -> Tensor:
        """f(z), as the plain module gives it."""
        inside = torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None
        if inside or not z.is_floating_point() or not has_compiler():
            return self.plain.forward(z)
        values = self.plain.values()
        learned = [value for value in values.values() if isinstance(value, Tensor)]
        passes: _Passes | Pointwise = self._passes
        if _is_simple(z) and all(number.ndim == 0 and _is_simple(number) for number in learned):
            found = self._passes.pointwise()
            if found is not None:
                passes, learned = found, found.learned(values, z)
        result: Tensor = _Fused.apply(z, passes, *learned)  # type: ignore[no-untyped-call]
        return result


def _is_simple(tensor: Tensor) -> bool:
    """Whether its memory is there, and numbers of float32."""
    return (
        tensor.dtype == torch.float32
        and type(tensor) in (Tensor, nn.Parameter)
        and tensor.device.type == "cpu"
        and tensor.layout == torch.strided
    )


class _Passes:
    """The two compiled passes of a function at fixed settings; modules of equal settings share them."""

    def __init__(self, function: Function, fixed: dict[str, float], names: tuple[str, ...], slope: str | None) -> None:
        self.keeps_output = slope is not None

        def value(z: Tensor, *learned: Tensor) -> Tensor:
            return function(z, **fixed, **dict(zip(names, learned, strict=True)))

        def from_input(g: Tensor, z: Tensor, *learned: Tensor) -> Any:
            return vjp(value, z, *learned)[1](g)

        rate = Formula(slope or "1").ready()
        known = {name: number for name, number in fixed.items() if name in rate.names}

        def from_output(g: Tensor, y: Tensor) -> Any:
            wide = y.float() if y.itemsize == 2 else y
            return ((g * rate.torch(wide, **known)).to(g.dtype),)

        self.pointwise = functools.partial(pointwise, function, fixed, names, rate if slope else None)
        self.value, self.slope = value, from_output if slope else from_input
        self._value, self._slope = _compile(value), _compile(self.slope)
        self._near = near_passes(function) if names == tuple(function.parameters) else None
        if self._near is not None:
            self._near_value, self._near_slope = _compile(_with_size(self._near.value)), _compile(self._near.slopes)

    def forward(self, z: Tensor, learned: tuple[Tensor, ...]) -> tuple[Tensor, bool]:
        """f(z), and whether it was near."""
        if (
            self._near is not None
            and z.numel()
            and z.itemsize > 2
            and all(t.ndim == 0 and t.dtype == z.dtype for t in learned)
        ):
            result, size = self._near_value(z, *learned)
            if float(size) <= self._near.bound:  # false for NaN
                return result, True
        return self._value(z, *learned), False

    def backward(self, g: Tensor, kept: tuple[Tensor, ...], *, near: bool) -> Any:
        """Slopes for the input and every learned parameter."""
        return (self._near_slope if near else self._slope)(g, *kept)

    def __deepcopy__(self, memo: object) -> _Passes:
        return self  # it has no state


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, passes: _Passes | Pointwise, *learned: Tensor) -> Tensor:
        result, ctx.near = passes.forward(z, learned)
        ctx.passes = passes
        ctx.save_for_backward(*([result] if passes.keeps_output else [z, *learned]))
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        kept, passes = ctx.saved_tensors, ctx.passes
        if torch.is_grad_enabled():  # somebody differentiates twice: plain operations, that autograd follows
            slopes = passes.slope(g, *kept) if passes.keeps_output else _slopes(passes.value, g, kept)
        else:
            slopes = passes.backward(g, kept, near=ctx.near)
        return slopes[0], None, *slopes[1:]


def _slopes(value: Callable[..., Tensor], g: Tensor, kept: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    own = [tensor.view_as(tensor) for tensor in kept]  # one kept tensor may come from another; each has its slope alone
    asked = [tensor for tensor in own if tensor.requires_grad]
    found = iter(torch.autograd.grad(value(*own), asked, g, create_graph=True, allow_unused=True))
    return tuple(next(found) if tensor.requires_grad else None for tensor in kept)


def _with_size(value: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    def both(z: Tensor, *learned: Tensor) -> tuple[Tensor, Tensor]:
        return value(z, *learned), z.abs().amax()

    return both


def _compile(code: Callable[..., Any]) -> Callable[..., Any]:
    """``code`` compiled. It is made a code of its own first: what one code is compiled for is counted and limited."""
    own = types.FunctionType(code.__code__.replace(), code.__globals__, code.__name__, None, code.__closure__)
    own.__kwdefaults__ = code.__kwdefaults__
    compiled: Callable[..., Any] = torch.compile(own, fullgraph=True)
    return compiled


def _passes(plain: FunctionModule, slope: str | None) -> _Passes:
    learned = tuple(name for name, _ in plain.named_parameters())
    function = plain.function
    key = (function.formula, function.code, tuple(sorted(plain.fixed.items())), learned, slope)
    if key not in _made:
        _made[key] = _Passes(function, plain.fixed, learned, slope)
    return _made[key]


_made: dict[Hashable, _Passes] = {}


def kept_bytes(function: Callable[[Tensor], Tensor], z: Tensor) -> int:
    """How many bytes ``function(z)`` keeps for its backward; a piece of memory that several tensors share counts once.

    The input, where it is kept, counts too: 4 bytes per number of float32.

    >>> kept_bytes(torch.nn.functional.gelu, torch.randn(1000))
    4000
    """
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    leaf = z.detach().clone().requires_grad_()
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function(leaf)
    del result
    return sum(seen.values())
