"""Learned shapes that belong to no larger family."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "adaptive_radial_basis", "exp(-(z - a)**2/(2*b**2))",
    source="arXiv:2402.09092", section="4.8", aliases=("arbf",), a=Learn(0), b=Learn(1), at_zero=(1, 0),
    limits=(0, 0), range=(0, 1), even=True,
)  # fmt: skip

declare(
    "parametric_flatten_p_mish", "where(z >= 0, z*tanh(softplus(z)), 0) + p",
    source="arXiv:2402.09092", section="4.11", aliases=("pfpm",), p=Learn(-0.2), at_zero=(-0.2, None),
    limits=(-0.2, inf), range=(-0.2, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "gaussian_error_unit", "Phi(z/a)",
    source="arXiv:2402.09092", section="4.12", aliases=("geu",), a=Learn(1), at_zero=(0.5, 0.3989422804014327),
    limits=(0, 1), range=(0, 1),
)  # fmt: skip

declare(
    "p_sig_ramp", "a*sigma(z) + (1 - a)*clip(b*z + 0.5, 0, 1)",
    source="arXiv:2402.09092", section="4.15", a=Learn(0.5), b=Learn(1), at_zero=(0.5, 0.625), limits=(0, 1),
    range=(0, 1), kinks=(-0.5, 0.5),
)  # fmt: skip

declare(
    "laaf_tanh", "tanh(n*a*z)",
    source="arXiv:2402.09092", section="4.16.1", n=Learn(1), a=Learn(1), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "laaf_relu", "relu(n*a*z)",
    source="arXiv:2402.09092", section="4.16", n=Learn(1), a=Learn(1), at_zero=(0, None), limits=(0, inf),
    range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "parametric_scaled_tanh", "a*z*(1 + tanh(b*z))",
    source="arXiv:2402.09092", section="4.16.2", aliases=("pstanh",), a=Learn(0.5), b=Learn(1), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.1392322713805369, inf),
)  # fmt: skip

declare(
    "logmoid", "z*ln(1 + a*sigma(b*z))",
    source="arXiv:2402.09092", section="4.16.5", aliases=("lau",), a=Learn(1), b=Learn(1),
    at_zero=(0, 0.4054651081081644), limits=(0, inf), range=(-0.25276881678944035, inf),
)  # fmt: skip

declare(
    "parameterized_softplus", "softplus(z) - a",
    source="arXiv:2402.09092", section="4.21", a=Learn(0.5), at_zero=(0.19314718055994531, 0.5), limits=(-0.5, inf),
    range=(-0.5, inf), monotone="increasing",
)  # fmt: skip

declare(
    "elus_2l", "b*where(z >= 0, z, exp(z) - 1) + (1 - b)*(softplus(z) - a)",
    source="arXiv:2402.09092", section="4.26.1", a=Learn(0.5), b=Learn(0.5), at_zero=(0.09657359027997266, 0.75),
    limits=(-0.75, inf), range=(-0.75, inf), monotone="increasing",
)  # fmt: skip

declare(
    "adaptive_hard_swish", "2*z*max(0, min(1, 0.2*b*z + 0.5))",
    source="arXiv:2402.09092", section="4.32.3", b=Learn(1), far=(0, 1), at_zero=(0, 1), limits=(0, inf),
    range=(-0.625, inf), kinks=(-2.5, 2.5),
)  # fmt: skip

declare(
    "adaptive_lisa", "where(z >= 1, ar*z - ar + 1, where(z <= 0, al*z, z))",
    source="arXiv:2402.09092", section="4.33.2", aliases=("alisa", "lisa"), ar=Learn(1), al=Learn(0.1),
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip
