"""The neural addition unit: sums and differences, with weights that end at -1, 0 and 1."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from ._plain import one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor


@register("neural_addition_unit")
class NeuralAddition(Composite):
    """A weighted sum whose weights are clipped to [-1, 1] after each step; ``sum(nau, bias=False)`` clips them as it computes.

    After each step of the optimiser call ``layer.clip()``; add ``layer.penalty()``, the mean of min(|w|, 1 - |w|), to the
    loss once the weights have found their way (the paper ramps it up late in training, to 10 times).

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("neural_addition").dense(2, 1)
    >>> _ = layer.load_state_dict({"weight": torch.tensor([[1.0], [-0.75]])})
    >>> layer.penalty().item(), layer(torch.tensor([5.0, 4.0])).item()
    (0.125, 2.0)
    """

    name = "neural_addition"
    formula = "sum_i w_i*x_i, w_i in [-1, 1]"
    source = "arXiv:2001.05016"

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Uniform, with variance 2/(n_in + n_out) as far as that stays within [-1/2, 1/2]."""
        import torch

        reach = min(0.5, sqrt(3) * sqrt(2 / (n_in + n_out)))
        return {"weight": (2 * torch.rand(n_in, n_out) - 1) * reach}

    def count(self, n_in: int, n_out: int) -> int:
        """One weight an edge."""
        return n_in * n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """One matrix product."""
        return x @ w["weight"]

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """Input by input."""
        return one_by_one(x, w["weight"])

    def clipped(self, w: Weights) -> dict[str, Tensor]:
        """Weights in [-1, 1]."""
        return {"weight": w["weight"].clamp(-1, 1)}

    def penalty(self, w: Weights) -> Tensor:
        """0 where every weight is -1, 0 or 1."""
        size = w["weight"].abs()
        return size.minimum((1 - size).abs()).mean()
