"""Words for a compiler, in float32 on a processor: in operations that it turns into vector instructions, and accurate.

What the default backend of torch.compile makes of some words is slow there (erfc, atan, tanh, hypot, ...), and of others wrong:
its expm1(u) is exp(u) - 1 and its erf has a constant error, so that both lose every digit near 0; its sinh and cosh overflow
before they should. These forms need exp, ln, sqrt and arithmetic. Values near 0, where a form would cancel, are polynomials,
fitted to their relative error; slopes of all orders are those of the form, which do not cancel. No branch lies between a value
and its gradient: a compiler would keep a mask of truth values for backward, whose making is slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FAST_WORDS"]

_LN2 = math.log(2)
# Coefficients by rising powers: expm1 is u + u*u*P(u); of the odd ones u + u**3*P(u*u), erf u*P(u*u).
_EXPM1 = (0.4999999804, 0.1666653874, 0.04166722102, 0.008367173262, 0.001388239709)  # |u| < 0.35
_TANH = (-0.3333314838, 0.133259873, -0.0530529514, 0.01725699285)  # |u| < 0.5
_SINH = (0.1666671825, 0.008330211424, 0.0002037740442)  # |u| < 1
_TWICE_ARTANH = (0.6666641313, 0.4002169907, 0.2799914098, 0.2802445927)  # 2*u + u**3*P(u*u), u < 1/3
_ATAN = (-0.3333295468, 0.1997790137, -0.138795583, 0.08059292941)  # |u| < tan(pi/8)
_ERF = (1.128379122, -0.3761232618, 0.1128018008, -0.02671131059, 0.004917550708, -0.0005631419606)  # |u| < 1
# exp(u*u)*erfc(u) in (u - 2)/(u + 2) for u > 0, until erfc underflows
_ERFC = (
    0.2553956817, -0.4271859397, 0.2416579158, -0.0789760094, 0.003735285025, 0.00697867178, -0.0008562544726,
    -0.000927900951, 6.492563538e-05, 0.0001087656797,
)  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], u: Tensor) -> Tensor:
    *lower, last = coefficients
    total = u * last + lower.pop()
    while lower:
        total = total * u + lower.pop()
    return total


def _odd(coefficients: tuple[float, ...], u: Tensor) -> Tensor:
    square = u * u
    return u + u * (square * _polynomial(coefficients, square))


def _corrected(form: Tensor, near: Tensor, value: Tensor) -> Tensor:
    """``value`` where ``near``, else that of the form, and its slopes: for forms that are exactly 0 at 0."""
    import torch

    return form + torch.where(near, value - form, 0.0).detach()


def _sloped(value: Tensor, form: Callable[[Tensor], Tensor], u: Tensor) -> Tensor:
    """The value, with the slopes of ``form(u)``, which is finite; nothing of it is computed where no slope is asked for."""
    import torch

    if not torch.is_grad_enabled():
        return value
    sloped = form(u)
    return value.detach() + (sloped - sloped.detach())


def _side(u: Tensor) -> Tensor:
    """1 or -1, as a number without slope."""
    import torch

    return torch.where(u > 0, 1.0, -1.0)


def _expm1(u: Tensor) -> Tensor:
    import torch

    return _corrected(torch.exp(u) - 1, u.abs() < 0.35, u + u * u * _polynomial(_EXPM1, u))


def _log1p(u: Tensor) -> Tensor:
    """ln(1 + u), and to its value what 1 + u lost in rounding."""
    import torch

    above = 1 + u
    return torch.log(above) + torch.where(u.abs() < 1, u - (above - 1), 0.0).detach()


def _tanh(u: Tensor) -> Tensor:
    # a sum of two equal halves: the gradient of each comes to no more than it began with, and overflows nowhere
    return _corrected(_half_tanh(u) + _half_tanh(u), u.abs() < 0.5, _odd(_TANH, u))


def _half_tanh(u: Tensor) -> Tensor:
    import torch

    side = _side(u)
    return side * (torch.reciprocal(1 + torch.exp(-2 * side * u)) - 0.5)


def _softplus(u: Tensor) -> Tensor:
    import torch

    if torch.is_grad_enabled():
        return torch.nn.functional.softplus(u, threshold=40.0)
    return torch.relu(u) + _above_larger(u)


def _logaddexp(u: Tensor, v: Tensor) -> Tensor:
    import torch

    return torch.logaddexp(u, v) if torch.is_grad_enabled() else torch.maximum(u, v) + _above_larger(u - v)


def _above_larger(u: Tensor) -> Tensor:
    """ln(1 + exp(-|u|)), as twice the inverse tanh of a number up to 1/3."""
    import torch

    power = torch.exp(-u.abs())
    ratio = power / (power + 2)
    square = ratio * ratio
    return ratio * (square * _polynomial(_TWICE_ARTANH, square) + 2)


def _halves(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """exp(|u|)/2 and exp(-|u|)/2, which do not overflow before their sum does, and the side of u."""
    import torch

    side = _side(u)
    size = side * u
    # held, since 0 times an infinite gradient would be NaN
    return torch.exp(size - _LN2), torch.exp(-size.clamp(max=30.0) - _LN2), side


def _sinh(u: Tensor) -> Tensor:
    large, small, side = _halves(u)
    form = side * (large - small)
    return _corrected(form, u.abs() < 1, _odd(_SINH, u))


def _cosh(u: Tensor) -> Tensor:
    large, small, _ = _halves(u)
    return large + small


def _hypot(u: Tensor, v: Tensor) -> Tensor:
    """The root of the sum of squares, of numbers that a power of 2 brings to where squares neither overflow nor vanish."""
    import torch

    size = torch.maximum(u.abs(), v.abs())
    scale = torch.where(size > 2.0**60, 2.0**-70, torch.where(size < 2.0**-60, 2.0**86, 1.0)).detach()
    back = torch.where(size > 2.0**60, 2.0**70, torch.where(size < 2.0**-60, 2.0**-86, 1.0)).detach()
    one, other = u * scale, v * scale
    return torch.sqrt(one * one + other * other) * back


def _atan(u: Tensor) -> Tensor:
    """Turned by 0, 45 or 90 degrees into a short polynomial."""
    import torch

    if torch.is_grad_enabled():
        return torch.atan(u)
    size = u.abs()
    far, middle = size > math.tan(3 * math.pi / 8), size > math.tan(math.pi / 8)
    above = torch.where(far, -1.0, torch.where(middle, size - 1, size))
    below = torch.where(far, size, torch.where(middle, size + 1, 1.0))
    turned = torch.where(far, math.pi / 2, torch.where(middle, math.pi / 4, 0.0))
    return _side(u) * (turned + _odd(_ATAN, above / below))


def _erf(u: Tensor) -> Tensor:
    """Away from 0 a constant error does no harm."""
    import torch

    return _sloped(torch.where(u.abs() < 1, u * _polynomial(_ERF, u * u), torch.erf(u)), torch.erf, u)


def _erfc(u: Tensor) -> Tensor:
    import torch

    size = u.abs().clamp(max=16.0)
    tail = torch.exp(-size * size) * _polynomial(_ERFC, (size - 2) / (size + 2))
    return _sloped(torch.where(u < 0, 2 - tail, tail), lambda u: -torch.erf(u), u)


def _normal(u: Tensor) -> Tensor:
    return 0.5 * _erfc(u * -math.sqrt(0.5))


def _tanh_softplus(u: Tensor) -> Tensor:
    """tanh(softplus(u)) is n/(n + 2) with n = exp(u)*(exp(u) + 2): one exponential, on each side with an exact slope."""
    import torch

    power = torch.exp(u.clamp(max=20.0))  # beyond, the difference to 1 is below half a unit of float64
    n = power * (power + 2)
    inverse = 1 / (n + 2)
    return torch.where(u > 0, 1 - 2 * inverse, n * inverse)


FAST_WORDS: dict[str, Callable[..., Tensor]] = {
    "expm1": _expm1, "log1p": _log1p, "tanh": _tanh, "softplus": _softplus, "logaddexp": _logaddexp, "sinh": _sinh,
    "cosh": _cosh, "hypot": _hypot, "atan": _atan, "erf": _erf, "erfc": _erfc, "Phi": _normal,
    "tanh_softplus": _tanh_softplus,
}  # fmt: skip
"""Word -> its form for tensors of float32."""
