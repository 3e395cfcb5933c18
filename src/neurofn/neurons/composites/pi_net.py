"""Polynomial neurons of any degree, as products of weighted sums of the same inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...functions import Count
from ._plain import normal, one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor


@register("polynomial_net")
class PiNet(Composite):
    """A polynomial of degree ``degree`` in the inputs, whose coefficients are a coupled decomposition of rank ``rank``.

    Degree 1 is a linear map of rank ``rank``. The default rank is ours; the paper takes it by task.

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("pi_net(degree=2, rank=4)").dense(3, 2).double()
    >>> x = torch.randn(5, 3, dtype=torch.float64)
    >>> third = layer(3 * x) - 3 * layer(2 * x) + 3 * layer(x) - layer(0 * x)  # a third difference
    >>> bool(third.abs().max() < 1e-9)
    True
    """

    name = "pi_net"
    formula = "C h_N + b, h_1 = U_1 x, h_n = (U_n x)*h_(n-1) + h_(n-1)"
    source = "arXiv:2003.03828"
    settings = {"degree": Count(3, low=1, high=16), "rank": Count(16, low=1, high=65536)}  # noqa: RUF012

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Every step multiplies the mean square by 2; the last matrix takes that back."""
        import torch

        degree, rank = self.values["degree"], self.values["rank"]
        return {
            "factors": normal(degree, n_in, rank, fan_in=n_in),
            "outer": normal(rank, n_out, fan_in=rank * 2.0 ** (degree - 1)),
            "bias": torch.zeros(n_out),
        }

    def count(self, n_in: int, n_out: int) -> int:
        """One matrix a degree, one at the end, and the biases."""
        rank = int(self.values["rank"])
        return int(self.values["degree"]) * n_in * rank + rank * n_out + n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """All factors in one matrix product."""
        degree, n_in, rank = w["factors"].shape
        value, *sums = (x @ w["factors"].movedim(0, 1).reshape(n_in, degree * rank)).chunk(degree, dim=-1)
        for one in sums:
            value = value * (1 + one)
        return value @ w["outer"] + w["bias"]

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """The recursion as printed."""
        h = one_by_one(x, w["factors"][0])
        for factor in w["factors"][1:]:
            h = one_by_one(x, factor) * h + h
        return one_by_one(h, w["outer"]) + w["bias"]
