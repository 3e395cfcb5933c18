"""Attention with another function of the scores: softmax, softplus with re-weighting, or one that is learned.

``Attention(function)`` is attention over queries, keys and values; ``function`` turns scores (..., queries, keys) into weights,
of which those of forbidden keys are 0. Each is stated twice: ``forward`` on all rows, ``definition`` row by row.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError
from .language import Neuron, neuron

__all__ = ["Attention", "KolmogorovArnoldScores", "ScoreFunction", "SoftmaxScores", "SoftplusScores"]


class ScoreFunction(nn.Module):
    """A function from scores to the weights of values.

    ``forward(scores, allowed)`` takes scores (..., queries, keys), already q.k/sqrt(d), and a bool mask of the same shape that
    is True where a query may look; rows without any key get weights of 0. ``size`` is d, the length of queries and keys.
    """

    def forward(self, scores: Tensor, allowed: Tensor, size: int) -> Tensor:
        raise NotImplementedError

    def row(self, scores: Tensor, size: int) -> Tensor:
        """The weights of one query by definition, for its allowed scores alone (keys,)."""
        raise NotImplementedError


class SoftmaxScores(ScoreFunction):
    """exp(s_j)/sum_k exp(s_k), the attention of transformers. Source: arXiv:1706.03762.

    >>> SoftmaxScores()(torch.zeros(1, 4), torch.tensor([[True, True, False, False]]), 8)
    tensor([[0.5000, 0.5000, 0.0000, 0.0000]])
    """

    def forward(self, scores: Tensor, allowed: Tensor, size: int) -> Tensor:
        """Softmax over the allowed keys."""
        # Not -inf: a row without any key would be NaN, and so would its gradient.
        lowest = torch.finfo(scores.dtype).min
        return scores.masked_fill(~allowed, lowest).softmax(-1) * allowed

    def row(self, scores: Tensor, size: int) -> Tensor:
        """As printed, without the greatest score taken off."""
        return scores.exp() / scores.exp().sum()


class SoftplusScores(ScoreFunction):
    """Softplus instead of the exponential, scaled by the number of keys, and sharpened. Source: arXiv:2501.13428.

    a_j = softplus(log(d)*log(n)*s_j)/sum_k softplus(log(d)*log(n)*s_k) for the n keys that a query may see (LSSA), then the
    re-weighting a_j**power/sum_k a_k**power (LSSAR). ``power=1`` leaves it out. Scale and power are as reviews of the paper
    state them; a threshold below which its re-weighting may drop weights is not here. Raises SettingError for powers below 1.

    >>> weights = SoftplusScores(power=2)(torch.tensor([[0.5, 0.0, -0.5]]), torch.ones(1, 3, dtype=torch.bool), 16)
    >>> [round(weight, 3) for weight in weights[0].tolist()]
    [0.851, 0.138, 0.011]
    """

    def __init__(self, *, power: float = 15.0) -> None:
        super().__init__()
        if isinstance(power, bool) or not isinstance(power, (int, float)) or not power >= 1:
            raise SettingError(f"power must be a number of at least 1, got {power!r}")
        self.power = float(power)

    def forward(self, scores: Tensor, allowed: Tensor, size: int) -> Tensor:
        """Over the allowed keys; shares of the largest weight are raised, since a small weight to the power is 0 in float32."""
        seen = allowed.sum(-1, keepdim=True).clamp(min=1)
        scaled = scores.masked_fill(~allowed, 0.0) * (log(size) * seen.to(scores.dtype).log())
        raw = torch.nn.functional.softplus(scaled) * allowed
        # Where nothing is allowed the largest is 0, and where all scores are far below 0. It cancels: no gradient is lost.
        largest = raw.detach().amax(-1, keepdim=True)
        shares = raw / torch.where(largest == 0, 1.0, largest)
        there = shares > 0  # a power between 1 and 2 has no second slope at 0
        shares = torch.where(there, torch.where(there, shares, 1.0) ** self.power, shares)
        total = shares.sum(-1, keepdim=True)
        return shares / torch.where(total == 0, 1.0, total)

    def row(self, scores: Tensor, size: int) -> Tensor:
        """As printed."""
        raw = (1 + (log(size) * log(max(1, len(scores))) * scores).exp()).log()
        weights = raw / raw.sum()
        return weights**self.power / (weights**self.power).sum()

    def extra_repr(self) -> str:
        return f"power={self.power:g}"


class KolmogorovArnoldScores(ScoreFunction):
    """A learned function of a whole row of scores (KArAt), of low rank. Source: arXiv:2503.10632.

    Any neuron goes from the scores of ``length`` keys to ``rank`` numbers, a matrix from those to the weights of the keys.

    The paper's basis is Fourier with 3 frequencies and rank 12. Weights may be negative and do not sum to 1. A forbidden score
    is taken as 0 and its weight is 0, so that nothing of it is seen. ``heads`` gives each index of the axis before the last two
    a function of its own. Every query has ``length`` keys: raises ShapeError for others.

    >>> weights = KolmogorovArnoldScores(16, rank=4)
    >>> weights(torch.randn(2, 5, 16), torch.ones(2, 5, 16, dtype=torch.bool), 8).shape
    torch.Size([2, 5, 16])
    """

    def __init__(
        self, length: int, *, rank: int = 12, neuron: str | Neuron = "sum(fourier(order=3))", heads: int = 1
    ) -> None:
        super().__init__()
        if isinstance(heads, bool) or not isinstance(heads, int) or heads < 1:
            raise SettingError(f"heads must be a whole number of at least 1, got {heads!r}")
        self.length, self.rank, self.neuron = length, rank, _read(neuron)
        self.inward = nn.ModuleList(self.neuron.dense(length, rank) for _ in range(heads))
        # Each weight begins with the size of a softmax, 1/length.
        self.outward = nn.Parameter(torch.randn(heads, rank, length) / (sqrt(rank) * length))

    def forward(self, scores: Tensor, allowed: Tensor, size: int) -> Tensor:
        """All rows of a head at once."""
        return self._weights(scores.masked_fill(~allowed, 0.0), "forward") * allowed

    def definition(self, scores: Tensor, allowed: Tensor) -> Tensor:
        """The same by the definition of the neuron."""
        return self._weights(scores.masked_fill(~allowed, 0.0), "definition") * allowed

    def _weights(self, scores: Tensor, way: str) -> Tensor:
        heads = len(self.inward)
        if scores.shape[-1] != self.length or (heads > 1 and (scores.ndim < 3 or scores.shape[-3] != heads)):
            expected = f"(..., {heads}, queries, {self.length})" if heads > 1 else f"(..., queries, {self.length})"
            raise ShapeError(f"{self.neuron} was built for scores {expected}, got {tuple(scores.shape)}")
        if heads == 1:
            return getattr(self.inward[0], way)(scores) @ self.outward[0]  # type: ignore[no-any-return]
        rows = [getattr(one, way)(part) for one, part in zip(self.inward, scores.unbind(-3), strict=True)]
        return torch.stack(rows, dim=-3) @ self.outward

    def extra_repr(self) -> str:
        return f"{self.length}, rank={self.rank}, neuron={str(self.neuron)!r}, heads={len(self.inward)}"


class Attention(nn.Module):
    """Attention over queries (..., queries, d), keys (..., keys, d) and values (..., keys, e), giving (..., queries, e).

    ``mask`` is bool, broadcasts to (..., queries, keys), and is True where a query may look; ``causal`` lets query i see keys
    0 to i. With ``SoftmaxScores`` it is ``torch.nn.functional.scaled_dot_product_attention``. A query that may see nothing
    gives 0. Raises ShapeError where shapes do not fit, SettingError for a mask that is not bool.

    >>> q, k, v = torch.randn(3, 2, 4, 5, 8)
    >>> attention = Attention(SoftmaxScores())
    >>> expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    >>> torch.allclose(attention(q, k, v, causal=True), expected, atol=1e-6)
    True
    """

    def __init__(self, function: ScoreFunction) -> None:
        super().__init__()
        self.function = function

    def forward(self, q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """The values, weighted for every query."""
        scores, allowed = _scores(q, k, v, mask, causal)
        result: Tensor = self.function(scores, allowed, q.shape[-1]) @ v
        return result

    def definition(
        self, q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """The same query by query, over the keys that it may see. Slow."""
        scores, allowed = _scores(q, k, v, mask, causal)
        if isinstance(self.function, KolmogorovArnoldScores):
            return self.function.definition(scores, allowed) @ v
        v = v.expand(*scores.shape[:-2], *v.shape[-2:])
        size, found = q.shape[-1], []
        rows: Any = zip(scores.reshape(-1, *scores.shape[-2:]), allowed.reshape(-1, *scores.shape[-2:]),
                        v.reshape(-1, *v.shape[-2:]), strict=True)  # fmt: skip
        for head, may, values in rows:
            found += [
                (self.function.row(row[keys], size).unsqueeze(-1) * values[keys]).sum(0)
                for row, keys in zip(head, may, strict=True)
            ]
        result = torch.stack(found) if found else v.new_zeros(0, v.shape[-1])
        return result.reshape(*scores.shape[:-1], v.shape[-1])


def _read(text: str | Neuron) -> Neuron:
    return neuron(text)


def _scores(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> tuple[Tensor, Tensor]:
    """q.k/sqrt(d), and which of them count."""
    shapes = f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(f"attention takes q (..., queries, d), k (..., keys, d) and v (..., keys, e), got {shapes}")
    scores = q @ k.transpose(-1, -2) / sqrt(q.shape[-1])
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device)
    if causal:
        allowed = allowed.tril()
    if mask is not None:
        if mask.dtype != torch.bool:
            raise SettingError(f"mask must be bool, True where a query may look, got {mask.dtype}; write mask != 0")
        try:
            allowed = allowed & mask.expand(scores.shape)
        except RuntimeError:
            raise ShapeError(
                f"mask {tuple(mask.shape)} does not broadcast to the scores {tuple(scores.shape)} of {shapes}"
            ) from None
    return scores, allowed.expand(scores.shape)
