"""Activations that look at the mean, the spread or the range of a layer, or of a batch."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import (
    Fact,
    at_zero,
    becomes,
    between,
    equals,
    even,
    homogeneous,
    increasing,
    permutation_equivariant,
    permutation_invariant,
    shift_invariant,
)  # fmt: skip
from ._plain import near, sigma
from ._slots import fixed, learned, running
from ._spec import Axis, layer_function
from ._tensors import deviation, norm

if TYPE_CHECKING:
    from torch import Tensor


def _abrelu(x: Any) -> Any:
    import numpy as np

    return np.maximum(x - x.mean(-1, keepdims=True), 0)


@layer_function(
    _abrelu, kind="normalised", formula="relu(z - mean(z)), the mean over the features of a sample",
    source="arXiv:1804.02051", section="3.6.42", aliases=("average_biased_relu",),
    facts=(
        shift_invariant(), homogeneous(), permutation_equivariant(), at_zero(0), between(0, float("inf")),
        Fact("what lies above the mean is kept: f(x) - f(-x) is x without its mean",
             lambda f, x: near(f(x) - f(-x), x - x.mean(-1, keepdims=True))),
    ),
    errata=("The survey takes the mean per neuron; the paper takes it over the whole input of the layer.",),
)  # fmt: skip
def abrelu(x: Tensor) -> Tensor:
    return (x - x.mean(-1, keepdim=True)).relu()


def _aoaf(x: Any, *, b: float, c: float) -> Any:
    import numpy as np

    mean = x.mean(-1, keepdims=True)
    return np.maximum(x - b * mean, 0) + c * mean


@layer_function(
    _aoaf, kind="normalised", formula="relu(z - b*m) + c*m, m the mean over the features of a sample",
    source="jiang2022", section="4.2.12", b=fixed(0.17), c=fixed(0.17), aliases=("adaptive_offset",),
    facts=(
        homogeneous(), permutation_equivariant(), at_zero(0), equals("abrelu", here={"b": 1.0, "c": 0.0}),
        Fact("b=c=0: f is relu", lambda f, x: near(f(x, b=0.0, c=0.0), x * (x > 0))),
    ),
    errata=("The survey's mean of the inputs of a neuron is read as the mean over the features of a sample.",),
)  # fmt: skip
def aoaf(x: Tensor, *, b: float, c: float) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    return (x - b * mean).relu() + c * mean


def _dynamic_relu(x: Any) -> Any:
    import numpy as np

    return np.maximum(x, (x.min() + x.max()) / 2) if x.size else x


@layer_function(
    _dynamic_relu, kind="normalised", formula="max(z, m), m = (min + max)/2 of all values of the batch",
    source="si2018", section="4.2.14", mixes_batch=True, aliases=("drelu_midrange",),
    facts=(
        homogeneous(), permutation_equivariant(), at_zero(0),
        Fact("f(x + 1) = f(x) + 1", lambda f, x: near(f(x + 1), f(x) + 1)),
        Fact("no output lies below the middle of the range",
             lambda f, x: bool((f(x) >= (x.min() + x.max()) / 2 - 1e-12).all())),
    ),
    errata=("The threshold of a batch serves evaluation too: no other is described.",),
)  # fmt: skip
def dynamic_relu(x: Tensor) -> Tensor:
    return x.maximum(x.amin() / 2 + x.amax() / 2) if x.numel() else x


def _volatility(x: Any) -> Any:
    import numpy as np

    return np.sqrt(((x.mean(-1, keepdims=True) - x) ** 2).sum(-1, keepdims=True) / x.shape[-1])


@layer_function(
    _volatility, kind="normalised", formula="sqrt(sum_j (mean(z) - z_j)**2 / n)", source="kayim2022", section="3.47",
    axis=Axis(shrink="width"), aliases=("vbaf", "volatility_activation"),
    facts=(
        shift_invariant(), homogeneous(), even(), permutation_invariant(), between(0, float("inf")), at_zero(0),
    ),
    errata=("The survey prints no square; without it the sum is 0 for every input.",),
)  # fmt: skip
def volatility(x: Tensor) -> Tensor:
    return norm(x - x.mean(-1, keepdim=True), -1) / sqrt(x.shape[-1])


def _pool(x: Any) -> list[Any]:
    import numpy as np

    return [sigma(x), np.tanh(x), np.maximum(x, 0)]


def _range(x: Any) -> dict[str, Any]:
    axes = tuple(range(x.ndim - 1))
    return {"low": x.min(axes), "high": x.max(axes)}


def _tensor_range(x: Tensor) -> dict[str, Tensor]:
    rows = x.reshape(-1, x.shape[-1])
    return {"low": rows.amin(0), "high": rows.amax(0)}


def _ensemble(x: Any, *, weights: Any, low: Any, high: Any, eps: float) -> Any:
    import numpy as np

    share = np.exp(weights) / np.exp(weights).sum()
    parts = zip(share, _pool(x), _pool(low), _pool(high), strict=True)
    return sum(a * (g - least) / (most - least + eps) for a, g, least, most in parts)


@layer_function(
    _ensemble, kind="normalised", formula="sum_j a_j*(g_j(z) - min g_j)/(max g_j - min g_j + eps), g = sigma, tanh, relu",
    source="arXiv:1702.07790", section="4.48", weights=learned(0.0, shape=(3,)), eps=fixed(1e-3, low=1e-9),
    low=running(-1.0, shape=("channels",)), high=running(1.0, shape=("channels",)), mixes_batch=True,
    statistics=(_tensor_range, _range),
    facts=(
        increasing(),
        Fact("inside the range seen every output lies in [0, 1]", lambda f, x: _inside(f(x / (1 + abs(x))))),
        Fact("at the lower end of the range it is 0", lambda f, x: near(f(0 * x - 1), 0)),
        Fact("in training every output lies in [0, 1]", lambda f, x: _inside(f.trained(x))),
    ),
    errata=("Shares that sum to 1 are a softmax of learned numbers here, a projection in the paper.",),
)  # fmt: skip
def activation_ensemble(x: Tensor, *, weights: Tensor, low: Tensor, high: Tensor, eps: float) -> Tensor:
    share = weights.softmax(0)
    total = None
    for k, g in enumerate((_torch_sigma, _torch_tanh, _torch_relu)):
        part = share[k] * ((g(x) - g(low)) / (g(high) - g(low) + eps))
        total = part if total is None else total + part
    assert total is not None
    return total


def _torch_sigma(x: Tensor) -> Tensor:
    return x.sigmoid()


def _torch_tanh(x: Tensor) -> Tensor:
    return x.tanh()


def _torch_relu(x: Tensor) -> Tensor:
    return x.relu()


def _inside(y: Any) -> bool:
    return bool((y >= -1e-12).all() and (y <= 1 + 1e-12).all())


def _moments(x: Any) -> dict[str, Any]:
    import numpy as np

    axes = tuple(range(x.ndim - 1))
    return {"mean": x.mean(axes), "spread": np.sqrt(((x - x.mean(axes)) ** 2).mean(axes) + 1e-8)}


def _tensor_moments(x: Tensor) -> dict[str, Tensor]:
    rows = x.reshape(-1, x.shape[-1])
    return {"mean": rows.mean(0), "spread": deviation(rows, 0, 1e-8).squeeze(0)}


def _dice(x: Any, *, a: Any, mean: Any, spread: Any) -> Any:
    p = sigma((x - mean) / spread)
    return p * x + (1 - p) * a * x


@layer_function(
    _dice, kind="normalised", formula="p*z + (1 - p)*a*z, p = sigma((z - mean)/sqrt(var + 1e-8)), over the batch",
    source="arXiv:1706.06978", a=learned(0.0, shape=("channels",)), mixes_batch=True,
    mean=running(0.0, shape=("channels",)), spread=running(1.0, shape=("channels",)),
    statistics=(_tensor_moments, _moments),
    facts=(
        at_zero(0), becomes("z", a=1), becomes("z*sigma(z)"), becomes("z*tanh(z/2)", a=-1),
        Fact("in training f(t x) = t f(x), a little constant apart",
             lambda f, x: near(f.trained(3 * x), 3 * f.trained(x), 1e-6)),
    ),
    errata=("What runs is the mean of the standard deviations of the batches, not of their variances.",),
)  # fmt: skip
def dice(x: Tensor, *, a: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    p = ((x - mean) / spread).sigmoid()
    return p * x + (1 - p) * (a * x)


def _hard_ash(x: Any, *, alpha: float, z_k: float) -> Any:
    import numpy as np

    mean, spread = x.mean(-1, keepdims=True), x.std(-1, keepdims=True)
    gate = np.clip(alpha * (x - mean - z_k * spread) + 3, 0, 6) / 6
    return np.clip(x, 0, 2) * gate


@layer_function(
    _hard_ash, kind="normalised", formula="clip(z, 0, 2)*clip((alpha*(z - mean - z_k*std) + 3)/6, 0, 1), over the features",
    source="arXiv:2404.17651", alpha=fixed(3.0, low=0), z_k=fixed(2.3),
    facts=(
        between(0, 2), permutation_equivariant(), at_zero(0), becomes("clip(z, 0, 2)/2", alpha=0),
        Fact("z_k=50: nothing passes of few features with a standard deviation above 1/10",
             lambda f, x: bool((f(x[x.std(-1) > 0.1], z_k=50.0) == 0).all())),
    ),
)  # fmt: skip
def hard_ash(x: Tensor, *, alpha: float, z_k: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    spread = _plain_deviation(x)
    gate = (alpha * (centred - z_k * spread)).clamp(-3, 3) / 6 + 0.5
    return x.clamp(0, 2) * gate


def _plain_deviation(x: Tensor) -> Tensor:
    """The standard deviation over the features; its slope at 0 is 0."""
    return norm(x - x.mean(-1, keepdim=True), -1) / sqrt(x.shape[-1])


def _soft_ash(x: Any, *, alpha: float, z_k: float) -> Any:
    return x * sigma(alpha * (x - x.mean(-1, keepdims=True) - z_k * x.std(-1, keepdims=True)))


@layer_function(
    _soft_ash, kind="normalised", formula="z*sigma(alpha*(z - mean - z_k*std)), over the features",
    source="arXiv:2210.11672", alpha=fixed(3.0, low=0), z_k=fixed(2.3), aliases=("adaptive_swish",),
    facts=(
        permutation_equivariant(), at_zero(0), becomes("z/2", alpha=0),
        Fact("no output is larger than its input in size", lambda f, x: bool((abs(f(x)) <= abs(x)).all())),
    ),
    errata=("The paper writes 2*alpha for this alpha.",),
)  # fmt: skip
def ash(x: Tensor, *, alpha: float, z_k: float) -> Tensor:
    return x * (alpha * (x - x.mean(-1, keepdim=True) - z_k * _plain_deviation(x))).sigmoid()


def _polynorm(x: Any, *, weights: Any, bias: Any, eps: float, order: int) -> Any:
    import numpy as np

    total = bias + np.zeros_like(x)
    for k in range(1, order + 1):
        total = total + weights[..., k - 1] * x**k / np.sqrt((x ** (2 * k)).mean(-1, keepdims=True) + eps)
    return total


@layer_function(
    _polynorm, kind="normalised", formula="b + sum_{k=1..order} a_k*z**k/rms(z**k), rms over the features",
    source="arXiv:2411.03884", order=Count(3, low=1, high=8), eps=fixed(1e-6, low=1e-12),
    weights=learned(lambda shape: [1 / shape[0]] * shape[0], shape=("order",)), bias=learned(0.0),
    facts=(
        permutation_equivariant(), at_zero(0),
        Fact("f(t x) = f(x) for t > 0, eps apart", lambda f, x: near(f(2.5 * x), f(x), 1e-5)),
        Fact("order=1: the root mean square of a sample is 1",
             lambda f, x: near((f(x, order=1) ** 2).mean(-1), 1, 1e-5)),
    ),
    errata=("The paper divides by the norm; its code divides by the root of the mean square, as here.",),
)  # fmt: skip
def polynorm(x: Tensor, *, weights: Tensor, bias: Tensor, eps: float, order: int) -> Tensor:
    scale = x.detach().abs().amax(-1, keepdim=True).clamp(min=1)
    power, total = x / scale, bias
    unit = power
    for k in range(1, order + 1):
        rest = eps * scale.pow(-2 * k)
        total = total + weights[..., k - 1] * (power / (power.square().mean(-1, keepdim=True) + rest).sqrt())
        power = power * unit
    return total
