"""Softmax with another normaliser, other scores, or a norm in front; the squash of capsules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import (
    Fact,
    at_zero,
    between,
    equals,
    lipschitz,
    odd,
    order_kept,
    permutation_equivariant,
    shift_invariant,
    sums_to,
)  # fmt: skip
from ._plain import near
from ._slots import fixed, learned
from ._spec import Axis, layer_function
from ._tensors import norm

if TYPE_CHECKING:
    from torch import Tensor


def _softmax_one(x: Any, *, c: float) -> Any:
    import numpy as np

    top = np.maximum(x.max(-1, keepdims=True), 0)
    weight = np.exp(x - top)
    return weight / (c * np.exp(-top) + weight.sum(-1, keepdims=True))


@layer_function(
    _softmax_one, kind="vector", formula="exp(z_j) / (c + sum_k exp(z_k))", source="miller2023",
    aliases=("quiet_softmax", "softmax_off_by_one"), c=fixed(1.0, low=0),
    facts=(
        between(0, 1), permutation_equivariant(), order_kept(), equals("softmax", here={"c": 0.0}),
        Fact("the outputs sum to less than 1", lambda f, x: bool((f(x).sum(-1) < 1).all())),
        Fact("of one feature it is the sigmoid", lambda f, x: near(f(_many(x)), 1 / (1 + _exp(-_many(x))))),
    ),
)  # fmt: skip
def softmax_one(x: Tensor, *, c: float) -> Tensor:
    top = x.amax(-1, keepdim=True).clamp(min=0).detach()
    weight = (x - top).exp()
    return weight / (c * (-top).exp() + weight.sum(-1, keepdim=True))


def _many(x: Any) -> Any:
    return x.reshape(-1, 1)


def _exp(x: Any) -> Any:
    import numpy as np

    return np.exp(x)


def _score(x: Any, mean: Any, *, a: Any, b: Any, c: Any, d: Any) -> Any:
    import numpy as np

    centred = x - mean(x, a, b)
    score = centred / mean(centred, c, d)
    weight = np.exp(score - score.max(-1, keepdims=True))
    return weight / weight.sum(-1, keepdims=True)


def _log_sum(x: Any) -> Any:
    import numpy as np

    top = x.max(-1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(-1, keepdims=True))


def _lehmer_mean(x: Any, base: Any, power: Any) -> Any:
    import numpy as np

    return (_log_sum((power + 1) * x * np.log(base)) - _log_sum(power * x * np.log(base))) / np.log(base)


def _power_mean(x: Any, base: Any, power: Any) -> Any:
    import numpy as np

    return (_log_sum(power * x * np.log(base)) - np.log(x.shape[-1])) / (power * np.log(base))


SAME_MEANS = (
    "With a = c and b = d, the start that packages take, every denominator is 0; here the two means differ from the start.",
)


def _means(power: float) -> dict[str, Any]:
    starts = {"a": 2.0, "b": power, "c": 2.0, "d": 1.0}
    bases: dict[str, Any] = {"low": 1.01}
    return {name: learned(start, **(bases if name in "ac" else {})) for name, start in starts.items()}


@layer_function(
    lambda x, *, a, b, c, d: _score(x, _lehmer_mean, a=a, b=b, c=c, d=d), kind="vector",
    formula="softmax of (z - M_ab(z)) / M_cd(z - M_ab(z)), M_ab(x) = log_a(sum a**((b+1)*x) / sum a**(b*x))",
    source="terziyan2022", section="4.6", aliases=("glsoftmax",), **_means(-0.5), errata=SAME_MEANS,
    facts=(sums_to(1), between(0, 1), permutation_equivariant(), shift_invariant(), order_kept()),
)  # fmt: skip
def lehmer_softmax(x: Tensor, *, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    def mean(z: Tensor, base: Tensor, power: Tensor) -> Tensor:
        rate = base.log()
        over, under = (((power + k) * rate * z).logsumexp(-1, keepdim=True) for k in (1, 0))
        return (over - under) / rate

    z, a, b, c, d = (
        part.double() for part in (x, a, b, c, d)
    )  # of small features, the second mean is a small difference
    centred = z - mean(z, a, b)
    return (centred / mean(centred, c, d)).softmax(-1).to(x.dtype)


@layer_function(
    lambda x, *, a, b, c, d: _score(x, _power_mean, a=a, b=b, c=c, d=d), kind="vector",
    formula="softmax of (z - M_ab(z)) / M_cd(z - M_ab(z)), M_ab(x) = (log_a(sum a**(b*x)) - log_a(n)) / b",
    source="terziyan2022", section="4.7", aliases=("gpsoftmax",), **_means(-1.0), errata=SAME_MEANS,
    facts=(sums_to(1), between(0, 1), permutation_equivariant(), shift_invariant(), order_kept()),
)  # fmt: skip
def power_softmax(x: Tensor, *, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    import math

    def mean(z: Tensor, base: Tensor, power: Tensor) -> Tensor:
        rate = power * base.log()
        return ((rate * z).logsumexp(-1, keepdim=True) - math.log(z.shape[-1])) / rate

    z, a, b, c, d = (
        part.double() for part in (x, a, b, c, d)
    )  # of small features, the second mean is a small difference
    centred = z - mean(z, a, b)
    return (centred / mean(centred, c, d)).softmax(-1).to(x.dtype)


def _softplus_weights(x: Any, *, head: int) -> Any:
    import numpy as np

    weight = np.logaddexp(0, np.log(head) * np.log(x.shape[-1]) * x)
    return weight / weight.sum(-1, keepdims=True)


@layer_function(
    _softplus_weights, kind="vector", formula="softplus(ln(head)*ln(n)*z_j) / sum_k softplus(ln(head)*ln(n)*z_k)",
    source="arXiv:2501.13428", head=Count(64, low=2, high=65536), aliases=("lssa",),
    axis=Axis(least=2),
    facts=(
        sums_to(1), between(0, 1), permutation_equivariant(), order_kept(),
        Fact("no weight is 0 for scores in [-1, 1]", lambda f, x: bool((f(x / (1 + abs(x))) > 0).all())),
    ),
    errata=("The queries and keys have norm 1 in the paper; here the features are their products.",),
)  # fmt: skip
def softplus_attention(x: Tensor, *, head: int) -> Tensor:
    import math

    import torch

    beta = math.log(head) * math.log(x.shape[-1])
    # softmax of ln softplus(beta*z) - ln beta: nothing overflows; far below 0 it is z itself and does not underflow
    near = torch.nn.functional.softplus(x.clamp(min=-15 / beta), beta=beta, threshold=50).log()
    far = (beta * x).clamp(max=-15)
    return torch.where(beta * x > -15, near, far - far.exp() / 2 - math.log(beta)).softmax(-1)


def _sharpened(x: Any, *, p: float, eps: float) -> Any:
    import numpy as np

    power = np.maximum(x.shape[-1] * x - 1, 0) ** p
    return power / (power.sum(-1, keepdims=True) + eps)


@layer_function(
    _sharpened, kind="vector", formula="w_j / (eps + sum_k w_k), w_j = relu(n*z_j - 1)**p", source="arXiv:2501.13428",
    aliases=("attention_reweighting",), p=fixed(15.0, low=1), eps=fixed(1e-8, low=0),
    facts=(
        between(0, 1), permutation_equivariant(), order_kept(),
        Fact("weights below 1/n become 0", lambda f, x: bool((f(x)[x < 1 / x.shape[-1]] == 0).all())),
        Fact("the outputs sum to at most 1", lambda f, x: bool((f(x).sum(-1) <= 1 + 1e-12).all())),
    ),
)  # fmt: skip
def sharpened_attention(x: Tensor, *, p: float, eps: float) -> Tensor:
    import torch

    above = (x - 1 / x.shape[-1]).relu()
    top = above.detach().amax(-1, keepdim=True)
    scale = torch.where(top > 0, top, 1)
    power = (above / scale) ** p
    return power / (power.sum(-1, keepdim=True) + eps * (x.shape[-1] * scale) ** -p)


def _squash(x: Any) -> Any:
    import numpy as np

    size = np.sqrt((x**2).sum(-1, keepdims=True))
    return np.where(size > 0, size**2 / (1 + size**2) * x / np.where(size > 0, size, 1), 0)


@layer_function(
    _squash, kind="vector", formula="|z|**2/(1 + |z|**2) * z/|z|", source="arXiv:1710.09829",
    facts=(
        permutation_equivariant(), odd(), at_zero(0), lipschitz(1),
        Fact("the norm of a sample is below 1", lambda f, x: bool(((f(x) ** 2).sum(-1) < 1).all())),
    ),
)  # fmt: skip
def squash(x: Tensor) -> Tensor:
    import torch

    size = norm(x, -1)
    # size/(1 + size**2), without the square of a large number
    large = 1 / (size.clamp(min=1) + 1 / size.clamp(min=1))
    return x * torch.where(size > 1, large, size.clamp(max=1) / (1 + size.clamp(max=1) ** 2))
