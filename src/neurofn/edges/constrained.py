"""Linear edges whose weights keep to a rule: for monotone, arithmetic, binary and Lipschitz neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..functions import Fixed
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor

Weights = Callable[["Tensor"], "Tensor"]
Begin = Callable[[int, int, int], "Tensor"]


def _input(x: Tensor) -> Tensor:
    return x.unsqueeze(-1)


def _input_and_one(x: Tensor) -> Tensor:
    import torch

    return torch.stack([x, x * 0 + 1], dim=-1)


def _linear(weights: Weights, begin: Begin, **facts: Any) -> Basis:
    return Basis(1, _input, _input, weights=weights, begin=begin, **facts)


def _normal(n_in: int, size: int, n_out: int) -> Tensor:
    import torch

    return torch.randn(n_in, size, n_out)


def _even(n_in: int, size: int, n_out: int) -> Tensor:
    """Even over [0, h], with h such that the squares of n_in weights have the mean sum 1, but at most 1."""
    import torch

    highest: float = min(1.0, (3 / n_in) ** 0.5)
    return torch.rand(n_in, size, n_out) * highest


def _size(w: Tensor) -> Tensor:
    import torch

    return torch.where(w >= 0, w, -w)  # abs has no slope at 0


def _unlike(hard: Tensor, soft: Tensor) -> Tensor:
    """The values of one, the slopes of the other."""
    return hard.detach() + (soft - soft.detach())


def _clamped(w: Tensor, low: float) -> Tensor:
    """Into [low, 1]. The raw weight goes on learning where it is outside: without a slope there it would never come back."""
    return _unlike(w.clamp(low, 1.0), w)


def _signs(w: Tensor) -> Tensor:
    import torch

    return torch.where(w >= 0, 1.0, -1.0).to(w.dtype)


@edge("abs(w)*x", source="arXiv:2205.11775")
def positive() -> Basis:
    """No weight is negative: with activations that never fall, no output falls where an input rises."""
    return _linear(_size, _normal)


@edge("u*x, u = clip(w, 0, 1)", source="arXiv:2001.05016")
def unit() -> Basis:
    """Weights in [0, 1]: each input is taken, left, or taken in part."""
    return _linear(lambda w: _clamped(w, 0.0), _even, exact=True)


@edge("u*x, u = clip(w, -1, 1)", source="arXiv:2001.05016", aliases=("nau",))
def bounded() -> Basis:
    """Weights in [-1, 1]: ``sum(nau, bias=False)`` is a neural addition unit; the composite neural_addition is as published."""

    def begin(n_in: int, size: int, n_out: int) -> Tensor:
        import torch

        return _even(n_in, size, n_out) * (2 * torch.randint(0, 2, (n_in, size, n_out)) - 1)

    return _linear(lambda w: _clamped(w, -1.0), begin, exact=True)


@edge("sign(w)*x, the slope of w taken as if it were w*x", source="arXiv:1308.3432")
def binary() -> Basis:
    """Weights are -1 and 1, the raw ones learn as if they were used (straight through)."""
    return _linear(lambda w: _unlike(_signs(w), w), _normal)


@edge(
    "sign(sin(f*w))*x, the slope of w taken as if it were sin(f*w)*x", source="arXiv:2404.01278", f=Fixed(20.0, low=0.1)
)
def periodic_binary(f: float) -> Basis:
    """Weights are -1 and 1 by turns of the raw ones; a large f brings the surrogate nearer to its signs."""

    def weights(w: Tensor) -> Tensor:
        wave = (w * f).sin()
        return _unlike(_signs(wave), wave)

    def begin(n_in: int, size: int, n_out: int) -> Tensor:
        import torch

        return (2 * torch.rand(n_in, size, n_out) - 1) * (3.141592653589793 / f)

    return _linear(weights, begin)


@edge(
    "q_ij*x, Q of orthonormal columns (rows where there are fewer inputs than neurons), from W = QR",
    source="householder1958",
)
def orthonormal() -> Basis:
    """The matrix of all edges keeps lengths, or at least never stretches: the layer is 1-Lipschitz under ``sum``."""

    def weights(w: Tensor) -> Tensor:
        import torch

        matrix = w[:, 0].float() if w.dtype in (torch.float16, torch.bfloat16) else w[:, 0]
        wide = matrix.shape[0] < matrix.shape[1]
        q, r = torch.linalg.qr(matrix.mT if wide else matrix)
        q = q * _signs(r.diagonal())  # of the many such Q the one that leaves an orthonormal W as it is
        turned: Tensor = q.mT if wide else q
        return turned.to(w.dtype).unsqueeze(1)

    return _linear(weights, _normal, exact=True)


@edge("x + w", source="arXiv:1805.07091")
def shift() -> Basis:
    """The edge of tropical neurons: ``max(shift)`` is a polynomial where + is max and * is +."""

    def weights(w: Tensor) -> Tensor:
        import torch

        return torch.cat([torch.ones_like(w), w], dim=1)

    return Basis(1, _input_and_one, _input_and_one, weights=weights, begin=_normal, exact=True)


@edge("u*x + 1 - u, u = clip(w, 0, 1)", source="arXiv:2001.05016")
def nmu() -> Basis:
    """Each input is a factor or none in ``product(nmu, bias=False)``; the composite neural_multiplication is as published."""

    def weights(w: Tensor) -> Tensor:
        import torch

        share = _clamped(w, 0.0)
        return torch.cat([share, 1 - share], dim=1)

    def begin(n_in: int, size: int, n_out: int) -> Tensor:
        import torch

        # Near 0, so that a product of many edges neither vanishes nor explodes; 1/2 in the mean for two inputs.
        return torch.rand(n_in, size, n_out) * min(1.0, 2 / n_in)

    return Basis(1, _input_and_one, _input_and_one, weights=weights, begin=begin, exact=True)
