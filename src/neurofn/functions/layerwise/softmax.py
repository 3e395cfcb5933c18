"""Softmax and its relatives: vectors to vectors, most of them to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._facts import (
    Fact,
    at_zero,
    between,
    lipschitz,
    order_kept,
    permutation_equivariant,
    shift_invariant,
    sums_to,
)  # fmt: skip
from ._plain import near
from ._slots import fixed
from ._spec import layer_function

if TYPE_CHECKING:
    from torch import Tensor


def _softmax(x: Any, *, beta: float) -> Any:
    import numpy as np

    weight = np.exp(beta * x - (beta * x).max(-1, keepdims=True))
    return weight / weight.sum(-1, keepdims=True)


@layer_function(
    _softmax, kind="vector", formula="exp(beta*z_j) / sum_k exp(beta*z_k)", source="bridle1990", section="3.5",
    aliases=("beta_softmax",), beta=fixed(1.0, low=0),
    facts=(sums_to(1), between(0, 1), permutation_equivariant(), shift_invariant(), order_kept(), lipschitz(0.5)),
    errata=("beta-softmax (survey 3.5.1) draws beta from the positive integers without a law; here beta is set.",),
)  # fmt: skip
def softmax(x: Tensor, *, beta: float) -> Tensor:
    # a product with beta may overflow, the distance from the largest may not
    return (x if beta == 1 else beta * (x - x.amax(-1, keepdim=True).detach())).softmax(-1)


def _log_softmax(x: Any) -> Any:
    import numpy as np

    top = x.max(-1, keepdims=True)
    return x - top - np.log(np.exp(x - top).sum(-1, keepdims=True))


@layer_function(
    _log_softmax, kind="vector", formula="z_j - ln sum_k exp(z_k)", source="bridle1990",
    facts=(
        permutation_equivariant(), shift_invariant(), order_kept(), between(float("-inf"), 0),
        Fact("exp of the outputs sums to 1", lambda f, x: near(_exp(f(x)).sum(-1), 1)),
    ),
)  # fmt: skip
def log_softmax(x: Tensor) -> Tensor:
    return x.log_softmax(-1)


def _exp(x: Any) -> Any:
    import numpy as np

    return np.exp(x)


@layer_function(
    lambda x: _softmax(-x, beta=1.0), kind="vector", formula="exp(-z_j) / sum_k exp(-z_k)", source="bridle1990",
    facts=(
        sums_to(1), between(0, 1), permutation_equivariant(), shift_invariant(),
        Fact("f(x) is softmax(-x)", lambda f, x: near(f(x), _softmax(-x, beta=1.0))),
    ),
)  # fmt: skip
def softmin(x: Tensor) -> Tensor:
    return (-x).softmax(-1)


def _sparsemax(x: Any) -> Any:
    import numpy as np

    rows = x.reshape(-1, x.shape[-1])
    result = np.zeros_like(rows)
    for row, out in zip(rows, result, strict=True):
        z = np.sort(row - row.max())[::-1]
        support = max(k for k in range(1, len(z) + 1) if 1 + k * z[k - 1] > z[:k].sum())
        out[:] = np.maximum(row - row.max() - (z[:support].sum() - 1) / support, 0)
    return result.reshape(x.shape)


@layer_function(
    _sparsemax, kind="vector", formula="max(z_j - tau, 0), tau such that the outputs sum to 1", source="arXiv:1602.02068",
    facts=(
        sums_to(1), between(0, 1), permutation_equivariant(), shift_invariant(), lipschitz(1), order_kept(),
        Fact("a probability vector stays as it is", lambda f, x: near(f(_softmax(x, beta=1.0)), _softmax(x, beta=1.0))),
    ),
)  # fmt: skip
def sparsemax(x: Tensor) -> Tensor:
    import torch

    x = x - x.amax(-1, keepdim=True).detach()
    z = x.sort(dim=-1, descending=True).values.clamp(min=-2)  # what lies 1 or more below the largest gets nothing
    count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    total = z.cumsum(-1)
    support = (1 + count * z > total).sum(-1, keepdim=True)
    tau = (total.gather(-1, support - 1) - 1) / support
    return (x - tau).relu()


def _entmax15(x: Any) -> Any:
    import numpy as np

    half = (x - x.max(-1, keepdims=True)) / 2
    low, high = np.full_like(half[..., :1], -1.0), np.zeros_like(half[..., :1])
    for _ in range(200):  # by bisection, where the code sorts
        tau = (low + high) / 2
        big = (np.maximum(half - tau, 0) ** 2).sum(-1, keepdims=True) >= 1
        low, high = np.where(big, tau, low), np.where(big, high, tau)
    return np.maximum(half - low, 0) ** 2


@layer_function(
    _entmax15, kind="vector", formula="max(z_j/2 - tau, 0)**2, tau such that the outputs sum to 1",
    source="arXiv:1905.05702",
    facts=(sums_to(1), between(0, 1), permutation_equivariant(), shift_invariant(), order_kept(), lipschitz(1)),
)  # fmt: skip
def entmax15(x: Tensor) -> Tensor:
    import torch

    half = (x - x.amax(-1, keepdim=True).detach()) / 2
    z = half.sort(dim=-1, descending=True).values.clamp(min=-2)  # what lies 1 or more below the largest gets nothing
    count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    mean = z.cumsum(-1) / count
    spread = (z * z).cumsum(-1) - count * mean * mean
    inside = (1 - spread) / count
    tau = mean - torch.where(inside > 0, inside, 1.0).sqrt() * (inside > 0)
    support = (tau <= z).sum(-1, keepdim=True)
    return (half - tau.gather(-1, support - 1)).relu().square()


def _sqmax(x: Any, *, c: float) -> Any:
    square = (x + c) ** 2
    return square / square.sum(-1, keepdims=True)


@layer_function(
    _sqmax, kind="vector", formula="(z_j + c)**2 / sum_k (z_k + c)**2", source="wuraola2021", section="3.8.7",
    aliases=("square_softmax",), c=fixed(4.0),
    facts=(
        sums_to(1), between(0, 1), permutation_equivariant(),
        Fact("c=0: f(t x) = f(x) for t > 0", lambda f, x: near(f(3 * x, c=0), f(x, c=0))),
        Fact("at x = 0 every output is 1/n", lambda f, x: near(f(0 * x), 1 / x.shape[-1])),
    ),
)  # fmt: skip
def sqmax(x: Tensor, *, c: float) -> Tensor:
    import torch

    moved = x + c
    scale = moved.abs().amax(-1, keepdim=True).detach()
    square = (moved / torch.where(scale > 0, scale, 1)).square()  # the largest is 1: no square is lost
    return square / square.sum(-1, keepdim=True)


def _solu(x: Any) -> Any:
    return x * _softmax(x, beta=1.0)


@layer_function(
    _solu, kind="vector", formula="z_j * exp(z_j) / sum_k exp(z_k)", source="elhage2022",
    facts=(
        permutation_equivariant(), at_zero(0),
        Fact("no output is larger than its feature in size", lambda f, x: bool((abs(f(x)) <= abs(x)).all())),
        Fact("the sum of the outputs is at most the largest feature", lambda f, x: bool((f(x).sum(-1) <= x.max(-1)).all())),
        Fact("of features all equal, each is divided by their number", lambda f, x: near(f(0 * x + 2), 2 / x.shape[-1])),
    ),
)  # fmt: skip
def solu(x: Tensor) -> Tensor:
    weight, top = x.softmax(-1), x.amax(-1, keepdim=True).detach()
    return (x - top) * weight + top * weight  # of large numbers, only differences reach the slope of the softmax
