"""Polynomials, alone and as families of bases."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from ._declare import declare, family
from ._facts import Count, Learn
from ._spec import Member

if TYPE_CHECKING:
    from torch import Tensor

declare("square", "z**2", source="arXiv:2402.09092", even=True, range=(0, inf), limits=(inf, inf), at_zero=(0, 0))


@family(source="arXiv:2405.07200", degree=Count(4, low=1, high=64))
def chebyshev(degree: int) -> Member:
    """Chebyshev polynomials of tanh(z): the squashing keeps every input inside [-1, 1], where they are bounded by 1."""
    names = tuple(f"c{k}" for k in range(degree + 1))

    def terms(z: Tensor, **_: Any) -> list[Tensor]:
        u = z.tanh()
        values = [u * 0 + 1, u]
        while len(values) <= degree:
            values.append(2 * u * values[-1] - values[-2])
        return values[: degree + 1]

    return Member(
        " + ".join(f"c{k}*T({k}, tanh(z))" for k in range(degree + 1)),
        {name: Learn(1.0 if name == "c1" else 0.0) for name in names},
        names,
        terms,
    )
