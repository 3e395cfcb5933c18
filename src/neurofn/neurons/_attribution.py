"""What data do inside a model of neuron layers: the input of each layer, and how much each edge counts for the outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError
from .layer import NeuronLayer

__all__ = ["NORMS", "Seen", "attributed", "checked_rows", "seen_layers"]

MOST_VALUES = 2**24
"""So many values of edges are laid out at a time; of more rows an even part is taken."""

Norm = Callable[[Tensor], Tensor]


def _l1(edges: Tensor) -> Tensor:
    return (edges - edges.mean(dim=0)).abs().mean(dim=0)


def _l2(edges: Tensor) -> Tensor:
    return (edges - edges.mean(dim=0)).square().mean(dim=0).sqrt()


NORMS: dict[str, Norm] = {"l1": _l1, "l2": _l2}
"""Sizes of edges (rows, n_in, n_out) -> (n_in, n_out): of what varies, since a constant edge is no more than a bias."""


@dataclass(frozen=True)
class Seen:
    """A layer, its path in the model, and what reached it: (rows, n_in)."""

    path: str
    layer: NeuronLayer
    inputs: Tensor

    def sizes(self, norm: Norm) -> list[Tensor]:
        """The size of every edge of each gather, (n_in, n_out), over the rows that are finite; 0 where there are none."""
        found = []
        rows = self.inputs[self.inputs.isfinite().all(dim=1)]
        with torch.no_grad():
            for _, gather in self.layer.gathers:
                most = max(2, MOST_VALUES // (self.layer.n_in * self.layer.n_out))
                step = max(1, -(-len(rows) // most))
                found.append(norm(gather.edges(rows[::step])).nan_to_num(nan=0.0))
        return found


def checked_rows(model: nn.Module, x: Tensor) -> Tensor:
    """Rows (n, inputs) in the dtype of the model; raises DataError where there are none."""
    if x.ndim != 2 or len(x) == 0:
        raise DataError(f"give rows (n, inputs), at least one, got {tuple(x.shape)}")
    known = next((p for p in model.parameters() if p.is_floating_point()), None)
    return x.detach() if known is None else x.detach().to(known)


def seen_layers(model: nn.Module, x: Tensor) -> list[Seen]:
    """Every layer of neurons that runs for ``x``, in the order they run; raises SettingError where there is none."""
    found: list[Seen] = []
    paths = {module: name for name, module in model.named_modules() if isinstance(module, NeuronLayer)}

    def hear(module: nn.Module, given: tuple[Any, ...]) -> None:
        assert isinstance(module, NeuronLayer)
        found.append(Seen(paths[module], module, given[0].detach().flatten(0, -2)))

    training = model.training
    hooks = [module.register_forward_pre_hook(hear) for module in paths]
    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    if not found:
        raise SettingError(
            f"this {type(model).__name__} has no layer of neurons; build one with neuron(...).dense(2, 1)"
        )
    return found


def attributed(layers: list[Seen], norm: Norm) -> list[list[Tensor]]:
    """How much each edge counts for the outputs, (n_in, n_out) for each gather of each layer; those of a layer sum to 1.

    Every output counts the same; each node passes what it counts to its edges in proportion to their sizes, and what the
    edges from an input count is what that input counts for the layer before. Raises SettingError where layers do not stand
    one after the other.
    """
    for before, after in pairwise(layers):
        if before.layer.n_out != after.layer.n_in:
            raise SettingError(
                f"the {before.layer.n_out} outputs of layer {before.path!r} are not the {after.layer.n_in} inputs of "
                f'layer {after.path!r}; take kind="sensitivity", which needs no chain of layers'
            )
    counts = torch.full((layers[-1].layer.n_out,), 1 / layers[-1].layer.n_out)
    found: list[list[Tensor]] = []
    for seen in reversed(layers):
        sizes = [size.double() for size in seen.sizes(norm)]
        total = torch.stack([size.sum(dim=0) for size in sizes]).sum(dim=0)
        passed = torch.where(total > 0, counts.to(total) / total.clamp_min(torch.finfo(total.dtype).tiny), 0.0)
        found.append([size * passed for size in sizes])
        counts = torch.stack([one.sum(dim=1) for one in found[-1]]).sum(dim=0)
    return found[::-1]
