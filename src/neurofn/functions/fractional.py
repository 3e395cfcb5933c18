"""Fractional derivatives with a closed form."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "fractional_relu", "relu(z)**(1 - a)/gamma(2 - a)",
    source="zamora_esquivel2019", section="4.19.1", aliases=("fracrelu",), a=Learn(0.5, low=0, high=0.99),
    stable="where(z > 0, where(z > 0, z, 1)**(1 - a), relu(z))/gamma(2 - a)",  # 0**(1 - a) has no second slope in a
    limits=(0, inf), range=(0, inf), kinks=(0,), cases={"a=0": "relu"},
)  # fmt: skip

declare(
    "fractional_lrelu", "where(z >= 0, 1, 0.1)*sign(z)*abs(z)**(1 - a)/gamma(2 - a)",
    source="job2022", section="4.19.5", a=Learn(0.5, low=0, high=0.99), limits=(-inf, inf), range=(-inf, inf),
    kinks=(0,),
    errata="A broken power of a negative number is complex; here that of |z| with the sign of z, an odd continuation.",
)  # fmt: skip

declare(
    "fractional_prelu", "where(z >= 0, 1, b)*sign(z)*abs(z)**(1 - a)/gamma(2 - a)",
    source="job2022", section="4.19.6", a=Learn(0.5, low=0, high=0.99), b=Learn(0.1), limits=(-inf, inf),
    range=(-inf, inf), kinks=(0,),
    cases={"b=0.1": "fractional_lrelu", "b=0": "fractional_relu", "a=0, b=0.01": "leaky_relu"},
    errata="A broken power of a negative number is complex; here that of |z| with the sign of z, an odd continuation.",
)  # fmt: skip
