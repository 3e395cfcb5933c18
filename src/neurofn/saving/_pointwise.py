"""Passes of functions that are a formula, for float32 on a processor: one C++ file each, written from the formula, built once.

A compiler of tensor programs computes slopes of words one operation at a time; here value and slope of a word come from one
exponential, and nothing is computed twice. The plain code is the slow twin: both are held to the formula by the same measure.
"""

from __future__ import annotations

import ctypes
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .._native import load
from ..formula import Call, Constant, Formula, Infix, Name, Node, children, evaluate, rebuilt, torch_words
from ..functions import Function
from ._fewbit import dense
from ._generate import source_of
from ._graph import Graph, graph_of
from ._kernel import threads_for

__all__ = ["Pointwise", "pointwise", "tree_of"]

_CHUNK = 1 << 12  # numbers whose share of a sum is kept apart: CHUNK of the C++ file
_Z = Name("z")


class Pointwise:
    """The passes of a function at fixed settings, with its plain twin: ``value`` of z and of what learns.

    What learns are the parts of the formula that depend on a learned parameter and not on z; ``learned`` computes them.
    """

    def __init__(
        self, function: Function, fixed: Mapping[str, float], names: frozenset[str], slope: Formula | None
    ) -> None:
        tree = tree_of(function)
        self._graph = graph_of(tree, names)
        self._slope_graph = graph_of(slope.stable_tree, frozenset()) if slope else None
        self._library = _library(_words() + source_of(self._graph, self._slope_graph))
        self._open = _opened(tree, self._graph.outside)
        self._slope, self._fixed = slope, dict(fixed)
        self._which = [k for k in range(len(self._graph.outside)) if self._graph.learns(k)]
        self._given = self._numbers(self._graph) if not self._which else None
        self._slope_given = self._numbers(self._slope_graph) if self._slope_graph else None
        self.keeps_output = slope is not None

    @property
    def works(self) -> bool:
        """Whether the library could be built."""
        return self._library is not None

    def learned(self, values: Mapping[str, Any], z: Tensor) -> list[Tensor]:
        """The parts that learn, from the values of all parameters."""
        words = torch_words(z) if self._which else {}
        return [evaluate(self._graph.outside[k], values, words) for k in self._which]

    def _numbers(self, graph: Graph) -> Tensor:
        zero = torch.zeros(())
        found = [evaluate(node, self._fixed, torch_words(zero)) for node in graph.outside]
        return torch.tensor([float(number) for number in found])

    def _all_numbers(self, learned: tuple[Tensor, ...], z: Tensor) -> Tensor:
        if self._given is not None:
            return self._given
        own = iter(learned)
        words = torch_words(z)
        found = [
            next(own).detach() if k in self._which else evaluate(node, self._fixed, words)
            for k, node in enumerate(self._graph.outside)
        ]
        return torch.stack([torch.as_tensor(number, dtype=torch.float32) for number in found])

    def value(self, z: Tensor, *learned: Tensor) -> Tensor:
        """f(z) in plain operations, that autograd follows."""
        own = {f"outside{k}": number for k, number in zip(self._which, learned, strict=True)}
        words = torch_words(z)
        for k, node in enumerate(self._graph.outside):
            if k not in self._which:
                own[f"outside{k}"] = evaluate(node, self._fixed, words)
        result: Tensor = evaluate(self._open, {"z": z, **own}, words)
        return result

    def slope(self, g: Tensor, y: Tensor) -> tuple[Tensor]:
        """The slope from the output, in plain operations."""
        assert self._slope is not None
        known = {name: number for name, number in self._fixed.items() if name in self._slope.names}
        return (g * self._slope.torch(y, **known),)

    def forward(self, z: Tensor, learned: tuple[Tensor, ...]) -> tuple[Tensor, bool]:
        """f(z), and False: there is one kind of pass."""
        z = dense(z)
        result, numbers = torch.empty_like(z), self._all_numbers(learned, z)
        assert self._library is not None
        self._library[0](z.data_ptr(), result.data_ptr(), numbers.data_ptr(), z.numel(), threads_for(z))
        return result, False

    def backward(self, g: Tensor, kept: tuple[Tensor, ...], *, near: bool) -> tuple[Tensor, ...]:
        """Slopes for z, from z or from the output, and for what learns."""
        z, *learned = kept
        z = dense(z)
        g, result = dense(g, z.stride()), torch.empty_like(z)
        numbers = self._all_numbers(tuple(learned), z) if self._slope_given is None else self._slope_given
        totals = torch.zeros(-(-z.numel() // _CHUNK), len(learned), dtype=torch.float64)
        assert self._library is not None
        addresses = (tensor.data_ptr() for tensor in (g, z, result, numbers, totals))
        self._library[1](*addresses, z.numel(), threads_for(z))
        return result, *(total.to(own.dtype) for total, own in zip(totals.sum(0), learned, strict=True))

    def __deepcopy__(self, memo: object) -> Pointwise:
        return self  # it has no state


def pointwise(
    function: Function, fixed: Mapping[str, float], names: tuple[str, ...], slope: Formula | None
) -> Pointwise | None:
    """The passes of this function, where it is one formula; None where it has code of its own, or nothing can be built."""
    if function.code is not None or function.member is not None:
        return None
    key = (function.written, function.far, tuple(sorted(fixed.items())), names, slope)
    if key not in _made:
        _made[key] = Pointwise(function, fixed, frozenset(names), slope) if _suits(function) else None
    found = _made[key]
    return found if found is not None and found.works else None


_made: dict[Any, Pointwise | None] = {}


def _suits(function: Function) -> bool:
    try:
        graph_of(tree_of(function), frozenset())
    except ValueError:
        return False
    return True


def tree_of(function: Function) -> Node:
    """The tree that tensors are given; with ``far``, that of the input held inside a border, times leading powers beyond it."""
    tree = function.written.stable_tree
    if function.far is None:
        return tree
    border = Constant(repr(2.0**40))
    tree = _replaced(tree, {_Z: Call("clip", (_Z, Infix("neg", Constant("0"), border), border))})
    beyond = Call("max", (Infix("/", Call("abs", (_Z,)), border), Constant("1")))
    low, high = (_power(beyond, exponent) for exponent in function.far)
    if low == high:
        return tree if function.far == (0, 0) else Infix("*", tree, high)
    return Infix("*", tree, Call("where", (Infix("<", _Z, Constant("0")), low, high)))


def _power(base: Node, exponent: int) -> Node:
    if exponent < 0:
        return Infix("/", Constant("1"), _power(base, -exponent))
    return Infix("**", base, Constant(str(exponent))) if exponent else Constant("1")


def _opened(tree: Node, outside: list[Node]) -> Node:
    """The tree with names in place of the parts that are computed beforehand."""
    return _replaced(tree, {node: Name(f"outside{k}") for k, node in enumerate(outside)})


def _replaced(node: Node, new: Mapping[Node, Node]) -> Node:
    if node in new:
        return new[node]
    return rebuilt(node, [_replaced(child, new) for child in children(node)])


@functools.cache
def _words() -> str:
    return Path(__file__).with_name("_pointwise.cpp").read_text(encoding="utf-8")


@functools.cache
def _library(text: str) -> tuple[Any, Any] | None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pointwise.cpp"
        source.write_text(text, encoding="utf-8")
        library, _ = load(source)
    if library is None:
        return None
    pointer, whole, long = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
    forward, backward = library.neurofn_forward, library.neurofn_backward
    forward.argtypes = [pointer, pointer, pointer, long, whole]
    backward.argtypes = [pointer, pointer, pointer, pointer, pointer, long, whole]
    forward.restype = backward.restype = None
    return forward, backward
