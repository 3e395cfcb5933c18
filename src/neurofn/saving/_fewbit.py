"""Few-bit backward: forward as it is, and for backward a code of 1 to 4 bits per number in place of the input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._errors import SettingError
from ..functions import Function, catalogue
from ..functions._module import FunctionModule
from ._packing import encode, scale
from ._steps import Steps, cached_table

__all__ = ["FewBit", "dense", "fewbit"]


def fewbit(function: str | Function | FunctionModule, *, bits: int = 2, **settings: float) -> FewBit:
    """The same function, whose gradient is the best step function of 2**bits levels (under a standard normal input).

    It keeps bits/8 bytes per number for backward (and at most 64*bits in all beside), where the function keeps at least its
    input: 0.25 in place of 4 for 2 bits. Values are those of the function: for gelu, silu and mish in float32 they come from
    the kernel, within the same units of the formula, for all others from the function's own code. 16-bit inputs are computed
    in float32; float64, other devices and machines without a compiler take the plain code, which is far slower. Inside the
    transforms of torch.func and in torch.export finite inputs have the same values and slopes, and nothing is saved.

    ``function`` is a name, a function of the catalogue or a module of one, ``settings`` are its parameters, held fixed. Where
    the input is NaN the gradient is; an infinite input has the slope of the outermost step. Raises SettingError for other bits,
    for a module that learns parameters (their gradients need the input), and when differentiated twice. The table is made here,
    in a second or so; the kernel is built by the first call. Source: arXiv:2202.00441.

    >>> import torch
    >>> act = fewbit("relu", bits=1)
    >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
    >>> act(x).sum().backward()
    >>> x.grad
    tensor([0., 1.])
    """
    if isinstance(function, FunctionModule):
        if dict(function.named_parameters()):
            raise SettingError(
                f"fewbit holds parameters fixed, and this module of {function.function.name} learns some; "
                f"give the function: fewbit({function.function.name!r})"
            )
        settings = {**function.fixed, **settings}
        function = function.function
    chosen = catalogue[function] if isinstance(function, str) else function
    if not isinstance(chosen, Function):
        raise SettingError(
            f"fewbit takes a name, a function of the catalogue or its module, got {type(chosen).__name__}"
        )
    return FewBit(*chosen.split(settings), bits=bits)


class FewBit(nn.Module):
    """What ``fewbit`` gives: a module without state. ``steps`` is its table.

    >>> fewbit("gelu", bits=3).steps.bits
    3
    """

    def __init__(self, function: Function, settings: dict[str, float], *, bits: int) -> None:
        super().__init__()
        self.function = function
        self.settings = settings
        self.steps: Steps = cached_table(function, bits, settings)

    def forward(self, z: Tensor) -> Tensor:
        """f(z), elementwise, any shape and layout of memory."""
        if not z.is_floating_point() or z.is_sparse:
            return self.function(z, **self.settings)  # which refuses, or knows what to do
        if torch._C._functorch.peek_interpreter_stack() is not None or _exporting():
            return self._plain(z)
        # nothing of z, but a path to it: by it a second differentiation comes to the refusal of _Scale
        trace = z.as_strided((0,), (1,)).clone()
        result: Tensor = _FewBit.apply(z, trace, self)[0]  # type: ignore[no-untyped-call]
        return result

    def _plain(self, z: Tensor) -> Tensor:
        """The same values and slopes in operations that torch.func and torch.export know; nothing is saved."""
        fixed = z.detach()
        code = sum((fixed > boundary).long() for boundary in self.steps.boundaries)
        levels = torch.tensor(self.steps.levels, dtype=z.dtype, device=z.device)
        away = torch.where(fixed.isfinite(), z - fixed, 0.0)
        return self.function(fixed, **self.settings) + levels[code] * away

    def extra_repr(self) -> str:
        return ", ".join(
            [self.function.name, *(f"{n}={v!r}" for n, v in self.settings.items()), f"bits={self.steps.bits}"]
        )


def _exporting() -> bool:
    asked = getattr(torch.compiler, "is_exporting", None)  # torch 2.6 has none
    return bool(asked and asked())


class _FewBit(torch.autograd.Function):
    """Values, codes and places of NaN; only the values are differentiable."""

    @staticmethod
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(z: Tensor, trace: Tensor, module: FewBit) -> tuple[Tensor, Tensor, Tensor]:
        work = dense(z.float() if z.itemsize == 2 else z)
        hot = module.function.name if module.function is catalogue.get(module.function.name) else None
        values, packed, nan = encode(work, module.steps, hot=hot)
        result = module.function(work, **module.settings) if values is None else values
        return result.to(z.dtype), packed, nan

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, FewBit], output: tuple[Tensor, ...]) -> None:
        z, trace, ctx.module = inputs
        _, packed, nan = output
        ctx.mark_non_differentiable(packed, nan)
        ctx.save_for_backward(trace, packed, nan)
        ctx.strides = torch.empty_like(z, device="meta").stride()

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: Any) -> tuple[Tensor, None, None]:
        how = ctx.module.steps, ctx.strides
        result: Tensor = _Scale.apply(g, *ctx.saved_tensors, how)  # type: ignore[no-untyped-call]
        return result, None, None


class _Scale(torch.autograd.Function):
    """The backward, as a step of its own: so that a second differentiation meets a clear refusal."""

    @staticmethod
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(g: Tensor, trace: Tensor, packed: Tensor, nan: Tensor, how: tuple[Steps, tuple[int, ...]]) -> Tensor:
        steps, strides = how
        work = dense(g.float() if g.itemsize == 2 else g, strides)
        return scale(work, packed, nan, steps=steps).to(g.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Any:
        raise SettingError(
            "the slope of a few-bit function is a step function, which has no slope; differentiate the function itself twice"
        )


def dense(z: Tensor, strides: tuple[int, ...] | None = None) -> Tensor:
    """``z``, copied where its numbers do not lie in one piece, or not in the order that these strides ask for."""
    wished = torch.empty_like(z, device="meta").stride() if strides is None else strides
    if z.stride() == wished:
        return z
    return torch.empty_strided(z.shape, wished, dtype=z.dtype, device=z.device).copy_(z)
