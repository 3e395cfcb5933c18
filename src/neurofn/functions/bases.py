"""Sums over a basis: orthogonal polynomials, waves, bumps. Linear in their coefficients, they are bases of edges too."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ._declare import family
from ._facts import Count, Fixed, Learn
from ._spec import Member
from ._sums import grid, held, horner, learned, legendre, number, powers, printed, shifted

if TYPE_CHECKING:
    from torch import Tensor

SURVEY = "arXiv:2402.09092"


def _polynomial_member(rows: list[list[float]], terms: list[str], starts: list[float]) -> Member:
    """Polynomials with the given coefficients; computed as one polynomial, since in their sum powers could overflow."""
    names = [f"c{k}" for k in range(len(rows))]

    def single(z: Tensor, **_: Any) -> list[Tensor]:
        return [horner(z, row) for row in rows]

    def code(z: Tensor, **values: Any) -> Tensor:
        powers = [
            sum(values[name] * row[power] for name, row in zip(names, rows, strict=True) if len(row) > power)
            for power in range(len(rows))
        ]
        return horner(z, powers)

    formula = printed(dict(zip(names, terms, strict=True)))
    return Member(formula, learned(names, starts), tuple(names), single, code)


@family(source="arXiv:1906.09529", aliases=("slaf", "self_learnable_activation"), degree=Count(3, low=2, high=9))
def polynomial(degree: int) -> Member:
    """Powers of z; it starts as the first powers of -ln(1 - z)."""
    rows = [[0.0] * k + [1.0] for k in range(degree + 1)]
    terms = ["", "z", *(f"z**{k}" for k in range(2, degree + 1))]
    return _polynomial_member(rows, terms, [0.0, *(1 / k for k in range(1, degree + 1))])


@family(source="arXiv:1909.05479", degree=Count(3, low=2, high=6))
def hermite(degree: int) -> Member:
    """Hermite polynomials of unit norm under the normal density; each starts with the weight 1."""
    whole = [[1], [0, 1]]
    while len(whole) <= degree:
        raised, before = [0, *whole[-1]], [(len(whole) - 1) * x for x in whole[-2]] + [0, 0]
        whole.append([a - b for a, b in zip(raised, before, strict=True)])
    rows = [[x / math.sqrt(math.factorial(k)) for x in row] for k, row in enumerate(whole)]
    terms = [""]
    for k, row in enumerate(whole[1:], 1):
        norm = f"/sqrt({math.factorial(k)})" if k > 1 else ""
        terms.append(f"({powers(row, 'z')}){norm}" if k > 1 else "z")
    return _polynomial_member(rows, terms, [1.0] * (degree + 1))


@family(source=SURVEY, section="4.48.8", aliases=("lpaf",), degree=Count(3, low=1, high=12))
def legendre_sum(degree: int) -> Member:
    """Legendre polynomials of tanh(z): the squashing keeps every input inside [-1, 1], where they are bounded by 1."""
    names = [f"c{k}" for k in range(degree + 1)]
    terms = ["", *(f"({powers(row, 'tanh(z)')})/{2**k}" for k, row in enumerate(legendre(degree)[1:], 1))]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        u = z.tanh()
        found = [u * 0 + 1, u]
        for k in range(2, degree + 1):
            found.append(((2 * k - 1) * u * found[-1] - (k - 1) * found[-2]) / k)
        return found[: degree + 1]

    starts = [float(k == 1) for k in range(degree + 1)]
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, starts), tuple(names), values)


@family(source="arXiv:2305.13508", degree=Count(3, low=1, high=12), kinks=(-3, 3))
def bernstein(degree: int) -> Member:
    """Bernstein polynomials on [-3, 3], constant outside; they sum to 1. It starts as the identity on that interval."""
    names = [f"c{k}" for k in range(degree + 1)]
    up, down = "((clip(z, -3, 3) + 3)/6)", "((3 - clip(z, -3, 3))/6)"
    terms = [f"{math.comb(degree, k)}*{up}**{k}*{down}**{degree - k}" for k in range(degree + 1)]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        inside = z.clamp(-3, 3)
        rise, fall = (inside + 3) / 6, (3 - inside) / 6
        return [math.comb(degree, k) * rise**k * fall ** (degree - k) for k in range(degree + 1)]

    starts = grid(degree + 1, -3, 3)
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, starts), tuple(names), values)


@family(source=SURVEY, section="4.48.11", aliases=("fsa", "fourier_series"), order=Count(3, low=1, high=16))
def fourier(order: int) -> Member:
    """A constant, cosines and sines of d*z, 2*d*z, ... with a learned d; it starts as sin(z)."""
    names = ["a", *(f"b{k}" for k in range(1, order + 1)), *(f"c{k}" for k in range(1, order + 1))]
    waves = [(word, k) for word in ("cos", "sin") for k in range(1, order + 1)]
    terms = ["", *(f"{word}({k}*d*z)" if k > 1 else f"{word}(d*z)" for word, k in waves)]

    def values(z: Tensor, d: Any, **_: Any) -> list[Tensor]:
        near = held(z) * d
        return [
            near * 0 + 1,
            *((near * k).cos() for k in range(1, order + 1)),
            *((near * k).sin() for k in range(1, order + 1)),
        ]

    starts = [float(name == "c1") for name in names]
    parameters = {**learned(names, starts), "d": Learn(1.0)}
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:2502.00869", aliases=("staf", "sinusoidal_sum"), waves=Count(3, low=1, high=32))
def sine_sum(waves: int) -> Member:
    """Sines whose frequencies and phases are learned too; it starts with the frequencies 1, 2, ..."""
    names = [f"c{k}" for k in range(1, waves + 1)]
    terms = [f"sin(w{k}*z + p{k})" for k in range(1, waves + 1)]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        near = held(z)
        return [(near * inner[f"w{k}"] + inner[f"p{k}"]).sin() for k in range(1, waves + 1)]

    parameters = learned(names, [1 / k for k in range(1, waves + 1)])
    parameters |= learned([f"w{k}" for k in range(1, waves + 1)], [float(k) for k in range(1, waves + 1)])
    parameters |= learned([f"p{k}" for k in range(1, waves + 1)], [0.0] * waves)
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:2105.09513", terms=Count(3, low=1, high=16))
def rowdy(terms: int) -> Member:
    """tanh and sines of growing frequency, each with a learned stretch; the sines start small."""
    names = [f"a{k}" for k in range(terms + 1)]
    parts = ["tanh(z)", *(f"sin({k}*b{k}*z)" if k > 1 else f"sin(b{k}*z)" for k in range(1, terms + 1))]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        near = held(z)
        return [z.tanh(), *((near * (inner[f"b{k}"] * k)).sin() for k in range(1, terms + 1))]

    parameters = learned(names, [1.0, *(0.1 for _ in range(terms))])
    parameters |= learned([f"b{k}" for k in range(1, terms + 1)], [1.0] * terms)
    return Member(printed(dict(zip(names, parts, strict=True))), parameters, tuple(names), values)


@family(source=SURVEY, section="4.48.10", aliases=("mogu", "mixture_of_gaussians"), size=Count(4, low=1, high=32))
def gaussian_mixture(size: int) -> Member:
    """Normal densities with learned centres m and widths s."""
    names = [f"a{k}" for k in range(1, size + 1)]
    terms = [f"phi((z - m{k})/s{k})/s{k}" for k in range(1, size + 1)]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        near, found = held(z), []
        for k in range(1, size + 1):
            width = inner[f"s{k}"]
            u = (near - inner[f"m{k}"]) / width
            found.append((u * u * -0.5).exp() * (1 / math.sqrt(2 * math.pi)) / width)
        return found

    centres = grid(size, -2, 2) if size > 1 else [Fraction(0)]
    parameters = learned(names, [1.0] * size)
    parameters |= learned([f"m{k}" for k in range(1, size + 1)], centres)
    parameters |= learned([f"s{k}" for k in range(1, size + 1)], [1.0] * size, low=1e-3)
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


def _bumps(size: int, width: str, at: float) -> tuple[list[str], list[str], Any]:
    """Names, printed terms and values of exp(-g*(z - place)**2) for places on [-2, 2]; ``width`` names g, ``at`` its size."""
    places = grid(size, -2, 2)
    names = [f"w{k}" for k in range(1, size + 1)]
    terms = [f"exp(-{width}*({shifted(place)})**2)" for place in places]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        near, sharp = held(z), inner.get(width, at)
        return [((near - place) * (near - place) * -sharp).exp() for place in map(float, places)]

    return names, terms, values


@family(source="arXiv:2405.06721", aliases=("fastkan", "radial_basis_functions"), size=Count(6, low=2, high=64))
def radial_basis(size: int) -> Member:
    """Gaussian bumps on equally spaced centres of [-2, 2], as wide as the centres are apart."""
    sharp = Fraction(size - 1, 4) ** 2
    names, terms, values = _bumps(size, number(sharp), float(sharp))
    starts = grid(size, -1, 1)
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, starts), tuple(names), values)


@family(source="arXiv:1707.04035", aliases=("kaf",), size=Count(6, low=2, high=64))
def kernel_activation(size: int) -> Member:
    """A kernel expansion over a fixed dictionary on [-2, 2] with bandwidth g, which starts at 1/(6*spacing**2)."""
    start = round(((size - 1) / 4) ** 2 / 6, 9)
    names, terms, values = _bumps(size, "g", start)
    parameters = {**learned(names, [place / 2 for place in grid(size, -1, 1)]), "g": Fixed(start, low=0)}
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:2405.12832", aliases=("wavkan",), size=Count(3, low=1, high=32))
def wavelet_sum(size: int) -> Member:
    """Mexican hats with learned places t and scales s."""
    names = [f"w{k}" for k in range(1, size + 1)]
    hats = [f"((z - t{k})/s{k})" for k in range(1, size + 1)]
    terms = [f"2/sqrt(3)*pi**(-0.25)*(1 - {u}**2)*exp(-{u}**2/2)" for u in hats]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        near, found = held(z), []
        for k in range(1, size + 1):
            u = (near - inner[f"t{k}"]) / inner[f"s{k}"]
            found.append((1 - u) * (1 + u) * (u * u * -0.5).exp() * (2 / math.sqrt(3) * math.pi**-0.25))
        return found

    places = grid(size, -2, 2) if size > 1 else [Fraction(0)]
    parameters = learned(names, [float(k) for k in range(1, size + 1)])
    parameters |= learned([f"t{k}" for k in range(1, size + 1)], places)
    parameters |= learned([f"s{k}" for k in range(1, size + 1)], [1.0] * size, low=1e-3)
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:1902.03306", aliases=("vaf",), size=Count(3, low=1, high=32))
def variable_activation(size: int) -> Member:
    """A constant and sigmoid units with learned slope and place: a network with one input and one output."""
    names = [f"a{k}" for k in range(size + 1)]
    terms = ["", *(f"tanh(b{k}*z + c{k})" for k in range(1, size + 1))]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        return [z * 0 + 1, *((z * inner[f"b{k}"] + inner[f"c{k}"]).tanh() for k in range(1, size + 1))]

    parameters = learned(names, [0.0, *(1.0 for _ in range(size))])
    parameters |= learned([f"b{k}" for k in range(1, size + 1)], [float(k) for k in range(1, size + 1)])
    parameters |= learned([f"c{k}" for k in range(1, size + 1)], grid(size, -1, 1) if size > 1 else [Fraction(0)])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)
