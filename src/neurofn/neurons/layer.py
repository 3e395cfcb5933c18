"""A layer of neurons, stated twice: by definition (every edge, then the aggregate) and as the machine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from .._errors import SettingError, ShapeError, did_you_mean
from ..functions import catalogue as functions
from ..functions._module import FunctionModule
from ._gather import Gather, Part
from .language import Activated, Aggregated, Combined, Tree

if TYPE_CHECKING:
    from .language import Neuron

__all__ = ["NeuronLayer"]

_SCHEMES = ("fan_in", "matched")


class NeuronLayer(nn.Module):
    """``n_out`` neurons over ``n_in`` inputs, (..., n_in) -> (..., n_out); made by ``Neuron.dense``.

    ``layer(x)`` is the fast path, ``layer.definition(x)`` the slow one; ``layer.path`` says which the fast one is.
    """

    neuron_axis = -1

    def __init__(self, neuron: Neuron, n_in: int, n_out: int, *, init: str) -> None:
        super().__init__()
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise SettingError(f"{name} must be a whole number of at least 1, got {size!r}")
        if init not in _SCHEMES:
            raise SettingError(f"no initialisation is called {init!r}; {did_you_mean(init, _SCHEMES)}")
        self.neuron, self.n_in, self.n_out, self.init = neuron, n_in, n_out, init
        self.body: Part = _build(neuron.tree, (n_in, n_out), matched=init == "matched")

    @property
    def path(self) -> str:
        """How the layer runs: "native", "numba", "compiled", "fused" or "edges", joined by " + " where parts differ."""
        return " + ".join(dict.fromkeys(part.path for _, part in self.gathers))

    @property
    def gathers(self) -> tuple[tuple[str, Gather], ...]:
        """Every aggregate(edge) of the neuron with its path inside the layer, in the order of the text."""
        return tuple((name, part) for name, part in self.named_modules() if isinstance(part, Gather))

    def forward(self, x: Tensor) -> Tensor:
        """The neurons' outputs (..., n_out) for inputs (..., n_in); raises ShapeError for another last axis."""
        result: Tensor = self.body(self._checked(x))
        return result

    def definition(self, x: Tensor) -> Tensor:
        """The same by definition: the terms as printed, every edge, one aggregate step after the other. Slow."""
        result: Tensor = self.body.definition(self._checked(x))
        return result

    def _checked(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.n_in:
            raise ShapeError(
                f"{self.neuron} was built for {self.n_in} inputs: expected (..., {self.n_in}), got {tuple(x.shape)}"
            )
        return x

    def extra_repr(self) -> str:
        return f"{self.neuron}, {self.n_in} -> {self.n_out}, path={self.path}"

    def __repr__(self) -> str:
        return f"NeuronLayer({self.extra_repr()})"


def _build(tree: Tree, size: tuple[int, int], *, matched: bool) -> Part:
    if isinstance(tree, Aggregated):
        return Gather(tree, size, matched=matched)
    if isinstance(tree, Activated):
        return _Activate(tree, size, matched=matched)
    return _Combine(tree, size, matched=matched)


class _Activate(Part):
    """function(neuron); when matched, scaled so that a standard normal input gives a mean square of 1."""

    def __init__(self, tree: Activated, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        self.inside: Part = _build(tree.inner, size, matched=matched)
        function = functions[tree.function]
        self.activation: FunctionModule = FunctionModule(function, size[1], dict(tree.settings))
        self.gain = function.gain(**dict(tree.settings)) if matched else 1.0

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.activation(self.inside(x))
        return result if self.gain == 1 else result * self.gain

    def definition(self, x: Tensor) -> Tensor:
        z = self.inside.definition(x)
        formula = self.activation.function.definition
        result: Tensor = formula.torch(z, **self.activation.values()) * self.gain
        return result


class _Combine(Part):
    """left + right, left * right, or the safe quotient left / (1 + |right|)."""

    def __init__(self, tree: Combined, size: tuple[int, int], *, matched: bool) -> None:
        super().__init__()
        self.operator = tree.operator
        self.left: Part = _build(tree.left, size, matched=matched)
        self.right: Part = _build(tree.right, size, matched=matched)

    def forward(self, x: Tensor) -> Tensor:
        return self._join(self.left(x), self.right(x))

    def definition(self, x: Tensor) -> Tensor:
        return self._join(self.left.definition(x), self.right.definition(x))

    def _join(self, left: Tensor, right: Tensor) -> Tensor:
        if self.operator == "+":
            return left + right
        return left * right if self.operator == "*" else left / (1 + right.abs())
