"""Pieces with learned heights: hinges, hats, splines. Linear in their coefficients, they are bases of edges too."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ._declare import family
from ._facts import Count, Fixed, Learn
from ._spec import Member
from ._sums import cardinal, grid, learned, number, powers, printed, shifted

if TYPE_CHECKING:
    from torch import Tensor

SURVEY = "arXiv:2402.09092"


def _line(u: Tensor, v: Tensor) -> Tensor:
    return u


def _wave(u: Tensor, v: Tensor) -> Tensor:
    sine = (u * (math.pi / 2)).sin()
    return sine * sine


def _inner_cubic(u: Tensor, v: Tensor) -> Tensor:
    return u * (1 + u * (4 - 3 * u)) / 2


def _outer_cubic(u: Tensor, v: Tensor) -> Tensor:
    return u * u * v * -0.5


def _inner_spline(u: Tensor, v: Tensor) -> Tensor:
    return (1 + u * (3 + u * (3 - 3 * u))) / 6


def _outer_spline(u: Tensor, v: Tensor) -> Tensor:
    return u * u * u / 6


def _over(step: Fraction) -> str:
    return "" if step == 1 else f"*{number(1 / step)}"


def _places(count: int, low: int, high: int) -> tuple[list[Fraction], Fraction]:
    return grid(count, low, high), Fraction(high - low, count - 1)


@family(source="arXiv:2104.03693", aliases=("pwlu",), points=Count(5, low=2, high=64), kinks=(0,))
def piecewise_linear(points: int) -> Member:
    """Lines between learned values at equally spaced points of [-2, 2], learned slopes outside; it starts as relu."""
    places, step = _places(points, -2, 2)
    names = ["l", *(f"y{k}" for k in range(1, points + 1)), "r"]
    inside, over = "clip(z, -2, 2)", _over(step)
    hats = [f"relu(1 - abs({shifted(place).replace('z', inside)}){over})" for place in places]
    terms = ["min(z + 2, 0)", *hats, "max(z - 2, 0)"]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        import torch

        low, high = torch.where(z < -2, z + 2, 0.0), torch.where(z >= 2, z - 2, 0.0)
        bumps = [cardinal(z, place, step, [_line]) for place in places]
        bumps[0] = torch.where(z < -2, 1.0, bumps[0])
        bumps[-1] = torch.where(z >= 2, 1.0, bumps[-1])
        return [low, *bumps, high]

    starts = [0.0, *(float(max(place, Fraction(0))) for place in places), 1.0]
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, starts), tuple(names), values)


@family(source="arXiv:1412.6830", aliases=("aplu",), hinges=Count(2, low=1, high=32), kinks=(-1, 0, 1))
def adaptive_piecewise_linear(hinges: int) -> Member:
    """relu and hinges at learned places b that open to the left."""
    names = ["c", *(f"a{k}" for k in range(1, hinges + 1))]
    terms = ["relu(z)", *(f"relu(b{k} - z)" for k in range(1, hinges + 1))]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        return [z.relu(), *((inner[f"b{k}"] - z).relu() for k in range(1, hinges + 1))]

    parameters = {"c": Fixed(1.0), **learned(names[1:], [0.2 / k for k in range(1, hinges + 1)])}
    parameters |= learned([f"b{k}" for k in range(1, hinges + 1)], grid(hinges, -1, 1) if hinges > 1 else [0.0])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:2006.08947", hinges=Count(7, low=1, high=15), kinks=(0,))
def splash(hinges: int) -> Member:
    """Hinges at the same fixed places to both sides, the first at 0; it starts as relu."""
    each = (hinges + 1) // 2
    places = [0.5 * k for k in range(each)]
    names = [*(f"p{k}" for k in range(1, each + 1)), *(f"n{k}" for k in range(1, each + 1))]
    terms = [f"relu({sign}{shifted(place)})" for sign in ("", "-") for place in places]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        return [*((z - place).relu() for place in places), *((-z - place).relu() for place in places)]

    starts = [float(name == "p1") for name in names]
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, starts), tuple(names), values)


_MEXICAN = [
    (Fraction(at, 2), Fraction(width, 2)) for at, width in ((4, 4), (2, 2), (6, 2), (1, 1), (3, 1), (5, 1), (7, 1))
]
"""Centre and half width of the hats of MeLU, as multiples of the largest input."""


@family(source=SURVEY, section="4.32", aliases=("melu",), hats=Count(3, low=1, high=7), kinks=(0,))
def mexican_relu(hats: int) -> Member:
    """prelu and hats on fixed places, for a largest input of 1; it starts as prelu."""
    names = ["c", "a", *(f"w{k}" for k in range(1, hats + 1))]
    chosen = _MEXICAN[:hats]
    terms = ["relu(z)", "min(z, 0)", *(f"relu({number(width)} - abs({shifted(at)}))" for at, width in chosen)]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        import torch

        bumps = [float(width) * cardinal(z, at, width, [_line]) for at, width in chosen]
        return [torch.where(z >= 0, z, 0.0), torch.where(z >= 0, 0.0, z), *bumps]

    parameters = {"c": Fixed(1.0), "a": Learn(0.25), **learned(names[2:], [0.0] * hats)}
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source=SURVEY, section="4.32.2", aliases=("galu",), waves=Count(3, low=1, high=7), kinks=(0,))
def gaussian_relu(waves: int) -> Member:
    """prelu and small waves, each a hat and beside it one turned down; it starts as prelu."""
    names = ["c", "a", *(f"w{k}" for k in range(1, waves + 1))]
    chosen = _MEXICAN[:waves]
    parts = [
        f"(relu({number(width)} - abs({shifted(at)})) + min(abs({shifted(at + 2 * width)}) - {number(width)}, 0))"
        for at, width in chosen
    ]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        import torch

        bumps = [
            float(width) * (cardinal(z, at, width, [_line]) - cardinal(z, at + 2 * width, width, [_line]))
            for at, width in chosen
        ]
        return [torch.where(z >= 0, z, 0.0), torch.where(z >= 0, 0.0, z), *bumps]

    parameters = {"c": Fixed(1.0), "a": Learn(0.25), **learned(names[2:], [0.0] * waves)}
    terms = ["relu(z)", "min(z, 0)", *parts]
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source=SURVEY, section="4.44", aliases=("mtlu",), bins=Count(4, low=2, high=64))
def multi_bin_linear(bins: int) -> Member:
    """A line of its own in each bin, slope a and height b: it may jump between bins. It starts as the identity."""
    borders = [-2 + Fraction(4 * k, bins) for k in range(1, bins)]
    names = [*(f"a{k}" for k in range(1, bins + 1)), *(f"b{k}" for k in range(1, bins + 1))]

    def inside(k: int, what: str) -> str:
        below = f"where(z < {number(borders[k])}, {what}, 0)" if k < bins - 1 else what
        return f"where(z >= {number(borders[k - 1])}, {below}, 0)" if k else below

    terms = [inside(k, what) for what in ("z", "1") for k in range(bins)]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        import torch

        chosen = []
        for k in range(bins):
            here = torch.ones_like(z, dtype=torch.bool) if k == 0 else z >= float(borders[k - 1])
            chosen.append(here & (z < float(borders[k])) if k < bins - 1 else here)
        lines = [torch.where(here | z.isnan(), z, 0.0) for here in chosen]
        return [*lines, *(here.to(z.dtype) for here in chosen)]

    starts = [1.0] * bins + [0.0] * bins
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, starts), tuple(names), values)


@family(source=SURVEY, section="4.46", aliases=("lutu",), points=Count(5, low=2, high=64))
def look_up_table(points: int) -> Member:
    """Raised cosines of one grid step to each side around equally spaced points of [-2, 2]."""
    places, step = _places(points, -2, 2)
    names = [f"b{k}" for k in range(1, points + 1)]
    width, over = number(step), _over(step)
    terms = [
        f"where(abs({shifted(place)}) <= {width}, (1 + cos(pi*({shifted(place)}){over}))/2, 0)" for place in places
    ]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        return [cardinal(z, place, step, [_wave]) for place in places]

    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, places), tuple(names), values)


def _spline(places: list[Fraction], step: Fraction, pieces: list[list[float]]) -> list[str]:
    """The same bump around every place, printed: piece k is a polynomial of the distance, lowest power first."""

    def term(place: Fraction) -> str:
        t, text = f"(abs({shifted(place)}){_over(step)})" if _over(step) else f"abs({shifted(place)})", "0"
        for count in range(len(pieces), 0, -1):
            border = number(count * step)
            text = f"where(abs({shifted(place)}) <= {border}, {powers(pieces[count - 1], t)}, {text})"
        return text

    return [term(place) for place in places]


@family(source="arXiv:1605.05509", aliases=("saf", "catmull_rom"), points=Count(5, low=2, high=32))
def spline_activation(points: int) -> Member:
    """Cubic (Catmull-Rom) interpolation of learned values at equally spaced points; beyond the points it runs out to 0."""
    places, step = _places(points, -2, 2)
    names = [f"q{k}" for k in range(1, points + 1)]
    terms = _spline(places, step, [[1.0, 0.0, -2.5, 1.5], [2.0, -4.0, 2.5, -0.5]])

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        return [cardinal(z, place, step, [_inner_cubic, _outer_cubic]) for place in places]

    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, places), tuple(names), values)


@family(source="arXiv:2404.19756", aliases=("kan_edge",), points=Count(5, low=2, high=64))
def kan_activation(points: int) -> Member:
    """The residual function silu and a sum of cubic B-splines on [-2, 2]: what one edge of a KAN computes."""
    places, step = _places(points, -2, 2)
    names = ["b", *(f"c{k}" for k in range(1, points + 1))]
    bumps = _spline(places, step, [[4.0, 0.0, -6.0, 3.0], [8.0, -12.0, 6.0, -1.0]])
    terms = ["z*sigma(z)", *(f"{bump}/6" for bump in bumps)]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        return [z * z.sigmoid(), *(cardinal(z, place, step, [_inner_spline, _outer_spline]) for place in places)]

    parameters = learned(names, [1.0, *(place / 10 for place in places)])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:2406.02075", grid=Count(4, low=1, high=32), order=Count(3, low=1, high=8))
def relu_kan(grid: int, order: int) -> Member:
    """Squares of products of two relus: bumps on overlapping intervals of [-2, 2], of height 1."""
    step = Fraction(4, grid)
    starts = [-2 + step * k for k in range(-order, grid)]
    ends = [start + (order + 1) * step for start in starts]
    names = [f"w{k}" for k in range(1, grid + order + 1)]
    scale = 16 / ((order + 1) * step) ** 4
    terms = [
        f"{number(scale)}*(relu({number(end)} - z)*relu({shifted(start)}))**2"
        for start, end in zip(starts, ends, strict=True)
    ]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        import torch

        found = []
        for start, end in zip(map(float, starts), map(float, ends), strict=True):
            inside = z.clamp(start, end)
            bump = (end - inside) * (inside - start)
            found.append(torch.where((z >= start) & (z < end) | z.isnan(), bump * bump * float(scale), 0.0))
        return found

    weights = [round(-1 + 2 * k / (len(names) - 1), 3) + 0.01 for k in range(len(names))]
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, weights), tuple(names), values)
