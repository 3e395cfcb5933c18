"""Values and gradients of a foreign module beside those of an entry of the catalogue.

Ours are taken in float64 and, where they are held against the module, again with many digits. At a kink or a jump whatever lies
between both sides is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..functions import Function
from ._audit_subjects import Run
from ._function_numbers import tensor_derivatives
from ._reference import derivatives

__all__ = [
    "EXTREMES",
    "Seen",
    "Truth",
    "certain",
    "extremes",
    "grid",
    "look",
    "truth",
    "worst",
    "wrong_slopes",
    "wrong_values",
]

EXTREMES = (0.0, 100.0, -100.0, 1e3, -1e3, 1e4, -1e4)
_NICE = (0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 5.0, -5.0, 10.0, -10.0, *EXTREMES)
_VALUE, _SLOPE = 1e-5, 1e-4  # shares; a tenth of them is forgiven at 0


@dataclass(frozen=True)
class Seen:
    """What a module gives: values, and slopes, which are NaN where there is no gradient."""

    value: Tensor
    slope: Tensor
    dtype: torch.dtype
    traced: bool = True


@dataclass(frozen=True)
class Truth:
    """Ours at the points, and the least and the largest just beside them."""

    value: Tensor
    slope: Tensor
    low: tuple[Tensor, Tensor]
    high: tuple[Tensor, Tensor]


def grid(function: Function | None = None) -> Tensor:
    """Numbers of both signs from 1e-30 to 1e4, dense near 0 and between -6 and 6, with simple ones and kinks."""
    far = torch.logspace(-30, 4, 69, dtype=torch.float64)
    close = torch.linspace(0.013, 6.013, 61, dtype=torch.float64)
    kinks = [] if function is None else [side + kink for kink in function.facts.kinks for side in (-1e-3, 0.0, 1e-3)]
    return torch.cat([torch.tensor([*_NICE, *kinks], dtype=torch.float64), close, -close, far, -far])


def extremes(dtype: torch.dtype) -> Tensor:
    """0, +-100, +-1e3, +-1e4, then the ends of the format: a sixteenth of the largest number, and the smallest."""
    info = torch.finfo(dtype)
    ends = [info.max / 16, -info.max / 16, info.smallest_normal, -info.smallest_normal]
    return torch.tensor([*EXTREMES, *ends], dtype=dtype)


def look(module: nn.Module, z: Tensor, run: Run) -> Seen:
    """Values and slopes of an elementwise module on a line of numbers, in their dtype."""
    leaf = run.shaped(z).clone().requires_grad_()
    out = module(leaf * 1)  # it may write into its input
    slope = None
    if out.requires_grad:
        (slope,) = torch.autograd.grad(out, leaf, torch.ones_like(out), allow_unused=True)
    value = out.detach().double().expand(leaf.shape).flatten()
    flat = torch.zeros_like(value) if slope is None else slope.double().flatten()
    return Seen(value, flat, out.dtype, slope is not None)


def truth(function: Function, z: Tensor, settings: Mapping[str, float]) -> Truth:
    """The same of ours, in float64."""
    z = z.double()
    step = z.abs() * 1e-7 + 1e-12
    given = dict(settings)
    sides = [tensor_derivatives(function, point, order=1, settings=given) for point in (z, z - step, z + step)]
    values, slopes = (torch.stack([side[k] for side in sides]) for k in (0, 1))
    lows = values.amin(0), slopes.amin(0)
    return Truth(values[0], slopes[0], lows, (values.amax(0), slopes.amax(0)))


def wrong_values(seen: Seen, true: Truth, z: Tensor) -> Tensor:
    """Where a value is not ours, up to a small share of it and of its change with the input; where ours is finite."""
    share = max(_VALUE, 8 * torch.finfo(seen.dtype).eps)
    allowed = share * (true.value.abs() + (z * true.slope).nan_to_num().abs()) + share / 10
    return _outside(seen.value, (true.low[0], true.high[0]), allowed)


def wrong_slopes(seen: Seen, true: Truth, z: Tensor) -> Tensor:
    """Where a slope lies outside ours from both sides; where ours is finite."""
    share = max(_SLOPE, 64 * torch.finfo(seen.dtype).eps)
    allowed = share * (true.slope.abs() + true.value.abs().clamp(max=1)) + share / 10
    return _outside(seen.slope, (true.low[1], true.high[1]), allowed)


def _outside(got: Tensor, between: tuple[Tensor, Tensor], allowed: Tensor) -> Tensor:
    low, high = between
    known = low.isfinite() & high.isfinite() & allowed.isfinite()
    return known & ~((got >= low - allowed) & (got <= high + allowed))


def worst(bad: Tensor, z: Tensor, distance: Tensor) -> int:
    """The index to show: a simple input where one is bad (the farthest off of these), else the farthest off."""
    simple = bad & torch.isin(z.double(), torch.tensor(_NICE[:13], dtype=torch.float64))
    chosen = simple if bool(simple.any()) else bad
    off = distance.nan_to_num(nan=torch.inf, posinf=torch.inf).abs()
    return int(torch.where(chosen, off, -1.0).argmax())


def certain(function: Function, z: float, settings: Mapping[str, float]) -> tuple[float, float]:
    """Value and slope of the printed formula at one point, from many digits."""
    value, slope = derivatives(function.definition, z, {**function.defaults, **settings})[:2]
    return float(value), float(slope)
