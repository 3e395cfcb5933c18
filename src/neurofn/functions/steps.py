"""Functions that jump."""

from __future__ import annotations

from ._declare import declare
from ._facts import Learn

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
    source="arXiv:2402.09092", section="4.14", a=Learn(0), at_zero=(1, 0), limits=(-1, 1), range=(-1, 1),
    monotone="increasing",
)  # fmt: skip
