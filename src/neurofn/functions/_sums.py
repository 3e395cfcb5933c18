"""Help for families that are sums of terms: printed sums, polynomials without overflow, pieces with slopes from one side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ._facts import Learn, Parameter

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["cardinal", "grid", "held", "horner", "learned", "legendre", "number", "powers", "printed", "shifted"]


def printed(terms: Mapping[str, str]) -> str:
    """A sum of terms, each behind its coefficient: {"a": "z"} is a*z."""
    return " + ".join(f"{name}*{term}" if term else name for name, term in terms.items())


def learned(names: Sequence[str], values: Sequence[float | Fraction], **domain: Any) -> dict[str, Parameter]:
    """Learned parameters with these starts."""
    return {name: Learn(float(value), **domain) for name, value in zip(names, values, strict=True)}


def held(z: Tensor) -> Tensor:
    """z within the square root of what its format holds: for terms that have long settled, or turn too fast to be known."""
    import torch

    border = 2.0**60 if z.dtype == torch.float64 else 2.0**40
    return z.clamp(-border, border)


def horner(z: Tensor, coefficients: Sequence[Any]) -> Tensor:
    """A polynomial from its coefficients, lowest first. No step overflows before its slope, if the last of n is 1/n or more."""
    if len(coefficients) == 1:
        constant: Tensor = z * 0 + coefficients[0]
        return constant
    total: Tensor = z * coefficients[-1] + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        total = total * z + coefficient
    return total


def grid(count: int, low: int, high: int) -> list[Fraction]:
    """Equally spaced numbers from low to high; fractions, so that what is printed is what is computed."""
    return [low + Fraction((high - low) * k, count - 1) for k in range(count)]


def number(value: float | Fraction) -> str:
    """A number as short as it can be printed without changing it."""
    if isinstance(value, Fraction):
        return str(value)
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def shifted(place: float | Fraction) -> str:
    """How z - place is printed."""
    return "z" if place == 0 else f"z - {number(place)}" if place > 0 else f"z + {number(-place)}"


def powers(coefficients: Sequence[float], variable: str) -> str:
    """How a polynomial is printed, lowest power first, without the terms that are 0."""
    text = ""
    for power, coefficient in enumerate(coefficients):
        if coefficient == 0:
            continue
        factors = [] if abs(coefficient) == 1 and power else [number(abs(coefficient))]
        factors += [variable if power == 1 else f"{variable}**{power}"] if power else []
        text += (" - " if coefficient < 0 else " + ") if text else ("-" if coefficient < 0 else "")
        text += "*".join(factors)
    return text


def legendre(degree: int) -> list[list[int]]:
    """Whole numbers n_kj: the Legendre polynomial P_k is sum_j n_kj*z**j / 2**k."""
    rows = [[1], [0, 2]]
    while len(rows) <= degree:
        k = len(rows)  # k*P_k = (2k - 1)*z*P_(k-1) - (k - 1)*P_(k-2), with the powers of two of each row
        first = [0, *((2 * k - 1) * 2 * number for number in rows[-1])]
        second = [(k - 1) * 4 * number for number in rows[-2]] + [0, 0]
        rows.append([(a - b) // k for a, b in zip(first, second, strict=True)])
    return rows[: degree + 1]


def cardinal(
    z: Tensor, place: Fraction, step: Fraction, pieces: Sequence[Callable[[Tensor, Tensor], Tensor]]
) -> Tensor:
    """An even bump around ``place``; piece k(u, v) is between k and k + 1 steps away from it, 0 beyond the last.

    u and v are the distances, in steps, to the outer and to the inner end of the piece: each is exact near that end, where
    the piece may vanish. Of the two slopes at a border the right one is taken, so that bumps add up to the slope of one piece.
    """
    import torch

    result = torch.zeros_like(z)
    for side in (1, -1):
        for k, piece in enumerate(pieces):
            ends = sorted(float(place + side * step * count) for count in (k, k + 1))
            inside = z.clamp(*ends)
            below, above = (inside - ends[0]) / float(step), (ends[1] - inside) / float(step)
            value = piece(above, below) if side > 0 else piece(below, above)
            result = torch.where((z >= ends[0]) & (z < ends[1]), value, result)
    return torch.where(z.isnan(), z, result)
