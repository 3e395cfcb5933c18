"""Functions with a period, or a periodic part."""

from __future__ import annotations

from math import inf

from ._facts import Learn
from ._spec import declare

declare(
    "snake", "z + sin(a*z)**2/a", source="arXiv:2006.08195", a=Learn(1.0, low=1e-3, per="channel"),
    monotone="increasing", limits=(-inf, inf), at_zero=(0, 1),
)  # fmt: skip
declare("sine", "sin(z)", source="arXiv:2006.09661", aliases=("sin",), odd=True, range=(-1, 1), at_zero=(0, 1))
