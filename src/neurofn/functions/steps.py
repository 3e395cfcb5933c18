"""Functions that jump."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed

declare(
    "binary_step", "where(z >= 0, 1, 0)",
    source="arXiv:2402.09092", section="3.1", aliases=("heaviside",), at_zero=(1, 0), limits=(0, 1), range=(0, 1),
    monotone="increasing",
)  # fmt: skip

declare(
    "sign", "sign(z)",
    source="arXiv:2402.09092", section="3.1", at_zero=(1, 0), limits=(-1, 1), range=(-1, 1), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "shifted_sign", "where(z >= a, 1, -1)",
    source="arXiv:2003.03488", section="4.14", a=Fixed(0), at_zero=(1, 0), limits=(-1, 1), range=(-1, 1),
    monotone="increasing",
    errata="The source learns a per channel by a gradient that is not its own; the function has none, so a is fixed. With that "
    "gradient it is rsign_ste.",
)  # fmt: skip

declare(
    "random_network_step", "where(a*z + b <= 0, 1, 0)",
    source="arXiv:2402.09092", section="4.56.4", a=Fixed(1), b=Fixed(1), at_zero=(0, 0), limits=(1, 0), range=(0, 1),
    monotone="decreasing", cases={"a=-1, b=0": "binary_step"},
    errata="The source draws a and b at random, and the survey gives no numbers; at b = 0 the size of a would not matter.",
)  # fmt: skip

declare(
    "threshold", "where(z > a, z, b)",
    source="paszke2019", a=Fixed(0.5), b=Fixed(0), at_zero=(0, 0), limits=(0, inf), range=(0, inf), monotone="increasing",
    kinks=(0.5,), cases={"a=0, b=0": "relu"},
)  # fmt: skip
