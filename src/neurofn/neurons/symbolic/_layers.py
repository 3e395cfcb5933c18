"""A stack of layers of neurons as formulas: every edge read as a function, aggregates and activations as printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy
import torch
from torch import Tensor, nn

from ..._errors import DataError, SettingError
from ...formula import evaluate
from ...functions._module import FunctionModule
from .._gather import Gather
from ..language import Activated, Aggregated, Combined, Tree
from ..layer import NeuronLayer
from ._expressions import Expression, expression_of, formula_words, result_symbols
from ._library import Form, library_of
from ._module import SymbolicNetwork
from ._read import read_curve

__all__ = ["formula_of"]


def formula_of(
    model: nn.Module,
    x: Any,
    *,
    inputs: Sequence[str] | None = None,
    library: Iterable[str | Form] | None = None,
    refit: bool = True,
) -> SymbolicNetwork:
    """Formulas for a network of learnable neurons, (..., inputs) -> (..., outputs), read on samples x (samples, inputs).

    ``model`` is a layer of neurons or an ``nn.Sequential`` of such layers, with sums, means, products, maxima, minima and norms
    of edges, activations, and neurons joined by + * and /. Each edge becomes the best function of ``library`` over the values
    that it saw; pruned edges are 0. With ``refit`` all constants are fitted again to the network's outputs. Compare its outputs
    with those of the model to see how near it is. Raises SettingError for other modules and aggregates, DataError for fewer
    than 8 samples.

    >>> import torch
    >>> from neurofn import neuron
    >>> layer = neuron("tanh(sum(linear))").dense(1, 1)
    >>> with torch.no_grad():
    ...     _ = layer.gathers[0][1].weight.fill_(0.5), layer.gathers[0][1].bias.fill_(0.25)
    >>> formula_of(layer, torch.linspace(-1, 1, 50).unsqueeze(1), inputs=["x"])
    SymbolicNetwork(tanh(0.5*x + 0.25))
    """
    layers = _layers(model)
    value = torch.as_tensor(np.asarray(x.detach() if isinstance(x, Tensor) else x))
    if value.ndim != 2 or len(value) < 8:
        raise DataError(f"formula_of takes x (samples, inputs) with at least 8 samples, got {tuple(value.shape)}")
    names = tuple(f"x{i}" for i in range(value.shape[1])) if inputs is None else tuple(inputs)
    if len(names) != value.shape[1]:
        raise SettingError(f"inputs must be {value.shape[1]} names, got {list(names)}")
    start = value.double().numpy()
    expressions: list[Expression] = list(result_symbols(names))
    forms = library_of(library)
    value = value.to(layers[0].gathers[0][1].weight)
    with torch.no_grad():
        for layer in layers:
            expressions = _Layer(layer, value, forms).of(expressions)
            value = layer(value)
    network = SymbolicNetwork(expressions, inputs=names)
    if refit and len(network.constants):
        network.refit(start, value.double().numpy())
    return network


def _layers(model: nn.Module) -> list[NeuronLayer]:
    parts = list(model) if isinstance(model, nn.Sequential) else [model]
    layers = [part for part in parts if isinstance(part, NeuronLayer)]
    if not layers or len(layers) < len(parts):
        other = next((type(part).__name__ for part in parts if not isinstance(part, NeuronLayer)), "nothing")
        raise SettingError(f"formulas are read from layers of neurons or an nn.Sequential of them, got {other}")
    return layers


class _Layer:
    """The formulas of one layer, given those of its inputs."""

    def __init__(self, layer: NeuronLayer, x: Tensor, forms: tuple[Form, ...]) -> None:
        self.layer, self.x, self.forms = layer, x, forms
        self.gathers = iter([gather for _, gather in layer.gathers])
        self.activations = iter([part for part in layer.modules() if isinstance(part, FunctionModule)])

    def of(self, below: list[Expression]) -> list[Expression]:
        return self._tree(self.layer.neuron.tree, below)

    def _tree(self, tree: Tree, below: list[Expression]) -> list[Expression]:
        # Modules come in the order of the text: an activation before what it holds, left before right.
        if isinstance(tree, Aggregated):
            return self._gathered(next(self.gathers), below)
        if isinstance(tree, Activated):
            module = next(self.activations)
            inside = self._tree(tree.inner, below)
            gain = self.layer_gain(module)
            return [gain * self._applied(module, u, j) for j, u in enumerate(inside)]
        assert isinstance(tree, Combined)
        left, right = self._tree(tree.left, below), self._tree(tree.right, below)
        if tree.operator == "+":
            return [a + b for a, b in zip(left, right, strict=True)]
        if tree.operator == "*":
            return [a * b for a, b in zip(left, right, strict=True)]
        return [a / (1 + sympy.Abs(b)) for a, b in zip(left, right, strict=True)]

    def layer_gain(self, module: FunctionModule) -> Expression:
        """The factor with which a matched layer follows its activation."""
        holder = next(part for part in self.layer.modules() if getattr(part, "activation", None) is module)
        gain = float(getattr(holder, "gain", 1.0))
        return sympy.Integer(1) if gain == 1 else sympy.Float(gain)

    def _applied(self, module: FunctionModule, u: Expression, j: int) -> Expression:
        values = {}
        for name, value in module.values().items():
            number = value[j] if isinstance(value, Tensor) and value.ndim else value
            exact = sympy.nsimplify(float(number), rational=True)
            values[name] = exact if exact.q <= 1000 else sympy.Float(float(number))
        return evaluate(module.function.definition.tree, {"z": u, **values}, formula_words())

    def _gathered(self, gather: Gather, below: list[Expression]) -> list[Expression]:
        edges = gather.edges(self.x).double().numpy()
        values = self.x.double().numpy()
        alive = gather.alive.numpy()
        found = []
        for j in range(gather.n_out):
            parts: list[Expression] = [
                self._edge(values[:, i], edges[:, i, j], below[i]) if alive[i, j] else sympy.Integer(0)
                for i in range(gather.n_in)
            ]
            total = _aggregated(gather, parts)
            found.append(total if gather.bias is None else total + sympy.Float(float(gather.bias[j])))
        return found

    def _edge(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], u: Expression) -> Expression:
        if np.ptp(y) == 0:
            return sympy.Float(float(y[0]))
        return expression_of(read_curve(x, y, library=self.forms).best, u)


def _aggregated(gather: Gather, parts: list[Expression]) -> Expression:
    name = gather.tree.aggregate
    if name in ("sum", "mean"):
        return sympy.Add(*parts) / (1 if name == "sum" else len(parts))
    if name == "product":
        return sympy.Mul(*parts)
    if name in ("max", "min"):
        return (sympy.Max if name == "max" else sympy.Min)(*parts)
    if name == "norm":
        return sympy.sqrt(sympy.Add(*(part**2 for part in parts)))
    raise SettingError(f"no formula is read from the aggregate {name}; known are sum, mean, product, max, min and norm")
