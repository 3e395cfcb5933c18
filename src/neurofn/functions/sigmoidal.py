"""Bounded, S-shaped functions."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ._declare import declare, function
from ._facts import Fixed, Learn

if TYPE_CHECKING:
    from torch import Tensor

declare(
    "sigmoid", "sigma(z)", source="arXiv:2402.09092", section="3.2", aliases=("logistic",),
    monotone="increasing", range=(0, 1), limits=(0, 1), at_zero=(0.5, 0.25),
)  # fmt: skip
declare(
    "tanh", "tanh(z)", source="arXiv:2402.09092", section="3.2",
    odd=True, monotone="increasing", range=(-1, 1), limits=(-1, 1), at_zero=(0, 1),
)  # fmt: skip


@function(
    "z/(1 + abs(z))", source="bergstra2009", section="3.2.13",
    odd=True, monotone="increasing", range=(-1, 1), limits=(-1, 1), at_zero=(0, 1),
)  # fmt: skip
def softsign(z: Tensor) -> Tensor:
    import torch

    # The slope of the quotient is 1/d - |z|/d**2: all digits cancel for large z. There it is written as sign(z) - sign(z)/d.
    size = z.abs()
    small = size <= 1
    near = torch.where(small, z, 0.0)
    far = torch.where(small, 1.0, size)
    return torch.where(small, near / (1 + near.abs()), z.sign() * (1 - 1 / (1 + far)))


declare(
    "probit", "Phi(z)",
    source="doi:10.1007/s00521-010-0407-3", section="3.2", at_zero=(0.5, 0.3989422804014327), limits=(0, 1), range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "half_argument_tanh", "tanh(z/2)",
    source="arXiv:2402.09092", section="3.2", aliases=("bipolar_sigmoid",), at_zero=(0, 0.5), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "scaled_sigmoid", "4*sigma(z) - 2",
    source="arXiv:1602.05980", section="3.2", at_zero=(0, 1), limits=(-2, 2), range=(-2, 2), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "shifted_and_scaled_sigmoid", "sigma(a*(z - b))",
    source="arXiv:2402.09092", section="3.2.1", aliases=("sss",), a=Fixed(0.02), b=Fixed(600),
    at_zero=(6.1441746022147165e-06, 1.228827370266635e-07), limits=(0, 1), range=(0, 1),
    monotone="increasing", cases={"a=1, b=0": "sigmoid"},
)  # fmt: skip

declare(
    "variant_sigmoid", "a/(1 + exp(-b*z)) - c",
    source="arXiv:2402.09092", section="3.2.2", aliases=("vsf",), a=Fixed(1), b=Fixed(1), c=Fixed(0),
    at_zero=(0.5, 0.25), limits=(0, 1), range=(0, 1),
    monotone="increasing", cases={"a=1, b=1, c=0": "sigmoid", "a=2, b=2, c=1": "tanh", "a=4, b=1, c=2": "scaled_sigmoid"},
)  # fmt: skip

declare(
    "scaled_hyperbolic_tangent", "a*tanh(b*z)",
    source="lecun1998", section="3.2.3", aliases=("stanh",), a=Fixed(1.7159), b=Fixed(2 / 3),
    at_zero=(0, 1.1439333333333332), limits=(-1.7159, 1.7159), range=(-1.7159, 1.7159), odd=True,
    monotone="increasing", cases={"a=1, b=1": "tanh", "a=1, b=0.5": "half_argument_tanh"},
)  # fmt: skip

declare(
    "bi_modal_derivative_sigmoid", "(sigma(z) + sigma(z + b))/2",
    source="arXiv:2402.09092", section="3.2.3", b=Fixed(4), at_zero=(0.7410068950189542, 0.13383135310664557),
    limits=(0, 1), range=(0, 1),
    monotone="increasing", cases={"b=0": "sigmoid"},
)  # fmt: skip

declare(
    "arctan", "atan(z)",
    source="arXiv:2402.09092", section="3.2.4", at_zero=(0, 1), limits=(-1.5707963267948966, 1.5707963267948966),
    range=(-1.5707963267948966, 1.5707963267948966), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "arctangr", "atan(z)/((1 + sqrt(2))/2)",
    source="arXiv:2402.09092", section="3.2.4", at_zero=(0, 0.8284271247461901),
    limits=(-1.301290284568573, 1.301290284568573), range=(-1.301290284568573, 1.301290284568573), odd=True,
    monotone="increasing",
    errata="The name says golden ratio, (1 + sqrt(5))/2, for which see arctan_golden_ratio; the survey, by both packages "
    "that follow it, prints (1 + sqrt(2))/2, and this is it.",
)  # fmt: skip

declare(
    "arctan_pi", "atan(z)/pi",
    source="doi:10.19072/ijet.1394093", section="3.2.4", at_zero=(0, 0.3183098861837907), limits=(-0.5, 0.5),
    range=(-0.5, 0.5), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "arctan_golden_ratio", "atan(z)/((1 + sqrt(5))/2)",
    source="doi:10.19072/ijet.1394093", section="3.2.4", at_zero=(0, 0.6180339887498949),
    limits=(-0.9708055193627333, 0.9708055193627333), range=(-0.9708055193627333, 0.9708055193627333), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "arctan_e", "atan(z)/e",
    source="doi:10.19072/ijet.1394093", section="3.2.4", at_zero=(0, 0.36787944117144233),
    limits=(-0.5778636748954609, 0.5778636748954609), range=(-0.5778636748954609, 0.5778636748954609), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "sigmoid_algebraic", "sigma(z*(1 + a*abs(z))/(1 + abs(z)*(1 + a*abs(z))))",
    source="arXiv:2402.09092", section="3.2.5", a=Fixed(1, low=0), far=(0, 0), at_zero=(0.5, 0.25),
    limits=(0.2689414213699951, 0.7310585786300049), range=(0.2689414213699951, 0.7310585786300049),
    monotone="increasing",
)  # fmt: skip

declare(
    "triple_state_sigmoid", "sigma(z)*(sigma(z) + sigma(z - a) + sigma(z - b))",
    source="arXiv:2402.09092", section="3.2.6", aliases=("ts_sigmoid",), a=Fixed(20), b=Fixed(40),
    at_zero=(0.2500000010305768, 0.2500000015458652), limits=(0, 3), range=(0, 3),
    monotone="increasing",
    errata="One package leaves out the factor sigma(z). With it, z times this function is triple_state_swish, as swish is z "
    "times sigma, so it is kept.",
)  # fmt: skip

declare(
    "improved_logistic_sigmoid", "where(z >= b, a*(z - b) + sigma(b), where(z <= -b, a*(z + b) + sigma(-b), sigma(z)))",
    source="qin2018", section="3.2.7", a=Fixed(0.1, low=0), b=Fixed(2, low=0), at_zero=(0.5, 0.25), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(-2, 2),
    errata="One package continues with sigma(b) below -b as well, where it jumps; continuity asks for sigma(-b) there.",
)  # fmt: skip

declare(
    "siglin", "sigma(z) + a*z",
    source="doi:10.1007/s13748-020-00218-y", section="3.2.8", a=Fixed(0.1), at_zero=(0.5, 0.35), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing",
    cases={"a=0": "sigmoid"},
)  # fmt: skip

declare(
    "penalized_tanh", "where(z >= 0, tanh(z), tanh(z)/a)",
    source="arXiv:1602.05980", section="3.2.9", aliases=("ptanh",), a=Fixed(4, low=0.001), at_zero=(0, None),
    limits=(-0.25, 1), range=(-0.25, 1), monotone="increasing", kinks=(0,),
    cases={"a=1": "tanh"},
    errata="The source writes a*tanh(z) below 0 with a = 0.25; the survey, and this formula, tanh(z)/a with a = 4.",
)  # fmt: skip

declare(
    "soft_root_sign", "z/(z/a + exp(-z/b))",
    source="arXiv:2003.00547", section="3.2.10", aliases=("srs", "shape_autotuning", "saaaf"),
    a=Learn(2, low=1.5), b=Learn(3, low=0.001, high=4),  # there is a pole where b/a > e
    at_zero=(0, 1), limits=(0, 2), range=(-2.462484402147389, 2),
    errata="The survey has a and b fixed; in the source both are learned.",
)  # fmt: skip

declare(
    "hexpo", "where(z >= 0, -a*(exp(-z/b) - 1), c*(exp(z/d) - 1))",
    source="kong2017", section="3.2.12", a=Fixed(1), b=Fixed(1, low=0.001), c=Fixed(1), d=Fixed(1, low=0.001),
    at_zero=(0, 1),
    limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing",
    errata="Below 0 both packages that follow the survey have exp(-z/d), which grows without bound; with exp(z/d) it is "
    "bounded on both sides, as its source says.",
)  # fmt: skip

declare(
    "smooth_step", "where(z >= a/2, 1, where(z <= -a/2, 0, -2*z**3/a**3 + 3*z/(2*a) + 1/2))",
    source="arXiv:2002.07772", section="3.2.14", a=Fixed(1, low=0.001), at_zero=(0.5, 1.5), limits=(0, 1), range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "sinc_sigmoid", "sin(sigma(z))/sigma(z)",
    source="arXiv:2402.09092", section="3.2.16", at_zero=(0.958851077208406, -0.04063425765901664),
    limits=(1, 0.8414709848078965), range=(0.8414709848078965, 1),
)  # fmt: skip

declare(
    "sigmoid_gumbel", "sigma(z)*exp(-exp(-z))",
    source="arXiv:2402.09092", section="3.2.17", at_zero=(0.18393972058572117, 0.27590958087858175), limits=(0, 1),
    range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "loglog", "exp(-exp(-z))",
    source="doi:10.1007/s00521-010-0407-3", section="3.2.20", at_zero=(0.36787944117144233, 0.36787944117144233), limits=(0, 1),
    range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "complementary_log_log", "1 - exp(-exp(z))",
    source="doi:10.1007/s00521-010-0407-3", section="3.2.21", aliases=("cloglog",),
    at_zero=(0.6321205588285577, 0.36787944117144233), limits=(0, 1), range=(0, 1), monotone="increasing",
    errata="Both packages that follow the survey have exp(-z) inside, which decreases and is 1 minus loglog; the inverse of "
    "the link of this name has exp(z).",
)  # fmt: skip

declare(
    "modified_complementary_log_log", "1 - 2*exp(-0.7*exp(z))",
    source="arXiv:2402.09092", section="3.2.21", aliases=("cloglogm",),
    at_zero=(0.00682939241718097, 0.6952194253079733), limits=(-1, 1), range=(-1, 1),
    monotone="increasing",
    errata="Both packages that follow the survey have exp(-z) inside, which decreases; see complementary_log_log.",
)  # fmt: skip

declare(
    "sechsig", "(z + sech(z))*sigma(z)",
    source="doi:10.1007/s00500-023-09279-2", section="3.2.22", at_zero=(0.5, 0.75), limits=(0, inf),
    range=(-0.2097429015687291, inf),
)  # fmt: skip

declare(
    "parametric_sechsig", "(z + a*sech(z + a))*sigma(z)",
    source="doi:10.1007/s00500-023-09279-2", section="3.2.22", aliases=("psechsig",), a=Fixed(1),
    at_zero=(0.3240271368319427, 0.41523639463368484), limits=(0, inf), range=(-0.1643759786688965, inf),
    cases={"a=0": "silu"},
)  # fmt: skip

declare(
    "tanhsig", "(z + tanh(z))*sigma(z)",
    source="doi:10.1007/s00500-023-09279-2", section="3.2.23", at_zero=(0, 1), limits=(0, inf),
    range=(-0.47491606735826625, inf),
)  # fmt: skip

declare(
    "parametric_tanhsig", "(z + a*tanh(z + a))*sigma(z)",
    source="doi:10.1007/s00500-023-09279-2", section="3.2.23", aliases=("ptanhsig",), a=Fixed(1),
    at_zero=(0.3807970779778824, 0.9003857097959542), limits=(0, inf), range=(-0.3591353614396629, inf),
    cases={"a=0": "silu"},
)  # fmt: skip

declare(
    "symmetrical_msaf", "-1 + sigma(z) + sigma(z + a)",
    source="arXiv:2402.09092", section="3.2.24", a=Fixed(-10), at_zero=(-0.49995460213129755, 0.25004539580773594),
    limits=(-1, 1), range=(-1, 1),
    monotone="increasing", cases={"a=0": "half_argument_tanh"},
)  # fmt: skip

declare(
    "rootsig", "a*z/(1 + sqrt(1 + a**2*z**2))",
    source="arXiv:2402.09092", section="3.2.25", a=Fixed(1), at_zero=(0, 0.5), limits=(-1, 1), range=(-1, 1),
    odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "elliott_slope", "a*z/(1 + abs(a*z))",
    source="arXiv:2402.09092", section="3.2.25", a=Fixed(1), at_zero=(0, 1), limits=(-1, 1), range=(-1, 1),
    odd=True, monotone="increasing",
    cases={"a=1": "softsign"},
)  # fmt: skip

declare(
    "algebraic_sigmoid", "a*z/sqrt(1 + a**2*z**2)",
    source="arXiv:2402.09092", section="3.2.25", a=Fixed(1), at_zero=(0, 1), limits=(-1, 1), range=(-1, 1),
    odd=True, monotone="increasing",
    cases={"a=1": "isru"},
)  # fmt: skip

declare(
    "combination_sigma2_tanh", "where(z >= 0, tanh(z/2), tanh(z))",
    source="arXiv:2402.09092", section="3.2.26", at_zero=(0, None), limits=(-1, 1), range=(-1, 1),
    monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "combination_sigma2_zero", "where(z >= 0, tanh(z/2), 0)",
    source="arXiv:2402.09092", section="3.2.26", at_zero=(0, None), limits=(0, 1), range=(0, 1),
    monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "combination_tanh_zero", "where(z >= 0, tanh(z), 0)",
    source="arXiv:2402.09092", section="3.2.26", at_zero=(0, None), limits=(0, 1), range=(0, 1),
    monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "combination_sigma2_linear", "where(z >= 0, tanh(z/2), a*z)",
    source="arXiv:2402.09092", section="3.2.26", a=Fixed(0.1), at_zero=(0, None), limits=(-inf, 1), range=(-inf, 1),
    monotone="increasing", kinks=(0,),
    cases={"a=0": "combination_sigma2_zero"},
)  # fmt: skip

declare(
    "combination_tanh_linear", "where(z >= 0, tanh(z), a*z)",
    source="arXiv:2402.09092", section="3.2.26", a=Fixed(0.1), at_zero=(0, None), limits=(-inf, 1), range=(-inf, 1),
    monotone="increasing", kinks=(0,),
    cases={"a=0": "combination_tanh_zero"},
)  # fmt: skip

declare(
    "sigmoid_with_shape_autotuning", "2*(1 - exp(-a*z))/(a*(1 + exp(-a*z)))",
    source="yamada1992", section="4.3", a=Learn(1, low=0.001), at_zero=(0, 1), limits=(-2, 2), range=(-2, 2),
    odd=True, monotone="increasing",
    cases={"a=1": "scaled_sigmoid", "a=2": "tanh"},
)  # fmt: skip

declare(
    "generalized_hyperbolic_tangent", "a*(1 - exp(-b*z))/(1 + exp(-b*z))",
    source="chen1996", section="4.3.1", a=Learn(1), b=Learn(1), at_zero=(0, 0.5), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
    cases={"a=1, b=2": "tanh", "a=1, b=1": "half_argument_tanh", "a=2, b=1": "scaled_sigmoid"},
)  # fmt: skip

declare(
    "slope_varying_activation", "tanh(a*z)",
    source="arXiv:2402.09092", section="4.3.4", aliases=("svaf",), a=Learn(1), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
    cases={"a=1": "tanh", "a=0.5": "half_argument_tanh"},
)  # fmt: skip

declare(
    "stac_tanh", "where(z < -a, b*(z + a) - tanh(a), where(z > a, b*(z - a) + tanh(a), tanh(z)))",
    source="arXiv:2402.09092", section="4.3.8", a=Learn(1, low=0), b=Learn(0.1), at_zero=(0, 1), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing", kinks=(-1, 1),
    cases={"a=0, b=1": "identity"},
)  # fmt: skip

declare(
    "soft_clipping", "(softplus(a*z) - softplus(a*(z - 1)))/a",
    source="arXiv:1810.11509", section="3.2.11", aliases=("sc",), a=Fixed(50, low=0.001),
    # below 1/2 as one logarithm, and above it by f(z) = 1 - f(1 - z): far out the difference has no digits
    stable="where(z <= 0.5, softplus(a*z + ln(-expm1(-a)) - softplus(a*(z - 1)))/a,"
    " 1 - softplus(a*(1 - z) + ln(-expm1(-a)) - softplus(-a*z))/a)",
    at_zero=(0.013862943611198907, 0.5), limits=(0, 1), range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "elliott", "0.5*z/(1 + abs(z)) + 0.5",
    source="elliott1993", section="3.2.15", stable="where(z >= 0, 1 - 0.5/(1 + z), 0.5/(1 - z))",
    at_zero=(0.5, 0.5), limits=(0, 1), range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "new_sigmoid", "tanh(z)/sqrt(1 + tanh(z)**2)",
    source="doi:10.3233/JIFS-212333", section="3.2.18", aliases=("newsigmoid",),
    at_zero=(0, 1), limits=(-0.7071067811865476, 0.7071067811865476),
    range=(-0.7071067811865476, 0.7071067811865476), odd=True,
    errata="Printed is (exp(z) - exp(-z))/sqrt(2*(exp(2*z) + exp(-2*z))), the same function; its exponentials overflow, and "
    "computed so it is NaN beyond z = 355. Its bounds are -1/sqrt(2) and 1/sqrt(2), not -1 and 1.",
    monotone="increasing",
)  # fmt: skip

declare(
    "root2sigmoid", "tanh(z*ln(2)/2)/(2*sqrt(2)*sqrt(1 + tanh(z*ln(2)/2)**2))",
    source="arXiv:2402.09092", section="3.2.19",
    at_zero=(0, 0.1225322679335684), limits=(-0.25, 0.25), range=(-0.25, 0.25), odd=True,
    errata="Printed is (2**(z/2) - 2**(-z/2))/(2*sqrt(2)*sqrt(2*(2**z + 2**(-z)))), which the authors of the survey "
    "reconstructed; two packages read it alike. Here it is new_sigmoid(z*ln(2)/2)/(2*sqrt(2)), the same without overflow.",
    monotone="increasing",
)  # fmt: skip

declare(
    "softsign_quotient", "z/(a + abs(z))",
    source="arXiv:2402.09092", section="3.2.25", a=Fixed(1, low=0.001),
    at_zero=(0, 1), limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing", cases={"a=1": "softsign"},
    errata="The survey prints z*(sign(z)*z - a)/(z**2 - a**2), its equation 37 without a name: numerator and denominator share "
    "the factor abs(z) - a, and as printed it is 0/0 at z = a and z = -a.",
)  # fmt: skip

declare(
    "adaptive_slope_sigmoidal", "sigma(a*z)",
    source="arXiv:2402.09092", section="4.3.3", aliases=("assf",), a=Learn(1),
    at_zero=(0.5, 0.25), limits=(0, 1), range=(0, 1), cases={"a=1": "sigmoid"},
    monotone="increasing",
)  # fmt: skip

declare(
    "tanhsoft", "tanh(a*z + b*exp(c*z))*logaddexp(ln(d), z)",
    source="arXiv:2009.03863", section="4.3.5", a=Learn(0.5, high=1), b=Learn(0.5, low=0), c=Learn(1, low=0.001),
    d=Learn(1, low=0.001, high=1), far=(0, 1),
    # 1 - tanh has no digits where the slope of its argument, an exponential, is large
    stable="where(z >= 1, 1 - 2*sigma(-2*a*z - 2*b*exp(c*z)), tanh(a*z + b*exp(c*z)))*(ln(d) + softplus(z - ln(d)))",
    at_zero=(0.3203152046431526, 0.7761826073930982), limits=(0, inf), range=(-0.11469526022358996, inf),
    cases={"a=0.87, b=0, d=1": "tanhsoft_1"},
    errata="The survey prints ln(d + exp(z)), which logaddexp(ln(d), z) is; d = 0, where the factor is z, is a limit only: "
    "there the slope in d has no bound.",
)  # fmt: skip

declare(
    "tanhsoft_1", "tanh(a*z)*softplus(z)",
    source="arXiv:2009.03863", section="4.3.5", a=Learn(0.87),
    at_zero=(0, 0.6030380470871524), limits=(0, inf), range=(-0.22378487459642157, inf),
)  # fmt: skip

declare(
    "tanhsoft_2", "z*tanh(b*exp(c*z))",
    source="arXiv:2009.03863", section="4.3.5", b=Learn(0.75), c=Learn(0.75),
    at_zero=(0, 0.6351489523872873), limits=(0, inf), range=(-0.3592260386488675, inf), cases={"b=1, c=1": "tanhexp"},
)  # fmt: skip

declare(
    "tanhsoft_3", "where(z >= 0, z + ln(exp(-z) + tanh(a*z)), ln(1 + exp(z)*tanh(a*z)))",
    source="biswas2021", section="4.3.5", a=Learn(0.85, low=0.001),
    stable="where(z >= 1, z + log1p(exp(-z) - 2*sigma(-2*a*z)), log1p(exp(z)*tanh(a*z)))",
    at_zero=(0, 0.85), limits=(0, inf), range=(-0.3093767024844271, inf),
    errata="The survey prints ln(1 + exp(z)*tanh(a*z)) for all z, which is equal and overflows; with a < 0 it is the "
    "logarithm of a negative number for large z, so a is above 0 here.",
)  # fmt: skip

declare(
    "parametric_sigmoid", "a*sigma(b*z)",
    source="arXiv:2402.09092", section="4.3.6", aliases=("psigmoid", "scaled_logistic_sigmoid"), a=Learn(1), b=Learn(1),
    at_zero=(0.5, 0.25), limits=(0, 1), range=(0, 1), cases={"a=1, b=1": "sigmoid"},
    monotone="increasing",
)  # fmt: skip

declare(
    "sigmoid_power", "sigma(z)**m",
    source="chandra2004", section="4.3.7", aliases=("psf", "parametric_sigmoid_function"), m=Learn(1, low=0.001),
    stable="exp(-m*softplus(-z))",
    at_zero=(0.5, 0.25), limits=(0, 1), range=(0, 1), cases={"m=1": "sigmoid"},
    monotone="increasing",
)  # fmt: skip
