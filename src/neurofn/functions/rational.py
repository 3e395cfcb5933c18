"""Quotients of polynomials (Padé)."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from ._declare import declare, family
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


declare(
    "rational_3_2", "(p3*z**3 + p2*z**2 + p1*z + p0)/(q2*z**2 + q1*z + 1)",
    source="arXiv:2004.01902", section="4.49", aliases=("rational_network",), p3=Learn(1.1915), p2=Learn(1.5957),
    p1=Learn(0.5), p0=Learn(0.0218), q2=Learn(2.383, low=0.5), q1=Learn(0, low=-1, high=1), far=(1, 1),
    stable="where(abs(z) <= 1, (((p3*z + p2)*z + p1)*z + p0)/((q2*z + q1)*z + 1), (p3 + (p2 + (p1 + p0/z)/z)/z)*z/(q2 + "
    "(q1 + 1/z)/z))",
    at_zero=(0.0218, 0.5), limits=(-inf, inf), range=(-inf, inf),
)  # fmt: skip


def _inside(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """z/s, s and 1/s for s = max(1, |z|) up to 2**60: powers of z overflow long before quotients of polynomials do."""
    import torch

    near = z.clamp(-_FAR, _FAR)
    size = near.abs()
    inside = size <= 1
    u, s = torch.where(inside, near, near.sign()), torch.where(inside, 1.0, size)
    return u, s, 1 / s


def _times_power(quotient: Tensor, z: Tensor, exponent: int) -> Tensor:
    """A quotient of scaled polynomials times s**exponent, beyond 2**60 times a power of what is left of |z|."""
    _, s, r = _inside(z)
    near = quotient * (s**exponent if exponent > 0 else r**-exponent)
    result: Tensor = near * (z.abs() / _FAR).clamp(min=1) ** exponent
    return result


@family(
    source="trimmel2022", section="4.51", aliases=("era",), p=Count(5, low=0, high=12), factors=Count(2, low=1, high=6)
)
def enhanced_rational(p: int, factors: int) -> Member:
    """A polynomial over a product of squares (z - c)**2 + d**2: it has no poles. It starts near the identity."""
    over = [f"a{k}" for k in range(p + 1)]
    places = [round(-1 + 2 * k / (factors - 1), 9) if factors > 1 else 0.5 for k in range(factors)]

    def terms(z: Tensor, **inner: Any) -> list[Tensor]:
        u, _, r = _inside(z)
        product = u * 0 + 1
        for k in range(1, factors + 1):
            apart, width = u - inner[f"c{k}"] * r, inner[f"d{k}"] * r
            product = product * (apart * apart + width * width)
        product = product + 1e-6 * r ** (2 * factors)
        return [_times_power(u**k / product, z, k - 2 * factors) for k in range(p + 1)]

    starts = [1.0 if k in (1, 2 * factors + 1) else 0.1 for k in range(p + 1)]
    top = " + ".join(f"{name}*z**{name[1:]}" for name in over)
    bottom = "*".join(f"((z - c{k})**2 + d{k}**2)" for k in range(1, factors + 1))
    parameters = {name: Learn(value) for name, value in zip(over, starts, strict=True)}
    parameters |= {f"c{k}": Learn(place) for k, place in enumerate(places, 1)}
    parameters |= {f"d{k}": Learn(1.0, low=1e-3) for k in range(1, factors + 1)}
    return Member(f"({top})/(1e-6 + {bottom})", parameters, tuple(over), terms)


@family(
    source="arXiv:2106.09693", section="4.52", aliases=("opau", "safe_opau"), p=Count(3, low=0, high=12),
    q=Count(2, low=1, high=8), kinks=(-0.7071067811865476, 0, 0.7071067811865476),
)  # fmt: skip
def orthogonal_rational(p: int, q: int) -> Member:
    """Chebyshev polynomials of z over 1 + sum_k |b_k|*|T_k(z)|: it has no poles."""
    over = [f"a{k}" for k in range(p + 1)]

    def terms(z: Tensor, **b: Any) -> list[Tensor]:
        import torch

        u, _, r = _inside(z)
        scaled = [u * 0 + 1, u]  # T_k(z)/s**k
        while len(scaled) <= max(p, q):
            scaled.append(2 * u * scaled[-1] - r * r * scaled[-2])
        below = r**q
        for k in range(1, q + 1):
            size, weight = torch.where(scaled[k] >= 0, scaled[k], -scaled[k]), abs(b[f"b{k}"])
            below = below + weight * size * r ** (q - k)
        return [_times_power(scaled[k] / below, z, k - q) for k in range(p + 1)]

    top = " + ".join(f"{name}*T({name[1:]}, z)" for name in over)
    bottom = " + ".join(f"abs(b{k})*abs(T({k}, z))" for k in range(1, q + 1))
    parameters = {name: Learn(0.5 if k == 0 else 1.0) for k, name in enumerate(over)}
    parameters |= {f"b{k}": Learn(1.0) for k in range(1, q + 1)}
    return Member(f"({top})/(1 + {bottom})", parameters, tuple(over), terms)
