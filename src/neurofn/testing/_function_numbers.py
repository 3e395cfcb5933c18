"""Checks of a function's numbers: the tensor code against the formula at many digits, in every floating-point format.

The measure is a mixed forward-backward error. One unit of f is eps * max(|f|, |z f'|) + the smallest normal number: rounding
the input, a parameter or a decimal of the formula is forgiven, cancellation is not. One unit of a slope f' is eps * max(|f'|,
|z f''|, min(|f|, 1)): a slope may also be computed from the rounded output, as every native tanh does (1 - f**2); and so on for
the second derivative. Of a family, each weighted term is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from .._errors import SettingError
from ..functions import Function
from ._reference import derivatives, rough_derivatives, rounding_of_numbers

__all__ = ["DTYPES", "SECOND_UNITS", "SLOPE_UNITS", "VALUE_UNITS", "settings_to_try"]

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
VALUE_UNITS = 4
SLOPE_UNITS = 16
SECOND_UNITS = 1024
_INSIDE = 64
_UNITS = (VALUE_UNITS, SLOPE_UNITS, SECOND_UNITS)

_NAMES = ("value", "slope", "second derivative")


def check_values(function: Function) -> None:
    """Code equals formula, at the defaults and beside them, within VALUE_UNITS."""
    _compare(function, 0)


def check_first_derivative(function: Function) -> None:
    """The gradient equals the formula's slope (at a kink, a slope between the left and the right one)."""
    _compare(function, 1)


def check_second_derivative(function: Function) -> None:
    """The gradient of the gradient equals the formula's second derivative."""
    _compare(function, 2)


def check_finite(function: Function) -> None:
    """No NaN or infinity in value or slope where the true one, correctly rounded, is finite.

    Every number of the 16-bit formats; float32 and float64 on a grid of more than 10,000.
    """
    for settings in settings_to_try(function):
        for dtype in DTYPES:
            z = every_number(dtype) if dtype.itemsize == 2 else fine_grid(function, dtype)
            z = z[z.double().abs() <= _farthest(dtype, settings)]
            for order, result in enumerate(tensor_derivatives(function, z, order=1, settings=settings)):
                for point, got in _worth_asking(function, z, result, order=order, settings=settings):
                    true = derivatives(function.definition, point, {**function.defaults, **settings})[order]
                    _assert(
                        not abs(true) < torch.finfo(dtype).max * (1 - VALUE_UNITS * torch.finfo(dtype).eps),
                        f"{_place(function, dtype, point, settings)}: {_NAMES[order]} is {got}, expected {_show(true)}",
                    )


def check_nan_and_infinity(function: Function) -> None:
    """NaN gives NaN, and an infinity gives an answer, whatever it is, in value and gradient."""
    for dtype in DTYPES:
        z = torch.tensor([math.nan, math.inf, -math.inf, 0.5], dtype=dtype)
        value = tensor_derivatives(function, z, order=1, settings={})[0]
        constant = bool((value[1:] == value[3]).all())
        _assert(constant or bool(value[0].isnan()), f"{function.name}, {dtype}: f(NaN) is {float(value[0])}, not NaN")


def _compare(function: Function, order: int) -> None:
    units = _UNITS[order]
    for settings in settings_to_try(function):
        for dtype in DTYPES:
            z = coarse_grid(function, dtype)
            z = z[z.double().abs() <= _farthest(dtype, settings)]
            if order == 2:  # z**2 is a factor of many second derivatives, and may overflow where they do not
                z = z[z.double().abs() < torch.finfo(dtype).max ** 0.5 / 8]
            got = tensor_derivatives(function, z, order=order, settings=settings)[order]
            for point, number in zip(z.tolist(), got.tolist(), strict=True):
                error, true = _error(function, (point, number, order), dtype, settings)
                _assert(
                    error <= units,
                    f"{_place(function, dtype, point, settings)}: {_NAMES[order]} is {number!r}, expected {_show(true)}; "
                    f"off by {_show(error)} units, allowed {units}",
                )


def _error(
    function: Function, seen: tuple[float, float, int], dtype: torch.dtype, settings: dict[str, float]
) -> tuple[Any, Any]:
    """The error of ``seen`` = (point, number, order) in units, and the true number nearest to it.

    At a kink every slope between the left and the right one is true.
    """
    error, nearest = _error_at(function, seen, dtype, values={**function.defaults, **settings}, wide=False)
    if error > _UNITS[seen[2]]:  # asked only where it may matter: it costs many evaluations
        error, nearest = _error_at(function, seen, dtype, values={**function.defaults, **settings}, wide=True)
    return error, nearest


def _error_at(
    function: Function, seen: tuple[float, float, int], dtype: torch.dtype, *, values: dict[str, float], wide: bool
) -> tuple[Any, Any]:
    from mpmath import mp

    point, number, order = seen
    info = torch.finfo(dtype)
    places = _places(point, order, dtype, wide=wide)
    true = [derivatives(function.definition, z, values, side=side)[order] for z, side in places]
    low, high = min(true), max(true)
    if not (mp.isfinite(low) and mp.isfinite(high)):
        return 0, low  # a singularity of the function
    if not math.isfinite(number):
        overflows = number == number and abs(high if number > 0 else low) > info.max * (1 - VALUE_UNITS * info.eps)
        return (0 if overflows else mp.inf), high
    away = max(low - number, number - high, mp.zero)
    nearest = high if number > high else low
    scale = 0
    for names in ([""], function.coefficients if wide else ()):  # the terms of a family, where its sum fails
        if names:
            scale = max(_scale(function, z, order, values=values, names=names, side=side) for z, side in places)
    if wide:
        scale += max(rounding_of_numbers(function.definition, z, values, side=side)[order] for z, side in places)
    return away / (info.eps * scale + info.smallest_normal), nearest


def _places(point: float, order: int, dtype: torch.dtype, *, wide: bool) -> list[tuple[float, int]]:
    """Where, and from which side, a number may be true: at a kink from both sides; ``wide``: up to two numbers away too."""
    if not order and not wide:
        return [(point, 0)]
    points = {point, point if abs(point) >= torch.finfo(dtype).smallest_normal else 0.0}  # it may be taken for zero
    if wide:
        for side in (math.inf, -math.inf):
            beside = torch.tensor(point, dtype=dtype)
            for _ in range(2):
                beside = torch.nextafter(beside, torch.tensor(side, dtype=dtype))
            points |= {float(beside)} if beside.isfinite() else set()
    return [(z, side) for z in points for side in ((1, -1) if order else (0,))]


def _scale(
    function: Function, z: float, order: int, *, values: dict[str, float], names: Sequence[str], side: int
) -> Any:
    """What one eps is relative to (see the head of this module): of the whole, or of each term and then summed."""
    others = {name: 0.0 if name in function.coefficients else value for name, value in values.items()}
    total = 0
    for name in names:
        ask, given = (rough_derivatives, {**others, name: 1.0}) if name else (derivatives, values)
        f = ask(function.definition, z, given, side=side)
        slope = (*(min(abs(lower), 1) for lower in f[:order]), function.entry.resolution)
        total += abs(values.get(name, 1.0)) * max(abs(f[order]), abs(z * f[order + 1]), *slope)
    return total


def _worth_asking(
    function: Function, z: Tensor, result: Tensor, *, order: int, settings: dict[str, float]
) -> Iterator[tuple[float, float]]:
    """Where a result is not finite and the reference must be asked: the ends of every run of such inputs, and _INSIDE within.

    Not where the code in float64 already shows that the format is too narrow.
    """
    z, places = z.sort()
    result = result[places]
    bad = ~result.isfinite()
    if bad.any() and z.dtype != torch.float64:
        wide = tensor_derivatives(function, z.double(), order=order, settings=settings)[order]
        bad &= ~(wide.isfinite() & (wide.abs() > torch.finfo(z.dtype).max))
    padded = torch.nn.functional.pad(bad, (1, 1), value=False)
    inside = bad & padded[:-2] & padded[2:]
    within = inside.nonzero()[:: max(1, int(inside.sum()) // _INSIDE)]
    asked = (bad & ~inside).index_fill(0, within.flatten(), True)
    yield from zip(z[asked].tolist(), result[asked].tolist(), strict=True)


# ---- what the code says -------------------------------------------------------------------------------------------------


def tensor_derivatives(function: Function, z: Tensor, *, order: int, settings: dict[str, float]) -> list[Tensor]:
    """[f, f', ...] up to ``order`` by the code and autograd; the derivative of what has no gradient is 0."""
    z = z.detach().clone().requires_grad_()
    current = function(z, **settings)
    results = [current]
    for k in range(order):
        slope = None
        if current.requires_grad:
            (slope,) = torch.autograd.grad(
                current, z, torch.ones_like(current), create_graph=k + 1 < order, allow_unused=True
            )
        # the sum, since autograd may hand back a zero without storage
        current = torch.zeros_like(z) if slope is None else slope + torch.zeros_like(z)
        results.append(current)
    return [result.detach() for result in results]


def settings_to_try(function: Function) -> list[dict[str, float]]:
    """No settings, and every parameter moved a little inside its domain, each by another amount."""
    moved = {}
    for k, (name, parameter) in enumerate(function.parameters.items()):
        for value in (parameter.default + 0.3 + 0.05 * (k % 5), parameter.default - 0.3, parameter.default * 0.99):
            try:
                moved[name] = parameter.check(name, value)
            except SettingError:
                continue
            break
    return [{}, moved] if moved else [{}]


# ---- where to look ------------------------------------------------------------------------------------------------------


def _farthest(dtype: torch.dtype, settings: dict[str, float]) -> float:
    """The largest input that is tried: of the format; with moved parameters 1/16 of it, since a*z may overflow."""
    return torch.finfo(dtype).max / (16 if settings else 1)


def every_number(dtype: torch.dtype) -> Tensor:
    """All finite numbers of a 16-bit format."""
    numbers = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    return numbers[numbers.isfinite()]


def coarse_grid(function: Function, dtype: torch.dtype) -> Tensor:
    """About 160 numbers of both signs: every magnitude thinly, those around 1 densely, and the special points."""
    return _grid(function, dtype, far=20, near=48)


def fine_grid(function: Function, dtype: torch.dtype) -> Tensor:
    """More than 10,000 numbers of the same kind."""
    return _grid(function, dtype, far=4000, near=1600)


def _grid(function: Function, dtype: torch.dtype, *, far: int, near: int) -> Tensor:
    info = torch.finfo(dtype)
    lowest = math.log2(info.smallest_normal) - (-math.log2(info.eps))  # the smallest subnormal number
    wide = torch.logspace(lowest, math.log2(info.max) - 1e-3, far, base=2, dtype=torch.float64)
    close = torch.logspace(-6.3, 5.7, near, base=2, dtype=torch.float64)
    plain = torch.tensor([info.smallest_normal, 0.5, 1, 2, 3, 4, 10, 88.5, 709.5, info.max], dtype=torch.float64)
    positive = torch.cat([wide, close, plain]).to(dtype)
    kinks = torch.tensor([0.0, 1.0, -1.0, *function.facts.kinks], dtype=dtype)
    beside = [torch.nextafter(kinks, torch.full_like(kinks, side * math.inf)) for side in (-1, 1)]
    points = torch.cat([positive, -positive, kinks, -torch.zeros(1, dtype=dtype), *beside])
    return points[points.isfinite()]


def _assert(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _place(function: Function, dtype: torch.dtype, point: float, settings: dict[str, float]) -> str:
    given = "".join(f", {name}={value:g}" for name, value in settings.items())
    return f"{function.name}, {str(dtype).removeprefix('torch.')}, z = {point!r}{given}"


def _show(number: Any) -> str:
    from mpmath import mp

    return str(mp.nstr(number, 12))
