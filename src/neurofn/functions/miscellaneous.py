"""Logarithms, roots, bumps and polynomials that belong to no larger family."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed

declare(
    "square_root_activation", "sign(z)*sqrt(abs(z))",
    source="arXiv:2402.09092", section="3.9", limits=(-inf, inf), range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "bent_identity", "(sqrt(z**2 + 1) - 1)/2 + z",
    source="arXiv:2402.09092", section="3.10", at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf),
    monotone="increasing",
)  # fmt: skip

declare(
    "saha_bora", "1/(1 + k*z**a*(1 - z)**(1 - a))",
    source="arXiv:2402.09092", section="3.12", aliases=("sbaf",), k=Fixed(0.98), a=Fixed(0.5),
)  # fmt: skip

declare(
    "logarithmic_activation", "sign(z)*ln(1 + abs(z))",
    source="arXiv:2402.09092", section="3.13", aliases=("laf", "symlog"), at_zero=(0, 1), limits=(-inf, inf),
    range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "symexp", "sign(z)*(exp(abs(z)) - 1)",
    source="arXiv:2402.09092", section="3.14", at_zero=(0, 1), limits=(None, None), range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "polynomial_uaf", "where(z > c, z**a, where(z < -c, 0, z**a*(c + z)**b/((c + z)**b + (c - z)**b)))",
    source="arXiv:2402.09092", section="3.16", aliases=("puaf",), a=Fixed(1), b=Fixed(5), c=Fixed(10),
    at_zero=(0, 0.5), limits=(0, inf), range=(-0.276969757785374, inf),
)  # fmt: skip

declare(
    "parametric_softplus", "a*(softplus(z) - b)",
    source="arXiv:2402.09092", section="3.18", aliases=("psoftplus",), a=Fixed(1.5), b=Fixed(0.6931471805599453),
    at_zero=(0, 0.75), limits=(-1.0397207708399179, inf), range=(-1.0397207708399179, inf), monotone="increasing",
)  # fmt: skip

declare(
    "rand_softplus", "(1 - a)*relu(z) + a*softplus(z)",
    source="arXiv:2402.09092", section="3.19", aliases=("rsp",), a=Fixed(0.5), at_zero=(0.34657359027997264, None),
    limits=(0, inf), range=(0, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "aranda_ordaz", "1 - (1 + a*exp(z))**(-1/a)",
    source="arXiv:2402.09092", section="3.20", aliases=("adaptive_gumbel", "agumb"), a=Fixed(2, low=0.001),
    at_zero=(0.4226497308103742, 0.19245008972987526), limits=(0, 1), range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "bi_firing", "where(abs(z) > a, abs(z) - a/2, z**2/(2*a))",
    source="arXiv:2402.09092", section="3.21", aliases=("bfire",), a=Fixed(1), at_zero=(0, 0), limits=(inf, inf),
    range=(0, inf), even=True,
)  # fmt: skip

declare(
    "bounded_bi_firing", "min(b, where(abs(z) > a, abs(z) - a/2, z**2/(2*a)))",
    source="arXiv:2402.09092", section="3.22", aliases=("bbfire",), a=Fixed(1), b=Fixed(5), at_zero=(0, 0),
    limits=(5, 5), range=(0, 5), even=True, kinks=(-5.5, 5.5),
)  # fmt: skip

declare(
    "piecewise_radial_basis",
    "where(z >= a, exp(-(z - 2*a)**2/b**2), where(z <= -a, exp(-(z + 2*a)**2/b**2), exp(-z**2/b**2)))",
    source="arXiv:2402.09092", section="3.24", aliases=("prbf",), a=Fixed(3), b=Fixed(1), at_zero=(1, 0),
    limits=(0, 0), range=(0, 1), even=True, kinks=(-3, 3),
)  # fmt: skip

declare(
    "arctid", "atan(z)**2 - z",
    source="arXiv:2402.09092", section="3.28", at_zero=(0, -1), limits=(inf, -inf), range=(-inf, inf),
    monotone="decreasing",
)  # fmt: skip

declare(
    "polyexp", "(a*z**2 + b*z + c)*exp(-d*z**2)",
    source="arXiv:2402.09092", section="3.38", a=Fixed(1), b=Fixed(1), c=Fixed(1), d=Fixed(1), far=(0, 0),
    at_zero=(1, 1), limits=(0, 0), range=(0, 1.3692890165376295),
)  # fmt: skip

declare(
    "exponential_decay", "exp(-z)",
    source="arXiv:2402.09092", section="3.39", at_zero=(1, -1), limits=(None, 0), range=(0, inf),
)  # fmt: skip

declare(
    "evolved_recurrent_tanh_relu", "a*(tanh(z**2) + relu(z))",
    source="arXiv:2402.09092", section="3.40.1", a=Fixed(1), at_zero=(0, None), limits=(1, inf), range=(0, inf),
    kinks=(0,),
)  # fmt: skip

declare(
    "wave", "(1 - z**2)*exp(-a*z**2)",
    source="arXiv:2402.09092", section="3.41", a=Fixed(1), far=(0, 0), at_zero=(1, 0), limits=(0, 0),
    range=(-0.1353352832366127, 1), even=True,
)  # fmt: skip

declare(
    "non_monotonic_cubic_unit", "z - z**3",
    source="arXiv:2402.09092", section="3.42", aliases=("ncu",), at_zero=(0, 1), limits=(inf, -inf),
    range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "cubic", "a*z**3",
    source="arXiv:2402.09092", section="3.43", a=Fixed(1), at_zero=(0, 0), limits=(-inf, inf), range=(-inf, inf),
    odd=True, monotone="increasing",
)  # fmt: skip
