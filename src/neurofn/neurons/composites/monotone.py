"""Neurons that are monotone in every input that is asked for, whatever their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...functions import Choice
from ._plain import normal, one_by_one
from ._spec import Composite, Weights, register

if TYPE_CHECKING:
    from torch import Tensor

_SHARES = (7, 7, 2)  # convex, concave and bounded neurons, as the authors' package has them


@register("constrained_monotonic", "monotone_split")
class Monotone(Composite):
    """Absolute weights, and neurons of three kinds made from one convex function r, here relu, elu or softplus.

    Of 16 neurons 7 are convex, r(z), 7 concave, -r(-z), and 2 bounded: r(z + 1) - r(1) below 0 and r(1) - r(1 - z) above. The
    buffer ``signs`` (n_in) says what holds for each input: 1 rising (the start), -1 falling, 0 free, which leaves its
    weights as they are.

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("monotone(function='elu')").dense(2, 16)
    >>> _ = layer.signs.copy_(torch.tensor([1.0, -1.0]))
    >>> x = torch.randn(5, 2)
    >>> bool((layer(x + torch.tensor([1.0, -1.0])) >= layer(x)).all())
    True
    """

    name = "monotone"
    formula = "r(z), -r(-z) or where(z < 0, r(z + 1) - r(1), r(1) - r(1 - z)), z = sum_i sign_i*abs(w_i)*x_i + b"
    source = "arXiv:2205.11775"
    settings = {"function": Choice("relu", "elu", "softplus")}  # noqa: RUF012
    spread = (0.1, 2.0)

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Weights of mean square 1/n_in."""
        import torch

        return {"weight": normal(n_in, n_out, fan_in=n_in), "bias": torch.zeros(n_out)}

    def constants(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Every input rising."""
        import torch

        return {"signs": torch.ones(n_in)}

    def count(self, n_in: int, n_out: int) -> int:
        """As many as a linear layer."""
        return (n_in + 1) * n_out

    def _convex(self, z: Tensor) -> Tensor:
        import torch

        if self.values["function"] == "softplus":  # torch's own takes z for it beyond 20, which is a step down
            return torch.logaddexp(z, torch.zeros_like(z))
        return torch.relu(z) if self.values["function"] == "relu" else torch.nn.functional.elu(z)

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """One matrix product, then each function on its share of the neurons."""
        import torch

        signs = w["signs"].unsqueeze(-1)
        z = x @ torch.where(signs == 0, w["weight"], signs * w["weight"].abs()) + w["bias"]
        convex, concave, bounded = torch.split(z, _shares(z.shape[-1]), dim=-1)
        # Of the two halves of the bounded function one is at its border, where it is r(1).
        low, high = self._convex(bounded.clamp(max=0) + 1), self._convex(1 - bounded.clamp(min=0))
        return torch.cat([self._convex(convex), -self._convex(-concave), low - high], dim=-1)

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """Neuron by neuron."""
        import torch

        rows = [row if sign == 0 else sign * row.abs() for sign, row in zip(w["signs"], w["weight"], strict=True)]
        z = one_by_one(x, torch.stack(rows)) + w["bias"]
        convex, concave, _ = _shares(z.shape[-1])
        one = self._convex(torch.ones_like(z[..., 0]))
        columns = []
        for j, column in enumerate(z.unbind(-1)):
            if j < convex:
                columns.append(self._convex(column))
            elif j < convex + concave:
                columns.append(-self._convex(-column))
            else:
                below, above = self._convex(column + 1) - one, one - self._convex(1 - column)
                columns.append(torch.where(column < 0, below, above))
        return torch.stack(columns, dim=-1)


def _shares(n_out: int) -> list[int]:
    total = sum(_SHARES)
    convex, concave = (round(share / total * n_out) for share in _SHARES[:2])
    return [convex, concave, n_out - convex - concave]
