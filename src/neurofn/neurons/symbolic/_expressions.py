"""Sympy expressions: of a form of the library, of a candidate for a curve, and of a text that a user typed.

In every expression a Float is a constant that may be fitted; whole numbers and fractions stay what they are.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import Any

import sympy

from ..._errors import LanguageError, did_you_mean
from ...formula import evaluate
from ...functions import catalogue as functions
from ._library import Form, form_of
from ._read import Candidate

__all__ = ["expression_of", "form_expression", "formula_words", "read_expression", "result_symbols"]

Expression = Any  # sympy declares no types


def result_symbols(names: tuple[str, ...]) -> tuple[Expression, ...]:
    """The inputs as real symbols: only then is sqrt(x**2) the absolute value."""
    return tuple(sympy.Symbol(name, real=True) for name in names)


@functools.cache
def formula_words() -> dict[str, Callable[..., Any]]:
    """The words of the formula language in sympy."""
    one, two = sympy.Integer(1), sympy.Integer(2)

    def sigma(u: Expression) -> Expression:
        return one / (1 + sympy.exp(-u))

    def normal(u: Expression) -> Expression:
        return (1 + sympy.erf(u / sympy.sqrt(two))) / 2

    def where(condition: Expression, yes: Expression, no: Expression) -> Expression:
        return sympy.Piecewise((yes, condition), (no, True))

    return {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
        "**": lambda a, b: a**b, "<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge,
        "number": lambda text: sympy.Rational(text), "pi": lambda: sympy.pi, "e": lambda: sympy.E, "where": where,
        "max": sympy.Max, "min": sympy.Min, "abs": sympy.Abs, "sign": sympy.sign, "relu": lambda u: sympy.Max(u, 0),
        "clip": lambda u, low, high: sympy.Min(sympy.Max(u, low), high), "exp": sympy.exp, "ln": sympy.log,
        "expm1": lambda u: sympy.exp(u) - 1, "log1p": lambda u: sympy.log(1 + u), "sqrt": sympy.sqrt,
        "logaddexp": lambda u, v: sympy.log(sympy.exp(u) + sympy.exp(v)), "hypot": lambda u, v: sympy.sqrt(u**2 + v**2),
        "sin": sympy.sin, "cos": sympy.cos, "sinc": sympy.sinc, "atan": sympy.atan, "sinh": sympy.sinh, "cosh": sympy.cosh,
        "sech": lambda u: one / sympy.cosh(u), "asinh": sympy.asinh, "tanh": sympy.tanh, "sigma": sigma,
        "softplus": lambda u: sympy.log(1 + sympy.exp(u)), "erf": sympy.erf, "erfc": sympy.erfc, "Phi": normal,
        "phi": lambda u: sympy.exp(-(u**2) / 2) / sympy.sqrt(2 * sympy.pi), "gamma": sympy.gamma,
        "T": lambda k, u: sympy.chebyshevt(int(k), u),
    }  # fmt: skip


_PLAIN: dict[str, Callable[[Expression], Expression]] = {
    "tan": sympy.tan,
    "arcsin": sympy.asin,
    "arctanh": sympy.atanh,
}


def form_expression(form: Form, u: Expression) -> Expression:
    """f(u) as sympy writes it.

    >>> import sympy
    >>> form_expression(form_of("gaussian"), sympy.Symbol("u"))
    exp(-u**2)
    """
    if form.name in _PLAIN:
        return _PLAIN[form.name](u)
    values = {name: sympy.nsimplify(value, rational=True) for name, value in form.values}
    return evaluate(form.tree, {"z": u, **values}, formula_words())


def expression_of(candidate: Candidate, u: Expression) -> Expression:
    """a*f(b*u + c) + d; what is exactly 0 or 1 by convention is no constant of the expression."""
    if candidate.function == "constant":
        return sympy.Float(candidate.d)
    form = form_of(candidate.function)
    inner = u
    if "b" in form.free:
        inner = sympy.Float(candidate.b) * u
    elif candidate.b == -1:
        inner = -u
    if "c" in form.free:
        inner = inner + sympy.Float(candidate.c)
    return sympy.Float(candidate.a) * form_expression(form, inner) + sympy.Float(candidate.d)


# ---- what a user types --------------------------------------------------------------------------------------------------

_TYPED: dict[str, Callable[..., Expression]] = {
    "exp": sympy.exp, "log": sympy.log, "ln": sympy.log, "sqrt": sympy.sqrt, "abs": sympy.Abs, "sign": sympy.sign,
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh,
    "asin": sympy.asin, "arcsin": sympy.asin, "acos": sympy.acos, "arccos": sympy.acos, "atan": sympy.atan,
    "arctan": sympy.atan, "asinh": sympy.asinh, "arcsinh": sympy.asinh, "atanh": sympy.atanh, "arctanh": sympy.atanh,
    "erf": sympy.erf, "max": sympy.Max, "min": sympy.Min, "Abs": sympy.Abs,
}  # fmt: skip
_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "E": sympy.E}
_LONGEST = 5000


def read_expression(text: str) -> Expression:
    """A formula such as ``exp(sin(pi*x) + y**2)`` as sympy; read with Python's ``ast``, never evaluated.

    Functions are the usual ones and every function of the catalogue by name; other names are inputs. A number with a point is
    a Float, others are exact. Raises LanguageError with the column.

    >>> read_expression("exp(sin(pi*x) + y**2)/2")
    exp(y**2 + sin(pi*x))/2
    """
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
        raise LanguageError(f"a formula is text such as 'sin(pi*x) + y**2' of at most {_LONGEST:,} characters")
    line = " ".join(text.split()).replace("^", "**")
    try:
        return _converted(ast.parse(line, mode="eval").body, line)
    except SyntaxError as error:
        raise LanguageError(f"this is not a formula: {error.msg}", text=line, column=(error.offset or 1) - 1) from None
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, LanguageError):
            raise
        raise LanguageError("this is not a formula: it is nested too deeply or holds no plain characters") from None


def _converted(node: ast.expr, text: str) -> Expression:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return sympy.Integer(node.value) if isinstance(node.value, int) else sympy.Float(node.value)
    if isinstance(node, ast.Name):
        return _CONSTANTS.get(node.id, sympy.Symbol(node.id, real=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _converted(node.operand, text)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _joined(node, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args and not node.keywords:
        return _called(node.func.id, node, text)
    message = "a formula has numbers, names, + - * / ** and functions; this is none of them"
    raise LanguageError(message, text=text, column=node.col_offset)


def _joined(node: ast.BinOp, text: str) -> Expression:
    left, right = _converted(node.left, text), _converted(node.right, text)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.Div):
        return left / right
    if isinstance(node.op, ast.Pow) and not (right.is_Integer and abs(int(right)) > 64):
        return left**right
    message = "formulas are joined by + - * / and **, with whole exponents of at most 64"
    raise LanguageError(message, text=text, column=node.col_offset)


def _called(name: str, node: ast.Call, text: str) -> Expression:
    arguments = [_converted(argument, text) for argument in node.args]
    many = name in ("max", "min")
    if name not in _TYPED and name not in functions:
        known = [*_TYPED, *functions]
        message = f"no function is called {name!r}; {did_you_mean(name, known)}"
        raise LanguageError(message, text=text, column=node.col_offset)
    if len(arguments) != 1 and not many:
        raise LanguageError(f"{name} takes one argument, got {len(arguments)}", text=text, column=node.col_offset)
    if name in _TYPED:
        return _TYPED[name](*arguments)
    return form_expression(form_of(name), arguments[0])
