"""What an edge is: a basis, that is some terms of one input, each of which gets one weight per edge.

The edge from input i to neuron j is ``sum_k w_ijk * term_k(x_i)``; all edges of one input share the terms, so a layer computes
them once. Parameters that sit inside the terms (the denominator of a rational) are learned once per input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .._errors import UnknownNameError, did_you_mean
from .._registry import NEURON_NAMES, Registry
from ..functions import Choice, Count, Function, Parameter
from ..functions import catalogue as functions

if TYPE_CHECKING:
    from torch import Tensor

Setting = Parameter | Count | Choice
"""What a setting of an edge may be: a number, a whole number, or one of a few words."""

__all__ = ["Basis", "Edge", "Setting", "catalogue", "edge", "find_edge", "from_function"]


@dataclass(frozen=True)
class Basis:
    """The terms of one edge with their settings filled in.

    ``terms`` maps inputs (..., n_in) to terms (..., n_in, count), elementwise; ``reference`` is the same by definition, slowly.
    An edge is the sum of its terms, each times a weight. Learned are ``size`` weights per edge, the raw ones (n_in, size,
    n_out); they are the weights of the terms, and count is size, unless there is ``weights``. ``parameters`` are inside the
    terms and learned per input, shape (n_in,); ``values`` are the settings of the terms by name. Optional are

    - ``interval``: where the terms are meant to live; None is the whole line. ``outside`` says what the terms do beyond it.
    - ``breaks``: the number of cells, when ``terms`` and ``reference`` also take ``breaks=`` (n_in, cells + 1), a grid per
      input.
    - ``order``: the terms are splines of this order on the cells, at most ``order + 1`` of them not 0 at any place.
    - ``local``: then maps inputs to (first, values), (..., n_in) and (..., n_in, order + 1): the terms that may differ from 0,
      starting with number ``first``. Takes ``breaks=`` too.
    - ``weights``: raw weights (n_in, size, n_out) to those of the terms (n_in, count, n_out): constrained, mixed, with a 1.
    - ``direct``: (x (..., n_in), raw weights) to edges (..., n_in, n_out), where an edge is not linear in terms; then
      ``reference`` takes the same and is its slow twin, and ``terms`` is not called.
    - ``begin``: (n_in, size, n_out) to the raw weights at the start, where normal ones of the usual scale would not do; drawn
      with torch's random state. A fixed factor of all edges then keeps the variance, unless
    - ``exact``: the weights mean what they say, and no factor is put before them.
    - ``shared``: of each parameter so many values are learned, (shared,) in place of (n_in,); the terms know whose each is.

    >>> import torch
    >>> basis = Basis(2, lambda x: torch.stack([x, x**2], -1), lambda x: torch.stack([x, x * x], -1))
    >>> round(basis.power(), 3)  # E x**2 + E x**4
    4.0
    """

    size: int
    terms: Callable[..., Tensor]
    reference: Callable[..., Tensor]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    breaks: int | None = None
    order: int | None = None
    weights: Callable[[Tensor], Tensor] | None = None
    direct: Callable[[Tensor, Tensor], Tensor] | None = None
    begin: Callable[[int, int, int], Tensor] | None = None
    local: Callable[..., tuple[Tensor, Tensor]] | None = None
    outside: str | None = None
    exact: bool = False
    shared: int | None = None

    def power(self) -> float:
        """The sum over the terms of their mean square, for an input that is standard normal."""
        import torch

        x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
        weight = torch.exp(-x * x / 2)
        values = self.local(x)[1] if self.local is not None else self.terms(x, **self.values)
        return float(((values**2).sum(-1) * weight).sum() / weight.sum())


@dataclass(frozen=True)
class Edge:
    """A named basis: its formula for a reader, its settings, and the builder that fills them in.

    ``constant_outside`` declares that beyond its settings ``low`` and ``high`` an edge keeps its value at the border; an edge
    that does not is finite wherever its terms are.

    >>> from neurofn.edges import find_edge
    >>> find_edge("bspline").basis({"grid": 8}).size
    11
    """

    name: str
    formula: str
    source: str
    settings: Mapping[str, Setting]
    build: Callable[..., Basis] = field(repr=False)
    constant_outside: bool = False

    def basis(self, settings: Mapping[str, Any]) -> Basis:
        """The basis with these settings (others at their defaults); raises SettingError where one is not allowed."""
        return self.build(**{name: settings.get(name, spec.default) for name, spec in self.settings.items()})


catalogue: Registry[Edge] = Registry("edge", package="neurofn.edges", names=NEURON_NAMES)
"""The edges that are no functions of the catalogue; ``find_edge`` knows all of them."""


def edge(
    formula: str, *, source: str, aliases: tuple[str, ...] = (), **settings: Any
) -> Callable[[Callable[..., Basis]], Edge]:
    """Declare an edge from the function that builds its basis from the settings (``grid=Count(5)``, ``low=Fixed(-3)``).

    >>> @edge("w*x**3", source="an example")
    ... def cubed():
    ...     return Basis(1, lambda x: (x**3).unsqueeze(-1), lambda x: (x * x * x).unsqueeze(-1))
    >>> from neurofn import neuron
    >>> str(neuron("tanh(sum(linear + cubed))"))
    'tanh(sum(linear + cubed))'
    >>> catalogue.remove("cubed")
    """

    def register(build: Callable[..., Basis]) -> Edge:
        parts = {name: value for name, value in settings.items() if isinstance(value, (Parameter, Count, Choice))}
        facts = {name: value for name, value in settings.items() if name not in parts}
        made = Edge(build.__name__, formula, source, MappingProxyType(parts), build, **facts)
        catalogue.add(made.name, made, aliases=aliases)
        return made

    return register


def from_function(function: Function) -> Edge:
    """A function of the catalogue as a basis: its coefficients become weights, its other parameters are learned per input.

    >>> basis = from_function(functions["rational"]).basis({"p": 2, "q": 1})
    >>> basis.size, list(basis.parameters)
    (3, ['b1'])
    """
    inner = {name: spec for name, spec in function.parameters.items() if name not in function.coefficients}

    def build(**settings: Any) -> Basis:
        member, values = function.split(settings)
        kept = {name: spec for name, spec in member.parameters.items() if name not in member.coefficients}
        names = member.coefficients or ("",)

        def reference(x: Tensor, **given: Any) -> Tensor:
            import torch

            columns = []
            for chosen in names:
                one_hot = {name: float(name == chosen) for name in member.coefficients}
                columns.append(member.definition.torch(x, **{**member.defaults, **given, **one_hot}))
            return torch.stack([column.expand(x.shape) for column in columns], dim=-1)

        learned = {name: spec for name, spec in kept.items() if spec.learned}
        return Basis(
            len(names), member.terms, reference, learned, {n: values.get(n, s.default) for n, s in kept.items()}
        )

    # A family shows its whole-number settings only: how many inner parameters there are depends on them.
    settings: dict[str, Setting] = {**function.structure, **({} if function.structure else inner)}
    return Edge(function.name, function.formula, function.source, MappingProxyType(settings), build)


def find_edge(name: str) -> Edge:
    """The edge of this name: an edge of its own, or any function of the catalogue; raises UnknownNameError.

    >>> find_edge("rational").basis({"p": 3, "q": 2}).size
    4
    """
    if name in catalogue:
        return catalogue[name]
    if name in functions:
        return from_function(functions[name])
    known = [*catalogue, *functions]
    raise UnknownNameError(f"no edge or function is called {name!r}; {did_you_mean(name, known)}")
