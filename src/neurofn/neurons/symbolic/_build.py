"""A formula as a network of neurons that computes it: a layer for every step from the inputs to the result.

In each layer a neuron is ``f(sum(linear)) + g(sum(linear)) + sum(linear) * sum(linear) + sum(linear)`` with the functions that
this step needs. A neuron uses one part for its value; the others have weights of 0, and what they add is taken off the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch
from torch import nn

from ..._errors import SettingError
from ...functions import catalogue as functions
from ..language import neuron
from ..layer import NeuronLayer
from ._expressions import Expression, read_expression

__all__ = ["network_of"]

_NAMES = {
    sympy.exp: "exponential", sympy.sin: "sine", sympy.cos: "cosine", sympy.tanh: "tanh", sympy.atan: "arctan",
    sympy.asinh: "inverse_hyperbolic_sine", sympy.Abs: "abs", sympy.sign: "sign", sympy.sinc: "sinc",
}  # fmt: skip


@dataclass
class _Affine:
    """const + sum of share*wire."""

    const: float = 0.0
    shares: dict[int, float] = field(default_factory=dict)

    def add(self, other: _Affine, factor: float) -> None:
        self.const += factor * other.const
        for wire, share in other.shares.items():
            self.shares[wire] = self.shares.get(wire, 0.0) + factor * share


@dataclass(frozen=True)
class _Wire:
    """A value that some layer computes: a function of one affine form, or the product of two."""

    depth: int
    word: str
    parts: tuple[_Affine, ...]


def network_of(formulas: Any, *, inputs: Sequence[str] | None = None) -> nn.Sequential:
    """A network of neurons in float64, (..., inputs) -> (..., formulas), that computes formulas.

    ``formulas`` is one sympy expression or text or several, with sums, products, whole powers, square roots of what is not
    negative, exp, sin, cos, sinh, cosh, tanh, arctan, arcsinh, abs, sign, max and min with their compositions, and the sigmoid
    and softplus where they stand as formulas. Raises SettingError for what no function of the catalogue says (log, division);
    ``SymbolicNetwork`` computes these.

    >>> import torch
    >>> network = network_of("exp(sin(pi*x) + y**2)", inputs=["x", "y"])
    >>> [str(layer.neuron) for layer in network]
    ['sine(sum(linear)) + sum(linear) * sum(linear) + sum(linear)', 'exponential(sum(linear)) + sum(linear)', 'sum(linear)']
    >>> network(torch.tensor([[0.5, 1.0]], dtype=torch.float64)).log()
    tensor([[2.]], dtype=torch.float64, grad_fn=...)
    """
    several = formulas if isinstance(formulas, (list, tuple)) else [formulas]
    given = [read_expression(f) if isinstance(f, str) else sympy.sympify(f) for f in several]
    found = sorted({symbol.name for expression in given for symbol in expression.free_symbols})
    names = tuple(found if inputs is None else inputs)
    unknown = [name for name in found if name not in names]
    if unknown or not names:
        raise SettingError(
            f"{unknown[0] if unknown else 'nothing'} is no input; the inputs are {', '.join(names) or '(none)'}"
        )
    plan = _Plan(names)
    results = [plan.affine(expression) for expression in given]
    return _Stack(plan.wires, len(names), results).network()


class _Plan:
    """Which wires the formulas need; what occurs twice is computed once."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.wires: list[_Wire] = [_Wire(0, "input", ()) for _ in names]
        self.known: dict[Expression, int] = {}

    def affine(self, node: Expression) -> _Affine:
        result = _Affine()
        for term in sympy.Add.make_args(node):
            factor, rest = term.as_independent(*term.free_symbols, as_Add=False)
            if not rest.is_number:
                result.add(_Affine(0.0, {self._wire(rest): 1.0}), _number(factor))
            else:
                result.const += _number(term)
        return result

    def _wire(self, node: Expression) -> int:
        if node not in self.known:
            self.known[node] = self._made(node)
        return self.known[node]

    def _made(self, node: Expression) -> int:
        if node.is_Symbol:
            return self.names.index(node.name)
        if node.is_Mul:
            half = max(1, len(node.args) // 2)
            return self._product(node.func(*node.args[:half]), node.func(*node.args[half:]))
        if node.is_Pow:
            return self._power(node)
        if node.func in (sympy.sinh, sympy.cosh):
            return self._new("linear", node.rewrite(sympy.exp).expand())
        if node.func in (sympy.Max, sympy.Min):
            return self._largest(node)
        if node.func is sympy.log and (inner := _softplus(node.args[0])) is not None:
            return self._new("softplus", inner)
        if node.func not in _NAMES:
            raise SettingError(
                f"no function of the catalogue is {node.func}; a SymbolicNetwork computes it. "
                f"Known here: {', '.join(sorted(word.__name__ for word in _NAMES))}"
            )
        return self._new(_NAMES[node.func], node.args[0])

    def _power(self, node: Expression) -> int:
        base, exponent = node.args
        if exponent.is_Integer and 2 <= int(exponent) <= 64:
            half = int(exponent) // 2
            return self._product(base**half, base ** (int(exponent) - half))
        if exponent == sympy.Rational(1, 2):
            return self._new("square_root_activation", base)
        if exponent == -1 and (inner := _softplus(base)) is not None:
            return self._new("sigmoid", -inner)
        raise SettingError(f"no function of the catalogue is {node}; a SymbolicNetwork computes it")

    def _largest(self, node: Expression) -> int:
        """max(a, b) = a + relu(b - a), and min(a, b) = a - relu(a - b)."""
        a, b = node.args[0], node.func(*node.args[1:])
        high = node.func is sympy.Max
        part = self._new("relu", b - a if high else a - b)
        result = self.affine(a)
        result.add(_Affine(0.0, {part: 1.0}), 1.0 if high else -1.0)
        return self._wired("linear", result)

    def _product(self, left: Expression, right: Expression) -> int:
        return self._wired("product", self.affine(left), self.affine(right))

    def _new(self, word: str, inner: Expression) -> int:
        return self._wired(word, self.affine(inner))

    def _wired(self, word: str, *parts: _Affine) -> int:
        depth = 1 + max((self.wires[wire].depth for part in parts for wire in part.shares), default=0)
        self.wires.append(_Wire(depth, word, parts))
        return len(self.wires) - 1


class _Stack:
    """Layers for wires in the order of their depth; a wire is carried on as long as a later one reads it."""

    def __init__(self, wires: list[_Wire], inputs: int, results: list[_Affine]) -> None:
        self.wires, self.inputs, self.results = wires, inputs, results
        self.last = {wire: 10**9 for result in results for wire in result.shares}
        for wire in reversed(wires):
            for part in wire.parts:
                for read in part.shares:
                    self.last[read] = max(self.last.get(read, 0), wire.depth)

    def network(self) -> nn.Sequential:
        here = list(range(self.inputs))
        layers = []
        for depth in range(1, 1 + max(wire.depth for wire in self.wires)):
            there = [index for index in here if self.last.get(index, 0) > depth]
            there += [i for i, wire in enumerate(self.wires) if wire.depth == depth]
            layers.append(self._layer(depth, here, there))
            here = there
        final = _blank("sum(linear)", len(here), len(self.results))
        for j, result in enumerate(self.results):
            _set(final, 0, j, result, here)
        return nn.Sequential(*layers, final)

    def _layer(self, depth: int, here: list[int], there: list[int]) -> NeuronLayer:
        new = [self.wires[index] for index in there if self.wires[index].depth == depth]
        words = sorted({wire.word for wire in new} - {"product", "linear"})
        product = any(wire.word == "product" for wire in new)
        texts = [f"{word}(sum(linear))" for word in words]
        texts += ["sum(linear) * sum(linear)"] * product + ["sum(linear)"]
        layer = _blank(" + ".join(texts), len(here), len(there))
        idle = [float(functions[word](torch.zeros(1, dtype=torch.float64))) for word in words]
        last = len(layer.gathers) - 1
        for j, index in enumerate(there):
            wire = self.wires[index]
            used = wire.word if wire.depth == depth else "linear"
            rest = _Affine(-sum(value for word, value in zip(words, idle, strict=True) if word != used))
            if used == "product":
                _set(layer, last - 2, j, wire.parts[0], here)
                _set(layer, last - 1, j, wire.parts[1], here)
            elif used != "linear":
                _set(layer, words.index(used), j, wire.parts[0], here)
            else:
                rest.add(wire.parts[0] if wire.depth == depth else _Affine(0.0, {index: 1.0}), 1.0)
            _set(layer, last, j, rest, here)
        return layer


def _blank(text: str, n_in: int, n_out: int) -> NeuronLayer:
    with torch.random.fork_rng(devices=[]):  # what is drawn is replaced by 0
        layer = neuron(text).dense(n_in, n_out).double()
    with torch.no_grad():
        for _, gather in layer.gathers:
            gather.weight.zero_()
            if gather.bias is not None:
                gather.bias.zero_()
    return layer


def _set(layer: NeuronLayer, place: int, j: int, form: _Affine, here: list[int]) -> None:
    gather = layer.gathers[place][1]
    with torch.no_grad():
        for wire, share in form.shares.items():
            gather.weight[here.index(wire), 0, j] = share / gather.scale
        assert gather.bias is not None
        gather.bias[j] = form.const


def _softplus(node: Expression) -> Expression | None:
    """u where the node is 1 + exp(u)."""
    rest = node - 1
    return rest.args[0] if rest.func is sympy.exp else None


def _number(value: Expression) -> float:
    number = complex(value)
    if number.imag or not abs(number.real) < float("inf"):
        raise SettingError(f"{value} is no finite real number, which a weight must be")
    return number.real
