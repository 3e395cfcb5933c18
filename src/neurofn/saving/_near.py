"""Shorter passes of a function for inputs that are not huge. Forward also gives the largest size of the input, by which the
caller sees whether they were allowed; where they were not, the function's own code is run, which is right everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import mul
from typing import Any

import torch
from torch import Tensor

from ..functions import Function

__all__ = ["Near", "near_passes"]


@dataclass(frozen=True)
class Near:
    """``value(z, *parameters)`` and ``slopes(g, z, *parameters)``, right while no ``|z|`` is above ``bound``."""

    value: Callable[..., Tensor]
    slopes: Callable[..., tuple[Tensor, ...]]
    bound: float


def near_passes(function: Function) -> Near | None:
    """Those of this function, None where it has none."""
    made = _NEAR.get(function.name)
    return made(function) if made and function.member is not None else None


def _rational(function: Function) -> Near:
    """P/(1 + |Q|) with powers of z, which stay below 2**60: coefficients would have to be as large to overflow float32."""
    p, q = function.shape["p"], function.shape["q"]

    def parts(z: Tensor, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Tensor, Tensor, Tensor]:
        top, Q = _horner(a, z), _horner(b, z) * z
        return top, Q, 1 / (1 + Q.abs())

    def value(z: Tensor, *parameters: Any) -> Tensor:
        top, Q, _ = parts(z, parameters[: p + 1], parameters[p + 1 :])
        return top / (1 + Q.abs())

    def slopes(g: Tensor, z: Tensor, *parameters: Any) -> tuple[Tensor, ...]:
        a, b = parameters[: p + 1], parameters[p + 1 :]
        top, Q, inverse = parts(z, a, b)
        on_top = g * inverse
        below = torch.where(Q >= 0, -1.0, 1.0) * (top * inverse) * on_top
        rise = _horner([k * a[k] for k in range(1, p + 1)], z) if p else torch.zeros_like(z)
        of_input = on_top * rise + below * _horner([k * b[k - 1] for k in range(1, q + 1)], z)
        terms = [*accumulate(repeat(z, p), mul, initial=on_top), *accumulate(repeat(z, q - 1), mul, initial=below * z)]
        return of_input, *(term.sum() for term in terms)

    return Near(value, slopes, 2.0 ** (60 // max(p, q)))


def _horner(coefficients: Any, z: Tensor) -> Tensor:
    """The polynomial with these coefficients, lowest first."""
    *others, total = coefficients
    for coefficient in reversed(others):
        total = total * z + coefficient
    result: Tensor = total + torch.zeros_like(z)
    return result


_NEAR: dict[str, Callable[[Function], Near]] = {"rational": _rational}
