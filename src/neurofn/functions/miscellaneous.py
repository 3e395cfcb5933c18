"""Logarithms, roots, bumps, hyperbolic functions and polynomials that belong to no larger family."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed

declare(
    "square_root_activation", "sign(z)*sqrt(abs(z))",
    source="yang2018", section="3.9", aliases=("signed_sqrt",), limits=(-inf, inf), range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "s_shaped_activation", "sign(z)*sqrt(2*a*abs(z))",
    stable="sqrt(2*a)*where(z >= 0, sqrt(z), -sqrt(-z))",
    source="arXiv:2402.09092", section="3.9", aliases=("ssaf",), a=Fixed(1, low=1e-6), limits=(-inf, inf),
    range=(-inf, inf), odd=True, cases={"a=0.5": "square_root_activation"},
)  # fmt: skip

declare(
    "bent_identity", "(sqrt(z**2 + 1) - 1)/2 + z",
    source="arXiv:2402.09092", section="3.10", at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing",
)  # fmt: skip

declare(
    "mishra", "(z/(1 + abs(z)))**2/2 + z/(2*(1 + abs(z)))",
    stable="where(z >= 0, z/(1 + z)*(1 + z/(1 + z))/2, z/(1 - z)/(1 - z)/2)",
    source="mishra2017", section="3.11", at_zero=(0, 0.5), limits=(0, 1), range=(-0.125, 1),
)  # fmt: skip

declare(
    "logarithmic_activation", "sign(z)*ln(1 + abs(z))",
    source="bilski2000", section="3.13", aliases=("laf", "symlog"), at_zero=(0, 1), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing",
    errata="The survey names a logarithm of z alone; symlog (arXiv:2301.04104) is this function, finite at 0.",
)  # fmt: skip

declare(
    "symexp", "sign(z)*(exp(abs(z)) - 1)",
    source="arXiv:2301.04104", section="3.14", at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf), odd=True,
    monotone="increasing",
)  # fmt: skip

_POWERS = "t**7 + (b - 2)*(t**6 + b*t**5 + b**2*t**4 + b**3*t**3 + b**4*t**2 + b**5*t + b**6) + 2*(t**2 + b*t + b**2)"

declare(
    "spocu",
    "a*clip(z/c + b, 0, d)**3*(clip(z/c + b, 0, d)**5 - 2*clip(z/c + b, 0, d)**4 + 2) - a*b**3*(b**5 - 2*b**4 + 2)",
    # a difference of polynomials in t and b: t - b is a factor of it
    stable=f"a*clip(z/c, -b, d - b)*({_POWERS.replace('t', '(b + clip(z/c, -b, d - b))')})",
    source="doi:10.1007/s00521-020-05182-1", section="3.15", a=Fixed(3.0937, low=0), b=Fixed(0.6653, low=0, high=1),
    c=Fixed(4.437, low=1e-3), d=Fixed(1, low=1), at_zero=(0, 1.3270401040038948),
    limits=(-1.583828526916816, 1.5098714730831841), range=(-1.583828526916816, 1.5098714730831841),
    monotone="increasing",
    errata="The generator is 0 below 0, as in the authors' correction (doi:10.1007/s00521-020-05412-6); one"
    " transcription continues it as x.",
)  # fmt: skip

declare(
    "polynomial_uaf", "where(z > c, z, where(z < -c, 0, z*(c + z)**b/((c + z)**b + (c - z)**b)))",
    source="hwang2023", section="3.16", aliases=("puaf",), b=Fixed(5, low=1), c=Fixed(10, low=1e-3),
    at_zero=(0, 0.5), limits=(0, inf), range=(-0.276969757785374, inf),
    errata="The survey prints z**a for the factor z, with a = 1 first; a broken power is no real number below 0.",
)  # fmt: skip

declare(
    "parametric_softplus", "a*(softplus(z) - b)",
    source="sun2020", section="3.18", aliases=("psoftplus",), a=Fixed(1.5), b=Fixed(0.6931471805599453),
    cases={"a=1, b=0": "softplus"},
    at_zero=(0, 0.75), limits=(-1.0397207708399179, inf), range=(-1.0397207708399179, inf), monotone="increasing",
)  # fmt: skip

declare(
    "soft_plus_plus", "softplus(a*z) + z/b - ln(2)",
    # softplus(u) - ln(2) is u/2 + ln(cosh(u/2))
    stable="where(abs(a*z) < 1, a*z/2 + z/b + log1p(2*sinh(clip(a*z/4, -1, 1))*sinh(clip(a*z/4, -1, 1))),"
    " softplus(a*z) + z/b - ln(2))",
    source="ciuparu2020", section="3.18.1", a=Fixed(1, low=0), b=Fixed(2, low=1e-3), at_zero=(0, 1),
    limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
)  # fmt: skip

declare(
    "rand_softplus", "(1 - a)*relu(z) + a*softplus(z)",
    source="arXiv:2402.09092", section="3.19", aliases=("rsp",), a=Fixed(0.5, low=0, high=1),
    cases={"a=0": "relu", "a=1": "softplus"}, at_zero=(0.34657359027997264, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "aranda_ordaz", "1 - (1 + a*exp(z))**(-1/a)",
    source="essai_ali2022", section="3.20", aliases=("adaptive_gumbel", "agumb"), a=Fixed(2, low=0.001),
    cases={"a=1": "sigmoid"},
    at_zero=(0.4226497308103742, 0.19245008972987526), limits=(0, 1), range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "bi_firing", "where(abs(z) > a, abs(z) - a/2, z**2/(2*a))",
    source="li2013", section="3.21", aliases=("bfire",), a=Fixed(1, low=1e-3), at_zero=(0, 0), limits=(inf, inf),
    range=(0, inf), even=True,
)  # fmt: skip

declare(
    "bounded_bi_firing", "min(b, where(abs(z) > a, abs(z) - a/2, z**2/(2*a)))",
    source="liew2016", section="3.22", aliases=("bbfire",), a=Fixed(1, low=1e-3), b=Fixed(1, low=0), at_zero=(0, 0),
    limits=(1, 1), range=(0, 1), even=True, kinks=(-1.5, 1.5),
)  # fmt: skip

declare(
    "piecewise_mexican_hat", "2/sqrt(3)*pi**(-0.25)*(1 - (abs(z) - a)**2)*exp(-(abs(z) - a)**2/2)",
    stable="2/sqrt(3)*pi**(-0.25)*where(z >= 0, (1 - (z - a)**2)*exp(-(z - a)**2/2), (1 - (z + a)**2)*exp(-(z + a)**2/2))",
    source="arXiv:2402.09092", section="3.23", aliases=("pmaf",), a=Fixed(4), far=(0, 0),
    at_zero=(-0.004364327211357993, None), limits=(0, 0), range=(-0.38705276380034687, 0.8673250705840775), even=True,
    kinks=(0,), cases={"a=0": "mexican_hat"},
)  # fmt: skip

declare(
    "piecewise_radial_basis",
    "where(z >= a, exp(-(z - 2*a)**2/b**2), where(z <= -a, exp(-(z + 2*a)**2/b**2), exp(-z**2/b**2)))",
    source="arXiv:2402.09092", section="3.24", aliases=("prbf",), a=Fixed(3, low=0), b=Fixed(1, low=1e-3), at_zero=(1, 0),
    limits=(0, 0), range=(0, 1), even=True, kinks=(-3, 3),
)  # fmt: skip

declare(
    "comb_h_sine", "sinh(a*z) + asinh(a*z)", stable="2*sinh(a*z/2)*cosh(a*z/2) + asinh(a*z)",
    source="vijayaprabakaran2022", section="3.25", a=Fixed(1), at_zero=(0, 2), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "modified_arcsinh", "asinh(z)*sqrt(abs(z))/12",
    # below 1e-9 the inverse sine is z, and a power has a slope where a product underflows
    stable="where(abs(z) < 1e-9, where(z >= 0, z**1.5, -(-z)**1.5)/12, asinh(z)*sqrt(abs(z))/12)",
    source="arXiv:2009.07530", section="3.26", aliases=("m_arcsinh",), limits=(-inf, inf), range=(-inf, inf),
    odd=True,
)  # fmt: skip

declare(
    "hyper_sinh", "where(z > 0, sinh(z)/3, z**3/4)",
    stable="where(z > 0, sinh(z/2)/1.5*cosh(z/2), z/2*z*(z/2))",
    source="arXiv:2011.07661", section="3.27", at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf),
    kinks=(0,), monotone="increasing",
)  # fmt: skip

declare(
    "arctid", "atan(z)**2 - z",
    source="arXiv:2402.09092", section="3.28", at_zero=(0, -1), limits=(inf, -inf), range=(-inf, inf),
    monotone="decreasing",
)  # fmt: skip

declare(
    "hclsh",
    "where(z >= 0, z + ln((1 + exp(-2*z) + z*(exp(-z/2) + exp(-3*z/2)))/2), softplus(2*z) - ln(2))",
    stable="where(z >= 1, z + ln((1 + exp(-2*z) + z*(exp(-z/2) + exp(-3*z/2)))/2),"
    " where(z >= 0, log1p(2*sinh(z/2)*sinh(z/2) + z*cosh(z/2)),"
    " where(z >= -1, z + log1p(2*sinh(z/2)*sinh(z/2)), softplus(2*z) - ln(2))))",
    source="abdel_nabi2023", section="3.37", at_zero=(0, 1), limits=(-0.6931471805599453, inf),
    range=(-0.6931471805599453, inf), monotone="increasing",
    errata="The survey prints ln(cosh(z) + z*cosh(z/2)) for z >= 0 and ln(cosh(z)) + z below: equal, but the"
    " hyperbolic cosines overflow where the function does not.",
)  # fmt: skip

declare(
    "polyexp", "(a*z**2 + b*z + c)*exp(-d*z**2)",
    source="arXiv:2402.09092", section="3.38", a=Fixed(1), b=Fixed(1), c=Fixed(1), d=Fixed(1, low=1e-6), far=(0, 0),
    cases={"a=0, b=0": "gaussian", "a=-1, b=0": "wave"},
    at_zero=(1, 1), limits=(0, 0), range=(0, 1.3692890165376295),
)  # fmt: skip

declare(
    "exponential_decay", "exp(-z)",
    source="arXiv:2402.09092", section="3.39", at_zero=(1, -1), limits=(inf, 0), range=(0, inf), monotone="decreasing",
)  # fmt: skip

declare(
    "e_tanh", "a*exp(z)*tanh(z)", stable="a*where(z > 1, exp(z) - sech(z), exp(z)*tanh(z))",
    source="arXiv:2402.09092", section="3.40", a=Fixed(1), at_zero=(0, 1), limits=(0, inf),
    range=(-0.3002831060007776, inf),
)  # fmt: skip

declare(
    "evolved_recurrent_tanh_relu", "tanh(z**2) + relu(z)",
    source="arXiv:2402.09092", section="3.40.1", at_zero=(0, None), limits=(1, inf), range=(0, inf), kinks=(0,),
    errata="The survey's factor a may belong to the first term or to both; here it is 1, where the readings agree.",
)  # fmt: skip

declare(
    "wave", "(1 - z**2)*exp(-a*z**2)",
    source="arXiv:2402.09092", section="3.41", a=Fixed(1, low=1e-6), far=(0, 0), at_zero=(1, 0), limits=(0, 0),
    range=(-0.1353352832366127, 1), even=True,
)  # fmt: skip

declare(
    "non_monotonic_cubic_unit", "z - z**3",
    source="arXiv:2111.04020", section="3.42", aliases=("ncu",), at_zero=(0, 1), limits=(inf, -inf),
    range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "cubic", "a*z**3",
    source="arXiv:2402.09092", section="3.43", aliases=("cube",), a=Fixed(1), at_zero=(0, 0),
    limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "shifted_quadratic_unit", "z**2 + z", stable="z*(z + 1)",
    source="arXiv:2111.04020", section="3.44", aliases=("squ",), at_zero=(0, 1), limits=(inf, inf),
    range=(-0.25, inf),
)  # fmt: skip

declare(
    "inverse_hyperbolic_sine", "asinh(z)",
    source="arXiv:2009.07530", aliases=("asinh", "arcsinh"), at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf),
    odd=True, monotone="increasing",
)  # fmt: skip
