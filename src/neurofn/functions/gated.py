"""The input times a gate between 0 and 1."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed, Learn

declare(
    "gelu", "z*Phi(z)", source="arXiv:1606.08415", section="3.3.1",
    range=(-0.16997120747990369, inf), limits=(0, inf), at_zero=(0, 0.5),
)  # fmt: skip
declare(
    "silu", "z*sigma(z)", source="arXiv:1702.03118", section="3.3",
    range=(-0.27846454276107377, inf), limits=(0, inf), at_zero=(0, 0.5),
)  # fmt: skip
declare(
    "swish", "z*sigma(b*z)", source="arXiv:1710.05941", section="4.4.1", aliases=("acon_a",), b=Learn(1.0),
    range=(-0.27846454276107377, inf), limits=(0, inf), at_zero=(0, 0.5),
    cases={"b=1": "silu", "b=1.702": "gelu_sigmoid_approximation"},
)  # fmt: skip
declare(
    "mish", "z*tanh(softplus(z))", source="arXiv:1908.08681", section="3.3.29",
    range=(-0.30884341301725043, inf), limits=(0, inf), at_zero=(0, 0.6),
)  # fmt: skip

declare(
    "gelu_tanh_approximation", "0.5*z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z**3)))",
    source="arXiv:1606.08415", section="3.3.1", aliases=("sielu",), far=(0, 1), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.17004075057125406, inf),
)  # fmt: skip

declare(
    "gelu_sigmoid_approximation", "z*sigma(1.702*z)",
    source="arXiv:1606.08415", section="3.3.1", aliases=("quickgelu",), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.16361018963635357, inf),
)  # fmt: skip

declare(
    "gelu_with_mean_and_variance", "z*Phi((z - mu)/s)",
    source="arXiv:1606.08415", section="3.3.1", mu=Fixed(0), s=Fixed(1, low=0.001), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.16997120747990366, inf),
    cases={"mu=0, s=1": "gelu"},
)  # fmt: skip

declare(
    "symmetrical_gelu", "a*z*erf(z/sqrt(2))",
    source="arXiv:1911.03925", section="3.3.2", aliases=("sgelu",), a=Fixed(1), at_zero=(0, 0), limits=(inf, inf),
    range=(0, inf), even=True,
)  # fmt: skip

declare(
    "cauchy_linear_unit", "z*(atan(z)/pi + 0.5)",
    source="arXiv:2402.09092", section="3.3.3", aliases=("calu", "arctan_linear_unit", "atlu"), at_zero=(0, 0.5),
    stable="where(z >= -1, z*(atan(z)/pi + 0.5), z*atan(-1/z)/pi)",  # the sum has no digits far below 0
    limits=(-0.3183098861837907, inf), range=(-0.3183098861837907, inf), monotone="increasing",
)  # fmt: skip

declare(
    "laplace_linear_unit", "z*where(z >= 0, 1 - 0.5*exp(-z), 0.5*exp(z))",
    source="arXiv:2402.09092", section="3.3.4", aliases=("lalu",), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.18393972058572117, inf),
)  # fmt: skip

declare(
    "exponential_swish", "exp(-z)*sigma(z)",
    source="arXiv:2402.09092", section="3.3.8", at_zero=(0.5, -0.25), limits=(1, 0), range=(0, 1),
    monotone="decreasing",
)  # fmt: skip

declare(
    "derivative_of_sigmoid", "exp(-z)*sigma(z)**2",
    source="arXiv:2402.09092", section="3.3.9", at_zero=(0.25, 0), limits=(0, 0), range=(0, 0.25), even=True,
)  # fmt: skip

declare(
    "gish", "z*ln(2 - exp(-exp(z)))",
    source="doi:10.1007/s00521-023-09035-5", section="3.3.10", at_zero=(0, 0.48988012564475), limits=(0, inf),
    range=(-0.27815946089638693, inf),
)  # fmt: skip

declare(
    "logish", "z*ln(1 + sigma(z))",
    source="doi:10.1016/j.neucom.2021.06.067", section="3.3.11", at_zero=(0, 0.4054651081081644), limits=(0, inf),
    range=(-0.25276881678944035, inf),
)  # fmt: skip

declare(
    "expexpish", "z*exp(-exp(-z))",
    source="arXiv:2402.09092", section="3.3.13", aliases=("golu",), at_zero=(0, 0.36787944117144233),
    limits=(0, inf), range=(-0.09726013122763941, inf),
)  # fmt: skip

declare(
    "self_arctan", "z*atan(z)",
    source="doi:10.19072/ijet.1394093", section="3.3.14", at_zero=(0, 0), limits=(inf, inf), range=(0, inf), even=True,
)  # fmt: skip

declare(
    "parametric_logish", "a*z*ln(1 + sigma(b*z))",
    source="doi:10.1016/j.neucom.2021.06.067", section="3.3.15", aliases=("plogish",), a=Fixed(1), b=Fixed(10),
    at_zero=(0, 0.4054651081081644), limits=(0, inf), range=(-0.025276881678944034, inf),
    cases={"a=1, b=1": "logish"},
)  # fmt: skip

declare(
    "phish", "z*tanh(z*Phi(z))",
    source="arXiv:2402.09092", section="3.3.16", far=(0, 1), at_zero=(0, 0), limits=(0, inf), range=(0, inf),
)  # fmt: skip

declare(
    "tangent_sigmoid_relu", "z*tanh(sigma(z))",
    source="arXiv:2402.09092", section="3.3.18", aliases=("tsrelu",), at_zero=(0, 0.46211715726000974),
    limits=(0, inf), range=(-0.27424287816686216, inf),
)  # fmt: skip

declare(
    "tangent_bipolar_sigmoid_relu", "z*tanh((1 - exp(-z))/(1 + exp(-z)))",
    source="arXiv:2402.09092", section="3.3.19", aliases=("tbsrelu",), at_zero=(0, 0), limits=(inf, inf),
    range=(0, inf), even=True,
)  # fmt: skip

declare(
    "log_sigmoid", "-softplus(-z)",
    source="arXiv:2402.09092", section="3.3.20", at_zero=(-0.6931471805599453, 0.5), limits=(-inf, 0),
    range=(-inf, 0), monotone="increasing",
)  # fmt: skip

declare(
    "dsilu", "sigma(z)*(1 + z*(1 - sigma(z)))",
    source="arXiv:1702.03118", section="3.3.21", at_zero=(0.5, 0.5), limits=(0, 1),
    range=(-0.09983932012886691, 1.099839320128867),
)  # fmt: skip

declare(
    "double_silu", "z*sigma(z*sigma(z))",
    source="arXiv:2402.09092", section="3.3.22", far=(1, 1), at_zero=(0, 0.5), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing",
)  # fmt: skip

declare(
    "modified_silu", "z*sigma(z) + exp(-z**2 - 1)/4",
    source="arXiv:2402.09092", section="3.3.23", aliases=("msilu",), at_zero=(0.09196986029286058, 0.5),
    limits=(0, inf), range=(-0.2642687762880736, inf),
    errata="One package takes the divisor 4 into the exponent, exp((-z**2 - 1)/4); here it is a factor, exp(-z**2 - 1)/4.",
)  # fmt: skip

declare(
    "hyperbolic_tangent_silu", "tanh(z*sigma(z))",
    source="arXiv:2402.09092", section="3.3.24", aliases=("tsilu",), at_zero=(0, 0.5), limits=(0, 1),
    range=(-0.27148338523245374, 1),
    errata="The authors of the survey corrected the print of the source to this hyperbolic tangent.",
)  # fmt: skip

declare(
    "arctan_silu", "atan(z*sigma(z))",
    source="arXiv:2402.09092", section="3.3.25", aliases=("atsilu",), at_zero=(0, 0.5),
    limits=(0, 1.5707963267948966), range=(-0.27158430714064885, 1.5707963267948966),
)  # fmt: skip

declare(
    "swat", "z*sigma(atan(z))",
    source="arXiv:2402.09092", section="3.3.26", at_zero=(0, 0.5), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing",
)  # fmt: skip

declare(
    "rectified_hyperbolic_secant", "z*sech(z)",
    source="arXiv:2402.09092", section="3.3.27", far=(0, 0), at_zero=(0, 1), limits=(0, 0),
    range=(-0.6627434193491816, 0.6627434193491816), odd=True,
)  # fmt: skip

declare(
    "lisht", "z*tanh(z)",
    source="arXiv:1901.05894", section="3.3.28", at_zero=(0, 0), limits=(inf, inf), range=(0, inf), even=True,
)  # fmt: skip

declare(
    "smish", "a*z*tanh(ln(1 + sigma(b*z)))",
    source="doi:10.3390/electronics11040540", section="3.3.30", a=Fixed(1), b=Fixed(1), at_zero=(0, 0.38461538461538464),
    limits=(0, inf), range=(-0.24999366366012948, inf),
)  # fmt: skip

declare(
    "tanhexp", "z*tanh(exp(z))",
    source="arXiv:2003.09855", section="3.3.31", aliases=("telu",), at_zero=(0, 0.7615941559557649),
    limits=(0, inf), range=(-0.35328577784821125, inf),
)  # fmt: skip

declare(
    "serf", "z*erf(softplus(z))",
    source="arXiv:2108.09598", section="3.3.32", far=(0, 1), at_zero=(0, 0.673041289742525), limits=(0, inf),
    range=(-0.3484374587596064, inf),
)  # fmt: skip

declare(
    "eanaf", "z*tanh(softplus(z)/2)",
    # far below 0 the logistic function underflows before its product with z does
    stable="z*where(z < -40, exp(z)/2, tanh(softplus(z)/2))",
    source="doi:10.3390/sym14051027", section="3.3.33", at_zero=(0, 0.3333333333333333), limits=(0, inf),
    range=(-0.157184951483814, inf),
)  # fmt: skip

declare(
    "sinsig", "z*sin(pi/2*sigma(z))",
    source="arXiv:2402.09092", section="3.3.34", far=(0, 1), at_zero=(0, 0.7071067811865476), limits=(0, inf),
    range=(-0.4291776320505466, inf),
)  # fmt: skip

declare(
    "adaptive_hybrid_activation", "a*z*sigma(b*z)",
    source="arXiv:2402.09092", section="4.4.2", aliases=("ahaf",), a=Learn(1), b=Learn(1), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.2784645427610738, inf),
    cases={"a=1, b=1": "silu", "a=1.5, b=1": "e_swish", "a=1, b=1.702": "gelu_sigmoid_approximation"},
)  # fmt: skip

declare(
    "acon_b", "(1 - b)*z*sigma(a*(1 - b)*z) + b*z",
    source="arXiv:2009.04759", section="4.4.5", a=Learn(1, per="channel"), b=Learn(0.25, per="channel"),
    at_zero=(0, 0.625), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing",
    cases={"a=1, b=0": "silu", "b=1": "identity", "a=1, b=-1": "lisht"},
)  # fmt: skip

declare(
    "acon_c", "(c - b)*z*sigma(a*(c - b)*z) + b*z",
    source="arXiv:2009.04759", section="4.4.6", a=Learn(1, per="channel"), b=Learn(0, per="channel"),
    c=Learn(1, per="channel"), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.2784645427610738, inf),
    cases={"a=1, b=0, c=1": "silu", "a=1, b=0.25, c=1": "acon_b", "b=1, c=1": "identity", "a=1, b=-1, c=1": "lisht"},
)  # fmt: skip

declare(
    "tbsrelu_learnable", "z*tanh(a*(1 - exp(-z))/(1 + exp(-z)))",
    source="arXiv:2402.09092", section="4.4.8", aliases=("tbsrelul",), a=Learn(0.5), at_zero=(0, 0),
    limits=(inf, inf), range=(0, inf), even=True,
    cases={"a=1": "tangent_bipolar_sigmoid_relu"},
)  # fmt: skip

declare(
    "pats", "z*atan(pi*a*sigma(z))",
    source="arXiv:2402.09092", section="4.4.9", a=Fixed(0.625), far=(0, 1), at_zero=(0, 0.7761882222734748),
    limits=(0, inf), range=(-0.5187590118044674, inf),
    errata="In training the source draws a anew from U(0.5, 0.75); here a is fixed at the mean.",
)  # fmt: skip

declare(
    "sinlu", "(z + a*sin(b*z))*sigma(z)",
    source="doi:10.3390/math10030337", section="4.4.11", a=Learn(1), b=Learn(1), at_zero=(0, 1), limits=(0, inf),
    range=(-0.49737055418999104, inf),
    cases={"a=0": "silu"},
)  # fmt: skip

declare(
    "erfact", "z*erf(a*exp(b*z))",
    source="arXiv:2109.04386", section="4.4.12", a=Learn(0.75), b=Learn(0.75, low=0.001), far=(0, 1),
    at_zero=(0, 0.7111556336535151), limits=(0, inf), range=(-0.40528084517345797, inf),
)  # fmt: skip

declare(
    "swim", "z/2*(1 + a*z/sqrt(1 + z**2))",
    source="arXiv:2303.02640", section="4.4.14", a=Learn(0.5), at_zero=(0, 0.5), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing",
    cases={"a=1": "power_function_linear_unit"},
)  # fmt: skip

declare(
    "collapsing_linear_unit", "z/(1 - z*exp(-(z + exp(z))))",
    source="arXiv:2112.12078", section="3.3.5", aliases=("colu",), far=(0, 1),
    # below 0 times exp(z) above and below the line: exp(-z) overflows
    stable="where(z >= 0, z/(1 - z*exp(-(z + exp(z)))), z*exp(z)/(exp(z) - z*exp(-exp(z))))",
    at_zero=(0, 1), limits=(0, inf), range=(-0.37715856839612916, inf),
)  # fmt: skip

declare(
    "triple_state_swish", "z*sigma(z)*(sigma(z) + sigma(z - a) + sigma(z - b))",
    source="arXiv:2402.09092", section="3.3.6", aliases=("ts_swish",), a=Fixed(20), b=Fixed(40), far=(0, 1),
    stable="where(z >= 0, z - z*sigma(-z), z*sigma(z))*(sigma(z) + sigma(z - a) + sigma(z - b))",
    at_zero=(0, 0.2500000010305768), limits=(0, inf), range=(-0.07720555992317159, inf),
)  # fmt: skip

declare(
    "generalized_swish", "z*sigma(exp(-z))",
    source="arXiv:2402.09092", section="3.3.7",
    at_zero=(0, 0.7310585786300049), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
)  # fmt: skip

declare(
    "loglogish", "z*(1 - exp(-exp(z)))",
    source="arXiv:2402.09092", section="3.3.12",
    at_zero=(0, 0.6321205588285577), limits=(0, inf), range=(-0.31218251608651626, inf),
)  # fmt: skip

declare(
    "suish", "max(z, z*exp(-abs(z)))",
    source="arXiv:2402.09092", section="3.3.17", aliases=("rectified_exponential_unit", "reu"),
    stable="where(z >= 0, z, z*exp(z))",
    at_zero=(0, 1), limits=(0, inf), range=(-0.36787944117144233, inf),
)  # fmt: skip

declare(
    "ln_tanh_exp", "z*ln(1 + tanh(exp(z)))",
    source="arXiv:1908.08681", section="3.3.29", stable="z*log1p(tanh(exp(z)))",
    at_zero=(0, 0.5662191695169728), limits=(0, inf), range=(-0.3078069424298314, inf),
)  # fmt: skip

declare(
    "parametric_shifted_silu", "z*(sigma(a*z) - b)/(1 - b)",
    source="arXiv:2402.09092", section="4.4.3", aliases=("pssilu",), a=Learn(1), b=Learn(0.1, high=0.999),
    stable="where(z >= 0, z - z*sigma(-a*z)/(1 - b), z*(sigma(a*z) - b)/(1 - b))", far=(1, 1),
    at_zero=(0, 0.4444444444444444), limits=(inf, inf), range=(-0.18907865342591973, inf),
    cases={"a=1, b=0": "silu", "a=2, b=0.5": "lisht"},
)  # fmt: skip

declare(
    "e_swish", "a*z*sigma(z)",
    source="arXiv:1801.07145", section="4.4.4", a=Learn(1.5), far=(0, 1),
    at_zero=(0, 0.75), limits=(0, inf), range=(-0.4176968141416107, inf), cases={"a=1": "silu"},
)  # fmt: skip

declare(
    "psgu", "z*tanh(a*sigma(z))",
    source="arXiv:2402.09092", section="4.4.7", aliases=("tsrelul",), a=Learn(3), far=(0, 1),
    at_zero=(0, 0.9051482536448664), limits=(0, inf), range=(-0.7477446055238357, inf),
    cases={"a=1": "tangent_sigmoid_relu"},
    errata="Published under two names with two first values of a: 3 as PSGU, 0.5 as TSReLUl. Here a begins at 3.",
)  # fmt: skip

declare(
    "adaptive_quadratic_linear_unit", "z*clip(a*z + b, 0, 1)",
    source="doi:10.17559/TV-20230614000735", section="4.4.10", aliases=("aqulu",), a=Learn(0.25, low=0.001), b=Learn(0.5),
    at_zero=(0, 0.5), limits=(0, inf), range=(-0.25, inf), kinks=(-2, 2),
    cases={"a=0.16666666666666666, b=0.5": "hard_swish", "a=0.5, b=1": "square_reu"},
    errata="The survey prints the three pieces z, a*z**2 + b*z, 0 with their borders (1 - b)/a, -b/a: the same for a > 0.",
)  # fmt: skip

declare(
    "parametric_serf", "z*erf(a*softplus(b*z))",
    source="arXiv:2109.04386", section="4.4.13", aliases=("pserf",), a=Learn(1.25), b=Learn(0.85, low=0.001), far=(0, 1),
    at_zero=(0, 0.7795463333664535), limits=(0, inf), range=(-0.5060068753569109, inf), cases={"a=1, b=1": "serf"},
)  # fmt: skip
