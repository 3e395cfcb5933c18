"""The functions among which the symbolic reading of a curve chooses, each as a printed formula with a price.

A form is fitted as a*f(b*x + c) + d. For powers, roots and logarithms b is only a sign (its size goes into a and d), for the
exponential c is 0: ``free`` says which of the two are searched, so that no two settings mean the same curve.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

import numpy as np

from ..._errors import SettingError, UnknownNameError, did_you_mean
from ...formula import Formula, Node, evaluate, numpy_words
from ...functions import Function
from ...functions import catalogue as functions
from ...functions._derive._symbolic import derivative

__all__ = ["DEFAULT_LIBRARY", "Array", "Form", "elementwise_functions", "form_of", "library_of"]

Array = np.ndarray[Any, np.dtype[np.float64]]
Free = Literal["", "b", "c", "bc"]


@dataclass(frozen=True)
class Form:
    """One function of a library: its formula in z, its price, and what of b and c means anything.

    ``parity`` is 1 for even, -1 for odd, 0 for neither; ``period`` is that of a periodic function.

    >>> form_of("gaussian").formula, form_of("gaussian").parity
    ('exp(-z**2)', 1)
    """

    name: str
    formula: str
    price: float
    free: Free = "bc"
    parity: int = 0
    period: float | None = None
    values: tuple[tuple[str, float], ...] = ()

    @cached_property
    def tree(self) -> Node:
        """The formula as a tree."""
        return Formula(self.formula).tree

    @cached_property
    def _slope(self) -> Node | None:
        return derivative(self.tree)

    def __call__(self, u: Array) -> Array:
        """f(u), NaN or infinite where the function is not defined."""
        return self._at(self.tree, u)

    def slope(self, u: Array) -> Array:
        """f'(u) by its own formula; by differences where the language has no word for it."""
        if self._slope is None:
            step = 1e-6 * np.maximum(1.0, np.abs(u))
            return (self(u + step) - self(u - step)) / (2 * step)
        return self._at(self._slope, u)

    def _at(self, tree: Node, u: Array) -> Array:
        with np.errstate(all="ignore"):
            value = evaluate(tree, {"z": u, **dict(self.values)}, _words())
        return np.broadcast_to(np.asarray(value, dtype=float), u.shape)


@cache
def _words() -> dict[str, Any]:
    from scipy import special

    fast = {"erf": special.erf, "erfc": special.erfc, "Phi": special.ndtr, "**": _power}
    return {**numpy_words(), **fast}


def _power(base: Any, exponent: Any) -> Any:
    """Whole powers by products: numpy's own are ten times slower."""
    if not (isinstance(exponent, float) and exponent in (2.0, 3.0, 4.0, 5.0)):
        return np.power(base, exponent)
    square = base * base
    return {2: square, 3: square * base, 4: square * square, 5: square * square * base}[int(exponent)]


_TURN = 2 * math.pi
_OWN = (
    Form("x", "z", 1, free="", parity=-1),
    Form("x^2", "z**2", 2, free="c", parity=1),
    Form("x^3", "z**3", 3, free="c", parity=-1),
    Form("x^4", "z**4", 4, free="c", parity=1),
    Form("x^5", "z**5", 5, free="c", parity=-1),
    Form("1/x", "1/z", 2, free="c", parity=-1),
    Form("1/x^2", "1/z**2", 3, free="c", parity=1),
    Form("1/x^3", "1/z**3", 4, free="c", parity=-1),
    Form("sqrt", "sqrt(z)", 2, free="c"),
    Form("x^1.5", "z*sqrt(z)", 3, free="c"),
    Form("1/sqrt", "1/sqrt(z)", 3, free="c"),
    Form("exp", "exp(z)", 2, free="b"),
    Form("log", "ln(z)", 2, free="c"),
    Form("abs", "abs(z)", 2, free="c", parity=1),
    Form("relu", "max(z, 0)", 3, free="c"),
    Form("sin", "sin(z)", 3, parity=-1, period=_TURN),
    Form("cos", "cos(z)", 3, parity=1, period=_TURN),
    Form("tan", "sin(z)/cos(z)", 3, parity=-1, period=math.pi),
    Form("arcsin", "atan(z/sqrt(1 - z**2))", 4, parity=-1),
    Form("arctan", "atan(z)", 3, parity=-1),
    Form("arctanh", "ln((1 + z)/(1 - z))/2", 4, parity=-1),
    Form("arcsinh", "asinh(z)", 4, parity=-1),
    Form("sinh", "sinh(z)", 3, parity=-1),
    Form("cosh", "cosh(z)", 3, parity=1),
    Form("tanh", "tanh(z)", 3, parity=-1),
    Form("sech", "sech(z)", 4, parity=1),
    Form("gaussian", "exp(-z**2)", 3, parity=1),
    Form("lorentzian", "1/(1 + z**2)", 4, parity=1),
    Form("erf", "erf(z)", 4, parity=-1),
    Form("sinc", "sinc(z)", 4, parity=1),
    Form("softplus", "softplus(z)", 4),
    Form("silu", "z*sigma(z)", 5),
)
_BY_NAME = {form.name: form for form in _OWN}
_ALSO = {
    "square": "x^2",
    "exponential": "exp",
    "sine": "sin",
    "cosine": "cos",
    "ln": "log",
    "identity": "x",
    "linear": "x",
}
DEFAULT_LIBRARY = tuple(_BY_NAME)
"""What is tried where the user names nothing."""


@cache
def form_of(name: str) -> Form:
    """The form of this name: one of the library's own, else the function of the catalogue with its default settings.

    Raises UnknownNameError.

    >>> form_of("log").formula, form_of("mish").formula
    ('ln(z)', 'z*tanh(softplus(z))')
    """
    own = _BY_NAME.get(_ALSO.get(name, name))
    if own is not None:
        return own
    if name not in functions:
        known = [*_BY_NAME, *functions]
        raise UnknownNameError(f"no function of the library is called {name!r}; {did_you_mean(name, known)}")
    part: Function = functions[name]
    own = _BY_NAME.get(_ALSO.get(part.name, part.name))
    if own is not None:
        return own
    parity = 1 if part.facts.even else -1 if part.facts.odd else 0
    return Form(part.name, part.formula, 5, parity=parity, values=tuple(part.defaults.items()))


def library_of(names: Iterable[str | Form] | None) -> tuple[Form, ...]:
    """The forms of a library: names, forms of your own, or None for the default one; each once.

    >>> [form.name for form in library_of(["sine", "sin", "x^2"])]
    ['sin', 'x^2']
    """
    if isinstance(names, str):
        raise SettingError(f"a library is a list of names such as ['sin', 'x^2'], got the text {names!r}")
    forms = [
        form if isinstance(form, Form) else form_of(form) for form in (DEFAULT_LIBRARY if names is None else names)
    ]
    if not forms:
        raise SettingError("a library has at least one function, got none; give None for the default one")
    return tuple(dict.fromkeys(forms))


def elementwise_functions() -> tuple[str, ...]:
    """The default library and every function of the catalogue beside it: some 500, several seconds a curve.

    >>> len(elementwise_functions()) > 300
    True
    """
    return (*DEFAULT_LIBRARY, *(name for name in functions if _ALSO.get(name, name) not in _BY_NAME))
