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
    source="arXiv:2402.09092", section="4.57", a=Learn(1), b=Learn(1), at_zero=(1, 1), limits=(0, None),
    range=(0, inf),
)  # fmt: skip
