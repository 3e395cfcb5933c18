"""Prune edges and nodes of networks of learnable neurons: what counts least goes first, and the change is measured.

``prune`` masks edges; ``shrink`` then makes smaller layers without the nodes that no living path goes through, which changes
nothing. Both give a new model and a report.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError
from ._gather import Gather
from ._shrink import shrink

__all__ = ["Pruned", "edge_effects", "prune", "shrink"]


@dataclass(frozen=True)
class Pruned:
    """What was pruned: edges before and after, the relative change of the outputs, and what was asked for at most.

    ``change`` is the root mean square change over the samples, in standard deviations of the outputs. ``edges`` has, for every
    aggregate by its path, how many edges are left of how many.
    """

    before: int
    after: int
    change: float
    at_most: float
    edges: tuple[tuple[str, int, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dicts."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.after} of {self.before} edges left, outputs changed by {100 * self.change:.3g} %"


def edge_effects(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What the outputs would lose with each edge, over a batch: (n_in, n_out) for every aggregate, by its path in the model.

    The standard deviation of the edge times the root mean square slope of the outputs by its neuron: the first-order change of
    the outputs where the edge is replaced by its mean. Edges of products and other aggregates count by the slope of the
    aggregate as well. This is what ``prune`` goes by: it asks how far the outputs move, in their units, so that an output of
    large numbers counts for more. The importance that ``curves`` draws and ``importance`` sums asks for shares instead: every
    output counts the same, and each neuron passes on what it counts by the sizes of its edges, without slopes.

    Raises DataError for fewer than two samples, and SettingError where the model has no layer of neurons.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(linear)").dense(2, 1)
    >>> _ = layer.gathers[0][1].weight.data.copy_(torch.tensor([[[3.0]], [[1.0]]]))
    >>> x = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    >>> edge_effects(layer, x)["body"].tolist()
    [[3.0], [1.0]]
    """
    if len(x) < 2:
        raise DataError(f"effects of edges need at least 2 samples, got {len(x)}")
    gathers = _gathers(model)
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = [gather.register_forward_hook(_keeper(name, seen)) for name, gather in gathers.items()]
    try:
        with torch.enable_grad():
            output = _outputs(model, x.detach().requires_grad_(x.is_floating_point()))
    finally:
        for hook in hooks:
            hook.remove()
    places = [output_of for _, output_of in seen.values()]
    total = [torch.zeros_like(place) for place in places]
    for column in output.flatten(1).unbind(1):
        slopes = torch.autograd.grad(column.sum(), places, retain_graph=True, allow_unused=True)
        total = [
            before if slope is None else before + slope.square() for before, slope in zip(total, slopes, strict=True)
        ]
    found = {}
    for (name, (inputs, _)), squares in zip(seen.items(), total, strict=True):
        found[name] = _moved(gathers[name], inputs.detach(), squares)
    return found


def _moved(gather: Gather, inputs: Tensor, squares: Tensor) -> Tensor:
    """Root mean square of slope times what the edge adds to its neuron beside its mean."""
    with torch.no_grad():
        edges = gather.edges(inputs).flatten(0, -3)
    with torch.enable_grad():
        free = edges.clone().requires_grad_(True)
        value = gather.aggregate.reduce(free, **gather._reduce_values())
        slope = torch.autograd.grad(value.sum(), free)[0]
    moved = (edges - edges.mean(0)) * slope
    return (moved.square() * squares.flatten(0, -2).unsqueeze(-2)).mean(0).sqrt()


def _keeper(name: str, seen: dict[str, tuple[Tensor, Tensor]]) -> Callable[..., None]:
    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[name] = (inputs[0], output)

    return keep


def _gathers(model: nn.Module) -> dict[str, Gather]:
    found = {name: part for name, part in model.named_modules() if isinstance(part, Gather)}
    if not found:
        raise SettingError(
            f"{type(model).__name__} has no layer of neurons, such as neuron('sum(bspline)').dense(4, 2)"
        )
    return found


def _outputs(model: nn.Module, x: Tensor) -> Tensor:
    output = model(x)
    if not isinstance(output, Tensor):
        raise SettingError(f"pruning needs a model whose output is one tensor, got {type(output).__name__}")
    return output.reshape(len(output), -1)


def prune(model: nn.Module, x: Tensor, *, change: float = 0.01) -> tuple[nn.Module, Pruned]:
    """A copy of a model in which the edges of the least effect are 0, as many as change the outputs by at most ``change``.

    ``x`` are samples as the model takes them. Edges go in the order of ``edge_effects``; how many is found by trying, with
    the outputs measured on ``x``: the change, in standard deviations of the outputs, never exceeds ``change``. Where the
    aggregate is a sum or a mean with a bias, the bias takes the mean of a pruned edge. Raises SettingError for a change below 0
    and models without neurons.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(linear)").dense(3, 1)
    >>> _ = layer.gathers[0][1].weight.data.copy_(torch.tensor([[[3.0]], [[1e-4]], [[1.0]]]))
    >>> small, report = prune(layer, torch.randn(100, 3, generator=torch.Generator().manual_seed(0)))
    >>> report.after, report.change < 0.01, small.gathers[0][1].alive.flatten().tolist()
    (2, True, [True, False, True])
    """
    if not change >= 0:
        raise SettingError(f"change must be at least 0, got {change!r}")
    with torch.no_grad():
        before = _outputs(model, x)
    effects = edge_effects(model, x)
    alive = {name: gather.alive for name, gather in _gathers(model).items()}
    order = sorted(
        (float(effects[name][i, j]), name, i, j) for name, living in alive.items() for i, j in living.nonzero().tolist()
    )

    def tried(count: int) -> tuple[nn.Module, float]:
        return _tried(model, x, order[:count], before)

    low, high = 0, len(order)
    best = tried(0)
    while low < high:  # the change grows with the count nearly always; where it does not, fewer edges go than could
        middle = (low + high + 1) // 2
        trial = tried(middle)
        if trial[1] <= change:
            low, best = middle, trial
        else:
            high = middle - 1
    edges = tuple(
        (name, int(gather.alive.sum()), gather.n_in * gather.n_out) for name, gather in _gathers(best[0]).items()
    )
    report = Pruned(len(order), sum(left for _, left, _ in edges), best[1], change, edges)
    return best[0], report


def _tried(
    model: nn.Module, x: Tensor, gone: list[tuple[float, str, int, int]], before: Tensor
) -> tuple[nn.Module, float]:
    """A copy without these edges, and by how much its outputs differ."""
    small = copy.deepcopy(model)
    gathers = _gathers(small)
    keep = {name: gather.alive.clone() for name, gather in gathers.items()}
    for _, name, i, j in gone:
        keep[name][i, j] = False
    touched = {name for _, name, _, _ in gone}
    means = _means(small, x, touched)
    for name in touched:
        gather = gathers[name]
        share = gather.aggregate.share
        if gather.bias is not None and share is not None:
            lost = means[name] * (gather.alive & ~keep[name])
            with torch.no_grad():
                gather.bias.add_(lost.sum(0), alpha=share(gather.n_in))
        gather.prune(keep[name])
    with torch.no_grad():
        moved = _outputs(small, x) - before
    spread = (before - before.mean(0)).square().mean().sqrt()
    size = moved.square().mean().sqrt()
    return small, float(size / spread) if spread > 0 else float("inf") if size > 0 else 0.0


def _means(model: nn.Module, x: Tensor, names: set[str]) -> dict[str, Tensor]:
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    gathers = _gathers(model)
    hooks = [gathers[name].register_forward_hook(_keeper(name, seen)) for name in names]
    try:
        with torch.no_grad():
            model(x)
            return {name: gathers[name].edges(inputs).flatten(0, -3).mean(0) for name, (inputs, _) in seen.items()}
    finally:
        for hook in hooks:
            hook.remove()
