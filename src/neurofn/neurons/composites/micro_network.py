"""A neuron that is itself a small network."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ...functions import Count
from ._plain import normal, one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor


@register()
class MicroNetwork(Composite):
    """``depth`` layers of rectified weighted sums, ``width`` wide inside; the layer function ``nin`` is the one with depth 2.

    Its convolution is the mlpconv layer of the paper (network in network).

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("micro_network(width=8, depth=2)").dense(3, 2)
    >>> sum(weight.numel() for weight in layer.parameters())  # 3*8 + 8 + 8*2 + 2
    50
    """

    name = "micro_network"
    formula = "h_depth, h_0 = x, h_n = relu(W_n h_(n-1) + b_n)"
    source = "arXiv:1312.4400"
    settings = {"width": Count(16, low=1, high=65536), "depth": Count(2, low=1, high=64)}  # noqa: RUF012
    spread = (0.2, 2.0)  # of mean square 1, a part lies in the mean

    def _sizes(self, n_in: int, n_out: int) -> list[int]:
        return [n_in, *[int(self.values["width"])] * (int(self.values["depth"]) - 1), n_out]

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Mean square 1 after every layer."""
        import torch

        found: dict[str, Tensor] = {}
        sizes = self._sizes(n_in, n_out)
        for n, (inside, outside) in enumerate(pairwise(sizes)):
            found[f"weight_{n}"] = normal(inside, outside, fan_in=inside / 2)
            found[f"bias_{n}"] = torch.zeros(outside)
        return found

    def count(self, n_in: int, n_out: int) -> int:
        """The weights and biases of its layers."""
        sizes = self._sizes(n_in, n_out)
        return sum((inside + 1) * outside for inside, outside in pairwise(sizes))

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """One matrix product a layer."""
        for n in range(int(self.values["depth"])):
            x = (x @ w[f"weight_{n}"] + w[f"bias_{n}"]).relu()
        return x

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """Sum by sum."""
        for n in range(int(self.values["depth"])):
            x = (one_by_one(x, w[f"weight_{n}"]) + w[f"bias_{n}"]).clamp(min=0)
        return x
