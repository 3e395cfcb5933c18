"""The input times a gate between 0 and 1."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Learn

declare(
    "gelu", "z*Phi(z)", source="arXiv:1606.08415",
    range=(-0.16997120747990369, inf), limits=(0, inf), at_zero=(0, 0.5),
)  # fmt: skip
declare(
    "silu", "z*sigma(z)", source="arXiv:1702.03118",
    range=(-0.27846454276107377, inf), limits=(0, inf), at_zero=(0, 0.5),
)  # fmt: skip
declare(
    "swish", "z*sigma(b*z)", source="arXiv:1710.05941", b=Learn(1.0),
    range=(-0.27846454276107377, inf), limits=(0, inf), at_zero=(0, 0.5), cases={"b=1": "silu"},
)  # fmt: skip
declare(
    "mish", "z*tanh(softplus(z))", source="arXiv:1908.08681",
    range=(-0.30884341301725043, inf), limits=(0, inf), at_zero=(0, 0.6),
)  # fmt: skip
