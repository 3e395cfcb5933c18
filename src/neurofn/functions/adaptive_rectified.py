"""Rectifiers whose pieces are learned."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "margin_relu", "max(z, a)",
    source="arXiv:2402.09092", section="4.2.3", aliases=("marrelu",), a=Learn(-0.1), at_zero=(0, 1),
    limits=(-0.1, inf), range=(-0.1, inf), monotone="increasing", kinks=(-0.1,),
)  # fmt: skip

declare(
    "react_prelu", "where(z >= a, z - a + b, c*(z - a) + b)",
    source="arXiv:2402.09092", section="4.2.5", aliases=("rprelu",), a=Learn(0), b=Learn(0), c=Learn(0.25),
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "smooth_maximum_unit", "((1 + a)*z + (1 - a)*z*erf(b*(1 - a)*z))/2",
    source="arXiv:2402.09092", section="4.2.7", aliases=("smu",), a=Learn(0.25), b=Learn(25), far=(1, 1),
    at_zero=(0, 0.625), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
)  # fmt: skip

declare(
    "flexible_relu", "relu(z) + b",
    source="arXiv:2402.09092", section="4.2.15", aliases=("frelu",), b=Learn(0), at_zero=(0, None), limits=(0, inf),
    range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "adaptive_shifted_relu", "a*relu(z) + b",
    source="arXiv:2402.09092", section="4.2.16", aliases=("shilu",), a=Learn(1), b=Learn(0), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "attention_based_relu", "where(z >= 0, (1 + sigma(b))*z, clip(a, 0.01, 0.99)*z)",
    source="arXiv:2402.09092", section="4.2.19", aliases=("arelu",), a=Learn(0.9), b=Learn(2), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "dual_parametric_relu", "where(z >= 0, a*z, b*z)",
    source="arXiv:2402.09092", section="4.2.20", aliases=("dprelu",), a=Learn(1), b=Learn(0.01), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "pilu", "where(z >= c, a*z + c*(1 - a), b*z + c*(1 - b))",
    source="arXiv:2402.09092", section="4.2.22", a=Learn(1), b=Learn(0.01), c=Learn(0), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "tent", "relu(a - abs(z))",
    source="arXiv:2402.09092", section="4.2.27", a=Learn(1), at_zero=(1, None), limits=(0, 0), range=(0, 1),
    even=True, kinks=(-1, 0, 1),
)  # fmt: skip

declare(
    "bendable_linear_unit", "a*(sqrt(z**2 + 1) - 1) + z",
    source="arXiv:2402.09092", section="4.2.37", aliases=("blu",), a=Learn(0.5), at_zero=(0, 1), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing",
)  # fmt: skip

declare(
    "rectified_blu", "where(z > 0, a*(sqrt(z**2 + 1) - 1) + z, 0)",
    source="arXiv:2402.09092", section="4.2.38", aliases=("reblu",), a=Learn(0.5), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "parametric_swish", "where(z <= c, a*z*sigma(b*z), z)",
    source="arXiv:2402.09092", section="4.2.42", aliases=("p_swish", "tunable_swish", "t_swish"), a=Learn(1),
    b=Learn(1), c=Learn(0), at_zero=(0, None), limits=(0, inf), range=(-0.2784645427610738, inf), kinks=(0,),
)  # fmt: skip

declare(
    "repsu", "where(z >= b, 2*(1 - a)*z + (2*a - 1)*(z - b)*sigma(sign(z - c)*(abs(z - c)/d)**e1), 0)",
    source="arXiv:2402.09092", section="4.2.58", a=Learn(0.8), b=Learn(0), c=Learn(0), d=Learn(1), e1=Learn(1),
    at_zero=(0, None), limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip
