"""Rectifiers whose pieces are learned."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed, Learn

declare(
    "margin_relu", "max(z, a)",
    source="arXiv:1904.01866", section="4.2.3", aliases=("marrelu",), a=Learn(-0.1, high=0, per="channel"), at_zero=(0, 1),
    limits=(-0.1, inf), range=(-0.1, inf), monotone="increasing", kinks=(-0.1,),
    cases={"a=0": "relu", "a=-1": "shifted_relu"},
    errata="In the source a is the mean negative response of each channel; it is a learned number here.",
)  # fmt: skip

declare(
    "react_prelu", "where(z >= a, z - a + b, c*(z - a) + b)",
    source="arXiv:2003.03488", section="4.2.5", aliases=("rprelu",), a=Learn(0, per="channel"),
    b=Learn(0, per="channel"), c=Learn(0.25, per="channel"), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing", kinks=(0,),
    cases={"a=0, b=0": "prelu", "a=0, b=0, c=0": "relu"},
)  # fmt: skip

declare(
    "smooth_maximum_unit", "((1 + a)*z + (1 - a)*z*erf(b*(1 - a)*z))/2",
    source="arXiv:2111.04682", section="4.2.7", aliases=("smu",), a=Learn(0.25), b=Learn(25), far=(1, 1),
    at_zero=(0, 0.625), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", cases={"a=1": "identity"},
)  # fmt: skip

declare(
    "leaky_learnable_relu", "where(z >= 0, a*z, 0.01*a*z)",
    source="maniatopoulos2021", section="4.2.8", aliases=("lelelu",), a=Learn(1, per="channel"),
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"a=1": "leaky_relu"},
)  # fmt: skip

declare(
    "flexible_relu", "relu(z) + b",
    source="arXiv:1706.08098", section="4.2.15", aliases=("frelu",), b=Learn(0), at_zero=(0, None), limits=(0, inf),
    range=(0, inf), monotone="increasing", kinks=(0,), cases={"b=0": "relu"},
)  # fmt: skip

declare(
    "flexible_relu_full_form", "relu(z + a) + b",
    source="arXiv:1706.08098", section="4.2.15", a=Learn(0), b=Learn(0), at_zero=(0, None), limits=(0, inf),
    range=(0, inf), monotone="increasing", kinks=(0,), cases={"a=0, b=0": "relu"},
)  # fmt: skip

declare(
    "adaptive_shifted_relu", "a*relu(z) + b",
    source="doi:10.20944/preprints202301.0463.v1", section="4.2.16", aliases=("shilu",), a=Learn(1), b=Learn(1),
    at_zero=(1, None), limits=(1, inf), range=(1, inf), monotone="increasing", kinks=(0,), cases={"a=1, b=0": "relu"},
    errata="The survey gives no starting values; in the authors' code both start at 1.",
)  # fmt: skip

declare(
    "starrelu", "a*relu(z)**2 + b",
    source="arXiv:2210.13452", section="4.2.17", aliases=("star_relu",), a=Learn(0.8944), b=Learn(-0.4472),
    stable="a*relu(z)*relu(z) + b", at_zero=(-0.4472, 0), limits=(-0.4472, inf), range=(-0.4472, inf),
    monotone="increasing", cases={"a=1, b=0": "squared_relu"},
)  # fmt: skip

declare(
    "adaptive_hardtanh", "clip(a*(z - b), -1, 1)",
    source="arXiv:2402.09092", section="4.2.18", a=Fixed(1, low=0.001), b=Learn(0), at_zero=(0, 1),
    limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing", kinks=(-1, 1),
    cases={"a=1, b=0": "hardtanh"},
    errata="a grows from epoch to epoch by a schedule, so that the function nears the sign; it is set by hand "
    "here, not learned.",
)  # fmt: skip

declare(
    "attention_based_relu", "where(z >= 0, (1 + sigma(b))*z, clip(a, 0.01, 0.99)*z)",
    source="arXiv:2006.13858", section="4.2.19", aliases=("arelu",), a=Learn(0.9), b=Learn(2), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "dual_parametric_relu", "where(z >= 0, a*z, b*z)",
    source="arXiv:2402.09092", section="4.2.20", aliases=("dprelu",), a=Learn(1, per="channel"),
    b=Learn(0.01, per="channel"), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
    kinks=(0,),
    cases={"a=1, b=0.01": "leaky_relu", "a=1, b=0": "relu"},
)  # fmt: skip

declare(
    "dual_line", "where(z >= 0, a*z, b*z) + m",
    source="arXiv:2402.09092", section="4.2.21", a=Learn(1, per="channel"), b=Learn(0.01, per="channel"),
    m=Learn(-0.22, per="channel"), at_zero=(-0.22, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
    kinks=(0,), cases={"a=1, b=0.01, m=0": "leaky_relu", "a=1, b=0, m=0": "relu"},
)  # fmt: skip

declare(
    "pilu", "where(z >= c, a*z + c*(1 - a), b*z + c*(1 - b))",
    source="arXiv:2108.00700", section="4.2.22", a=Learn(1, per="channel"), b=Learn(0.01, per="channel"),
    c=Learn(0, per="channel"), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"a=1, b=0.01, c=0": "leaky_relu", "a=1, b=0, c=0": "relu"},
)  # fmt: skip

declare(
    "tent", "relu(a - abs(z))",
    source="arXiv:1908.02435", section="4.2.27", a=Learn(1), at_zero=(1, None), limits=(0, 0), range=(0, 1),
    even=True, kinks=(-1, 0, 1), cases={"a=1": "mirrored_relu"},
)  # fmt: skip

declare(
    "hat", "where(z < 0, 0, where(z <= a/2, z, relu(a - z)))",
    source="arXiv:2208.04924", section="4.2.28", a=Learn(2, low=0.001), at_zero=(0, None), limits=(0, 0),
    range=(0, 1), kinks=(0, 1, 2),
    errata="The survey prints z on both middle branches, which jumps at a; the second is a - z, the hat of the "
    "source.",
)  # fmt: skip

declare(
    "bendable_linear_unit", "a*(sqrt(z**2 + 1) - 1) + z",
    source="godfrey2019", section="4.2.37", aliases=("blu",), a=Learn(0.5, low=-1, high=1), at_zero=(0, 1),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", cases={"a=0": "identity", "a=0.5": "bent_identity"},
)  # fmt: skip

declare(
    "rectified_blu", "where(z > 0, a*(sqrt(z**2 + 1) - 1) + z, 0)",
    source="arXiv:2402.09092", section="4.2.38", aliases=("reblu",), a=Learn(0.5), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "parametric_swish", "where(z <= c, a*z*sigma(b*z), z)",
    source="arXiv:2402.09092", section="4.2.42", aliases=("p_swish", "tunable_swish", "t_swish"), a=Learn(1),
    b=Learn(1), c=Fixed(0), at_zero=(0, None), limits=(0, inf), range=(-0.2784645427610738, inf), kinks=(0,),
    cases={"a=2, b=0": "identity"},
    errata="The survey calls c trainable; it is where one piece ends, and no gradient comes to it.",
)  # fmt: skip

declare(
    "erf_based_relu", "where(z >= 0, z, a*erf(z))",
    source="arXiv:2306.01822", section="4.2.52", aliases=("erfrelu",), a=Learn(1), at_zero=(0, None),
    limits=(-1, inf), range=(-1, inf), monotone="increasing", kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "repsu", "where(z >= b, 2*(1 - a)*z + (2*a - 1)*(z - b)*sigma(sign(z - c)*(abs(z - c)/d)**e1), 0)",
    source="arXiv:2402.09092", section="4.2.58", a=Learn(0.8), b=Learn(0), c=Learn(0), d=Learn(1, low=0.001),
    e1=Learn(1, low=0.001), at_zero=(0, None), limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
    cases={"a=0.5": "relu"},
)  # fmt: skip

declare(
    "pdelu", "where(z >= 0, z, a*(relu(1 + (1 - b)*z)**(1/(1 - b)) - 1))",
    source="cheng2020", section="4.2.59", a=Learn(1, per="channel"),
    b=Fixed(0.9, low=0, high=0.999),
    stable="where(z >= 0, z, where(z > -0.5/(1 - b), a*expm1(log1p((1 - b)*z)/(1 - b)), "
    "a*(relu(1 + (1 - b)*z)**(1/(1 - b)) - 1)))",
    at_zero=(0, 1), limits=(-1, inf), range=(-1, inf), monotone="increasing",
    cases={"a=1, b=0": "shifted_relu"},
    errata="As printed the base 1 + (1 - b)*z turns negative far to the left, where the power is not real; it is "
    "cut at 0.",
)  # fmt: skip

declare(
    "pfplus", "where(z >= 0, a*z, a*z/(1 - b*z))",
    source="arXiv:2111.14349", section="4.2.61", a=Learn(1, low=0, per="channel"), b=Learn(1, low=0, per="channel"),
    at_zero=(0, 1), limits=(-1, inf), range=(-1, inf), monotone="increasing",
    cases={"a=1, b=1": "polynomial_linear_unit", "a=1, b=0": "identity"},
)  # fmt: skip
