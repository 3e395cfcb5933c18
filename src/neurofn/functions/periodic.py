"""Functions with a period, or a periodic part."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from ._declare import declare
from ._facts import Learn

if TYPE_CHECKING:
    from torch import Tensor


def _snake(z: Tensor, a: Any) -> Tensor:
    import torch

    # a*z may overflow where the sum does not, and the sine of an infinity is no number
    largest = torch.finfo(z.dtype).max
    wave = (a * z).clamp(-largest, largest).sin()
    bent: Tensor = z + wave * wave / a
    return bent


declare(
    "snake", "z + sin(a*z)**2/a", source="arXiv:2006.08195", a=Learn(1.0, low=1e-3, per="channel"), code=_snake,
    monotone="increasing", limits=(-inf, inf), at_zero=(0, 1),
)  # fmt: skip
declare("sine", "sin(z)", source="arXiv:2006.09661", aliases=("sin",), odd=True, range=(-1, 1), at_zero=(0, 1))
