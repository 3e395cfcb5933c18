"""Linear on one side, exponential on the other."""

from __future__ import annotations

from math import inf, log

from ._declare import declare
from ._facts import Fixed, Learn

declare(
    "elu", "where(z >= 0, z, a*(exp(z) - 1))", source="arXiv:1511.07289", aliases=("felu", "fast_elu"), a=Fixed(1.0, low=0),
    section="3.6.48", monotone="increasing", range=(-1, inf), limits=(-1, inf), at_zero=(0, 1), cases={"a=0": "relu"},
    errata="The survey divides by a; the source multiplies, and a = 1 is the same.",
)  # fmt: skip
declare(
    "celu", "where(z >= 0, z, a*(exp(z/a) - 1))", source="arXiv:1704.07483", a=Fixed(1.0, low=1e-3),
    monotone="increasing", range=(-1, inf), limits=(-1, inf), at_zero=(0, 1), cases={"a=1": "elu"},
    section="4.2.51",
)  # fmt: skip
# The two constants make mean 0 and variance 1 a fixed point of the map of moments; printed digits as in the paper's code.
declare(
    "selu",
    "1.0507009873554804934193349852946*where(z >= 0, z, 1.6732632423543772848170429916717*(exp(z) - 1))",
    source="arXiv:1706.02515",
    monotone="increasing", range=(-1.7580993408473766, inf), limits=(-1.7580993408473766, inf), kinks=(0,),
    section="3.7.11",
)  # fmt: skip
declare(
    "softplus", "softplus(z)", source="dugas2001",
    monotone="increasing", range=(0, inf), limits=(0, inf), at_zero=(log(2), 0.5),
)  # fmt: skip

declare(
    "softplus_linear_unit", "where(z >= 0, z, 2*ln((exp(z) + 1)/2))",
    source="arXiv:2402.09092", section="3.6.13", aliases=("slu",), stable="where(z >= 0, z, 2*log1p(expm1(z)/2))",
    at_zero=(0, 1), limits=(-1.3862943611198906, inf), range=(-1.3862943611198906, inf), monotone="increasing",
)  # fmt: skip

declare(
    "apical_dendrite_activation", "relu(z)*exp(-a*z + b)",
    source="arXiv:2003.03229", section="3.6.50", aliases=("ada",), a=Fixed(1, low=0.001), b=Fixed(0),
    stable="where(z >= 0, z*exp(-a*z + b), 0)", at_zero=(0, None), limits=(0, 0), range=(0, 0.36787944117144233),
    kinks=(0,),
    errata="The survey prints exp(-a*z + b) without the factor z; the authors' code has it, and with it the "
    "function starts from 0.",
)  # fmt: skip

declare(
    "leaky_ada", "c*min(z, 0) + relu(z)*exp(-a*z + b)",
    source="arXiv:2003.03229", section="3.6.51", aliases=("lada",), a=Fixed(1, low=0.001), b=Fixed(0), c=Fixed(0.01),
    stable="where(z >= 0, z*exp(-a*z + b), c*z)", at_zero=(0, None), limits=(-inf, 0),
    range=(-inf, 0.36787944117144233), kinks=(0,), cases={"a=1, b=0, c=0": "apical_dendrite_activation"},
    errata="The survey prints exp(-a*z + b) without the factor z; the authors' code has it.",
)  # fmt: skip

declare(
    "sigmoid_linear_unit", "where(z >= 0, z, (1 - exp(-2*z))/(1 + exp(-2*z)))",
    source="arXiv:2402.09092", section="3.6.52", aliases=("siglu", "maxtanh"), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing",
)  # fmt: skip

declare(
    "swish_and_relu", "where(z >= 0, z, z/(1 + a*exp(-b*z)))",
    source="arXiv:2402.09092", section="3.6.53", aliases=("sara",), a=Fixed(0.5, low=0.001), b=Fixed(0.7, low=0.001),
    at_zero=(0, None), limits=(0, inf), range=(-0.6615078762364984, inf), kinks=(0,),
    errata="The formula of the original is malformed; this is the reading of the survey's authors.",
)  # fmt: skip

declare(
    "maxsig", "max(z, sigma(z))",
    source="arXiv:2402.09092", section="3.7", at_zero=(0.5, 0.25), limits=(0, inf), range=(0, inf),
    kinks=(0.6590460684074069,),
)  # fmt: skip

declare(
    "tanh_linear_unit", "where(z >= 0, z, tanh(z/2))",
    source="arXiv:2402.09092", section="3.7.1", aliases=("thlu",), at_zero=(0, None), limits=(-1, inf),
    range=(-1, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "difference_elu", "where(z >= 0, z, a*(z*exp(z) - b*exp(b*z)))",
    source="arXiv:2402.09092", section="3.7.3", aliases=("diffelu",), a=Fixed(0.3), b=Fixed(0.1), at_zero=(0, None),
    limits=(0, inf), range=(-0.13754188375505447, inf), kinks=(0,), cases={"a=0": "relu"},
    errata="As printed, by four transcriptions, the function jumps by a*b at 0.",
)  # fmt: skip

declare(
    "polynomial_linear_unit", "where(z >= 0, z, 1/(1 - z) - 1)",
    source="arXiv:2111.14349", section="3.7.4", aliases=("polylu", "fplus"), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing",
)  # fmt: skip

declare(
    "inverse_polynomial_linear_unit", "where(z >= 0, z, z/(1 + abs(z)**a))",
    source="arXiv:2402.09092", section="3.7.5", aliases=("iplu",), a=Fixed(1.4, low=0.001),
    stable="where(z >= 0, z, where(z > -1, z/(1 + abs(z)**a), "
    "-abs(min(z, -1))**(1 - a)/(1 + abs(min(z, -1))**(-a))))",
    at_zero=(0, 1), limits=(0, inf), range=(-0.5497621281476435, inf),
    cases={"a=1": "polynomial_linear_unit", "a=2": "faster_pflu"},
    errata="The survey prints 1 above the line, which jumps by 1 at 0, with the same exponent; an independent "
    "implementation has z above the line, continuous with slope 1, and a = 1.4.",
)  # fmt: skip

declare(
    "power_linear_unit", "where(z >= 0, z, (1 - z)**(-a) - 1)",
    source="arXiv:1802.00212", section="3.7.6", aliases=("polu",), a=Fixed(1, low=0), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing", cases={"a=0": "relu", "a=1": "polynomial_linear_unit"},
)  # fmt: skip

declare(
    "power_function_linear_unit", "z/2*(1 + z/sqrt(1 + z**2))",
    source="doi:10.1016/j.neucom.2020.11.068", section="3.7.7", aliases=("pflu",),
    stable="where(z >= 0, z/2*(1 + z/hypot(1, z)), z/(2*hypot(1, z))/(hypot(1, z) - z))", at_zero=(0, 0.5),
    limits=(0, inf), range=(-0.1501415530003888, inf),
)  # fmt: skip

declare(
    "faster_pflu", "where(z >= 0, z, z/(1 + z**2))",
    source="doi:10.1016/j.neucom.2020.11.068", section="3.7.8", aliases=("fpflu",),
    stable="where(z >= 0, z, z/hypot(1, z)/hypot(1, z))", at_zero=(0, 1), limits=(0, inf), range=(-0.5, inf),
    errata="The survey prints z + z**2/sqrt(1 + z**2) on the left; the authors' code has z/(1 + z**2).",
)  # fmt: skip

declare(
    "leaky_selu", "a*where(z >= 0, z, b*(exp(z) - 1) + c*z)",
    source="arXiv:2402.09092", section="3.7.12", aliases=("lselu",), a=Fixed(1.0507009873554805),
    b=Fixed(1.6732632423543772), c=Fixed(0.01), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing", kinks=(0,),
    cases={"a=1, b=1, c=0": "elu", "a=1.0507009873554805, b=1.6732632423543772, c=0": "selu"},
)  # fmt: skip

declare(
    "serlu", "a*where(z >= 0, z, b*z*exp(z))",
    source="arXiv:1807.10117", section="3.7.13", a=Fixed(1.07862), b=Fixed(2.90427), far=(0, 1), at_zero=(0, None),
    limits=(0, inf), range=(-1.1524205012899003, inf), kinks=(0,),
    cases={"a=1, b=0": "relu", "a=1, b=1": "rectified_exponential_unit"},
)  # fmt: skip

declare(
    "scaled_selu", "a*where(z >= 0, z, b*(exp(c*z) - 1))",
    source="arXiv:2402.09092", section="3.7.14", aliases=("sselu",), a=Fixed(1.0507009873554805),
    b=Fixed(1.6732632423543772), c=Fixed(1), at_zero=(0, None), limits=(-1.7580993408473766, inf),
    range=(-1.7580993408473766, inf), monotone="increasing", kinks=(0,), cases={"a=1, b=1, c=1": "elu", "c=1": "selu"},
)  # fmt: skip

declare(
    "rsigelu", "where(z > 1, z + a*z*sigma(z), where(z >= 0, z, a*(exp(z) - 1)))",
    source="doi:10.1016/j.eswa.2021.114805", section="3.7.15", a=Fixed(0.5), at_zero=(0, None), limits=(-0.5, inf),
    range=(-0.5, inf), monotone="increasing", kinks=(0, 1), cases={"a=0": "relu"},
    errata="The survey makes a a power of the sigmoid, in one reading; the authors' code multiplies by a, so "
    "that a = 0 is ReLU.",
)  # fmt: skip

declare(
    "hardsrelue", "where(z >= 0, a*z*max(0, min(1, (z + 1)/2)) + z, a*(exp(z) - 1))",
    source="arXiv:2402.09092", section="3.7.16", a=Fixed(0.5), at_zero=(0, None), limits=(-0.5, inf),
    range=(-0.5, inf), monotone="increasing", kinks=(0, 1), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "elish", "where(z >= 0, z, exp(z) - 1)*sigma(z)",
    source="arXiv:1808.00783", section="3.7.17", at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.1715728752538099, inf),
)  # fmt: skip

declare(
    "hardelish", "where(z >= 0, z, exp(z) - 1)*max(0, min(1, (z + 1)/2))",
    source="arXiv:1808.00783", section="3.7.18", at_zero=(0, 0.5), limits=(0, inf),
    range=(-0.09967315152874262, inf), kinks=(-1, 1),
    errata="The survey prints 1 + exp(-z) on the left, which jumps at 0; the source has exp(z) - 1.",
)  # fmt: skip

declare(
    "rsigelud", "where(z > 1, z + a*z*sigma(z), where(z >= 0, z, b*(exp(z) - 1)))",
    source="doi:10.1016/j.eswa.2021.114805", section="3.7.19", a=Fixed(0.5), b=Fixed(0.5), at_zero=(0, None),
    limits=(-0.5, inf), range=(-0.5, inf), monotone="increasing", kinks=(0, 1),
    cases={"a=0, b=0": "relu", "a=0, b=1": "elu", "a=0.5, b=0.5": "rsigelu"},
    errata="The survey makes a a power of the sigmoid, in one reading; the authors' code multiplies by a.",
)  # fmt: skip

declare(
    "ls_relu", "where(z <= 0, z/(1 + abs(z)), where(z <= b, z, ln(1 + a*z) + abs(ln(1 + a*b) - b)))",
    source="arXiv:2402.09092", section="3.7.20", a=Fixed(1, low=0), b=Fixed(1, low=0), at_zero=(0, 1),
    limits=(-1, inf), range=(-1, inf), monotone="increasing", kinks=(1,),
    errata="The survey writes max(z, b) inside the logarithm, which is z where that piece holds; it gives no "
    "values of a and b.",
)  # fmt: skip

declare(
    "smooth_activation_unit", "(1 - 1/a)*exp(-b**2*z**2/2)/(b*sqrt(2*pi)) + (1 + 1/a)/2*z + (1 - 1/a)/2*z*erf(b*z/sqrt(2))",
    source="arXiv:2109.13210", section="4.2.6", aliases=("sau",), a=Learn(100, low=0.001), b=Learn(1, low=0.001),
    far=(1, 1), stable="z/a + (1 - 1/a)*(phi(b*z)/b + z*Phi(b*z))", at_zero=(0.3949528575974183, 0.505),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
    cases={"a=1": "identity"},
    errata="The survey prints 1/(2*b)*sqrt(2/pi) as the factor of the first term; the convolution of the leaky "
    "rectifier with the normal density has (1 - 1/a) times that, without which the limit b -> inf is "
    "right but a = 1 is not the identity.",
)  # fmt: skip

declare(
    "parametric_rectified_exponential_unit", "where(z >= 0, a*z, a*z*exp(b*z))",
    source="arXiv:2402.09092", section="4.2.9", aliases=("preu",), a=Learn(1), b=Learn(1), at_zero=(0, 1),
    limits=(0, inf), range=(-0.36787944117144233, inf),
    cases={"a=1, b=1": "rectified_exponential_unit", "a=1, b=0": "identity"},
)  # fmt: skip

declare(
    "rmaf", "a*z*b/(0.25*(1 + exp(-z)) + 0.75)**c",
    source="doi:10.1109/ACCESS.2020.2987829", section="4.2.29", a=Learn(1), b=Fixed(1), c=Fixed(1, low=0.001),
    stable="a*z*b*exp(-c*softplus(-z - ln(4)))", at_zero=(0, 0.8), limits=(0, inf),
    range=(-0.7178245124945949, inf),
    errata="The survey can be read with b inside the power; b stands outside it, as a factor.",
)  # fmt: skip

declare(
    "parametric_tanh_linear_unit", "where(z >= 0, z, a*tanh(b*z))",
    source="arXiv:2402.09092", section="4.2.30", aliases=("ptelu",), a=Learn(1, low=0), b=Learn(1, low=0), at_zero=(0, 1),
    limits=(-1, inf), range=(-1, inf), monotone="increasing",
    cases={"a=1, b=1": "sigmoid_linear_unit", "a=1, b=0.5": "tanh_linear_unit", "a=0": "relu"},
)  # fmt: skip

declare(
    "tangent_linear_unit", "where(z >= 0, z, where(z > a, tanh(z), tanh(a)))",
    source="arXiv:2402.09092", section="4.2.31", aliases=("talu",), a=Learn(-0.75, high=0), at_zero=(0, 1),
    limits=(-0.6351489523872873, inf), range=(-0.6351489523872873, inf), monotone="increasing", kinks=(-0.75,),
    cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "ptalu", "where(z >= b, z, where(z > a, tanh(z), tanh(a)))",
    source="arXiv:2402.09092", section="4.2.32", a=Learn(-0.75), b=Fixed(1), at_zero=(0, 1),
    limits=(-0.6351489523872873, inf), range=(-0.6351489523872873, inf), monotone="increasing", kinks=(-0.75, 1),
    cases={"a=-0.75, b=0": "tangent_linear_unit"},
    errata="The survey calls b trainable; it is where one piece ends, and no gradient comes to it.",
)  # fmt: skip

declare(
    "tanhlu", "a*tanh(b*z) + c*z",
    source="arXiv:2402.09092", section="4.2.33", a=Learn(1), b=Learn(1), c=Learn(0.1), at_zero=(0, 1.1),
    limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
    cases={"a=1, b=1, c=0": "tanh", "a=0, c=1": "identity"},
)  # fmt: skip

declare(
    "mercioni_telu", "z*tanh(where(a*z >= 0, a*z, exp(a*z) - 1))",
    source="arXiv:2402.09092", section="4.2.34", aliases=("parametric_telu",), a=Learn(1),
    stable="z*tanh(relu(a*z) + expm1(min(a*z, 0)))", at_zero=(0, 0), limits=(inf, inf), range=(0, inf),
)  # fmt: skip

declare(
    "tanh_based_relu", "where(z >= 0, z, tanh(b*z))",
    source="arXiv:2402.09092", section="4.2.35", aliases=("trelu",), b=Learn(1), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing",
    cases={"b=1": "sigmoid_linear_unit", "b=0.5": "tanh_linear_unit", "b=0": "relu"},
)  # fmt: skip

declare(
    "trelu_variant_2", "where(z >= 0, z, a*tanh(z))",
    source="arXiv:2402.09092", section="4.2.35", a=Fixed(1), at_zero=(0, 1), limits=(-1, inf), range=(-1, inf),
    monotone="increasing", cases={"a=1": "sigmoid_linear_unit", "a=0": "relu"},
)  # fmt: skip

declare(
    "rectified_linear_tanh",
    "where(z <= a, (1 - tanh(a)**2)*(z - a) + tanh(a), where(z >= b, (1 - tanh(b)**2)*(z - b) + tanh(b), tanh(z)))",
    source="wang2019", section="4.2.36", aliases=("reltanh",), a=Learn(-1.5, high=-1.5),
    b=Learn(0.25, low=0, high=0.5), at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
    errata="The authors start b at 0 and move it by the curvature of tanh at the inputs; the gradient of the "
    "formula is 0 there for every input, so that b starts in the middle of its interval here.",
)  # fmt: skip

declare(
    "delu", "where(z >= 0, (a + 0.5)*z + abs(exp(-z) - 1), z*sigma(z))",
    source="doi:10.20944/preprints202301.0463.v1", section="4.2.39", a=Learn(0),
    stable="where(z >= 0, (a + 0.5)*z - expm1(-z), z*sigma(z))", at_zero=(0, None), limits=(0, inf),
    range=(-0.2784645427610738, inf), kinks=(0,),
)  # fmt: skip

declare(
    "soft_clipping_mish", "max(0, z*tanh(softplus(a*z)))",
    source="arXiv:2402.09092", section="4.2.40", aliases=("sc_mish", "scl_mish"), a=Learn(1), at_zero=(0, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "pelu_unconstrained", "where(z >= 0, c*z, a*(exp(z/b) - 1))",
    source="arXiv:1605.09332", section="4.2.43", a=Learn(1), b=Learn(1, low=0.1), c=Learn(1), at_zero=(0, 1),
    limits=(-1, inf), range=(-1, inf), monotone="increasing", cases={"a=1, b=1, c=1": "elu"},
)  # fmt: skip

declare(
    "pelu", "where(z >= 0, a/b*z, a*(exp(z/b) - 1))",
    source="arXiv:1605.09332", section="4.2.43", a=Learn(1, low=0.1), b=Learn(1, low=0.1),
    at_zero=(0, 1), limits=(-1, inf), range=(-1, inf), monotone="increasing", cases={"a=1, b=1": "elu"},
)  # fmt: skip

declare(
    "extended_elu", "where(z >= c, z, (exp(a*z) - 1)/b)",
    source="arXiv:2402.09092", section="4.2.44", aliases=("edelu",), a=Learn(1), b=Learn(1, low=0.001),
    c=Fixed(0, low=0), at_zero=(0, 1), limits=(-1, inf), range=(-1, inf), monotone="increasing",
    cases={"a=1, b=1, c=0": "elu"},
    errata="The survey calls c trainable, bound to the others by b*c = exp(a*c) - 1; it is where one piece ends, and "
    "no gradient comes to it.",
)  # fmt: skip

declare(
    "mixed_lrelu_and_elu", "a*where(z >= 0, z, 0.01*z) + (1 - a)*where(z >= 0, z, exp(z) - 1)",
    source="qian2018", section="4.2.45", a=Learn(0.5, low=0, high=1), at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,), cases={"a=1": "leaky_relu", "a=0": "elu"},
)  # fmt: skip

declare(
    "p_felu", "where(z >= 0, z, a*(2**(z/ln(2)) - 1)) + b",
    source="arXiv:2402.09092", section="4.2.47", aliases=("svelu",), a=Learn(1), b=Learn(0), at_zero=(0, 1),
    limits=(-1, inf), range=(-1, inf), monotone="increasing", cases={"a=1, b=0": "elu"},
)  # fmt: skip

declare(
    "mpelu", "where(z >= 0, z, a*(exp(b*z) - 1))",
    source="arXiv:1606.00305", section="4.2.48", a=Learn(1, per="channel"), b=Learn(1, low=0, per="channel"),
    at_zero=(0, 1), limits=(-1, inf), range=(-1, inf), monotone="increasing", cases={"a=1, b=1": "elu", "a=0": "relu"},
)  # fmt: skip

declare(
    "p_e2_relu", "a*relu(z) + b*where(z >= 0, z, exp(z) - 1) - (1 - a - b)*where(z <= 0, -z, exp(-z) - 1)",
    source="jie2020", section="4.2.49", a=Learn(0.4), b=Learn(0.3),
    stable="where(z >= 0, (a + b)*z - (1 - a - b)*expm1(-z), b*expm1(z) + (1 - a - b)*z)", at_zero=(0, None),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"a=1, b=0": "relu", "a=0, b=1": "elu"},
)  # fmt: skip

declare(
    "p_e2_id", "a*z + (1 - a)*(where(z >= 0, z, exp(z) - 1) - where(z <= 0, -z, exp(-z) - 1))",
    source="jie2020", section="4.2.49", a=Learn(0.5),
    stable="where(z >= 0, z - (1 - a)*expm1(-z), z + (1 - a)*expm1(z))", at_zero=(0, 1.5), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing", cases={"a=1": "identity"},
)  # fmt: skip

declare(
    "p_e2_relu_1", "a*relu(z) + (1 - a)*(where(z >= 0, z, exp(z) - 1) - where(z <= 0, -z, exp(-z) - 1))",
    source="jie2020", section="4.2.49", a=Learn(0.5),
    stable="where(z >= 0, z - (1 - a)*expm1(-z), (1 - a)*(z + expm1(z)))", at_zero=(0, None), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(0,), cases={"a=1": "relu"},
)  # fmt: skip

declare(
    "parametric_selu", "where(z >= 0, a*z, a*b*(exp(z) - 1))",
    source="arXiv:2402.09092", section="4.2.53", aliases=("pselu",), a=Learn(1.0507), b=Learn(1.67326),
    at_zero=(0, None), limits=(-1.7580942819999998, inf), range=(-1.7580942819999998, inf), monotone="increasing",
    kinks=(0,), cases={"a=1, b=1": "elu"},
)  # fmt: skip

declare(
    "leaky_pselu", "where(z >= 0, a*z, a*b*(exp(z) - 1) + c*z)",
    source="arXiv:2402.09092", section="4.2.54", aliases=("lpselu",), a=Learn(1.0507), b=Learn(1.67326),
    c=Learn(0.01), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"a=1, b=1, c=0": "elu", "c=0": "parametric_selu"},
)  # fmt: skip

declare(
    "lpselu_with_reposition", "where(z >= 0, a*z, a*b*(exp(z) - 1) + c*z) + m",
    source="arXiv:2402.09092", section="4.2.55", aliases=("lpselu_rp",), a=Learn(1.0507), b=Learn(1.67326),
    c=Learn(0.01), m=Learn(0), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
    kinks=(0,), cases={"a=1, b=1, c=0": "elu"},
)  # fmt: skip

declare(
    "shelu", "where(z + b >= 0, z + b, a*(exp(z + b) - 1))",
    source="arXiv:2402.09092", section="4.2.56", a=Fixed(1), b=Fixed(0), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing", cases={"a=1, b=0": "elu"},
)  # fmt: skip

declare(
    "pshelu", "where(z + c >= 0, a/b*(z + c), a*(exp((z + c)/b) - 1))",
    source="arXiv:2402.09092", section="4.2.56", a=Learn(1), b=Learn(1, low=0.001), c=Learn(0), at_zero=(0, 1),
    limits=(-1, inf), range=(-1, inf), monotone="increasing", cases={"c=0": "pelu"},
)  # fmt: skip

declare(
    "psvelu", "where(z >= 0, a/b*z, a*(exp(z/b) - 1)) + c",
    source="arXiv:2402.09092", section="4.2.56", a=Learn(1, low=0.1), b=Learn(1, low=0.1), c=Learn(0),
    at_zero=(0, 1), limits=(-1, inf), range=(-1, inf), monotone="increasing", cases={"a=1, b=1": "elu"},
)  # fmt: skip
