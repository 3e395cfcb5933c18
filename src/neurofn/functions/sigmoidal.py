"""Bounded, S-shaped functions."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ._declare import declare, function
from ._facts import Fixed, Learn

if TYPE_CHECKING:
    from torch import Tensor

declare(
    "sigmoid", "sigma(z)", source="arXiv:2402.09092", aliases=("logistic",),
    monotone="increasing", range=(0, 1), limits=(0, 1), at_zero=(0.5, 0.25),
)  # fmt: skip
declare(
    "tanh", "tanh(z)", source="arXiv:2402.09092",
    odd=True, monotone="increasing", range=(-1, 1), limits=(-1, 1), at_zero=(0, 1),
)  # fmt: skip


@function(
    "z/(1 + abs(z))", source="bergstra2009",
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
    source="arXiv:2402.09092", section="3.2", at_zero=(0.5, 0.3989422804014327), limits=(0, 1), range=(0, 1),
)  # fmt: skip

declare(
    "half_argument_tanh", "tanh(z/2)",
    source="arXiv:2402.09092", section="3.2", aliases=("bipolar_sigmoid",), at_zero=(0, 0.5), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "scaled_sigmoid", "4*sigma(z) - 2",
    source="arXiv:2402.09092", section="3.2", at_zero=(0, 1), limits=(-2, 2), range=(-2, 2), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "shifted_and_scaled_sigmoid", "sigma(a*(z - b))",
    source="arXiv:2402.09092", section="3.2.1", aliases=("sss",), a=Fixed(0.02), b=Fixed(600),
    at_zero=(6.1441746022147165e-06, 1.228827370266635e-07), limits=(0, 1), range=(0, 1),
)  # fmt: skip

declare(
    "variant_sigmoid", "a/(1 + exp(-b*z)) - c",
    source="arXiv:2402.09092", section="3.2.2", aliases=("vsf",), a=Fixed(1), b=Fixed(1), c=Fixed(0),
    at_zero=(0.5, 0.25), limits=(0, 1), range=(0, 1),
)  # fmt: skip

declare(
    "scaled_hyperbolic_tangent", "a*tanh(b*z)",
    source="arXiv:2402.09092", section="3.2.3", aliases=("stanh",), a=Fixed(1.7159), b=Fixed(0.666666667),
    at_zero=(0, 1.1439333339053), limits=(-1.7159, 1.7159), range=(-1.7159, 1.7159), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "bi_modal_derivative_sigmoid", "(sigma(z) + sigma(z + b))/2",
    source="arXiv:2402.09092", section="3.2.3", b=Fixed(4), at_zero=(0.7410068950189542, 0.13383135310664557),
    limits=(0, 1), range=(0, 1),
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
)  # fmt: skip

declare(
    "arctan_pi", "atan(z)/pi",
    source="arXiv:2402.09092", section="3.2.4", at_zero=(0, 0.3183098861837907), limits=(-0.5, 0.5),
    range=(-0.5, 0.5), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "arctan_golden_ratio", "atan(z)/((1 + sqrt(5))/2)",
    source="arXiv:2402.09092", section="3.2.4", at_zero=(0, 0.6180339887498949),
    limits=(-0.9708055193627333, 0.9708055193627333), range=(-0.9708055193627333, 0.9708055193627333), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "arctan_e", "atan(z)/e",
    source="arXiv:2402.09092", section="3.2.4", at_zero=(0, 0.36787944117144233),
    limits=(-0.5778636748954609, 0.5778636748954609), range=(-0.5778636748954609, 0.5778636748954609), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "sigmoid_algebraic", "sigma(z*(1 + a*abs(z))/(1 + abs(z)*(1 + a*abs(z))))",
    source="arXiv:2402.09092", section="3.2.5", a=Fixed(1), far=(0, 0), at_zero=(0.5, 0.25),
    limits=(0.2689414213699951, 0.7310585786300049), range=(0.2689414213699951, 0.7310585786300049),
    monotone="increasing",
)  # fmt: skip

declare(
    "triple_state_sigmoid", "sigma(z)*(sigma(z) + sigma(z - a) + sigma(z - b))",
    source="arXiv:2402.09092", section="3.2.6", aliases=("ts_sigmoid",), a=Fixed(20), b=Fixed(40),
    at_zero=(0.2500000010305768, 0.2500000015458652), limits=(0, 3), range=(0, 3),
)  # fmt: skip

declare(
    "improved_logistic_sigmoid", "where(z >= b, a*(z - b) + sigma(b), where(z <= -b, a*(z + b) + sigma(-b), sigma(z)))",
    source="arXiv:2402.09092", section="3.2.7", a=Fixed(0.1), b=Fixed(2), at_zero=(0.5, 0.25), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(-2, 2),
)  # fmt: skip

declare(
    "siglin", "sigma(z) + a*z",
    source="arXiv:2402.09092", section="3.2.8", a=Fixed(0.1), at_zero=(0.5, 0.35), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing",
)  # fmt: skip

declare(
    "penalized_tanh", "where(z >= 0, tanh(z), tanh(z)/a)",
    source="arXiv:2402.09092", section="3.2.9", aliases=("ptanh",), a=Fixed(4, low=0.001), at_zero=(0, None),
    limits=(-0.25, 1), range=(-0.25, 1), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "soft_root_sign", "z/(z/a + exp(-z/b))",
    source="arXiv:2402.09092", section="3.2.10", aliases=("srs", "shape_autotuning", "saaaf"), a=Fixed(2),
    b=Fixed(3), at_zero=(0, 1), limits=(0, 2), range=(-2.462484402147389, 2),
)  # fmt: skip

declare(
    "hexpo", "where(z >= 0, -a*(exp(-z/b) - 1), c*(exp(z/d) - 1))",
    source="arXiv:2402.09092", section="3.2.12", a=Fixed(1), b=Fixed(1), c=Fixed(1), d=Fixed(1), at_zero=(0, 1),
    limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "smooth_step", "where(z >= a/2, 1, where(z <= -a/2, 0, -2*z**3/a**3 + 3*z/(2*a) + 1/2))",
    source="arXiv:2402.09092", section="3.2.14", a=Fixed(1), at_zero=(0.5, 1.5), limits=(0, 1), range=(0, 1),
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
)  # fmt: skip

declare(
    "loglog", "exp(-exp(-z))",
    source="arXiv:2402.09092", section="3.2.20", at_zero=(0.36787944117144233, 0.36787944117144233), limits=(0, 1),
    range=(0, 1),
)  # fmt: skip

declare(
    "complementary_log_log", "1 - exp(-exp(z))",
    source="arXiv:2402.09092", section="3.2.21", aliases=("cloglog",),
    at_zero=(0.6321205588285577, 0.36787944117144233), limits=(0, 1), range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "modified_complementary_log_log", "1 - 2*exp(-0.7*exp(z))",
    source="arXiv:2402.09092", section="3.2.21", aliases=("cloglogm",),
    at_zero=(0.00682939241718097, 0.6952194253079733), limits=(-1, 1), range=(-1, 1),
)  # fmt: skip

declare(
    "sechsig", "(z + sech(z))*sigma(z)",
    source="arXiv:2402.09092", section="3.2.22", at_zero=(0.5, 0.75), limits=(0, inf),
    range=(-0.2097429015687291, inf),
)  # fmt: skip

declare(
    "parametric_sechsig", "(z + a*sech(z + a))*sigma(z)",
    source="arXiv:2402.09092", section="3.2.22", aliases=("psechsig",), a=Fixed(1),
    at_zero=(0.3240271368319427, 0.41523639463368484), limits=(0, inf), range=(-0.1643759786688965, inf),
)  # fmt: skip

declare(
    "tanhsig", "(z + tanh(z))*sigma(z)",
    source="arXiv:2402.09092", section="3.2.23", at_zero=(0, 1), limits=(0, inf), range=(-0.47491606735826625, inf),
)  # fmt: skip

declare(
    "parametric_tanhsig", "(z + a*tanh(z + a))*sigma(z)",
    source="arXiv:2402.09092", section="3.2.23", aliases=("ptanhsig",), a=Fixed(1),
    at_zero=(0.3807970779778824, 0.9003857097959542), limits=(0, inf), range=(-0.3591353614396629, inf),
)  # fmt: skip

declare(
    "symmetrical_msaf", "-1 + sigma(z) + sigma(z + a)",
    source="arXiv:2402.09092", section="3.2.24", a=Fixed(-10), at_zero=(-0.49995460213129755, 0.25004539580773594),
    limits=(-1, 1), range=(-1, 1),
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
)  # fmt: skip

declare(
    "algebraic_sigmoid", "a*z/sqrt(1 + a**2*z**2)",
    source="arXiv:2402.09092", section="3.2.25", a=Fixed(1), at_zero=(0, 1), limits=(-1, 1), range=(-1, 1),
    odd=True, monotone="increasing",
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
)  # fmt: skip

declare(
    "combination_tanh_linear", "where(z >= 0, tanh(z), a*z)",
    source="arXiv:2402.09092", section="3.2.26", a=Fixed(0.1), at_zero=(0, None), limits=(-inf, 1), range=(-inf, 1),
    monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "sigmoid_with_shape_autotuning", "2*(1 - exp(-a*z))/(a*(1 + exp(-a*z)))",
    source="arXiv:2402.09092", section="4.3", a=Learn(1, low=0.001), at_zero=(0, 1), limits=(-2, 2), range=(-2, 2),
    odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "generalized_hyperbolic_tangent", "a*(1 - exp(-b*z))/(1 + exp(-b*z))",
    source="arXiv:2402.09092", section="4.3.1", a=Learn(1), b=Learn(1), at_zero=(0, 0.5), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "slope_varying_activation", "tanh(a*z)",
    source="arXiv:2402.09092", section="4.3.4", aliases=("svaf",), a=Learn(1), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "stac_tanh", "where(z < -a, b*(z + a) - tanh(a), where(z > a, b*(z - a) + tanh(a), tanh(z)))",
    source="arXiv:2402.09092", section="4.3.8", a=Learn(1), b=Learn(0.1), at_zero=(0, 1), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing", kinks=(-1, 1),
)  # fmt: skip
