"""Quotients of polynomials (Padé)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._declare import family
from ._facts import Count, Learn
from ._spec import Member

if TYPE_CHECKING:
    from torch import Tensor


_FAR = 2.0**60


def _start(p: int, q: int) -> list[float]:
    import numpy as np

    # Even powers keep the denominator smooth; the ratio 1/40 gives 0.2 and 0.005, the best of a coarse search for (5, 4).
    b = [0.2 / 40 ** (k // 2 - 1) if k % 2 == 0 else 0.0 for k in range(1, q + 1)]
    if q % 2 == 1:
        b[-1] = 0.1 if q == 1 else b[-2] / 10
    z = np.linspace(-4, 4, 401)
    powers = z[:, None] ** np.arange(max(p, q) + 1)
    terms = powers[:, : p + 1] / (1 + np.abs(powers[:, 1 : q + 1] @ np.array(b)))[:, None]
    a = np.linalg.lstsq(terms, z / (1 + np.exp(-z)), rcond=None)[0]
    return [*map(float, a), *b]


@family(source="arXiv:1907.06732", aliases=("pade",), p=Count(5, low=0, high=16), q=Count(4, low=1, high=16))
def rational(p: int, q: int) -> Member:
    """The safe quotient P(z)/(1 + |Q(z)|): it has no poles. It starts as the least-squares fit to silu on [-4, 4]."""
    over = [f"a{k}" for k in range(p + 1)]
    under = [f"b{k}" for k in range(1, q + 1)]

    def terms(z: Tensor, **b: Any) -> list[Tensor]:
        import torch

        # Powers of z overflow long before the quotient does, so |z| = s >= 1 is divided out: u = z/s, r = 1/s.
        size = z.abs()
        inside = size <= 1
        u, s = torch.where(inside, z, z.sign()), torch.where(inside, 1.0, size)
        r = 1 / s
        Q = sum(b[name] * u**k * r ** (q - k) for k, name in enumerate(under, 1))
        # not abs(): its slope is 0 where Q is, and with it the curvature that Q = z**2 has there
        denominator = r**q + torch.where(Q >= 0, Q, -Q)
        return [u**k * (s ** (k - q) if k > q else r ** (q - k)) / denominator for k in range(p + 1)]

    def code(z: Tensor, **values: Any) -> Tensor:
        import torch

        # The same quotient by Horner's rule, each half its cost: w is z inside [-1, 1] and its sign outside, c the inverse of
        # the rest. Beyond 2**60 only the leading powers are left; scaling them up last keeps every step finite where f is.
        inner = z.clamp(-_FAR, _FAR)
        size = inner.abs()
        inside = size <= 1
        w, c = torch.where(inside, inner, inner.sign()), 1 / torch.where(inside, 1.0, size)
        powers = [torch.ones_like(c), c]
        while len(powers) <= q:
            powers.append(powers[-1] * c)
        top = values[over[-1]] * powers[max(q - p, 0)]
        for k in range(p - 1, -1, -1):
            top = top * inner + values[over[k]] if k >= q else top * w + values[over[k]] * powers[q - k]
        Q = values[under[-1]] * w
        for k in range(q - 1, 0, -1):
            Q = (Q + values[under[k - 1]] * powers[q - k]) * w
        near: Tensor = top / (powers[q] + torch.where(Q >= 0, Q, -Q))
        return near * (z.abs() / _FAR).clamp(min=1) ** (p - q)

    start = _start(p, q)
    top, bottom = (" + ".join(f"{name}*z**{name[1:]}" for name in names) for names in (over, under))
    return Member(
        f"({top})/(1 + abs({bottom}))",
        {name: Learn(value) for name, value in zip([*over, *under], start, strict=True)},
        tuple(over),
        terms,
        code,
    )
