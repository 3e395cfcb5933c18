"""Pieces of parabolas, and roots."""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed

declare(
    "sqnl", "where(abs(z) > 2, sign(z), z - sign(z)*z**2/4)",
    source="doi:10.1109/IJCNN.2018.8489043", section="3.8.1", at_zero=(0, 1), limits=(-1, 1), range=(-1, 1), odd=True,
    monotone="increasing",
)  # fmt: skip

declare(
    "square_linear_unit", "where(z > 0, z, where(z >= -2, z + z**2/4, -1))",
    source="doi:10.1016/j.neucom.2021.02.030", section="3.8.2", aliases=("sqlu",), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing",
)  # fmt: skip

declare(
    "square_reu", "where(z > 0, z, where(z >= -2, z + z**2/2, 0))",
    source="doi:10.1016/j.neucom.2021.02.030", section="3.8.4", aliases=("sqreu", "hardmish"), at_zero=(0, 1), limits=(0, inf),
    range=(-0.5, inf), kinks=(-2,),
)  # fmt: skip

declare(
    "square_softplus", "where(z > 0.5, z, where(z >= -0.5, (z + 0.5)**2/2, 0))",
    source="doi:10.1016/j.neucom.2021.02.030", section="3.8.5", aliases=("sqsoftplus",), at_zero=(0.125, 0.5), limits=(0, inf),
    range=(0, inf), monotone="increasing",
    errata="Both packages that follow the survey add z in the middle branch, where it jumps at both ends; without it value "
    "and slope are continuous.",
)  # fmt: skip

declare(
    "square_logistic_sigmoid", "0.5 + 0.5*where(abs(z) > 2, sign(z), z - sign(z)*z**2/4)",
    source="doi:10.1016/j.neucom.2021.02.030", section="3.8.6", aliases=("logsqnl",), at_zero=(0.5, 0.5), limits=(0, 1),
    range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "linear_quadratic", "where(abs(z) >= 2 - 2*a, a*z + sign(z)*(1 - 2*a + a**2), z*(4 - abs(z))/4)",
    source="arXiv:2402.09092", section="3.8.8", aliases=("linq",), a=Fixed(0.1, low=0, high=1), at_zero=(0, 1),
    limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
    cases={"a=0": "sqnl", "a=1": "identity"},
    errata="Both packages that follow the survey print 1 - 2*z + z**2 for the offset of the outer branches, a parabola; "
    "continuity asks for 1 - 2*a + a**2.",
)  # fmt: skip

declare(
    "isrlu", "where(z >= 0, z, z/sqrt(1 + a*z**2))",
    source="arXiv:1710.09967", section="3.8.9", a=Fixed(1, low=1e-6), at_zero=(0, 1), limits=(-1, inf),
    range=(-1, inf), monotone="increasing",
)  # fmt: skip

declare(
    "isru", "z/sqrt(1 + a*z**2)",
    source="arXiv:1710.09967", section="3.8.10", a=Fixed(1, low=1e-6), at_zero=(0, 1), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing", cases={"a=1": "algebraic_sigmoid"},
)  # fmt: skip

declare(
    "modified_elliott", "z/sqrt(1 + z**2) + 0.5",
    source="arXiv:2402.09092", section="3.8.11", aliases=("mef",), at_zero=(0.5, 1), limits=(-0.5, 1.5),
    range=(-0.5, 1.5), monotone="increasing",
)  # fmt: skip

declare(
    "square_swish", "where(z > 0, z + z**2/32, where(z >= -2, z + z**2/2, 0))",
    source="doi:10.1016/j.neucom.2021.02.030", section="3.8.3", aliases=("squish",),
    stable="where(z > 0, z*(1 + z/32), where(z >= -2, z*(1 + z/2), 0))",  # z**2 overflows before z**2/32 does
    at_zero=(0, 1), limits=(0, inf), range=(-0.5, inf), kinks=(-2,),
)  # fmt: skip
