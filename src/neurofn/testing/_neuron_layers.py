"""What the checks of neurons share: a layer, inputs for it, and a comparison that says what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..neurons.language import Activated, Aggregated, Neuron, Tree

if TYPE_CHECKING:
    from torch import Tensor

    from ..neurons.layer import NeuronLayer

__all__ = ["IN", "OUT", "ROWS", "close", "gathered", "inputs", "layer_of"]

IN, OUT, ROWS = 6, 5, 7


def layer_of(part: Neuron, init: str = "fan_in", *, seed: int = 0) -> NeuronLayer:
    """A small layer in double precision, the same every time."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return part.dense(IN, OUT, init=init).double()


def inputs(rows: int = ROWS, columns: int = IN) -> Tensor:
    """Standard normal rows, the same every time."""
    import torch

    generator = torch.Generator().manual_seed(1)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def gathered(tree: Tree) -> list[Aggregated]:
    """Every aggregate(edge) of a tree."""
    if isinstance(tree, Aggregated):
        return [tree]
    if isinstance(tree, Activated):
        return gathered(tree.inner)
    return [*gathered(tree.left), *gathered(tree.right)]


def close(got: Tensor, expected: Tensor, what: str, *, within: float = 1e-9) -> None:
    """Raises AssertionError where they differ by more than rounding in double precision."""
    got, expected = got.detach(), expected.detach()
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    difference = float((got - expected).abs().max()) if expected.numel() else 0.0
    assert difference <= within * (1 + scale), f"{what}: differs by {difference:.3g} where values reach {scale:.3g}"
