"""How neurons start as a linear layer.

An aggregate that is a weighted sum carries the layer in its ``linear`` terms, which join the edge where it has none; its other
terms start at 0 and learn from there. A product of neurons carries it in one factor while the others start as 1, a sum in one
summand while the others start as 0.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import SettingError
from ..aggregates import catalogue as aggregates
from ..functions import Function
from ..functions import catalogue as functions
from ._gather import Gather
from ._range import RangeWarning
from .geometry import Convolution
from .language import Activated, Aggregated, Neuron, Term, Tree
from .layer import NeuronLayer

__all__ = ["Start", "begin", "built"]

Role = tuple[str, float]
"""What an aggregate starts as: ("line", factor) or ("constant", value)."""

Start = tuple[Tree, tuple[Role, ...]]


def begin(tree: Tree, behind: Function | None) -> Start:
    """How these neurons start as a linear layer, with the function behind it; raises SettingError where they cannot."""
    if behind is not None:
        if not isinstance(tree, Activated) or tree.function != behind.name or tree.settings:
            raise SettingError(f"neurons that start as {behind.name}(sum(linear)) are {behind.name}(...) too")
        inner, roles = begin(tree.inner, None)
        return replace(tree, inner=inner), roles
    start = _carry(tree, 1.0)
    if start is None:
        raise SettingError(
            f"{Neuron(tree)} cannot start as a linear layer: that needs a sum or mean of edges that no function bends, such as "
            "sum(silu + bspline) or sum(linear) * sum(linear)"
        )
    return start


def _carry(tree: Tree, factor: float) -> Start | None:
    """How a neuron starts as a linear one, times the factor."""
    if isinstance(tree, Aggregated):
        if aggregates[tree.aggregate].share is None or not dict(tree.settings).get("bias", True):
            return None
        has = any(term.name == "linear" for term in tree.edge)
        return (tree if has else replace(tree, edge=(Term("linear"), *tree.edge))), (("line", factor),)
    if isinstance(tree, Activated):
        return None
    if tree.operator == "/":  # by 1 + |1|, since |0| has no slope to learn from
        factor *= 2
    rest = 0.0 if tree.operator == "+" else 1.0
    left, beside = _carry(tree.left, factor), _constant(tree.right, rest)
    if left is not None and beside is not None:
        return replace(tree, left=left[0]), left[1] + beside
    right, beside = _carry(tree.right, factor), _constant(tree.left, rest)
    if right is not None and beside is not None and tree.operator != "/":
        return replace(tree, right=right[0]), beside + right[1]
    return None


def _constant(tree: Tree, value: float) -> tuple[Role, ...] | None:
    """How a neuron starts as a constant, with weights of 0 that can still learn."""
    if isinstance(tree, Aggregated):
        summed = aggregates[tree.aggregate].share is not None
        return (("constant", value),) if summed and (dict(tree.settings).get("bias", True) or value == 0) else None
    if isinstance(tree, Activated):
        inside = _solve(tree, value)
        return None if inside is None else _constant(tree.inner, inside)
    left = _constant(tree.left, 2 * value if tree.operator == "/" else value)
    right = _constant(tree.right, 0.0 if tree.operator == "+" else 1.0)
    return None if left is None or right is None else left + right


def _solve(tree: Activated, value: float) -> float | None:
    """An argument nearest 0 at which the function has this value and a slope, by halving; None where there is none."""
    settings: dict[str, Any] = dict(tree.settings)
    module = functions[tree.function].module(**settings).double()
    grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    with torch.no_grad():
        over = module(grid) - value
        crossing = (over[:-1] * over[1:] <= 0) & (over[:-1] != over[1:])
        if not bool(crossing.any()):
            return None
        at = int(grid[:-1].abs().where(crossing, torch.inf).argmin())
        low, high = grid[at].clone(), grid[at + 1].clone()
        for _ in range(60):
            middle = (low + high) / 2
            same = (module(middle) - value) * (module(low) - value) > 0
            low, high = (middle, high) if bool(same) else (low, middle)
    return float(high)


def built(layer: Any, start: Start, behind: Function | None, x: Tensor | None = None) -> NeuronLayer | Convolution:
    """The layer of neurons for a Linear or a convolution; ``x`` (n, n_in) are inputs, for the range in which edges live."""
    made = _made(layer, Neuron(start[0]))
    made.to(device=layer.weight.device, dtype=layer.weight.dtype)
    parts = [made] if isinstance(made, NeuronLayer) else list(made.layers)
    weights = layer.weight.detach().flatten(1).chunk(len(parts))
    biases = [None] * len(parts) if layer.bias is None else layer.bias.detach().chunk(len(parts))
    for part, weight, bias in zip(parts, weights, biases, strict=True):
        assert isinstance(part, NeuronLayer)
        if x is not None:
            part.fit_range(x)
        with torch.no_grad():
            for (_, gather), role in zip(part.gathers, start[1], strict=True):
                _fill(gather, role, weight, bias)
        _checked(part, weight, bias, behind, x)
    return made


def _made(layer: Any, neuron: Neuron) -> NeuronLayer | Convolution:
    with torch.random.fork_rng(devices=[]):  # every weight that is drawn here is overwritten
        if isinstance(layer, nn.Linear):
            return neuron.dense(layer.in_features, layer.out_features)
        words = {name: getattr(layer, name) for name in ("kernel_size", "stride", "padding", "dilation", "groups")}
        return Convolution(neuron, (layer.in_channels, layer.out_channels), len(layer.kernel_size), words)


def _fill(gather: Gather, role: Role, weight: Tensor, bias: Tensor | None) -> None:
    kind, value = role
    gather.weight.zero_()
    if gather.bias is not None:
        gather.bias.fill_(value if kind == "constant" else 0.0)
    if kind == "constant":
        return
    share, at = gather.aggregate.share, [term.name for term in gather.tree.edge].index("linear")
    assert share is not None
    assert gather.bias is not None
    centre, unit = _raw(gather)
    factor = value / (gather.scale * share(weight.shape[1]))
    gather.weight[:, gather.parts[at][1]] = (weight * unit).T.unsqueeze(1) * factor
    moved = weight @ centre if isinstance(centre, Tensor) else torch.zeros_like(gather.bias)
    gather.bias.copy_((moved if bias is None else moved + bias) * value)


def _raw(gather: Gather) -> tuple[Tensor | float, Tensor | float]:
    """The centre and the unit with which an input in raw units is centre + unit * (what the linear term sees)."""
    low, high = gather.range.low, gather.range.high
    if low is None or high is None:
        return 0.0, 1.0
    wide = high > low
    return torch.where(wide, (low + high) / 2, low), torch.where(wide, (high - low) / 2, 1.0) / sqrt(3)


def _checked(made: NeuronLayer, weight: Tensor, bias: Tensor | None, behind: Function | None, x: Tensor | None) -> None:
    """Raise SettingError where the new layer does not start as the old one: some edges cannot be 0."""
    if weight.is_meta:
        return
    generator = torch.Generator(weight.device).manual_seed(0)
    if x is None:
        x = torch.randn(16, weight.shape[1], generator=generator, device=weight.device)
    x = x.to(weight.dtype)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)  # these inputs do not count
        straight = nn.functional.linear(x, weight, bias)
        wanted, given = (straight if behind is None else behind(straight)).double(), made.body(x).double()
        size = (x.double().abs() @ weight.double().abs().T).max() + 1
    if bool(((wanted - given).abs() > 64 * torch.finfo(weight.dtype).eps * size).any()):
        raise SettingError(f"{made.neuron} does not start as a linear layer: one of its bases cannot be 0 everywhere")
    made.outside()
    for _, gather in made.gathers:
        gather.range.warned = False
