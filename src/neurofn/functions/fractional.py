"""Fractional derivatives with a closed form."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "fractional_lrelu", "where(z >= 0, 1, 0.1)*sign(z)*abs(z)**(1 - a)/gamma(2 - a)",
    source="arXiv:2402.09092", section="4.19.5", a=Learn(0.5), limits=(-inf, inf), range=(-inf, inf), kinks=(0,),
)  # fmt: skip

declare(
    "fractional_prelu", "where(z >= 0, 1, b)*sign(z)*abs(z)**(1 - a)/gamma(2 - a)",
    source="arXiv:2402.09092", section="4.19.6", a=Learn(0.5), b=Learn(0.1), limits=(-inf, inf), range=(-inf, inf),
    kinks=(0,),
)  # fmt: skip
