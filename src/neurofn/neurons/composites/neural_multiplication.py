"""The neural multiplication unit: products of some of its inputs, with weights that end at 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor


@register("neural_multiplication_unit")
class NeuralMultiplication(Composite):
    """A product in which a weight of 1 takes an input in, one of 0 leaves it out; clipped to [0, 1] after each step.

    ``product(nmu, bias=False)`` of the language clips them as it computes.
    After each step of the optimiser call ``layer.clip()``; ``layer.penalty()`` is the mean of min(w, 1 - w), as in
    ``neural_addition``. A product of many inputs does not keep their variance: with 32 standard normal ones it is below
    1e-8 at the start.

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("neural_multiplication").dense(3, 1)
    >>> _ = layer.load_state_dict({"weight": torch.tensor([[1.0], [0.0], [1.0]])})
    >>> layer(torch.tensor([5.0, 4.0, 3.0])).item()
    15.0
    """

    name = "neural_multiplication"
    formula = "prod_i (w_i*x_i + 1 - w_i), w_i in [0, 1]"
    source = "arXiv:2001.05016"
    spread = (0.0, 1.0)

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Uniform in [1/4, 3/4]."""
        import torch

        return {"weight": 0.25 + torch.rand(n_in, n_out) / 2}

    def count(self, n_in: int, n_out: int) -> int:
        """One weight an edge."""
        return n_in * n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """All edges at once, then their product."""
        return (x.unsqueeze(-1) * w["weight"] + (1 - w["weight"])).prod(-2)

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """Factor by factor."""
        total = x[..., :1] * w["weight"][0] + 1 - w["weight"][0]
        for i in range(1, x.shape[-1]):
            total = total * (x[..., i : i + 1] * w["weight"][i] + 1 - w["weight"][i])
        return total

    def clipped(self, w: Weights) -> dict[str, Tensor]:
        """Weights in [0, 1]."""
        return {"weight": w["weight"].clamp(0, 1)}

    def penalty(self, w: Weights) -> Tensor:
        """0 where every weight is 0 or 1."""
        return w["weight"].abs().minimum((1 - w["weight"]).abs()).mean()
