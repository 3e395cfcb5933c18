"""Learned shapes that belong to no larger family."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed, Learn

declare(
    "adaptive_radial_basis", "exp(-(z - a)**2/(2*b**2))",
    source="arXiv:2402.09092", section="4.8", aliases=("arbf",), a=Learn(0), b=Learn(1, low=0.001), at_zero=(1, 0),
    limits=(0, 0), range=(0, 1), even=True,
)  # fmt: skip

declare(
    "parametric_gelu", "z*Phi(z/a)",
    source="arXiv:2402.09092", section="4.9", aliases=("pgelu",), a=Learn(1, low=0.001), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.16997120747990366, inf), cases={"a=1": "gelu"},
)  # fmt: skip

declare(
    "parametric_flatten_p_mish", "where(z >= 0, z*tanh(softplus(z)), 0) + p",
    source="arXiv:2402.09092", section="4.11", aliases=("pfpm",), p=Learn(-0.2), at_zero=(-0.2, None),
    limits=(-0.2, inf), range=(-0.2, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "gaussian_error_unit", "Phi(z/a)",
    source="arXiv:2402.09092", section="4.12", aliases=("geu",), a=Learn(1, low=0.001), at_zero=(0.5, 0.3989422804014327),
    limits=(0, 1), range=(0, 1), cases={"a=1": "probit"},
)  # fmt: skip

declare(
    "scaled_gamma_tanh", "where(z >= 0, a*abs(z)**b, -c*abs(z)**d)",
    source="khan2022", section="4.13", aliases=("sgt",), a=Learn(1), b=Learn(1, low=0.1), c=Learn(0.1),
    d=Learn(1, low=0.1),
    stable="where(abs(z) <= 1, where(z >= 0, a*abs(z)**b, -c*abs(z)**d), where(z >= 0, abs(z)**(b/2)*a*abs(z)**(b/2), "
    "-abs(z)**(d/2)*c*abs(z)**(d/2)))",
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"c=0.01": "leaky_relu", "c=0": "relu"},
    errata="The survey writes powers of z, which are not real for z < 0 and real exponents; powers of its size are "
    "meant.",
)  # fmt: skip

declare(
    "p_sig_ramp", "a*sigma(z) + (1 - a)*clip(b*z + 0.5, 0, 1)",
    source="arXiv:2402.09092", section="4.15", a=Learn(0.5), b=Learn(1), at_zero=(0.5, 0.625), limits=(0, 1),
    range=(0, 1), kinks=(-0.5, 0.5), cases={"a=1": "sigmoid"},
)  # fmt: skip

declare(
    "laaf_relu", "relu(n*a*z)",
    source="arXiv:1909.12228", section="4.16", n=Fixed(1, low=1), a=Learn(1), at_zero=(0, None), limits=(0, inf),
    range=(0, inf), monotone="increasing", kinks=(0,), cases={"n=2, a=0.5": "relu"},
)  # fmt: skip

declare(
    "laaf_sigmoid", "sigma(n*a*z)",
    source="arXiv:1909.12228", section="4.16", n=Fixed(1, low=1), a=Learn(1), at_zero=(0.5, 0.25), limits=(0, 1),
    range=(0, 1), cases={"n=2, a=0.5": "sigmoid"},
)  # fmt: skip

declare(
    "laaf_leaky_relu", "where(n*a*z >= 0, n*a*z, b*n*a*z)",
    source="arXiv:1909.12228", section="4.16", aliases=("laaf_lrelu",), n=Fixed(1, low=1), a=Learn(1), b=Fixed(0.01),
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"b=0": "laaf_relu", "n=2, a=0.5": "leaky_relu"},
)  # fmt: skip

declare(
    "laaf_tanh", "tanh(n*a*z)",
    source="arXiv:1909.12228", section="4.16.1", n=Fixed(1, low=1), a=Learn(1), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing", cases={"n=2, a=0.5": "tanh"},
)  # fmt: skip

declare(
    "parametric_scaled_tanh", "a*z*(1 + tanh(b*z))",
    source="arXiv:2402.09092", section="4.16.2", aliases=("pstanh",), a=Learn(0.5), b=Learn(1), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.1392322713805369, inf), cases={"b=0.5": "silu"},
)  # fmt: skip

declare(
    "scaled_sinh", "a*sinh(b*z)",
    source="arXiv:2402.09092", section="4.16.3", aliases=("ssinh",), a=Learn(1), b=Learn(1),
    stable="2*a*sinh(b*z/2)*cosh(b*z/2)", at_zero=(0, 1), range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "scaled_exponential", "a*(exp(b*z) - 1)",
    source="arXiv:2402.09092", section="4.16.4", aliases=("sexp",), a=Learn(1), b=Learn(1), at_zero=(0, 1),
    range=(-1, inf), monotone="increasing",
)  # fmt: skip

declare(
    "logmoid", "z*ln(1 + a*sigma(b*z))",
    source="arXiv:2402.09092", section="4.16.5", aliases=("lau",), a=Learn(1), b=Learn(1),
    at_zero=(0, 0.4054651081081644), limits=(0, inf), range=(-0.25276881678944035, inf), cases={"a=1, b=1": "logish"},
)  # fmt: skip

declare(
    "scaled_softsign", "a*z/(b + abs(z))",
    source="arXiv:2402.09092", section="4.20", a=Learn(1), b=Learn(1, low=0.001), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing", cases={"b=1": "softsign"},
)  # fmt: skip

declare(
    "parameterized_softplus", "softplus(z) - a",
    source="arXiv:2402.09092", section="4.21", a=Learn(0.5), at_zero=(0.19314718055994531, 0.5), limits=(-0.5, inf),
    range=(-0.5, inf), monotone="increasing", cases={"a=0": "softplus"},
)  # fmt: skip

declare(
    "universal_activation_function", "softplus(a*(z + b) + c*z**2) - softplus(d*(z - b)) + k",
    source="arXiv:2011.03842", section="4.22", aliases=("uaf",), a=Learn(1), b=Learn(0), c=Learn(0), d=Learn(-1),
    k=Learn(0),
    stable="where(abs(((a - d + c*z)*z + (a + d)*b)) <= 1, log1p(expm1(clip(((a - d + c*z)*z + (a + d)*b), -1, "
    "1))*sigma(d*(z - b))), softplus((a + c*z)*z + a*b) - softplus(d*(z - b))) + k",
    at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
    cases={"a=1, b=0, c=0, d=-1, k=0": "identity"},
)  # fmt: skip

declare(
    "leaf", "(a*z + b)*sigma(c*z) + d",
    source="arXiv:2402.09092", section="4.23", a=Learn(1), b=Learn(0), c=Learn(1), d=Learn(0), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.2784645427610738, inf),
    cases={"a=1, b=0, c=1, d=0": "silu", "a=0, b=1": "sigmoid", "a=0, b=2, c=2, d=-1": "tanh"},
)  # fmt: skip

declare(
    "generalized_relu", "softplus(b*ln(a)*z)/(b*ln(a))",
    source="arXiv:2402.09092", section="4.24", aliases=("grelu",), a=Learn(2.718281828459045, low=1.001),
    b=Learn(1, low=0.001), at_zero=(0.6931471805599454, 0.5), limits=(0, inf), range=(0, inf),
    cases={"b=1": "softplus"},
)  # fmt: skip

declare(
    "multiquadratic", "sqrt((z - a)**2 + b**2)",
    source="arXiv:2402.09092", section="4.25", aliases=("maf", "random_network_multiquadric"), a=Learn(0),
    b=Learn(1, low=0.001), at_zero=(1, 0), limits=(inf, inf), range=(1, inf), even=True,
)  # fmt: skip

declare(
    "eis_1", "z*softplus(z)/(z + d*exp(-k*z))",
    source="arXiv:2009.13501", section="4.26", d=Learn(1.16, low=1), k=Learn(1, low=1),
    stable="where(z >= 0, softplus(z)*(z/(z + d*exp(-k*z))), z*softplus(z)*exp(k*z)/(z*exp(k*z) + d))",
    at_zero=(0, 0.5975406728965046), limits=(0, inf), range=(-0.17376358557944485, inf),
    errata="Defaults from the source, whose EIS-1 is z*softplus(z)/(z + 1.16*exp(-z)).",
)  # fmt: skip

declare(
    "eis_3", "z/(1 + d*exp(-k*z))",
    source="arXiv:2009.13501", section="4.26", d=Learn(1, low=0.001), k=Learn(1), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.2784645427610738, inf), cases={"d=1, k=1": "silu"},
)  # fmt: skip

declare(
    "eis", "z*softplus(z)**a/(sqrt(b + c*z**2) + d*exp(-k*z))",
    source="arXiv:2009.13501", section="4.26", a=Learn(1, low=0), b=Learn(1, low=0.001), c=Learn(1, low=0.001),
    d=Learn(1, low=0.001), k=Learn(1, low=0),
    stable="where(z >= 0, softplus(z)**(a - 1)*(softplus(z)*(clip(z, 0, 1099511627776)/(hypot(sqrt(b), sqrt(c)*clip(z, "
    "0, 1099511627776)) + d*exp(-k*clip(z, 0, 1099511627776))))), where(z > -40, "
    "z*softplus(z)**a*exp(k*z)/(hypot(sqrt(b), sqrt(c)*z)*exp(k*z) + d), z*exp((a + k)*z)/(hypot(sqrt(b), "
    "sqrt(c)*z)*exp(k*z) + d)))",
    at_zero=(0, 0.34657359027997264), limits=(0, inf), range=(-0.08792075107003738, inf),
)  # fmt: skip

declare(
    "eis_2", "z*softplus(z)/sqrt(b + c*z**2)",
    source="arXiv:2009.13501", section="4.26", b=Learn(1, low=0.001), c=Learn(1, low=0.001), far=(0, 1),
    at_zero=(0, 0.6931471805599453), limits=(0, inf), range=(-0.23215523680945996, inf),
    errata="Defaults from the source, whose EIS-2 is z*softplus(z)/sqrt(1 + z**2).",
)  # fmt: skip

declare(
    "elus_2l", "b*where(z >= 0, z, exp(z) - 1) + (1 - b)*(softplus(z) - a)",
    source="arXiv:2402.09092", section="4.26.1", a=Learn(0.5), b=Learn(0.5), at_zero=(0.09657359027997266, 0.75),
    limits=(-0.75, inf), range=(-0.75, inf), monotone="increasing", cases={"b=1": "elu", "b=0": "parameterized_softplus"},
)  # fmt: skip

declare(
    "neuron_adaptive_activation", "a*exp(-b*z**2) + c/(1 + exp(-d*z))",
    source="arXiv:2402.09092", section="4.28", aliases=("naf",), a=Learn(1), b=Learn(1, low=0), c=Learn(1),
    d=Learn(1), at_zero=(1.5, 0.25), limits=(0, 1), range=(0, 1.515708000644165),
    cases={"a=0": "sigmoid", "c=0": "gaussian"},
)  # fmt: skip

declare(
    "modified_mexican_relu", "a*relu(b - abs(z - c)) + (1 - a)*relu(z)",
    source="arXiv:2402.09092", section="4.32.1", aliases=("mmelu",), a=Learn(0.5), b=Learn(1, low=0), c=Learn(0),
    at_zero=(0.5, None), limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(-1, 0, 1),
    cases={"a=0": "relu", "a=1": "tent"},
)  # fmt: skip

declare(
    "adaptive_hard_swish", "2*z*max(0, min(1, 0.2*b*z + 0.5))",
    source="arXiv:2402.09092", section="4.32.3", b=Learn(1), far=(0, 1), at_zero=(0, 1), limits=(0, inf),
    range=(-0.625, inf), kinks=(-2.5, 2.5),
)  # fmt: skip

# The source starts with ar = 1, where tr has no effect and gets no gradient.
declare(
    "s_shaped_relu", "where(z >= tr, tr + ar*(z - tr), where(z <= tl, tl + al*(z - tl), z))",
    source="arXiv:1512.07030", section="4.33", aliases=("srelu",), tr=Learn(1, per="channel"),
    ar=Learn(0.9, per="channel"), tl=Learn(0, per="channel"), al=Learn(0.1, per="channel"), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0, 1),
    cases={"al=0, ar=1": "relu", "al=1, ar=1": "identity"},
)  # fmt: skip

declare(
    "n_activation", "where(z < min(a, b), z - 2*min(a, b), where(z > max(a, b), z - 2*max(a, b), -z))",
    source="arXiv:2311.06103", section="4.33.1", a=Learn(-0.5), b=Learn(0.5), at_zero=(0, -1), limits=(-inf, inf),
    range=(-inf, inf), odd=True, kinks=(-0.5, 0.5), cases={"a=0, b=0": "identity"},
)  # fmt: skip

declare(
    "adaptive_lisa", "where(z >= 1, ar*z - ar + 1, where(z <= 0, al*z, z))",
    source="arXiv:2402.09092", section="4.33.2", aliases=("alisa", "lisa"), ar=Learn(1), al=Learn(0.1),
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"al=0": "relu", "al=0, ar=0": "bounded_relu"},
)  # fmt: skip

declare(
    "plu", "max(a*(z + b) - b, min(a*(z - b) + b, z))",
    source="arXiv:1809.09534", section="4.35", a=Fixed(0.1, low=0, high=1), b=Fixed(1, low=0), at_zero=(0, 1),
    limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing", kinks=(-1, 1),
    cases={"a=1": "identity", "a=0": "hardtanh"},
)  # fmt: skip

declare(
    "adaptive_linear_unit", "b + max(k, where(z > a, c*(z - a), d*(z - a)))",
    source="arXiv:2402.09092", section="4.36", aliases=("adalu",), a=Learn(0), b=Learn(0), c=Learn(1), d=Learn(0.1),
    k=Learn(-0.1), at_zero=(0, None), limits=(-0.1, inf), range=(-0.1, inf), monotone="increasing", kinks=(-1, 0),
    cases={"k=0": "relu"},
)  # fmt: skip

declare(
    "trapezoid_shaped", "(relu(z - a + c) - relu(z - a) - relu(z - b) + relu(z - b - c))/c",
    source="arXiv:2402.09092", section="4.37", aliases=("tsaf",), a=Learn(-1, high=0), b=Learn(1, low=0),
    c=Learn(1, low=0.001), stable="max(0, min(1, min((z - a + c)/c, (b + c - z)/c)))", at_zero=(1, 0), limits=(0, 0),
    range=(0, 1), even=True, kinks=(-2, -1, 1, 2),
    errata="The signs that the survey prints do not give a trapezoid; these do: 0 outside [a - c, b + c], 1 on [a, "
    "b].",
)  # fmt: skip

declare(
    "aria", "z*(A + (K - A)/(C + Q*exp(-B*z))**(1/v))",
    source="arXiv:1805.08878", section="4.38", A=Learn(0), K=Learn(1), C=Learn(1, low=0.001), Q=Learn(1, low=0.001),
    B=Learn(1), v=Learn(1, low=0.001), stable="z*(A + (K - A)*C**(-1/v)*exp(-softplus(ln(Q) - ln(C) - B*z)/v))",
    at_zero=(0, 0.5), limits=(0, inf), range=(-0.2784645427610738, inf), cases={"v=1": "silu"},
)  # fmt: skip

declare(
    "aria2", "z*(1 + exp(-b*z))**(-a)",
    source="arXiv:1805.08878", section="4.38", a=Learn(1.5, low=0), b=Learn(2), far=(0, 1),
    at_zero=(0, 0.3535533905932738), limits=(0, inf), range=(-0.06997764131970143, inf),
    cases={"a=1, b=1": "silu", "a=0": "identity"},
)  # fmt: skip

declare(
    "random_network_exponential_distance", "exp(-a*abs(z - b))",
    source="arXiv:2402.09092", section="4.56.4", a=Learn(1, low=0), b=Learn(0),
    stable="where(z >= b, exp(-a*(z - b)), exp(a*(z - b)))", at_zero=(1, None), limits=(0, 0), range=(0, 1),
    even=True, kinks=(0,),
)  # fmt: skip

declare(
    "random_network_sigmoid", "sigma(a*z + b)",
    source="arXiv:2402.09092", section="4.56.4", a=Learn(1), b=Learn(0), at_zero=(0.5, 0.25), limits=(0, 1),
    range=(0, 1), cases={"a=1": "sigmoid"},
)  # fmt: skip
