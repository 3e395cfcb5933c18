"""From a sympy expression to tensor code: closures within closures, nothing generated and nothing evaluated as text."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sympy
import torch
from torch import Tensor

from ..._errors import SettingError
from ._expressions import Expression

__all__ = ["Code", "Compiler", "constant_symbol"]

Code = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], Any]

_WORDS: dict[Any, Callable[..., Tensor]] = {
    sympy.exp: torch.exp, sympy.log: torch.log, sympy.sin: torch.sin, sympy.cos: torch.cos, sympy.tan: torch.tan,
    sympy.asin: torch.asin, sympy.acos: torch.acos, sympy.atan: torch.atan, sympy.sinh: torch.sinh, sympy.cosh: torch.cosh,
    sympy.tanh: torch.tanh, sympy.asinh: torch.asinh, sympy.atanh: torch.atanh, sympy.Abs: torch.abs, sympy.sign: torch.sign,
    sympy.erf: torch.erf, sympy.erfc: torch.erfc, sympy.sinc: lambda u: torch.sinc(u / torch.pi),
    sympy.sec: lambda u: 1 / torch.cos(u), sympy.csc: lambda u: 1 / torch.sin(u), sympy.cot: lambda u: 1 / torch.tan(u),
    sympy.coth: lambda u: 1 / torch.tanh(u), sympy.sech: lambda u: 1 / torch.cosh(u), sympy.csch: lambda u: 1 / torch.sinh(u),
    sympy.StrictLessThan: torch.lt, sympy.LessThan: torch.le, sympy.StrictGreaterThan: torch.gt, sympy.GreaterThan: torch.ge,
}  # fmt: skip
_FOLDS: dict[Any, Callable[[Any, Any], Any]] = {
    sympy.Add: lambda a, b: a + b,
    sympy.Mul: lambda a, b: a * b,
    sympy.Max: lambda a, b: torch.maximum(*_alike(a, b)),
    sympy.Min: lambda a, b: torch.minimum(*_alike(a, b)),
}


@functools.cache
def constant_symbol(index: int) -> Expression:
    """What stands in a template for the constant of this index."""
    return sympy.Dummy(f"k{index}", real=True)


class Compiler:
    """Expressions to code; every Float it meets becomes the next constant, and ``templates`` have a symbol in its place."""

    def __init__(self, inputs: tuple[str, ...]) -> None:
        self.inputs = inputs
        self.values: list[float] = []
        self.templates: list[Expression] = []

    def code(self, expression: Expression) -> Code:
        """The code of one expression; raises SettingError for what has none."""
        code, template = self._node(expression)
        self.templates.append(template)
        return code

    def _node(self, node: Expression) -> tuple[Code, Expression]:
        if node.is_Symbol:
            place = self.inputs.index(node.name)
            return (lambda columns, constants: columns[place]), node
        if node.is_number:
            return self._number(node)
        if node.func is sympy.Piecewise:
            return self._pieces(node)
        parts = [self._node(argument) for argument in node.args]
        return _joined(node, [code for code, _ in parts]), node.func(*[template for _, template in parts])

    def _number(self, node: Expression) -> tuple[Code, Expression]:
        value = complex(node)
        if value.imag or value.real != value.real or abs(value.real) == float("inf"):
            raise SettingError(f"{node} is no finite real number, which a constant of a formula must be")
        number = value.real
        if not node.has(sympy.Float):
            return (lambda columns, constants: number), node
        index = len(self.values)
        self.values.append(number)
        return (lambda columns, constants: constants[index]), constant_symbol(index)

    def _pieces(self, node: Expression) -> tuple[Code, Expression]:
        parts, pieces = [], []
        for value, condition in node.args:
            always = condition == sympy.true
            value_code, value_template = self._node(value)
            code, template = (None, condition) if always else self._node(condition)
            parts.append((value_code, code))
            pieces.append((value_template, template))

        def chosen(columns: tuple[Tensor, ...], constants: tuple[Tensor, ...]) -> Any:
            like = columns[0]
            result: Any = torch.full_like(like, torch.nan)
            for value_code, code in reversed(parts):
                value = _tensor(value_code(columns, constants), like)
                result = value if code is None else torch.where(code(columns, constants), value, result)
            return result

        return chosen, sympy.Piecewise(*pieces)


def _joined(node: Expression, codes: list[Code]) -> Code:
    """The code of a node over those of its arguments."""
    if node.func in _FOLDS:
        fold = _FOLDS[node.func]
        return lambda columns, constants: functools.reduce(fold, [code(columns, constants) for code in codes])
    if node.is_Pow:
        base, exponent = codes
        return lambda columns, constants: _power(base(columns, constants), exponent(columns, constants))
    if node.func not in _WORDS:
        known = ", ".join(sorted(word.__name__ for word in _WORDS))
        raise SettingError(f"{node.func} has no tensor code here; known are {known}")
    word = _WORDS[node.func]
    return lambda columns, constants: word(*_alike(*(code(columns, constants) for code in codes)))


def _power(base: Any, exponent: Any) -> Any:
    """Whole powers and square roots by the operations that keep their digits and their slopes."""
    if isinstance(exponent, Tensor):
        return _tensor(base, exponent) ** exponent
    if exponent in (0.5, -0.5):
        root = torch.sqrt(_tensor(base, None))
        return root if exponent > 0 else 1 / root
    return base ** int(exponent) if float(exponent).is_integer() else base**exponent


def _tensor(value: Any, like: Tensor | None) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.as_tensor(value, dtype=torch.float64, device=None if like is None else like.device)


def _alike(*values: Any) -> tuple[Tensor, ...]:
    like = next((value for value in values if isinstance(value, Tensor)), None)
    return tuple(_tensor(value, like) for value in values)
