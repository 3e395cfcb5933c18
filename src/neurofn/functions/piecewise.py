"""Functions made of straight pieces."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ._declare import declare, function
from ._facts import Fixed, Learn

if TYPE_CHECKING:
    from torch import Tensor

declare(
    "identity", "z", source="arXiv:2402.09092", odd=True, monotone="increasing", limits=(-inf, inf), at_zero=(0, 1)
)  # fmt: skip


@function(
    "max(z, 0)", source="arXiv:1803.08375", section="3.6", monotone="increasing", range=(0, inf), limits=(0, inf), kinks=(0,)
)  # fmt: skip
def relu(z: Tensor) -> Tensor:
    # the native operation: slope 0 at the kink as everywhere in torch, and its output is all that backward needs
    return z.relu()


declare(
    "leaky_relu", "where(z >= 0, z, a*z)", source="maas2013", section="3.6.2", aliases=("lrelu",), a=Fixed(0.01),
    monotone="increasing", limits=(-inf, inf), kinks=(0,), cases={"a=0": "relu", "a=1": "identity", "a=-1": "abs"},
    errata="The survey divides by a = 100 where the source, and every library, multiplies by 0.01.",
)  # fmt: skip
declare(
    "prelu", "where(z >= 0, z, a*z)", source="arXiv:1502.01852", section="4.2.1", a=Learn(0.25, per="channel"),
    monotone="increasing", limits=(-inf, inf), kinks=(0,), cases={"a=0": "relu", "a=0.01": "leaky_relu", "a=-1": "abs"},
    errata="The survey divides by a; the source multiplies.",
)  # fmt: skip
declare(
    "abs", "abs(z)", source="arXiv:2402.09092", section="3.6.25", aliases=("v_shaped_relu", "vrelu", "modulus"),
    even=True, range=(0, inf), limits=(inf, inf), kinks=(0,), at_zero=(0, None),
)  # fmt: skip
