"""Words of one argument: the value and three derivatives of each, written once over the base functions of a kind of number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._kinds import Kind

__all__ = ["RULES", "outer"]

Rule = Callable[[Mapping[str, Callable[..., Any]], Any, Callable[[Any, int], Any]], Sequence[Any]]


def _exp(t: Any, u: Any, p: Any) -> Sequence[Any]:
    return (t["exp"](u),) * 4


def _expm1(t: Any, u: Any, p: Any) -> Sequence[Any]:
    return t["expm1"](u), *(t["exp"](u),) * 3


def _ln(t: Any, u: Any, p: Any) -> Sequence[Any]:
    return t["ln"](u), p(u, -1), -p(u, -2), 2.0 * p(u, -3)


def _log1p(t: Any, u: Any, p: Any) -> Sequence[Any]:
    v = 1.0 + u
    return t["log1p"](u), p(v, -1), -p(v, -2), 2.0 * p(v, -3)


def _sqrt(t: Any, u: Any, p: Any) -> Sequence[Any]:
    root = t["sqrt"](u)
    r = 1.0 / root
    return root, 0.5 * r, -0.25 * p(r, 3), 0.375 * p(r, 5)


def _sin(t: Any, u: Any, p: Any) -> Sequence[Any]:
    s, c = t["sin"](u), t["cos"](u)
    return s, c, -s, -c


def _cos(t: Any, u: Any, p: Any) -> Sequence[Any]:
    s, c = t["sin"](u), t["cos"](u)
    return c, -s, -c, s


def _sinh(t: Any, u: Any, p: Any) -> Sequence[Any]:
    s, c = t["sinh"](u), t["cosh"](u)
    return s, c, s, c


def _cosh(t: Any, u: Any, p: Any) -> Sequence[Any]:
    s, c = t["sinh"](u), t["cosh"](u)
    return c, s, c, s


def _tanh(t: Any, u: Any, p: Any) -> Sequence[Any]:
    h, s = t["tanh"](u), p(t["sech"](u), 2)
    return h, s, -2.0 * (h * s), s * (4.0 * p(h, 2) - 2.0 * s)


def _sech(t: Any, u: Any, p: Any) -> Sequence[Any]:
    h, s = t["tanh"](u), t["sech"](u)
    return s, -(s * h), s * (1.0 - 2.0 * p(s, 2)), s * h * (6.0 * p(s, 2) - 1.0)


def _sigma(t: Any, u: Any, p: Any) -> Sequence[Any]:
    d, half = t["bump"](u), t["tanh"](0.5 * u)
    return t["sigma"](u), d, -(d * half), d * (1.0 - 6.0 * d)


def _softplus(t: Any, u: Any, p: Any) -> Sequence[Any]:
    d = t["bump"](u)
    return t["softplus"](u), t["sigma"](u), d, -(d * t["tanh"](0.5 * u))


def _phi(t: Any, u: Any, p: Any) -> Sequence[Any]:
    f = t["phi"](u)
    return f, -(u * f), (p(u, 2) - 1.0) * f, (3.0 - p(u, 2)) * u * f


def _normal(t: Any, u: Any, p: Any) -> Sequence[Any]:
    return t["Phi"](u), *_phi(t, u, p)[:3]


def _erf(t: Any, u: Any, p: Any) -> Sequence[Any]:
    f = t["bell"](u)
    return t["erf"](u), f, -2.0 * (u * f), (4.0 * p(u, 2) - 2.0) * f


def _erfc(t: Any, u: Any, p: Any) -> Sequence[Any]:
    f = t["bell"](u)
    return t["erfc"](u), -f, 2.0 * (u * f), (2.0 - 4.0 * p(u, 2)) * f


def _atan(t: Any, u: Any, p: Any) -> Sequence[Any]:
    q = 1.0 / (1.0 + p(u, 2))
    return t["atan"](u), q, -2.0 * (u * p(q, 2)), (6.0 * p(u, 2) - 2.0) * p(q, 3)


def _asinh(t: Any, u: Any, p: Any) -> Sequence[Any]:
    r = 1.0 / t["sqrt"](1.0 + p(u, 2))
    return t["asinh"](u), r, -(u * p(r, 3)), (2.0 * p(u, 2) - 1.0) * p(r, 5)


RULES: dict[str, Rule] = {
    "exp": _exp, "expm1": _expm1, "ln": _ln, "log1p": _log1p, "sqrt": _sqrt, "sin": _sin, "cos": _cos, "sinh": _sinh,
    "cosh": _cosh, "tanh": _tanh, "sech": _sech, "sigma": _sigma, "softplus": _softplus, "phi": _phi, "Phi": _normal,
    "erf": _erf, "erfc": _erfc, "atan": _atan, "asinh": _asinh,
}  # fmt: skip


def outer(name: str, kind: Kind, u: Any) -> Sequence[Any]:
    """A word and three derivatives at numbers of a kind."""
    return RULES[name](kind.table, u, kind.power)
