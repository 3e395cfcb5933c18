"""From a trained spline network to formulas: edges read as functions, the functions composed, all constants fitted again."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import sympy
import torch

from ..._errors import SettingError
from ._expressions import Expression, expression_of, result_symbols
from ._library import Array, Form
from ._module import SymbolicNetwork
from ._read import Candidate, read_curve
from ._rounding import Data
from ._spline_network import SplineNetwork

__all__ = ["Composed", "composed"]

_FLOOR = 1e-13
_EXACT = 1e-11
_PRICE = 0.3
_TRIES = 4


@dataclass(frozen=True)
class Composed:
    """A formula from edges: its error on held-out samples relative to the spread of y, and the price of its functions."""

    expression: Expression
    error: float
    complexity: float

    @property
    def score(self) -> float:
        """Bits: less is better."""
        return math.log2(max(self.error, _FLOOR)) + _PRICE * self.complexity


@dataclass
class _Edge:
    """One living edge and what it may be, best first."""

    source: int
    target: int
    candidates: tuple[Candidate, ...]
    chosen: int = 0

    @property
    def candidate(self) -> Candidate:
        return self.candidates[self.chosen]


def composed(
    network: SplineNetwork, data: Data, *, library: Iterable[str | Form] | None, until: float
) -> list[Composed]:
    """Formulas for a trained network, best score first; empty where none is finite on the data.

    First every edge takes its best function; then, edge after edge, its next best ones are tried within the whole formula,
    until one is exact or the processor time is ``until``.
    """
    reader = _Reader(network, data, None if library is None else tuple(library))
    found = [reader.formula()]
    for edge in [*reader.inner, *reader.outer]:
        best = min(found, key=lambda formula: formula.score)
        kept = edge.chosen
        for trial in range(1, min(_TRIES, len(edge.candidates))):
            if best.error <= _EXACT or time.process_time() > until:
                break
            edge.chosen = trial
            formula = reader.formula(again=edge in reader.inner)
            found.append(formula)
            if formula.score < best.score - 1e-9:
                best, kept = formula, trial
        edge.chosen = kept
    return sorted((f for f in found if math.isfinite(f.error)), key=lambda formula: formula.score)


class _Reader:
    """The edges of a network with their candidates, and the formula that the present choice of them makes."""

    def __init__(self, network: SplineNetwork, data: Data, library: tuple[str | Form, ...] | None) -> None:
        self.network, self.data, self.library = network, data, library
        curves = network.curves(data.x)
        self.symbols = result_symbols(data.inputs)
        self.inner = self._read(*curves[0], network.layers[0])
        self.outer: list[_Edge] = []
        self.curves = curves
        self.hidden: list[Expression] = []
        if network.shape.kind == "hidden":
            self._read_outer()

    def _read(self, values: Array, edges: Array, layer: object) -> list[_Edge]:
        spread = edges.std(0)
        alive = spread > 1e-4 * spread.max(0)
        found = []
        for i, j in zip(*np.nonzero(alive), strict=True):
            reading = read_curve(values[:, i], edges[:, i, j], library=self.library)
            found.append(_Edge(int(i), int(j), _without_constant(reading.candidates)))
        return found

    def _read_outer(self) -> None:
        """The outer curves over the hidden sums as the formulas of the inner edges have them."""
        width = self.network.shape.hidden
        edges = self.curves[1][1][:, :, 0]
        self.hidden = [self._sum([edge for edge in self.inner if edge.target == k]) for k in range(width)]
        spread = edges.std(0)
        self.outer = []
        for k in range(width):
            if spread[k] <= 1e-4 * spread.max() or not self.hidden[k].free_symbols:
                continue
            target = (self.data.y if width == 1 else edges[:, k]).copy()
            hidden = self._linked(k)
            if hidden is not None:
                reading = read_curve(hidden, target, library=self.library)
                self.outer.append(_Edge(k, 0, _without_constant(reading.candidates)))

    def _linked(self, k: int) -> Array | None:
        """The hidden sum k of the formula on the samples."""
        code = self._module(self.hidden[k])
        if code is None:
            return None
        with torch.no_grad():
            values = np.asarray(code(torch.as_tensor(self.data.x))[:, 0].numpy())
        return values if np.isfinite(values).all() else None

    def _module(self, expression: Expression) -> SymbolicNetwork | None:
        """None where a constant became too large for a number: curves that are nearly flat may have such ones."""
        try:
            return SymbolicNetwork(expression, inputs=self.data.inputs)
        except SettingError:
            return None

    def _sum(self, edges: list[_Edge]) -> Expression:
        total = sympy.Integer(0)
        for edge in edges:
            total = total + expression_of(edge.candidate, self.symbols[edge.source])
        return total

    def formula(self, *, again: bool = False) -> Composed:
        """The formula of the chosen candidates, fitted to the data; ``again`` when an inner edge changed."""
        shape = self.network.shape
        if shape.kind == "hidden":
            if again:
                self._read_outer()
            total = sympy.Integer(0)
            for edge in self.outer:
                total = total + expression_of(edge.candidate, self.hidden[edge.source])
        elif shape.kind == "product":
            total = sympy.Integer(1)
            for edge in self.inner:
                total = total * expression_of(edge.candidate, self.symbols[edge.source])
            total = total * sympy.Float(self.network.spread)
        else:
            total = self.network.spread * self._sum(self.inner) + sympy.Float(self.network.centre)
        complexity = sum(edge.candidate.complexity for edge in [*self.inner, *self.outer])
        return self._fitted(Composed(total, float("inf"), complexity))

    def _fitted(self, formula: Composed) -> Composed:
        network = self._module(formula.expression)
        if network is None or not math.isfinite(self.data.held_out(network)):
            return formula
        few = self.data.thinned(500)
        network.refit(few.x, few.y, steps=60)
        error = self.data.held_out(network) / self.data.spread
        return replace(formula, expression=network.expressions[0], error=error)


def _without_constant(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """A living edge is no constant, unless nothing else was found."""
    return tuple(c for c in candidates if c.function != "constant") or candidates
