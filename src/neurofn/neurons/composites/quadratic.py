"""The quadratic neuron, which starts as a linear one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._plain import normal, one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor


@register()
class Quadratic(Composite):
    """A product of two weighted sums, plus a weighted sum of squares.

    The form alone is ``sum(linear) * sum(linear) + sum(square)`` in the language. Here it is with the rule by which it trains
    (ReLinear): at the start the second factor is 1 and the squares weigh nothing, so that the neuron is linear, and the weights
    of the quadratic part take smaller steps, ``parameter_groups``.

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("quadratic").dense(3, 2)
    >>> x = torch.randn(5, 3)
    >>> torch.allclose(layer(2 * x), 2 * layer(x))
    True
    """

    name = "quadratic"
    formula = "(w_r.x + b_r)*(w_g.x + b_g) + w_b.x**2 + c"
    source = "arXiv:2110.06081"
    slow = ("w_g", "b_g", "w_b", "c")

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """w_r as in a linear layer, b_g = 1, all else 0."""
        import torch

        return {
            "w_r": normal(n_in, n_out, fan_in=n_in),
            "b_r": torch.zeros(n_out),
            "w_g": torch.zeros(n_in, n_out),
            "b_g": torch.ones(n_out),
            "w_b": torch.zeros(n_in, n_out),
            "c": torch.zeros(n_out),
        }

    def count(self, n_in: int, n_out: int) -> int:
        """Three weights an edge and three a neuron."""
        return 3 * n_in * n_out + 3 * n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """Three matrix products."""
        return (x @ w["w_r"] + w["b_r"]) * (x @ w["w_g"] + w["b_g"]) + (x * x) @ w["w_b"] + w["c"]

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """Term by term."""
        first = one_by_one(x, w["w_r"]) + w["b_r"]
        second = one_by_one(x, w["w_g"]) + w["b_g"]
        return first * second + one_by_one(x**2, w["w_b"]) + w["c"]
