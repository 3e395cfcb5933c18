"""The language of neurons: ``relu(sum(linear))``. Text -> tree -> canonical text; the text is a neuron's identity everywhere.

    neuron    := product ( "+" product )*
    product   := factor ( ("*" | "/") factor )*
    factor    := activation "(" neuron { "," setting } ")"  |  aggregate "(" edge { "," setting } ")"  |  "(" neuron ")"
    edge      := basis ( "+" basis )*
    basis     := name [ "(" setting { "," setting } ")" ]

The text is read with Python's ``ast`` and never evaluated. Canonical text has canonical names and, in declared order, only the
settings that differ from their defaults.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

from .._errors import LanguageError, NeurofnError, did_you_mean
from ..aggregates import catalogue as aggregates
from ..edges import Setting, find_edge
from ..edges import catalogue as edges
from ..functions import Choice
from ..functions import catalogue as functions

if TYPE_CHECKING:
    from .geometry import Convolution, Geometry
    from .layer import NeuronLayer

__all__ = ["Activated", "Aggregated", "Combined", "Neuron", "Term", "Tree", "neuron"]

Settings = tuple[tuple[str, int | float | bool | str], ...]
_LONGEST = 2000
_NUMBER = "a number such as 0.1, or True or False"
_OPERATORS: dict[type[ast.operator], Literal["+", "*", "/"]] = {ast.Add: "+", ast.Mult: "*", ast.Div: "/"}


@dataclass(frozen=True)
class Term:
    """A basis of an edge: ``bspline(grid=8)``."""

    name: str
    settings: Settings = ()

    def __str__(self) -> str:
        return self.name + (f"({_print_settings(self.settings)})" if self.settings else "")


@dataclass(frozen=True)
class Aggregated:
    """An aggregate of an edge: ``mean(silu + bspline)``."""

    aggregate: str
    edge: tuple[Term, ...]
    settings: Settings = ()

    def __str__(self) -> str:
        return _print_call(self.aggregate, " + ".join(map(str, self.edge)), self.settings)


@dataclass(frozen=True)
class Activated:
    """A function of a neuron: ``relu(sum(linear))``."""

    function: str
    inner: Tree
    settings: Settings = ()

    def __str__(self) -> str:
        return _print_call(self.function, str(self.inner), self.settings)


@dataclass(frozen=True)
class Combined:
    """Two neurons joined by ``+``, ``*`` or the safe quotient ``/``: n/(1 + |d|)."""

    operator: Literal["+", "*", "/"]
    left: Tree
    right: Tree

    def __str__(self) -> str:
        return f"{self._side(self.left, right=False)} {self.operator} {self._side(self.right, right=True)}"

    def _side(self, side: Tree, *, right: bool) -> str:
        needs = isinstance(side, Combined) and (right or (self.operator != "+" and side.operator == "+"))
        if isinstance(side, Combined) and self.operator == "+" and side.operator != "+":
            needs = False
        return f"({side})" if needs else str(side)


Tree = Activated | Aggregated | Combined


@dataclass(frozen=True)
class Neuron:
    """What one neuron computes; ``str(n)`` is its canonical text and ``neuron(str(n)) == n``.

    >>> from neurofn.neurons import neuron
    >>> str(neuron("swish( sum(rational(5, 4)), b=1 )"))
    'swish(sum(rational))'
    """

    tree: Tree

    def __str__(self) -> str:
        return str(self.tree)

    def dense(self, n_in: int, n_out: int, *, init: str = "fan_in") -> NeuronLayer:
        """A layer of ``n_out`` such neurons over ``n_in`` inputs: (..., n_in) -> (..., n_out).

        ``init="fan_in"`` gives every aggregate unit output variance; ``"matched"`` does so too but through a fixed factor, with
        the weights of all aggregates and functions on one scale, so that a step of an optimiser changes every edge by the same
        fraction. ``"stable"`` is "matched" for deep stacks: where one layer keeps the variance but fifty do not (a maximum, a
        norm, gelu), edges are smaller and normal biases make up for it; where nothing keeps it, as under ``product`` with edges
        that have no bound, they are as small as was tried. Raises SettingError for sizes below 1 and unknown
        schemes.

        >>> from neurofn.neurons import neuron
        >>> neuron("mean(bspline(grid=5))").dense(64, 10)
        NeuronLayer(mean(bspline), 64 -> 10, path=...)
        """
        from .layer import NeuronLayer

        return NeuronLayer(self, n_in, n_out, init=init)

    def conv1d(self, n_in: int, n_out: int, **geometry: Unpack[Geometry]) -> Convolution:
        """Such neurons over the windows of sequences, (..., n_in, length) -> (..., n_out, places); see ``conv2d``."""
        return _convolution(self, (n_in, n_out), 1, geometry)

    def conv2d(self, n_in: int, n_out: int, **geometry: Unpack[Geometry]) -> Convolution:
        """Such neurons over the windows of images, (..., n_in, height, width); ``Geometry`` has the settings, as in torch.

        >>> from neurofn.neurons import neuron
        >>> neuron("relu(sum(linear))").conv2d(8, 8, kernel_size=3, groups=8)
        Convolution(relu(sum(linear)), 8 -> 8, kernel_size=(3, 3), groups=8, path=conv)
        """
        return _convolution(self, (n_in, n_out), 2, geometry)

    def conv3d(self, n_in: int, n_out: int, **geometry: Unpack[Geometry]) -> Convolution:
        """Such neurons over the windows of volumes, (..., n_in, depth, height, width); see ``conv2d``."""
        return _convolution(self, (n_in, n_out), 3, geometry)


def _convolution(neuron: Neuron, size: tuple[int, int], dimensions: int, geometry: Geometry) -> Convolution:
    from .geometry import Convolution

    return Convolution(neuron, size, dimensions, geometry)


def neuron(text: str | Neuron) -> Neuron:
    """Read a neuron; raises LanguageError with the column and near names.

    >>> from neurofn.neurons import neuron
    >>> neuron("silu(sum(linear)) * sum(linear)").tree.operator
    '*'
    """
    if isinstance(text, Neuron):
        return text
    if not isinstance(text, str):
        raise LanguageError(f"a neuron is written as text such as 'relu(sum(linear))', got {type(text).__name__}")
    if not text.strip() or len(text) > _LONGEST:
        given = "nothing" if not text.strip() else f"{len(text)} characters (at most {_LONGEST} are read)"
        raise LanguageError(f"a neuron is written as text such as 'relu(sum(linear))', got {given}")
    text = " ".join(text.split())
    try:
        parsed = ast.parse(text, mode="eval").body
        return Neuron(_Reader(text).neuron(parsed))
    except SyntaxError as error:
        raise LanguageError(f"this is not a neuron: {error.msg}", text=text, column=(error.offset or 1) - 1) from None
    except (ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, NeurofnError):
            raise
        raise LanguageError(
            "this is not a neuron: it is nested too deeply or has a character that no name has"
        ) from None


class _Reader:
    """Turns Python's syntax tree into ours; every refusal says where and what to write instead."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, node: ast.AST, message: str) -> LanguageError:
        return LanguageError(message, text=self.text, column=getattr(node, "col_offset", 0))

    def neuron(self, node: ast.expr) -> Tree:
        if isinstance(node, ast.BinOp):
            operator = _OPERATORS.get(type(node.op))
            if operator is None:
                raise self.fail(node, "neurons are joined by +, * or /")
            return Combined(operator, self.neuron(node.left), self.neuron(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.factor(node, node.func.id)
        if isinstance(node, ast.Name):
            raise self.fail(node, self.misplaced(node.id))
        raise self.fail(node, "a neuron is activation(neuron) or aggregate(edge), such as relu(sum(linear))")

    def misplaced(self, name: str) -> str:
        if name in edges:
            return f"{name} is an edge, and edges are gathered by an aggregate: write sum({name})"
        if name in functions:
            return (
                f"{name} is a function of a neuron: write {name}(sum(linear)), or sum({name}) to have it on every edge"
            )
        if name in aggregates:
            return f"{name} is an aggregate of edges: write {name}(linear)"
        known = [*functions, *aggregates, *edges]
        return f"no function, aggregate or edge is called {name!r}; {did_you_mean(name, known)}"

    def factor(self, node: ast.Call, name: str) -> Tree:
        if name in aggregates or name in functions:
            if len(node.args) != 1:
                inside = "one edge, such as linear" if name in aggregates else "one neuron, such as sum(linear)"
                raise self.fail(node, f"{name} takes {inside}, then settings by name; got {len(node.args)} parts")
        else:
            raise self.fail(node, self.misplaced(name))
        if name in aggregates:
            part = aggregates[name]
            return Aggregated(
                part.name, self.edge(node.args[0]), self.settings(node, part.name, {**part.settings, "bias": True})
            )
        function = functions[name]
        inner = self.neuron(node.args[0])
        given = self.settings(node, function.name, {**function.structure, **function.parameters})
        return Activated(function.name, inner, given)

    def edge(self, node: ast.expr) -> tuple[Term, ...]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return (*self.edge(node.left), *self.edge(node.right))
        if isinstance(node, ast.Name):
            return (self.basis(node, node.id, ast.Call(func=node, args=[], keywords=[])),)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return (self.basis(node, node.func.id, node),)
        raise self.fail(node, "an edge is a basis, or several joined by +, such as silu + bspline(grid=5)")

    def basis(self, where: ast.expr, name: str, call: ast.Call) -> Term:
        if name in aggregates:
            raise self.fail(
                where, f"{name} is an aggregate and stands around edges, not on one; did you mean {name}(linear)?"
            )
        try:
            part = find_edge(name)
        except NeurofnError as error:
            raise self.fail(where, str(error)) from None
        term = Term(part.name, self.settings(call, part.name, part.settings, positional=True))
        try:
            part.basis(dict(term.settings))
        except NeurofnError as error:
            raise self.fail(where, str(error)) from None
        return term

    def settings(self, node: ast.Call, name: str, known: Mapping[str, Any], *, positional: bool = False) -> Settings:
        given: dict[str, ast.expr] = {}
        if positional:
            if len(node.args) > len(known):
                raise self.fail(node, f"{name} has {len(known)} settings, got {len(node.args)}")
            given = dict(zip(known, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg not in known:
                hint = did_you_mean(str(keyword.arg), known, what="setting") if known else "it has no settings"
                raise self.fail(keyword, f"{name} has no setting {keyword.arg!r}; {hint}")
            if keyword.arg in given:
                raise self.fail(keyword, f"{name}: {keyword.arg} is given twice")
            given[keyword.arg] = keyword.value
        values = {key: self.value(expression, f"{name}: {key}", known[key]) for key, expression in given.items()}
        defaults = {key: spec if isinstance(spec, bool) else spec.default for key, spec in known.items()}
        return tuple((key, values[key]) for key in known if key in values and values[key] != defaults[key])

    def value(self, node: ast.expr, name: str, spec: Setting | bool) -> int | float | bool | str:
        try:
            literal = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            raise self.fail(node, f"{name} takes {_kind(spec)}") from None
        if isinstance(spec, bool):
            if not isinstance(literal, bool):
                raise self.fail(node, f"{name} must be True or False, got {literal!r}")
            return literal
        try:
            return spec.check(name, literal)
        except NeurofnError as error:
            raise self.fail(node, str(error)) from None


def _kind(spec: Setting | bool) -> str:
    return f"one of {', '.join(map(repr, spec.words))}" if isinstance(spec, Choice) else _NUMBER


def _print_settings(settings: Settings) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings)


def _print_call(name: str, inside: str, settings: Settings) -> str:
    return f"{name}({inside}{', ' if settings else ''}{_print_settings(settings)})"
