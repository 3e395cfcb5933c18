"""A layer of neurons, stated twice: by definition (every edge, then the aggregate) and as the machine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from .._errors import SettingError, ShapeError, did_you_mean
from ..functions import catalogue as functions
from ..functions._module import FunctionModule
from ._gather import Gather, Part
from .init import settle, steady
from .language import Activated, Aggregated, Combined, Tree
from .refine import refine, update_grid

if TYPE_CHECKING:
    from .language import Neuron

__all__ = ["NeuronLayer"]

_SCHEMES = ("fan_in", "matched", "stable")


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
        self.body: Part = _build(neuron.tree, (n_in, n_out), matched=init != "fan_in")
        if init == "stable":
            settle(self, steady(neuron, n_in))

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

    def fit_range(self, x: Tensor, *, margin: float = 0.0, quantile: float | None = None) -> None:
        """Take inputs in raw units from now on: the range of ``x`` (..., n_in), per input, is where the edges live.

        A basis with an interval sees the range mapped to it, one without sees inputs that have unit variance if they are even
        on the range. ``margin`` widens the range by this part of its width at either end; ``quantile`` q leaves out the lowest
        and the highest part q of the values. What the layer computes changes. The range is in the state (``low`` and ``high``
        of every aggregate), not in the text. Raises DataError for no rows, NaN or infinity, SettingError and ShapeError.

        >>> import torch
        >>> from neurofn.neurons import neuron
        >>> layer = neuron("sum(bspline)").dense(2, 1)
        >>> layer.fit_range(torch.tensor([[0.0, -50.0], [1000.0, 50.0]]))
        >>> layer(torch.tensor([[500.0, 0.0]])).shape, layer.outside()
        (torch.Size([1, 1]), 0.0)
        """
        self._checked(x)
        for _, gather in self.gathers:
            gather.range.fit(x.to(gather.weight), margin=margin, quantile=quantile)

    def learn_range(self, batches: int = 10) -> None:
        """Let the first ``batches`` batches in training find the range that ``fit_range`` would; how many are left is state.

        >>> import torch
        >>> from neurofn.neurons import neuron
        >>> layer = neuron("sum(bspline)").dense(1, 1)
        >>> layer.learn_range(batches=2)
        >>> for batch in ([[1.0], [5.0]], [[7.0]], [[100.0]]): _ = layer(torch.tensor(batch))
        >>> layer.range[1]
        tensor([7.])
        """
        for _, gather in self.gathers:
            gather.range.learn(batches, gather.weight)

    @property
    def range(self) -> tuple[Tensor, Tensor] | None:
        """The lowest and the highest value (n_in) of each input, in raw units; None where no range was fitted or learned."""
        found = self.gathers[0][1].range
        return None if found.low is None or found.high is None else (found.low, found.high)

    def outside(self) -> float:
        """The fraction of inputs, NaN and infinity among them, seen outside the range or grid since this was last asked.

        0 where nothing was counted: only layers with a range or with edges that have an interval count, as they run, not in a
        compiled graph. A ``RangeWarning`` comes once by itself where more than a tenth are outside.
        """
        counts = [gather.range.counts() for _, gather in self.gathers]
        seen = sum(count for _, count in counts)
        return sum(beyond for beyond, _ in counts) / seen if seen else 0.0

    def refine(self, grid: int | None = None, *, x: Tensor | None = None, **settings: int) -> float:
        """Give every basis that has it another ``grid`` (or ``degree=``, ``entries=``, ...), and keep what the layer computes.

        Gives the relative change of the edges: rounding where the new terms can say all that the old could (cells divided
        evenly, for splines by knot insertion; degrees added), else that of the nearest in least squares, between the borders
        and, where given, on ``x`` (..., n_in). The text and the parameter ``weight`` are new ones: build the optimiser after.
        Raises SettingError where no edge has the setting or its weights are bound. Source: doi:10.1016/0010-4485(80)90154-2.

        >>> from neurofn.neurons import neuron
        >>> layer = neuron("sum(bspline(grid=4))").dense(3, 2)
        >>> layer.refine(8) < 1e-6, str(layer.neuron)
        (True, 'sum(bspline(grid=8))')
        """
        return refine(
            self, {**({} if grid is None else {"grid": grid}), **settings}, None if x is None else self._checked(x)
        )

    def update_grid(self, x: Tensor, *, uniform_share: float = 0.05) -> float:
        """Move the breaks of every spline to where ``x`` (..., n_in) is, and keep what the layer computes there.

        New breaks are quantiles of the data, mixed with equal steps over its range in the part ``uniform_share``. Gives the
        relative change of the edges on ``x``. A constant column keeps its grid. Raises DataError for no rows, NaN or infinity,
        SettingError where no edge has a grid. Source: arXiv:2404.19756 for the grid.

        >>> import torch
        >>> from neurofn.neurons import neuron
        >>> layer = neuron("sum(bspline)").dense(1, 1)
        >>> layer.update_grid(torch.linspace(-3, 3, 100).unsqueeze(-1)) < 1e-5  # equal steps already
        True
        """
        return update_grid(self, self._checked(x), uniform_share=uniform_share)

    def _checked(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise SettingError(f"{self.neuron} takes a tensor, got {type(x).__name__}; give torch.as_tensor(x)")
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
