"""Functions that the survey does not list: newer ones, and those of frameworks and single models."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed, Learn

# ---- what frameworks and models ship -----------------------------------------------------------------------------------

declare(
    "relu6", "min(max(z, 0), 6)",
    source="krizhevsky2010", at_zero=(0, None), limits=(0, 6), range=(0, 6), monotone="increasing", kinks=(0, 6),
)  # fmt: skip

declare(
    "hard_sigmoid_relu6", "min(max(z + 3, 0), 6)/6",
    source="arXiv:1905.02244", aliases=("hardsigmoid",), at_zero=(0.5, 0.16666666666666666), limits=(0, 1),
    range=(0, 1), monotone="increasing", kinks=(-3, 3),
)  # fmt: skip

declare(
    "tanhshrink", "z - tanh(z)",
    source="arXiv:1912.01703", aliases=("tanh_shrink",),
    stable="where(abs(z) <= 1, z*z*z/(z*z + (3 + z*z/(5 + z*z/(7 + z*z/(9 + z*z/(11 + z*z/(13 + z*z/(15 + "
    "z*z/17)))))))), z - tanh(z))",
    at_zero=(0, 0), limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "sparse_plus", "where(z <= -1, 0, where(z >= 1, z, (z + 1)**2/4))",
    source="arXiv:1602.02068", at_zero=(0.25, 0.5), limits=(0, inf), range=(0, inf), monotone="increasing",
)  # fmt: skip

declare(
    "smelu", "where(z <= -b, 0, where(z >= b, z, (z + b)**2/(4*b)))",
    source="arXiv:2202.06499", aliases=("smooth_relu_unit",), b=Fixed(2, low=0.001), at_zero=(0.5, 0.5),
    limits=(0, inf), range=(0, inf), monotone="increasing", cases={"b=1": "sparse_plus"},
)  # fmt: skip

declare(
    "exponential", "exp(z)",
    source="chollet2015", at_zero=(1, 1), range=(0, inf), monotone="increasing",
)  # fmt: skip

# ln(cosh(z)), in a form that does not overflow
declare(
    "log_cosh", "abs(z) + softplus(-2*abs(z)) - ln(2)",
    source="innes2018", aliases=("logcosh",),
    stable="where(abs(z) <= 1, log1p(2*sinh(z/2)**2), abs(z) + softplus(-2*abs(z)) - ln(2))", at_zero=(0, 0),
    limits=(inf, inf), range=(0, inf), even=True,
)  # fmt: skip

declare(
    "shifted_softplus", "softplus(z) - ln(2)",
    source="arXiv:1706.08566", aliases=("ssp",), stable="where(abs(z) <= 1, log1p(expm1(z)/2), softplus(z) - ln(2))",
    at_zero=(0, 0.5), limits=(-0.6931471805599453, inf), range=(-0.6931471805599453, inf), monotone="increasing",
)  # fmt: skip

declare(
    "clipped_gelu", "clip(z*Phi(z), -10, 10)",
    source="arXiv:2004.09602", aliases=("gelu_10",), at_zero=(0, 0.5), limits=(0, 10),
    range=(-0.16997120747990366, 10), kinks=(10,),
)  # fmt: skip

declare(
    "laplace_attention", "Phi((z - m)/s)",
    source="arXiv:2209.10655", m=Fixed(0.707107), s=Fixed(0.282095, low=0.001),
    at_zero=(0.0060944596179356, 0.06111382879472585), limits=(0, 1), range=(0, 1),
)  # fmt: skip

# The source starts well above its inputs; this default lies where a gradient reaches it.
declare(
    "pact", "min(max(z, 0), a)",
    source="arXiv:1805.06085", aliases=("parameterized_clipping",), a=Learn(2, low=0), at_zero=(0, None),
    limits=(0, 2), range=(0, 2), monotone="increasing", kinks=(0, 2), cases={"a=1": "bounded_relu"},
)  # fmt: skip

# The activation of two bits: clip(z, 0, 1) rounded to thirds.
declare(
    "two_bit_relu", "where(z < 1/6, 0, where(z < 1/2, 1/3, where(z < 5/6, 2/3, 1)))",
    source="arXiv:1606.06160", aliases=("dorefa_two_bit",), at_zero=(0, 0), limits=(0, 1), range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "ternary_step", "where(z > a, 1, where(z < -a, -1, 0))",
    source="arXiv:1609.00222", a=Fixed(0.5, low=0), at_zero=(0, 0), limits=(-1, 1), range=(-1, 1), odd=True,
    monotone="increasing",
)  # fmt: skip

# ---- found by search ---------------------------------------------------------------------------------------------------

declare(
    "sinc_plus_identity", "sinc(z) + z",
    source="arXiv:1710.05941", at_zero=(1, 1), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
)  # fmt: skip

# ---- gates and rectifiers ----------------------------------------------------------------------------------------------

declare(
    "xielu", "where(z > 0, a*z**2 + b*z, c*(exp(z) - 1 - z) + b*z)",
    source="arXiv:2411.13010", a=Learn(0.8, low=0), b=Fixed(0.5), c=Learn(0.8, low=0.5),
    stable="where(z > 0, z*(a*z + b), c*(expm1(z) - z) + b*z)", at_zero=(0, 0.5), limits=(inf, inf),
    range=(-0.2057512240964821, inf), cases={"b=1, a=0, c=1": "elu"},
)  # fmt: skip

declare(
    "swish_t", "z*sigma(b*z) + a*tanh(z)",
    source="arXiv:2407.01012", a=Fixed(0.1), b=Learn(1), at_zero=(0, 0.6), limits=(-0.1, inf),
    range=(-0.36549441963340257, inf), cases={"a=0, b=1": "silu"},
)  # fmt: skip

declare(
    "swish_t_a", "(z + 2*a)*sigma(z) - a",
    source="arXiv:2407.01012", a=Fixed(0.1), stable="z*sigma(z) + a*tanh(z/2)", at_zero=(0, 0.55), limits=(-0.1, inf),
    range=(-0.337516823255616, inf), cases={"a=0": "silu", "a=0.835": "bounded_silu"},
)  # fmt: skip

declare(
    "swish_t_b", "(z + 2*a)*sigma(b*z) - a",
    source="arXiv:2407.01012", a=Fixed(0.1), b=Learn(1), stable="z*sigma(b*z) + a*tanh(b*z/2)", at_zero=(0, 0.55),
    limits=(-0.1, inf), range=(-0.337516823255616, inf), cases={"b=1": "swish_t_a"},
)  # fmt: skip

declare(
    "swish_t_c", "(z + 2*a/b)*sigma(b*z) - a/b",
    source="arXiv:2407.01012", a=Fixed(0.1), b=Learn(1, low=0.001), stable="z*sigma(b*z) + a/b*tanh(b*z/2)",
    at_zero=(0, 0.55), limits=(-0.1, inf), range=(-0.337516823255616, inf), cases={"b=1": "swish_t_a"},
)  # fmt: skip

declare(
    "bounded_silu", "(z + a)*sigma(z) - a/2",
    source="arXiv:2505.22074", aliases=("b_silu",), a=Fixed(1.67), stable="z*sigma(z) + a/2*tanh(z/2)",
    at_zero=(0, 0.9175), limits=(-0.835, inf), range=(-0.8999004665497565, inf), cases={"a=0": "silu"},
)  # fmt: skip

declare(
    "aptx", "(a + tanh(b*z))*c*z",
    source="arXiv:2209.06119", a=Fixed(1), b=Fixed(1), c=Fixed(0.5), stable="c*z*((a - 1) + 2*sigma(2*b*z))",
    at_zero=(0, 0.5), limits=(0, inf), range=(-0.1392322713805369, inf), cases={"b=0.5": "silu"},
)  # fmt: skip

declare(
    "sqish", "a*z + (1 - a)*z/sqrt(1 + b*exp(-2*g*(1 - a)*z))",
    source="arXiv:2310.10126", a=Learn(0.1, high=1), b=Learn(1, low=0.001), g=Learn(1, low=0),
    stable="a*z + (1 - a)*z*exp(-softplus(ln(b) - 2*g*(1 - a)*z)/2)", at_zero=(0, 0.7363961030678928),
    limits=(-inf, inf), range=(-inf, inf),
)  # fmt: skip

# The slopes are stated here: the source leaves them to the user.
declare(
    "ulu", "where(z < 0, z/2*(1 + tanh(a*z)), z/2*(1 + tanh(b*z)))",
    source="arXiv:2508.05073", aliases=("unified_linear_unit",), a=Fixed(1), b=Fixed(1),
    stable="where(z < 0, z*sigma(2*a*z), z*sigma(2*b*z))", at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.1392322713805369, inf), cases={"a=0.5, b=0.5": "silu"},
)  # fmt: skip

declare(
    "adaptive_ulu", "where(z < 0, z/2*(1 + tanh(a**2*z)), z/2*(1 + tanh(b**2*z)))",
    source="arXiv:2508.05073", aliases=("aulu",), a=Learn(1), b=Learn(1),
    stable="where(z < 0, z*sigma(2*a*a*z), z*sigma(2*b*b*z))", at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.1392322713805369, inf), cases={"a=1, b=1": "ulu"},
)  # fmt: skip

declare(
    "expanded_arctan_linear_unit", "z*((1 + 2*a)*(atan(z) + pi/2)/pi - a)",
    source="arXiv:2405.20768", aliases=("xatlu",), a=Learn(0),
    # the sum has no digits far below 0, and 1/z has few at the end of the format
    stable="(1 + 2*a)*where(z < -1e9, -1/pi, where(z < -1, -z*atan(1/z)/pi, z*(atan(z)/pi + 0.5))) - a*z",
    at_zero=(0, 0.5),
    limits=(-0.3183098861837907, inf), range=(-0.3183098861837907, inf), monotone="increasing",
    cases={"a=0": "cauchy_linear_unit"},
)  # fmt: skip

declare(
    "expanded_gelu", "z*((1 + 2*a)*Phi(z) - a)",
    source="arXiv:2405.20768", aliases=("xgelu",), a=Learn(0), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.16997120747990366, inf), cases={"a=0": "gelu"},
)  # fmt: skip

declare(
    "expanded_silu", "z*((1 + 2*a)*sigma(z) - a)",
    source="arXiv:2405.20768", aliases=("xsilu",), a=Learn(0), at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.2784645427610738, inf), cases={"a=0": "silu"},
)  # fmt: skip

declare(
    "adaptive_parametric_activation", "(l*exp(-k*z) + 1)**(-1/l)",
    source="arXiv:2407.08567", aliases=("apa",), l=Learn(1, low=0.0001), k=Learn(1), at_zero=(0.5, 0.25),
    limits=(0, 1), range=(0, 1), cases={"l=1": "sigmoid"},
)  # fmt: skip

declare(
    "adaptive_generalized_linear_unit", "z*(l*exp(-k*z) + 1)**(-1/l)",
    source="arXiv:2407.08567", aliases=("aglu",), l=Learn(1, low=0.0001), k=Learn(1), at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.2784645427610738, inf), cases={"l=1": "silu"},
)  # fmt: skip

declare(
    "crrelu", "relu(z) + a*z*exp(-z**2/2)",
    source="arXiv:2405.12954", aliases=("correction_regularized_relu",), a=Learn(0.01), at_zero=(0, None),
    limits=(0, inf), range=(-0.006065306597126334, inf), kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "loglu", "where(z > 0, z, -ln(1 - z))",
    source="poorni2024", aliases=("logarithmic_linear_unit",), at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing",
)  # fmt: skip

declare(
    "qrelu", "where(z > 0, z, 0.01*z - 2*z)",
    source="arXiv:2010.08031", aliases=("quantum_relu",), stable="where(z > 0, z, -1.99*z)", at_zero=(0, None),
    limits=(inf, inf), range=(0, inf), kinks=(0,),
)  # fmt: skip

declare(
    "m_qrelu", "where(z > 0, z, 0.01*z - z)",
    source="arXiv:2010.08031", aliases=("modified_quantum_relu",), stable="where(z > 0, z, -0.99*z)",
    at_zero=(0, None), limits=(inf, inf), range=(0, inf), kinks=(0,),
)  # fmt: skip

declare(
    "cone", "1 - abs(z - 1)",
    source="arXiv:2405.04459", stable="where(z <= 1, z, 2 - z)", at_zero=(0, 1), limits=(-inf, -inf), range=(-inf, 1),
    kinks=(1,),
)  # fmt: skip

declare(
    "parameterized_cone", "b - abs(z - c)**a",
    source="arXiv:2405.04459", a=Learn(1.5, low=1), b=Learn(1), c=Learn(1), at_zero=(0, 1.5), limits=(-inf, -inf),
    range=(-inf, 1), kinks=(1,), cases={"a=1": "cone"},
)  # fmt: skip

# ---- bounded ones, and those in place of a normalisation ---------------------------------------------------------------

declare(
    "tempered_sigmoid", "s*sigma(t*z) - o",
    source="arXiv:2007.14191", s=Fixed(2), t=Fixed(2), o=Fixed(1),
    stable="where(abs(t*z) <= 1, s/2*tanh(t*z/2) + (s/2 - o), s*sigma(t*z) - o)", at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing", cases={"s=2, t=2, o=1": "tanh", "s=1, t=1, o=0": "sigmoid"},
)  # fmt: skip

declare(
    "dynamic_tanh", "g*tanh(a*z) + b",
    source="arXiv:2503.10622", aliases=("dyt",), g=Learn(1, per="channel"), a=Learn(0.5), b=Learn(0, per="channel"),
    at_zero=(0, 0.5), limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing", cases={"a=1": "tanh"},
)  # fmt: skip

declare(
    "dynamic_erf", "g*erf(a*z + s) + b",
    source="arXiv:2512.10938", aliases=("derf",), g=Learn(1, per="channel"), a=Learn(0.5), s=Learn(0),
    b=Learn(0, per="channel"), at_zero=(0, 0.5641895835477563), limits=(-1, 1), range=(-1, 1), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "gompertz", "exp(-b*exp(-c*z))",
    source="gompertz1825", b=Learn(1, low=0), c=Learn(1), at_zero=(0.36787944117144233, 0.36787944117144233),
    limits=(0, 1), range=(0, 1), cases={"b=1, c=1": "loglog"},
)  # fmt: skip

declare(
    "naka_rushton", "relu(z)**n/(relu(z)**n + c**n)",
    source="naka1966", n=Fixed(2, low=1), c=Fixed(1, low=0.001),
    stable="where(z <= 0, 0, where(z <= c, (z/c)**n/(1 + (z/c)**n), 1/(1 + (c/z)**n)))", at_zero=(0, 0),
    limits=(0, 1), range=(0, 1), monotone="increasing",
)  # fmt: skip

# The defaults are stated here: public versions differ in them.
declare(
    "elephant", "h/(1 + abs(z/a)**d)",
    source="arXiv:2310.01365", h=Fixed(1), a=Fixed(1, low=0.001), d=Fixed(4, low=1),
    stable="where(abs(z) <= a, h/(1 + (abs(z)/a)**d), h*(a/abs(z))**d/(1 + (a/abs(z))**d))", at_zero=(1, 0),
    limits=(0, 0), range=(0, 1), even=True, cases={"d=2": "inverse_quadratic"},
)  # fmt: skip

declare(
    "cauchy_activation", "(a*z + b)/(z**2 + d**2)",
    source="arXiv:2409.19221", aliases=("xnet",), a=Learn(1), b=Learn(1), d=Learn(1, low=0.001),
    stable="where(abs(z) <= 1, (a*z + b)/(z*z + d*d), (a + b/z)/(z + d*(d/z)))", at_zero=(1, 1), limits=(0, 0),
    range=(-0.20710678118654752, 1.2071067811865475), cases={"a=0": "inverse_quadratic"},
)  # fmt: skip

declare(
    "seagull", "ln(1 + z**2)",
    source="arXiv:2301.06635", stable="where(abs(z) <= 1, log1p(z*z), 2*ln(hypot(1, z)))", at_zero=(0, 0),
    limits=(inf, inf), range=(0, inf), even=True,
)  # fmt: skip

# ---- for coordinates and signals ---------------------------------------------------------------------------------------

declare(
    "siren_sine", "sin(w*z)",
    source="arXiv:2006.09661", aliases=("siren",), w=Fixed(30), far=(0, 0), at_zero=(0, 30), limits=(None, None),
    range=(-1, 1), odd=True, cases={"w=1": "sine"},
)  # fmt: skip

declare(
    "wavelet_activation", "a*sin(z) + b*cos(z)",
    source="arXiv:2307.11833", a=Learn(1), b=Learn(1), at_zero=(1, 1), limits=(None, None),
    range=(-1.4142135623730951, 1.4142135623730951), cases={"b=0": "sine"},
)  # fmt: skip

declare(
    "snakebeta", "z + sin(a*z)**2/b",
    source="arXiv:2206.04658", aliases=("snake_beta",), a=Learn(1, low=0.001, per="channel"),
    b=Learn(1, low=0.001, per="channel"), far=(1, 1), at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing", cases={"a=1, b=1": "snake"},
)  # fmt: skip

declare(
    "identity_plus_sine", "z + sin(z)",
    source="arXiv:2006.08195", at_zero=(0, 2), limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "hosc", "tanh(b*sin(z))",
    source="arXiv:2401.10967", aliases=("hyperbolic_oscillation",), b=Learn(1), at_zero=(0, 1), limits=(None, None),
    range=(-0.7615941559557649, 0.7615941559557649), odd=True,
)  # fmt: skip

# The real part of the complex wavelet of the source.
declare(
    "gabor", "cos(w*z)*exp(-(s*z)**2)",
    source="arXiv:2301.05187", aliases=("real_gabor",), w=Fixed(10), s=Fixed(10), far=(0, 0), at_zero=(1, 0),
    limits=(0, 0), range=(-0.009005678148573858, 1), even=True, cases={"w=0, s=1": "gaussian"},
)  # fmt: skip

declare(
    "laplacian", "exp(-abs(z)/a)",
    source="arXiv:2111.15135", a=Fixed(1, low=0.001), stable="where(z >= 0, exp(-z/a), exp(z/a))", at_zero=(1, None),
    limits=(0, 0), range=(0, 1), even=True, kinks=(0,), cases={"a=1": "random_network_exponential_distance"},
)  # fmt: skip
