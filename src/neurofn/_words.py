"""What the words of the formula language mean, on numpy arrays (the plain definition) and on tensors (accurate operations)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ._fast_words import FAST_WORDS
from ._syntax import Vocabulary

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["chebyshev", "infix_words", "numpy_words", "torch_words"]


def infix_words() -> dict[str, Callable[..., Any]]:
    """Operators, which Python overloads."""
    return {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    }  # fmt: skip


def chebyshev(degree: Any, u: Any) -> Any:
    """T_k by its three-term recurrence: stable on [-1, 1], and differentiable in u."""
    before, now = u * 0 + 1, u
    for _ in range(int(degree)):
        before, now = now, 2 * u * now - before
    return before


@cache
def numpy_words() -> Vocabulary:
    """The words on numpy arrays in float64, each by its plain definition."""
    import numpy as np  # scipy would load for erf alone; the standard library has it

    erf, erfc, gamma = (np.vectorize(word, otypes=[float]) for word in (math.erf, math.erfc, math.gamma))
    normal = np.vectorize(lambda u: 0.5 * math.erfc(-u / math.sqrt(2)), otypes=[float])
    return infix_words() | {
        "number": float, "pi": lambda: math.pi, "e": lambda: math.e,
        "where": np.where, "max": np.maximum, "min": np.minimum, "abs": np.abs, "sign": np.sign,
        "relu": lambda u: np.maximum(u, 0), "clip": lambda u, low, high: np.minimum(np.maximum(u, low), high),
        "exp": np.exp, "expm1": np.expm1, "ln": np.log, "log1p": np.log1p, "logaddexp": np.logaddexp,
        "sqrt": np.sqrt, "hypot": np.hypot, "sin": np.sin, "cos": np.cos, "sinc": lambda u: np.sinc(u / math.pi),
        "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "sech": lambda u: 1 / np.cosh(u), "asinh": np.arcsinh,
        "tanh": np.tanh, "sigma": lambda u: np.exp(-np.logaddexp(0, -u)), "softplus": lambda u: np.logaddexp(u, 0),
        "erf": erf, "erfc": erfc, "Phi": normal, "phi": lambda u: np.exp(-u * u / 2) / math.sqrt(2 * math.pi),
        "gamma": gamma, "T": chebyshev,
    }  # fmt: skip


# ---- tensors ------------------------------------------------------------------------------------------------------------


def torch_words(like: Tensor) -> Vocabulary:
    """The words on tensors: one accurate operation each, so that a compiler can fuse them.

    While torch.compile traces float32 on a processor, some are FAST_WORDS instead; torch.export is given the plain ones.
    Numbers stay numbers until they meet a tensor; ``like`` says of what format and where a tensor of numbers alone is.
    """
    import torch

    if not torch.compiler.is_compiling():
        return _kept_words(like.dtype, like.device)
    # anew at each trace: a compiler warns of what is kept
    return _plain_words(like.dtype, like.device) | _compiled_words(like.dtype, like.device)


def _plain_words(dtype: torch.dtype, device: torch.device) -> dict[str, Callable[..., Any]]:
    import torch

    def tensor(u: Any) -> Tensor:
        return u if isinstance(u, torch.Tensor) else torch.as_tensor(u, dtype=dtype, device=device)

    def one(word: Callable[..., Tensor]) -> Callable[[Any], Tensor]:
        return lambda u: word(tensor(u))

    def bounded(word: Callable[..., Tensor], bound: str) -> Callable[[Any, Any], Tensor]:
        def pair(u: Any, v: Any) -> Tensor:
            if isinstance(v, float) and isinstance(u, torch.Tensor):
                return u.clamp(**{bound: v})
            return pair(v, u) if isinstance(u, float) and isinstance(v, torch.Tensor) else word(tensor(u), tensor(v))

        return pair

    larger, smaller = bounded(torch.maximum, "min"), bounded(torch.minimum, "max")
    return infix_words() | {
        "number": float, "pi": lambda: math.pi, "e": lambda: math.e, "T": chebyshev,
        "where": lambda condition, yes, no: torch.where(tensor(condition).bool(), tensor(yes), tensor(no)),
        "max": larger, "min": smaller, "clip": lambda u, low, high: smaller(larger(tensor(u), low), high),
        "abs": one(torch.abs), "sign": lambda u: _carry(torch.sign(tensor(u)), tensor(u)), "relu": one(torch.relu),
        "exp": one(torch.exp), "expm1": one(torch.expm1), "ln": one(torch.log), "log1p": one(torch.log1p),
        "held_exp": one(_held_exp), "carry": _carry,
        "tanh_softplus": lambda u: torch.tanh(torch.nn.functional.softplus(tensor(u), threshold=40.0)),
        "logaddexp": lambda u, v: torch.logaddexp(tensor(u), tensor(v)),
        "sqrt": one(torch.sqrt), "hypot": lambda u, v: torch.hypot(tensor(u), tensor(v)),
        "sin": one(torch.sin), "cos": one(torch.cos), "sinc": one(_sinc), "atan": one(torch.atan),
        "sinh": one(torch.sinh), "cosh": one(torch.cosh), "sech": one(_sech), "asinh": one(torch.asinh),
        "tanh": one(torch.tanh), "sigma": one(torch.sigmoid),
        # beyond 40 the difference to u is below half a unit in the last place of float64
        "softplus": lambda u: torch.nn.functional.softplus(tensor(u), threshold=40.0),
        "erf": one(torch.erf), "erfc": one(torch.erfc), "Phi": lambda u: 0.5 * torch.erfc(tensor(u) * -math.sqrt(0.5)),
        "phi": lambda u: torch.exp(-0.5 * (tensor(u) * u)) * (1 / math.sqrt(2 * math.pi)),
        "gamma": lambda u: torch.exp(torch.lgamma(u)) if isinstance(u, torch.Tensor) else math.gamma(u),
    }  # fmt: skip


_kept_words = cache(_plain_words)


def _compiled_words(dtype: torch.dtype, device: torch.device) -> dict[str, Callable[..., Any]]:
    """FAST_WORDS where they are wanted: while torch.compile, and not torch.export, traces float32 on a processor."""
    import torch

    exporting = torch.compiler.is_exporting() if hasattr(torch.compiler, "is_exporting") else False
    if exporting or dtype != torch.float32 or device.type != "cpu":
        return {}

    def tensor(u: Any) -> Tensor:
        return u if isinstance(u, torch.Tensor) else torch.as_tensor(u, dtype=dtype, device=device)

    def one(word: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda *u: word(*(tensor(argument) for argument in u))

    return {name: one(word) for name, word in FAST_WORDS.items()}


def _held_exp(u: Tensor) -> Tensor:
    """exp(u) with slope 0 where it overflows: for places where nothing changes any more, and 0 times infinity would be NaN."""
    import torch

    last = 709.0 if u.dtype == torch.float64 else 88.0
    return torch.where(u > last, math.inf, torch.exp(u.clamp(max=last)))


def _carry(u: Any, z: Tensor) -> Tensor:
    """A number where z is one, NaN where z is NaN."""
    import torch

    return torch.where(z.isnan(), z, u)


def _sech(u: Tensor) -> Tensor:
    """1/cosh(u) without its overflow."""
    import torch

    small = torch.exp(-torch.where(u >= 0, u, -u))  # not abs, whose slope is 0 at 0, and with it the curvature
    return 2 * small / (1 + small * small)


def _sinc(u: Tensor) -> Tensor:
    """sin(u)/u; near 0 its series, since the slope of the quotient cancels there."""
    import torch

    near = u.abs() < 0.5
    square = torch.where(near, u * u, 0.0)
    series = torch.zeros_like(u)
    for k in range(8, -1, -1):
        series = series * square + (-1) ** k / math.factorial(2 * k + 1)
    far = torch.where(near, 1.0, u)
    return torch.where(near, series, torch.sin(far) / far)
