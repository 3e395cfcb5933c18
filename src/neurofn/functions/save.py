"""Functions from the theory of social interaction, as the survey lists them."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "save_resonance_sine", "a*sin(b*z + c)",
    source="arXiv:2402.09092", section="4.57", a=Learn(1), b=Learn(1), c=Learn(0), at_zero=(0, 1),
    limits=(None, None), range=(-1, 1), odd=True,
)  # fmt: skip

declare(
    "save_exponential", "a*exp(b*z)",
    source="arXiv:2402.09092", section="4.57", a=Learn(1), b=Learn(1), at_zero=(1, 1), limits=(0, inf),
    range=(0, inf), monotone="increasing",
    cases={"b=1": "exponential"},
)  # fmt: skip

declare(
    "save_resonance_tanh", "a*tanh(b*z + c)",
    source="arXiv:2402.09092", section="4.57", a=Learn(1), b=Learn(1), c=Learn(0), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing", cases={"a=1": "tanh"},
)  # fmt: skip

declare(
    "save_neutral_shift", "z + a",
    source="arXiv:2402.09092", section="4.57", a=Learn(0), at_zero=(0, 1), limits=(-inf, inf), range=(-inf, inf),
    odd=True, monotone="increasing", cases={"a=0": "identity"},
)  # fmt: skip

declare(
    "save_value_added_exponential", "a*(1 - exp(-b*z))",
    source="arXiv:2402.09092", section="4.57", a=Learn(1), b=Learn(1), at_zero=(0, 1), limits=(-inf, 1),
    range=(-inf, 1), monotone="increasing",
)  # fmt: skip

declare(
    "save_prisoner_exponential_sigmoid", "exp(z)*sigma(a*z)",
    stable="exp(z)*sigma(min(a*z, 40))",  # beyond 40 it is 1, and its slope of 0 must not meet an infinite exponential
    source="arXiv:2402.09092", section="4.57", a=Learn(1, low=0), at_zero=(0.5, 0.75), limits=(0, inf), range=(0, inf),
    monotone="increasing",
    errata="The survey prints relu of this product, which is above 0 everywhere.",
)  # fmt: skip

declare(
    "save_shipwrecked", "relu((a*z + b)/(c*z + d))",
    source="arXiv:2402.09092", section="4.57", a=Learn(1), b=Learn(0), c=Learn(1), d=Learn(1), at_zero=(0, None),
    limits=(1, 1), range=(0, inf), kinks=(-1, 0),
    errata="As printed; it has a pole at -d/c, beside which its values have no bound.",
)  # fmt: skip
