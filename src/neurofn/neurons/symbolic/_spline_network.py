"""Small spline networks in float64, trained by full-batch least squares: what the search for a formula looks into.

A network is one layer of neurons (a sum or a product of curves of the inputs) or two (a sum of curves of k hidden sums). The
weights of the last layer are solved for in closed form at every step, and Levenberg-Marquardt moves the others (variable
projection). Hidden sums are kept on [-0.95, 0.95], which changes nothing that the next layer cannot undo.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..language import neuron
from ..layer import NeuronLayer
from ..pruning import prune
from ._library import Array

if TYPE_CHECKING:
    from .._gather import Gather

__all__ = ["Shape", "SplineNetwork", "beginning_as", "pruned", "refined", "started", "train"]

Kind = Literal["sum", "product", "hidden"]
_RIDGE = 1e-9
_EDGE = 0.95


@dataclass(frozen=True)
class Shape:
    """Which network: ``sum`` or ``product`` of curves of the inputs, or ``hidden`` sums of curves and curves of these.

    >>> str(Shape("hidden", 2))
    'two layers of sums, 2 hidden'
    """

    kind: Kind
    hidden: int = 0

    def __str__(self) -> str:
        if self.kind != "hidden":
            return f"one {self.kind} of curves"
        return f"two layers of sums, {self.hidden} hidden"


@dataclass
class SplineNetwork:
    """The layers, and the affine map of inputs to [-1, 1]; ``y`` is taken as ``centre + spread*output``."""

    shape: Shape
    layers: list[NeuronLayer]
    middle: Array
    half: Array
    centre: float
    spread: float

    def scaled(self, x: Array) -> Tensor:
        """Inputs as the first layer wants them."""
        return torch.as_tensor((x - self.middle) / self.half)

    def __call__(self, x: Array) -> Array:
        """Predictions (samples,) for inputs (samples, n)."""
        with torch.no_grad():
            value = self.scaled(x)
            for layer in self.layers:
                value = layer(value)
        return np.asarray(self.centre + self.spread * value[:, 0].numpy())

    def curves(self, x: Array) -> list[tuple[Array, Array]]:
        """For every layer its inputs (samples, n_in), in raw units for the first, and its edges (samples, n_in, n_out)."""
        found = []
        with torch.no_grad():
            value, raw = self.scaled(x), x
            for layer in self.layers:
                found.append((raw, gather_of(layer).edges(value).numpy()))
                value = layer(value)
                raw = value.numpy()
        return found

    @property
    def edges(self) -> int:
        """How many edges live."""
        return sum(int(gather_of(layer).alive.sum()) for layer in self.layers)

    @property
    def grid(self) -> int:
        """How many cells the curves have."""
        return int(gather_of(self.layers[0]).bases[0].size - 3)


def gather_of(layer: NeuronLayer) -> Gather:
    """The one gather of a layer of splines."""
    return next(part for part in layer.modules() if type(part).__name__ == "Gather")  # type: ignore[return-value]


def _layer(aggregate: str, grid: int, n_in: int, n_out: int) -> NeuronLayer:
    text = f"{aggregate}(bspline(grid={grid}, low=-1.0, high=1.0))"
    with torch.random.fork_rng(devices=[]):  # its weights are replaced: the global state is not to move
        layer = neuron(text).dense(n_in, n_out).double()
    gather_of(layer).bias.data.zero_()  # type: ignore[union-attr]  # curves carry all constants; pruning may fill it
    return layer


def started(shape: Shape, x: Array, y: Array, *, grid: int, generator: np.random.Generator) -> SplineNetwork:
    """A network before training; its curves are near straight lines, drawn from ``generator``."""
    low, high = x.min(0), x.max(0)
    half = np.where(high > low, (high - low) / 2, 1.0)
    n = x.shape[1]
    if shape.kind == "hidden":
        layers = [_layer("sum", grid, n, shape.hidden), _layer("sum", grid, shape.hidden, 1)]
    else:
        layers = [_layer(shape.kind, grid, n, 1)]
    network = SplineNetwork(shape, layers, (low + high) / 2, half, float(y.mean()), float(y.std()) or 1.0)
    with torch.no_grad():
        for layer in layers:
            weight = gather_of(layer).weight
            line = torch.linspace(-1, 1, weight.shape[1], dtype=torch.float64)
            slopes = torch.as_tensor(generator.normal(size=(weight.shape[0], 1, weight.shape[2])))
            bends = torch.as_tensor(generator.normal(size=weight.shape))
            weight.copy_(slopes * line[None, :, None] + 0.1 * bends)
    return network


def beginning_as(network: SplineNetwork, sums: SplineNetwork | None) -> SplineNetwork:
    """A network of one hidden sum whose curves begin as those of the best sum of curves, in place."""
    if sums is not None:
        with torch.no_grad():
            gather_of(network.layers[0]).weight.copy_(gather_of(sums.layers[0]).weight)
    return network


def refined(network: SplineNetwork, grid: int) -> SplineNetwork:
    """The same function on a finer grid; exact where the new grid divides the old cells, else least squares on the curves."""
    layers = []
    place = torch.linspace(-1, 1, 40 * (grid + 3), dtype=torch.float64)
    for layer in network.layers:
        old = gather_of(layer)
        new_layer = _layer(old.tree.aggregate, grid, layer.n_in, layer.n_out)
        new = gather_of(new_layer)
        with torch.no_grad():
            before = old.edges(place[:, None].expand(-1, layer.n_in)) / new.scale
            terms = new.bases[0].terms(place)
            new.weight.copy_(
                torch.linalg.lstsq(terms, before.flatten(1)).solution.unflatten(1, before.shape[1:]).movedim(0, 1)
            )
            if old.mask is not None:
                new.prune(old.alive)
            new.bias.copy_(old.bias)  # type: ignore[union-attr, arg-type]
        layers.append(new_layer)
    return replace(network, layers=layers)


def pruned(network: SplineNetwork, x: Array, *, change: float) -> SplineNetwork:
    """A copy without the edges that count least, the outputs changed by at most ``change`` of their spread.

    Edges into a hidden sum that nothing reads any more go too. Train it again afterwards.
    """
    model, _ = prune(torch.nn.Sequential(*network.layers), network.scaled(x), change=change)
    layers = [layer for layer in model.children() if isinstance(layer, NeuronLayer)]
    if len(layers) == 2:
        inner, outer = (gather_of(layer) for layer in layers)
        inner.prune(inner.alive & outer.alive[:, 0])
    return replace(network, layers=layers)


def train(network: SplineNetwork, x: Array, y: Array, *, steps: int = 60) -> float:
    """Fit to x (samples, n), y (samples,), in place; gives the root mean square left, relative to the spread of y."""
    target = torch.as_tensor((y - network.centre) / network.spread)
    inputs = network.scaled(x)
    with torch.no_grad():
        for layer in network.layers:
            gather_of(layer).bias.zero_()  # type: ignore[union-attr]
        if network.shape.kind == "sum":
            return _solve_sum(gather_of(network.layers[0]), inputs, target)
        if network.shape.kind == "product":
            return _solve_product(network, inputs, torch.as_tensor(y), steps)
        return _Projection(network, inputs, target).descend(steps)


def _ridge(columns: Tensor, target: Tensor, size: int) -> Tensor:
    """Least squares with a slight pull to small second differences, so that cells without data stay defined."""
    count = columns.shape[1]
    second = torch.eye(count, dtype=torch.float64)
    bend = second[:-2] - 2 * second[1:-1] + second[2:]
    rows = torch.arange(count - 2)
    bend = bend[(rows % size) < size - 2]
    weight = (_RIDGE * len(columns)) ** 0.5
    stacked = torch.cat([columns, weight * bend, 1e-2 * weight * second])
    filled = torch.cat([target, torch.zeros(len(stacked) - len(target), dtype=torch.float64)])
    solution: Tensor = torch.linalg.lstsq(stacked, filled.unsqueeze(1)).solution
    return solution[:, 0]


def _solve_sum(gather: Gather, inputs: Tensor, target: Tensor) -> float:
    terms = gather.bases[0].terms(inputs) * gather.alive
    best = _ridge(terms.flatten(1), target, terms.shape[-1])
    gather.weight.copy_(best.reshape(gather.weight.shape) / gather.scale)
    return float((terms.flatten(1) @ best - target).square().mean().sqrt())


def _solve_product(network: SplineNetwork, inputs: Tensor, target: Tensor, steps: int) -> float:
    """One factor after the other, each linear while the others are held; the product has no additive constant."""
    gather = gather_of(network.layers[0])
    terms = gather.bases[0].terms(inputs)
    target = target / network.spread
    network.centre = 0.0
    weight = torch.ones_like(gather.weight[..., 0])  # all factors begin as 1
    left = float("inf")
    for _ in range(max(4, steps)):
        for i in range(len(weight)):
            factors = torch.einsum("sik,ik->si", terms, weight)
            factors[:, i] = 1.0
            others = factors.prod(1)
            weight[i] = _ridge(terms[:, i] * others[:, None], target, terms.shape[-1])
            if i + 1 < len(weight):
                weight[i] /= (terms[:, i] @ weight[i]).square().mean().sqrt().clamp(min=1e-12)
        values = torch.einsum("sik,ik->si", terms, weight).prod(1)
        after = float((values - target).square().mean().sqrt())
        if left - after <= 1e-6 * after:
            break
        left = after
    gather.weight.copy_((weight / gather.scale).unsqueeze(-1))
    return after


class _Projection:
    """Two layers of sums: hidden weights by Levenberg-Marquardt, outer ones in closed form at every place."""

    def __init__(self, network: SplineNetwork, inputs: Tensor, target: Tensor) -> None:
        self.inner, self.outer = (gather_of(layer) for layer in network.layers)
        terms = self.inner.bases[0].terms(inputs)
        self.size = terms.shape[-1]
        self.columns = terms.flatten(1)
        self.target = target
        self.alive = self.inner.alive.to(torch.float64).repeat_interleave(self.size, dim=0)
        self.heard = self.outer.alive[:, 0].to(torch.float64)

    def descend(self, steps: int) -> float:
        weight = self._centred(self.inner.weight.flatten(0, 1) * self.inner.scale * self.alive)
        state = self._state(weight)
        damping, idle = 1e-2, 0
        for _ in range(steps):
            slopes, residual = self._slopes(state)
            gram, pull = slopes.T @ slopes, slopes.T @ residual
            size = gram.diagonal().clamp(min=1e-12 * float(gram.diagonal().max()))
            accepted = False
            for _ in range(8):
                step = torch.linalg.solve(gram + torch.diag(damping * size + 1e-14 * size.max()), pull)
                trial = self._state(self._centred(weight + step.reshape(weight.shape) * self.alive))
                if trial["left"] < state["left"]:
                    accepted = True
                    break
                damping *= 5
            if not accepted:
                break
            idle = idle + 1 if trial["left"] > 0.998 * state["left"] else 0
            weight, state, damping = trial["weight"], trial, max(damping / 6, 1e-12)
            if idle >= 5 or state["left"] < 1e-9:
                break
        self.inner.weight.copy_((weight / self.inner.scale).reshape(self.inner.weight.shape))
        self.outer.weight.copy_((state["outer"] / self.outer.scale).unsqueeze(-1))
        return float(state["left"])

    def _centred(self, weight: Tensor) -> Tensor:
        """Hidden sums to [-0.95, 0.95]; the terms of an input sum to one, so that weights can carry a constant."""
        hidden = self.columns @ weight
        low, high = hidden.amin(0), hidden.amax(0)
        half = ((high - low) / 2).clamp(min=1e-9)
        used = self.alive.reshape(-1, self.size, weight.shape[1])[:, 0].sum(0).clamp(min=1)
        scale = _EDGE / half
        return (weight * scale - (low + high) / 2 * scale / used) * self.alive

    def _state(self, weight: Tensor) -> dict[str, Any]:
        hidden = self.columns @ weight
        terms = self.outer.bases[0].terms(hidden) * self.heard[:, None]
        outer = _ridge(terms.flatten(1), self.target, terms.shape[-1])
        residual = self.target - terms.flatten(1) @ outer
        left = float(residual.square().mean().sqrt())
        shape = (hidden.shape[1], terms.shape[-1])
        return {
            "weight": weight,
            "hidden": hidden,
            "terms": terms,
            "outer": outer.reshape(shape),
            "left": left,
            "r": residual,
        }

    def _slopes(self, state: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """How the residual falls with every hidden weight, without what the outer weights could do as well."""
        hidden = state["hidden"].detach().requires_grad_(True)
        with torch.enable_grad():
            total = (self.outer.bases[0].terms(hidden) * state["outer"]).sum()
        gain = torch.autograd.grad(total, hidden)[0] * self.heard
        slopes = (self.columns[:, :, None] * gain[:, None, :] * self.alive).flatten(1)
        q = torch.linalg.qr(state["terms"].flatten(1) + 0.0)[0]
        return slopes - q @ (q.T @ slopes), state["r"]
