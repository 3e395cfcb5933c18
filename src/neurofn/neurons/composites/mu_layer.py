"""The layer of multilinear operator networks, which have no activation function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...functions import Count
from ._plain import normal, one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor


@register("monet", "multilinear")
class MuLayer(Composite):
    """A product of a linear map and one of low rank, added to the linear map, and a map to the outputs.

    ``expansion`` times as many hidden numbers as inputs, ``shrink`` times fewer in the narrow part. The norms and the spatial
    shift that the paper puts around it are layers of their own.

    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("mu_layer(expansion=3, shrink=4)").dense(8, 2)
    >>> layer.wide.shape, layer.narrow.shape
    (torch.Size([8, 24]), torch.Size([8, 6]))
    """

    name = "mu_layer"
    formula = "C(h*(B D x + b) + h) + c, h = A x + a"
    source = "arXiv:2401.17992"
    settings = {"expansion": Count(3, low=1, high=64), "shrink": Count(4, low=1, high=4096)}  # noqa: RUF012

    def _sizes(self, n_in: int) -> tuple[int, int]:
        hidden = int(self.values["expansion"]) * n_in
        return hidden, max(1, hidden // int(self.values["shrink"]))

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Every factor keeps the variance; their sum has mean square 2, which the last map takes back."""
        import torch

        hidden, rank = self._sizes(n_in)
        return {
            "wide": normal(n_in, hidden, fan_in=n_in),
            "wide_bias": torch.zeros(hidden),
            "narrow": normal(n_in, rank, fan_in=n_in),
            "widen": normal(rank, hidden, fan_in=rank),
            "widen_bias": torch.zeros(hidden),
            "outer": normal(hidden, n_out, fan_in=2 * hidden),
            "bias": torch.zeros(n_out),
        }

    def count(self, n_in: int, n_out: int) -> int:
        """Four matrices and three biases."""
        hidden, rank = self._sizes(n_in)
        return n_in * hidden + n_in * rank + rank * hidden + hidden * n_out + 2 * hidden + n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """Four matrix products."""
        h = x @ w["wide"] + w["wide_bias"]
        return (h * (1 + (x @ w["narrow"] @ w["widen"] + w["widen_bias"]))) @ w["outer"] + w["bias"]

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """As printed."""
        h = one_by_one(x, w["wide"]) + w["wide_bias"]
        gate = one_by_one(one_by_one(x, w["narrow"]), w["widen"]) + w["widen_bias"]
        return one_by_one(h * gate + h, w["outer"]) + w["bias"]
