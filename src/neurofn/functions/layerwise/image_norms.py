"""Norm and activation in one: statistics over places, groups of channels, channels or the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import Fact, at_zero, odd
from ._plain import near, sigma
from ._slots import fixed, learned, running
from ._spec import Axis, layer_function
from ._tensors import channelwise, deviation, root_mean_square

if TYPE_CHECKING:
    from torch import Tensor

IMAGE = Axis(layout="image")
PER_CHANNEL = ("channels",)


def _wide(values: Any) -> Any:
    import numpy as np

    return np.asarray(values).reshape(-1, 1, 1) if np.ndim(values) else values


def _permuted(f: Any, x: Any) -> bool:
    """Places in another order give the outputs in that order."""
    return near(f(x[:, :, ::-1, ::-1].copy()), f(x)[:, :, ::-1, ::-1])


ANY_PLACE = Fact("places of the image in another order give the outputs in that order", _permuted)


def _evonorm_b0(x: Any, *, v: Any, g: Any, b: Any, spread: Any, eps: float) -> Any:
    import numpy as np

    y = np.zeros_like(x)
    v, g, b = (np.broadcast_to(value, x.shape[1:2]) for value in (v, g, b))
    for c in range(x.shape[1]):
        local = np.sqrt(x[:, c].var((-2, -1), keepdims=True) + eps)
        y[:, c] = x[:, c] / np.maximum(spread[c], v[c] * x[:, c] + local) * g[c] + b[c]
    return y


@layer_function(
    _evonorm_b0, kind="normalised", formula="z/max(sqrt(var_batch + eps), v*z + sqrt(var_place + eps))*g + b",
    source="arXiv:2004.02967", axis=IMAGE, mixes_batch=True, aliases=("evonorm_batch",),
    v=learned(1.0, shape=PER_CHANNEL), g=learned(1.0, shape=PER_CHANNEL), b=learned(0.0, shape=PER_CHANNEL),
    spread=running(1.0, shape=PER_CHANNEL), eps=fixed(1e-5, low=1e-12),
    statistics=(
        lambda x: {"spread": deviation(x, (0, 2, 3), 1e-5).flatten()},
        lambda x: {"spread": (x.var((0, 2, 3)) + 1e-5) ** 0.5},
    ),
    facts=(
        at_zero(0), ANY_PLACE,
        Fact("no output is larger than its input over the running spread",
             lambda f, x: bool((abs(f(x)) <= abs(x) + 1e-12).all())),
        Fact("in training f(t x) = f(x) for t > 0, eps apart", lambda f, x: near(f.trained(3 * x), f.trained(x), 1e-4)),
        Fact("g=2, b=1: twice the output and 1", lambda f, x: near(f(x, g=2.0, b=1.0), 2 * f(x) + 1)),
    ),
    errata=("What runs is the mean of the standard deviations of the batches, not of their variances.",),
)  # fmt: skip
def evonorm_b0(x: Tensor, *, v: Tensor, g: Tensor, b: Tensor, spread: Tensor, eps: float) -> Tensor:
    local = channelwise(v) * x + deviation(x, (2, 3), eps)
    return x / channelwise(spread).maximum(local) * channelwise(g) + channelwise(b)


def _evonorm_s0(x: Any, *, v: Any, g: Any, b: Any, eps: float, groups: int) -> Any:
    import numpy as np

    y, size = np.zeros_like(x), x.shape[1] // groups
    for first in range(0, x.shape[1], size):
        part = x[:, first : first + size]
        y[:, first : first + size] = 1 / np.sqrt(part.var((1, 2, 3), keepdims=True) + eps)
    return x * sigma(_wide(v) * x) * y * _wide(g) + _wide(b)


@layer_function(
    _evonorm_s0, kind="normalised", formula="z*sigma(v*z)/sqrt(var_group + eps)*g + b, over channels and places of a group",
    source="arXiv:2004.02967", axis=Axis(layout="image", multiple="groups"), aliases=("evonorm_sample",),
    groups=Count(8, low=1, high=4096), eps=fixed(1e-5, low=1e-12),
    v=learned(1.0, shape=PER_CHANNEL), g=learned(1.0, shape=PER_CHANNEL), b=learned(0.0, shape=PER_CHANNEL),
    facts=(
        at_zero(0), ANY_PLACE,
        Fact("g=2, b=1: twice the output and 1", lambda f, x: near(f(x, g=2.0, b=1.0), 2 * f(x) + 1)),
        Fact("v=0: f(t x) = f(x) for t > 0, eps apart", lambda f, x: near(f(3 * x, v=0.0), f(x, v=0.0), 1e-4)),
    ),
    errata=("The paper has 32 groups for the widths of its nets.",),
)  # fmt: skip
def evonorm_s0(x: Tensor, *, v: Tensor, g: Tensor, b: Tensor, eps: float, groups: int) -> Tensor:
    wide = x.double().reshape(
        x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]
    )  # of large equal features, x/spread**2 is a step of the backward pass
    unit = (wide / deviation(wide, (2, 3, 4), eps)).flatten(1, 2).to(x.dtype)
    return unit * (channelwise(v) * x).sigmoid() * channelwise(g) + channelwise(b)


def _frn(x: Any, *, g: Any, b: Any, tau: Any, eps: float) -> Any:
    import numpy as np

    unit = x / np.sqrt((x**2).mean((-2, -1), keepdims=True) + eps)
    return np.maximum(_wide(g) * unit + _wide(b), _wide(tau))


@layer_function(
    _frn, kind="normalised", formula="max(g*z/sqrt(mean(z**2) + eps) + b, tau), the mean over the places of a channel",
    source="arXiv:1911.09737", axis=IMAGE, aliases=("filter_response_norm",), eps=fixed(1e-6, low=1e-12),
    g=learned(1.0, shape=PER_CHANNEL), b=learned(0.0, shape=PER_CHANNEL), tau=learned(0.0, shape=PER_CHANNEL),
    facts=(
        at_zero(0), ANY_PLACE,
        Fact("f(t x) = f(x) for t > 0, eps apart", lambda f, x: near(f(3 * x), f(x), 1e-5)),
        Fact("tau=-1000: the root mean square of every channel is 1",
             lambda f, x: near((f(x, tau=-1000.0) ** 2).mean((2, 3)), 1, 1e-4)),
        Fact("no output lies below tau", lambda f, x: bool((f(x, tau=0.5) >= 0.5).all())),
    ),
)  # fmt: skip
def frn_tlu(x: Tensor, *, g: Tensor, b: Tensor, tau: Tensor, eps: float) -> Tensor:
    unit = x / root_mean_square(x, (2, 3), eps)
    return (channelwise(g) * unit + channelwise(b)).maximum(channelwise(tau))


def _gdn(x: Any, *, b: Any, g: Any) -> Any:
    import numpy as np

    y = np.zeros_like(x)
    b = np.broadcast_to(b, x.shape[-1:])
    for i in range(x.shape[-1]):
        total = b[i] + sum(g[..., i, j] * x[..., j] ** 2 for j in range(x.shape[-1]))
        y[..., i] = x[..., i] / np.sqrt(total)
    return y


def _identity(shape: tuple[int, ...]) -> Any:
    return [[0.1 * (i == j) for j in range(shape[1])] for i in range(shape[0])]


@layer_function(
    _gdn, kind="normalised", formula="z_i/sqrt(b_i + sum_j g_ij*z_j**2)", source="arXiv:1511.06281",
    b=learned(1.0, shape=("channels",), low=1e-6), g=learned(_identity, shape=("channels", "channels"), low=0),
    aliases=("generalized_divisive_normalization",),
    facts=(
        at_zero(0), odd(),
        Fact("at the start f is z/sqrt(1 + z**2/10)", lambda f, x: near(f(x), x / (1 + x * x / 10) ** 0.5, 1e-7)),
        Fact("at the start every output lies in (-sqrt(10), sqrt(10))", lambda f, x: bool((abs(f(9 * x)) < 10**0.5).all())),
    ),
    errata=("The exponents of the paper, learned there, are 2 and 1/2, as in its authors' later work.",),
)  # fmt: skip
def gdn(x: Tensor, *, b: Tensor, g: Tensor) -> Tensor:
    wide = x.double()  # squares of the largest numbers beside a b of 1
    pooled = b.double() + wide.square() @ g.double().mT
    return (wide / pooled.sqrt()).to(x.dtype)
