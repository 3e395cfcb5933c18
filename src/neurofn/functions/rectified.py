"""Rectifiers: one half of the line passes, the other is cut, bent or scaled."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed

declare(
    "shifted_relu", "max(z, -1)",
    source="arXiv:1511.07289", section="3.6.1", at_zero=(0, 1), limits=(-1, inf), range=(-1, inf),
    monotone="increasing", kinks=(-1,),
)  # fmt: skip

declare(
    "very_leaky_relu", "where(z >= 0, z, z/3)",
    source="arXiv:1409.6070", section="3.6.2", aliases=("vlrelu",), at_zero=(0, None), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "optimized_leaky_relu", "where(z >= 0, z, z*exp(-(u + l)/(u - l)))",
    source="arXiv:2402.09092", section="3.6.2", aliases=("olrelu",), l=Fixed(3), u=Fixed(8), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "sloped_relu", "where(z >= 0, a*z, 0)",
    source="arXiv:2402.09092", section="3.6.5", aliases=("slrelu", "positive_prelu"), a=Fixed(1), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,), cases={"a=1": "relu"},
)  # fmt: skip

declare(
    "sinerelu", "where(z >= 0, z, a*(sin(z) - cos(z)))",
    source="arXiv:2402.09092", section="3.6.7", a=Fixed(0.0025), at_zero=(0, None), limits=(None, inf),
    range=(-0.0035355339059327377, inf), kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "minsin", "min(z, sin(z))",
    source="arXiv:2402.09092", section="3.6.8", at_zero=(0, 1), limits=(-inf, None), range=(-inf, 1),
)  # fmt: skip

declare(
    "variational_linear_unit", "relu(z) + a*sin(b*z)",
    source="arXiv:2110.12246", section="3.6.9", aliases=("vlu", "parametric_vlu", "pvlu"), a=Fixed(1), b=Fixed(1),
    at_zero=(0, None), limits=(None, inf), range=(-1, inf), kinks=(0,), cases={"a=0, b=1": "relu"},
)  # fmt: skip

declare(
    "natural_logarithm_relu", "ln(a*relu(z) + 1)",
    source="arXiv:1908.03682", section="3.6.12", aliases=("nlrelu",), a=Fixed(1, low=0), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "rectified_softplus", "where(z >= 0, a*z + ln(2), softplus(z))",
    source="arXiv:2402.09092", section="3.6.14", aliases=("resp",), a=Fixed(1.7),
    at_zero=(0.6931471805599453, None), limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "parametric_rectified_non_linear_unit", "where(z >= 0, z - a*ln(1 + abs(z)), 0)",
    source="arXiv:2402.09092", section="3.6.15", aliases=("prenu",), a=Fixed(0.25), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "bounded_relu", "min(max(z, 0), a)",
    source="arXiv:2402.09092", section="3.6.16", aliases=("brelu", "relun"), a=Fixed(1, low=0), at_zero=(0, None),
    limits=(0, 1), range=(0, 1), monotone="increasing", kinks=(0, 1),
)  # fmt: skip

declare(
    "hard_sigmoid", "max(0, min((z + 1)/2, 1))",
    source="arXiv:1602.02830", section="3.6.17", aliases=("sparse_sigmoid",), at_zero=(0.5, 0.5), limits=(0, 1),
    range=(0, 1), monotone="increasing", kinks=(-1, 1),
)  # fmt: skip

declare(
    "hard_sigmoid_keras", "max(0, min(0.2*z + 0.5, 1))",
    source="arXiv:2402.09092", section="3.6.17", at_zero=(0.5, 0.2), limits=(0, 1), range=(0, 1),
    monotone="increasing", kinks=(-2.5, 2.5),
)  # fmt: skip

declare(
    "hardtanh", "clip(z, a, b)",
    source="arXiv:2402.09092", section="3.6.18", a=Fixed(-1), b=Fixed(1), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing", kinks=(-1, 1),
)  # fmt: skip

declare(
    "svhardtanh", "clip(z, -1, 1) + a",
    source="arXiv:2402.09092", section="3.6.19", a=Fixed(0), at_zero=(0, 1), limits=(-1, 1), range=(-1, 1),
    odd=True, monotone="increasing", kinks=(-1, 1), cases={"a=0": "hardtanh"},
)  # fmt: skip

declare(
    "shhardtanh", "clip(z + a, -1, 1)",
    source="arXiv:2402.09092", section="3.6.19", a=Fixed(0), at_zero=(0, 1), limits=(-1, 1), range=(-1, 1),
    odd=True, monotone="increasing", kinks=(-1, 1), cases={"a=0": "hardtanh"},
)  # fmt: skip

declare(
    "hard_swish", "z*clip(z + 3, 0, 6)/6",
    source="arXiv:1905.02244", section="3.6.20", far=(0, 1), at_zero=(0, 0.5), limits=(0, inf), range=(-0.375, inf),
    kinks=(-3, 3),
)  # fmt: skip

declare(
    "truncated_rectified", "where(z > a, z, 0)",
    source="arXiv:1402.3337", section="3.6.21", aliases=("trec",), a=Fixed(1), at_zero=(0, 0), limits=(0, inf),
    range=(0, inf), monotone="increasing", kinks=(1,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "hardshrink", "where(abs(z) > a, z, 0)",
    source="arXiv:2402.09092", section="3.6.22", a=Fixed(0.5, low=0), at_zero=(0, 0), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing", kinks=(-0.5, 0.5), cases={"a=0": "identity"},
)  # fmt: skip

declare(
    "softshrink", "sign(z)*relu(abs(z) - a)",
    source="arXiv:2402.09092", section="3.6.23", a=Fixed(0.5, low=0), at_zero=(0, 0), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing", kinks=(-0.5, 0.5), cases={"a=0": "identity"},
)  # fmt: skip

declare(
    "bounded_leaky_relu", "where(z <= 0, a*z, where(z < b, z, a*z + (1 - a)*b))",
    source="arXiv:2402.09092", section="3.6.24", aliases=("blrelu",), a=Fixed(0.01), b=Fixed(1, low=0), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0, 1),
    cases={"a=0, b=1": "bounded_relu", "a=1, b=1": "identity"},
)  # fmt: skip

declare(
    "pan", "relu(abs(z) - a)",
    source="arXiv:2402.09092", section="3.6.26", a=Fixed(1, low=0), at_zero=(0, 0), limits=(inf, inf), range=(0, inf),
    even=True, kinks=(-1, 1), cases={"a=0": "abs"},
)  # fmt: skip

declare(
    "absolute_linear_unit", "where(z >= 0, z, a*abs(z))",
    source="arXiv:2402.09092", section="3.6.27", aliases=("abslu",), a=Fixed(0.5, low=0, high=1), at_zero=(0, None),
    limits=(inf, inf), range=(0, inf), kinks=(0,), cases={"a=0": "relu", "a=1": "abs"},
)  # fmt: skip

declare(
    "mirrored_relu", "relu(1 - abs(z))",
    source="arXiv:2402.09092", section="3.6.28", aliases=("mrelu",), at_zero=(1, None), limits=(0, 0), range=(0, 1),
    even=True, kinks=(-1, 0, 1),
)  # fmt: skip

declare(
    "lsptlu", "where(z < 0, 0.2*z, where(z <= a, z, where(z <= 2*a, 2*a - z, 0)))",
    source="arXiv:2402.09092", section="3.6.29", aliases=("lrtlu",), a=Fixed(1, low=0), at_zero=(0, None),
    limits=(-inf, 0), range=(-inf, 1), kinks=(0, 1, 2),
)  # fmt: skip

declare(
    "softmodulusq", "where(abs(z) <= 1, z**2*(2 - abs(z)), abs(z))",
    source="arXiv:2301.05993", section="3.6.30", at_zero=(0, 0), limits=(inf, inf), range=(0, inf), even=True,
    errata="The inequality before the first piece is misprinted in the survey; the pieces meet, with their "
    "slopes, at abs(z) = 1.",
)  # fmt: skip

declare(
    "softmodulust", "z*tanh(z/a)",
    source="arXiv:2301.05993", section="3.6.31", a=Fixed(0.01, low=0.0001),
    at_zero=(0, 0), limits=(inf, inf), range=(0, inf), even=True, cases={"a=1": "lisht"},
)  # fmt: skip

declare(
    "signrelu", "where(z >= 0, z, a*z/(1 + abs(z)))",
    source="arXiv:2210.10264", section="3.6.32", aliases=("dlu",), a=Fixed(1), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing", cases={"a=0": "relu", "a=1": "polynomial_linear_unit"},
)  # fmt: skip

declare(
    "li_relu", "a*z + relu(z)",
    source="arXiv:2402.09092", section="3.6.33", a=Fixed(0.1), at_zero=(0, None), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "rectified_power_unit", "relu(z)**a",
    source="arXiv:2402.09092", section="3.6.39", aliases=("repu",), a=Fixed(2, low=0.001), at_zero=(0, 0),
    limits=(0, inf), range=(0, inf), monotone="increasing",
    cases={"a=1": "relu", "a=2": "squared_relu", "a=3": "cubic_relu"},
)  # fmt: skip

declare(
    "squared_relu", "relu(z)**2",
    source="arXiv:2109.08668", section="3.6.39", aliases=("requ",), at_zero=(0, 0), limits=(0, inf), range=(0, inf),
    monotone="increasing",
)  # fmt: skip

declare(
    "cubic_relu", "relu(z)**3",
    source="arXiv:2402.09092", section="3.6.39", aliases=("recu",), at_zero=(0, 0), limits=(0, inf), range=(0, inf),
    monotone="increasing",
)  # fmt: skip

declare(
    "approximate_relu", "a*relu(z)**b",
    source="arXiv:1906.01975", section="3.6.40", aliases=("apprelu", "save_relu_power"), a=Fixed(0.54),
    b=Fixed(1.3, low=1), stable="where(z <= 1, a*relu(z)**b, a*max(z, 1)**(b - 1)*z)", at_zero=(0, 0),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
    cases={"a=1, b=1": "relu", "a=1, b=2": "squared_relu", "a=1, b=3": "cubic_relu"},
    errata="The survey gives no values of a and b.",
)  # fmt: skip

declare(
    "even_power_linear", "where(abs(z) <= 1, abs(z)**d/d, abs(z) - (1 - 1/d))",
    source="arXiv:2108.09256", section="3.6.41", aliases=("eplaf",), d=Fixed(2, low=0.001), at_zero=(0, 0),
    limits=(inf, inf), range=(0, inf), even=True, cases={"d=1": "abs"},
)  # fmt: skip

declare(
    "odd_power_linear", "sign(z)*where(abs(z) <= 1, abs(z)**d/d, abs(z) - (1 - 1/d))",
    source="arXiv:2108.09256", section="3.6.41", aliases=("oplaf",), d=Fixed(2, low=0.001), at_zero=(0, 0),
    limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing", cases={"d=1": "identity"},
    errata="The left piece, -abs(z) + (1 - 1/d), follows from the function being odd; the sign of one of its "
    "terms differs between transcriptions.",
)  # fmt: skip

declare(
    "delay_relu", "relu(z - a)",
    source="arXiv:2402.09092", section="3.6.43", aliases=("drlu", "save_asymmetric"), a=Fixed(0.08), at_zero=(0, 0),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0.08,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "displaced_relu", "max(z, -a)",
    source="doi:10.1016/j.eswa.2019.01.066", section="3.6.44", aliases=("disrelu",), a=Fixed(1), at_zero=(0, 1),
    limits=(-1, inf), range=(-1, inf), monotone="increasing", kinks=(-1,),
    cases={"a=0": "relu", "a=1": "shifted_relu"},
)  # fmt: skip

declare(
    "modified_leaky_relu", "where(z + a > 0, z, -a*z)",
    source="arXiv:2402.09092", section="3.6.45", aliases=("mlrelu",), a=Fixed(0.1), at_zero=(0, 1),
    limits=(inf, inf), range=(-0.1, inf), kinks=(-0.1,), cases={"a=0": "relu"},
    errata="As printed, by two transcriptions, the function jumps at -a and rises to the left of it; the "
    "original could not be read.",
)  # fmt: skip

declare(
    "flatted_t_swish", "relu(z)*sigma(z) + t",
    source="arXiv:1812.06247", section="3.6.46", aliases=("fts", "parametric_flatted_t_swish", "pfts"),
    t=Fixed(-0.2), at_zero=(-0.2, None), limits=(-0.2, inf), range=(-0.2, inf), monotone="increasing", kinks=(0,),
    cases={"t=0": "relu_swish"},
)  # fmt: skip

declare(
    "relu_swish", "relu(z)*sigma(z)",
    source="arXiv:2402.09092", section="3.6.46", aliases=("soft_clipping_swish", "sc_swish"), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "optimal_activation_function", "relu(z) + z*sigma(z)",
    source="arXiv:2402.09092", section="3.6.47", aliases=("oaf",), at_zero=(0, None), limits=(0, inf),
    range=(-0.2784645427610738, inf), kinks=(0,),
    errata="The survey names the two parts; that they are added is the reading of three transcriptions.",
)  # fmt: skip
