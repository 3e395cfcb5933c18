"""What polynomials on an interval do beyond it: there their own values would soon be too large for anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .._errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["checked_interval", "on_interval"]

Polynomials = Callable[["Tensor"], "list[Tensor]"]


def checked_interval(name: str, low: float, high: float) -> tuple[float, float]:
    """The interval; raises SettingError where it is empty."""
    if not low < high:
        raise SettingError(f"{name}: low must be below high, got low={low!r}, high={high!r}")
    return low, high


def on_interval(
    polynomials: Polynomials, interval: tuple[float, float], *, slopes: Sequence[Sequence[float]], outside: str
) -> Callable[[Tensor], Tensor]:
    """Terms (...) -> (..., count) from polynomials on [-1, 1] whose slopes at -1 and at 1 are given, on another interval.

    Beyond it each keeps its value ("constant"), or its slope ("linear"), or is 0 ("zero").
    """
    low, high = interval

    def terms(x: Tensor) -> Tensor:
        import torch

        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        inside = wide.clamp(low, high)
        u = ((inside - low) - (high - inside)) / (high - low)
        found = torch.stack([value.expand_as(u) for value in polynomials(u)], dim=-1)
        beyond = (wide - inside).unsqueeze(-1)
        if outside == "zero":
            found = torch.where(beyond.abs() > 0, 0.0, found)
        elif outside == "linear":
            first, last = (torch.tensor(each, dtype=wide.dtype, device=x.device) for each in slopes)
            found = found + beyond * torch.where(beyond < 0, first, last) * (2 / (high - low))
        return found.to(x.dtype)

    return terms
