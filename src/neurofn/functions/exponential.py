"""Linear on one side, exponential on the other."""

from __future__ import annotations

from math import inf, log

from ._declare import declare
from ._facts import Fixed

declare(
    "elu", "where(z >= 0, z, a*(exp(z) - 1))", source="arXiv:1511.07289", a=Fixed(1.0, low=0),
    monotone="increasing", range=(-1, inf), limits=(-1, inf), at_zero=(0, 1), cases={"a=0": "relu"},
)  # fmt: skip
declare(
    "celu", "where(z >= 0, z, a*(exp(z/a) - 1))", source="arXiv:1704.07483", a=Fixed(1.0, low=1e-3),
    monotone="increasing", range=(-1, inf), limits=(-1, inf), at_zero=(0, 1), cases={"a=1": "elu"},
)  # fmt: skip
# The two constants make mean 0 and variance 1 a fixed point of the map of moments; printed digits as in the paper's code.
declare(
    "selu",
    "1.0507009873554804934193349852946*where(z >= 0, z, 1.6732632423543772848170429916717*(exp(z) - 1))",
    source="arXiv:1706.02515",
    monotone="increasing", range=(-1.7580993408473766, inf), limits=(-1.7580993408473766, inf), kinks=(0,),
)  # fmt: skip
declare(
    "softplus", "softplus(z)", source="dugas2001",
    monotone="increasing", range=(0, inf), limits=(0, inf), at_zero=(log(2), 0.5),
)  # fmt: skip
