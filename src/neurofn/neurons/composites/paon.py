"""The Padé neuron: a ratio of two polynomials of the inputs, both learned."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ...functions import Choice, Count
from ._plain import normal, one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor

_SMALL = 0.1  # the denominator at the start: off 0, since the absolute value has no slope there


@register("pade_neuron")
class Paon(Composite):
    """The Padé neuron: one ratio of two weighted sums; in ``sum(pade)``, which is ``sum(rational)``, every edge is a ratio.

    The numerator has degree ``p``, the denominator ``q``, powers taken of each input and weighted by edge. By default the
    denominator is 1 + sum_k |b_k.x**k| (Paon-A). With ``form='smooth'`` it is
    (P_p Q_q + P_(p-1) Q_(q-1))/(Q_q**2 + Q_(q-1)**2), each Q starting with 1 (Paon-S): no kinks, but from q = 2 on there may
    be poles, where both denominators are 0. The powers above the first weigh nothing at the start. In the
    language, ``sum(linear + square) / sum(linear, bias=False)`` is the case p = 2, q = 1. With ``ChannelShift`` before
    its convolution it is the neuron with shifts.

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("paon(p=1, q=1)").dense(1, 1)
    >>> state = {"numerator": torch.tensor([[[2.0]]]), "bias": torch.tensor([1.0]), "denominator": torch.tensor([[[-3.0]]])}
    >>> _ = layer.load_state_dict(state)
    >>> round(layer(torch.tensor([2.0])).item(), 4)  # (1 + 2*2)/(1 + abs(-3*2))
    0.7143
    """

    name = "paon"
    formula = "(a_0 + sum_k a_k.x**k)/(1 + sum_k abs(b_k.x**k))"
    source = "arXiv:2403.11791"
    settings = {"p": Count(2, low=1, high=16), "q": Count(1, low=1, high=16), "form": Choice("absolute", "smooth")}  # noqa: RUF012
    spread = (0.4, 2.0)

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """A linear neuron over a denominator near 1."""
        import torch

        p, q = self.values["p"], self.values["q"]
        halved = (
            self.values["form"] == "smooth" and p == 1
        )  # P_0 is the bias alone, so that the ratio starts at half of P_1
        numerator = torch.zeros(p, n_in, n_out)
        numerator[0] = normal(n_in, n_out, fan_in=n_in) * (2 if halved else 1)
        below = [normal(n_in, n_out, fan_in=n_in * prod(range(1, 2 * k, 2))) * _SMALL for k in range(1, q + 1)]
        return {"numerator": numerator, "bias": torch.zeros(n_out), "denominator": torch.stack(below)}

    def count(self, n_in: int, n_out: int) -> int:
        """A weight an edge for each power above and below, and a bias a neuron."""
        return (int(self.values["p"]) + int(self.values["q"])) * n_in * n_out + n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """One matrix product above; one a power below, since each has its own absolute value."""
        import torch

        p, q = int(self.values["p"]), int(self.values["q"])
        powers = [x]
        for _ in range(1, max(p, q)):
            powers.append(powers[-1] * x)
        if self.values["form"] == "absolute":
            above = torch.cat(powers[:p], -1) @ w["numerator"].flatten(0, 1) + w["bias"]
            return above / (1 + sum((powers[k] @ w["denominator"][k]).abs() for k in range(q)))
        tops, bottoms = (_partial(powers, w[name], n) for name, n in (("numerator", p), ("denominator", q)))
        return _smooth((tops[0] + w["bias"], tops[1] + w["bias"]), (bottoms[0] + 1, bottoms[1] + 1))

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """Power by power and input by input."""
        above = [one_by_one(x ** (k + 1), weight) for k, weight in enumerate(w["numerator"])]
        below = [one_by_one(x ** (k + 1), weight) for k, weight in enumerate(w["denominator"])]
        zero = 0 * above[0]
        if self.values["form"] == "absolute":
            return (w["bias"] + sum(above, zero)) / (1 + sum((term.abs() for term in below), zero))
        tops = w["bias"] + sum(above, zero), w["bias"] + sum(above[:-1], zero)
        bottoms = 1 + sum(below, zero), 1 + sum(below[:-1], zero)
        return _smooth(tops, bottoms)


def _partial(powers: list[Tensor], weights: Tensor, degree: int) -> tuple[Tensor, Tensor]:
    """The weighted powers up to the degree, and up to the one below."""
    import torch

    last = powers[degree - 1] @ weights[-1]
    if degree == 1:
        return last, torch.zeros_like(last)
    lower = torch.cat(powers[: degree - 1], -1) @ weights[:-1].flatten(0, 1)
    return lower + last, lower


def _smooth(above: tuple[Tensor, Tensor], below: tuple[Tensor, Tensor]) -> Tensor:
    return (above[0] * below[0] + above[1] * below[1]) / (below[0] ** 2 + below[1] ** 2)
