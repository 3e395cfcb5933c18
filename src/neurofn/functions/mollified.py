"""Rectifiers and their kin with sqrt(z**2 + eps) in the place of the absolute value."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "vreluplus", "sqrt(z**2 + eps)",
    source="arXiv:2402.09092", section="4.55.4", eps=Learn(0.01, low=0), at_zero=(0.1, 0), limits=(inf, inf),
    range=(0.1, inf), even=True,
)  # fmt: skip

declare(
    "softsignplus", "z/(1 + sqrt(z**2 + eps))",
    source="arXiv:2402.09092", section="4.55.17", eps=Learn(0.01, low=0), at_zero=(0, 0.9090909090909091),
    limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip
