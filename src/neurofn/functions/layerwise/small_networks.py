"""Activations with weights between features or places: windows, contexts, a gate from the whole vector, a micro network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import Fact, at_zero, between, homogeneous
from ._plain import near, sigma
from ._slots import fixed, learned
from ._spec import Axis, layer_function
from ._tensors import channelwise, groups_of

if TYPE_CHECKING:
    from torch import Tensor

IMAGE = Axis(layout="image")


def _window(x: Any, window: Any) -> Any:
    import numpy as np

    padded, total = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)]), np.zeros_like(x)
    height, breadth = x.shape[-2:]
    for row in range(3):
        for column in range(3):
            weight = window[..., row, column].reshape(-1, 1, 1)
            total += weight * padded[..., row : row + height, column : column + breadth]
    return total


def _fun_relu(x: Any, *, window: Any) -> Any:
    import numpy as np

    return np.maximum(x, _window(x, window))


@layer_function(
    _fun_relu, kind="network", formula="max(z, T(z)), T a 3x3 window of its own for each channel, 0 beyond the border",
    source="arXiv:2007.11824", section="4.2.4", axis=IMAGE, window=learned(0.0, shape=("channels", 3, 3), spread=0.03),
    aliases=("funnel_relu", "scaa", "spatial_context_aware"),
    facts=(
        homogeneous(), at_zero(0),
        Fact("no output lies below its input", lambda f, x: bool((f(x) >= x).all())),
        Fact("at the start the inside of a bright area is kept", lambda f, x: near(f(0 * x + 5)[..., 1:-1, 1:-1], 5)),
    ),
    errata=("The authors' code normalises T(z) by batch; the printed formula, and SCAA of section 3.6.10, do not.",),
)  # fmt: skip
def fun_relu(x: Tensor, *, window: Tensor) -> Tensor:
    import torch

    context = torch.nn.functional.conv2d(x, window.unsqueeze(1), padding=1, groups=x.shape[1])
    return x.maximum(context)


def _dynamic(x: Any, *, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    import numpy as np

    mean = x.mean((-2, -1))
    hidden = np.maximum(mean @ w1.T + b1, 0)
    pieces = []
    for k in range(b2.shape[1]):
        slope, shift = (2 * sigma(hidden @ w2[part, k].T + b2[part, k]) - 1 for part in (0, 1))
        slope, shift = (k == 0) + slope, 0.5 * shift
        pieces.append(slope[..., None, None] * x + shift[..., None, None])
    return np.max(pieces, axis=0)


@layer_function(
    _dynamic, kind="network",
    formula="max_k (a_k*z + b_k); a_k = [k = 1] + t, b_k = t/2, t = 2*sigma(W2 relu(W1 m + c1) + c2) - 1, m channel means",
    source="arXiv:2003.10027", section="4.56.3", axis=IMAGE, aliases=("dynamic_relu_b", "dyrelu"),
    pieces=Count(2, low=1, high=16), hidden=Count(8, low=1, high=4096),
    w1=learned(0.0, shape=("hidden", "channels"), spread=1.0), b1=learned(0.0, shape=("hidden",)),
    w2=learned(0.0, shape=(2, "pieces", "channels", "hidden"), spread=0.1),
    b2=learned(0.0, shape=(2, "pieces", "channels")),
    facts=(
        at_zero(0),
        Fact("at the start, with a mean of 0 in every channel, f is relu",
             lambda f, x: near(f(_centred(x)), _centred(x) * (_centred(x) > 0))),
        Fact("places of the image in another order give the outputs in that order",
             lambda f, x: near(f(x[:, :, ::-1].copy()), f(x)[:, :, ::-1])),
        Fact("slopes lie in (-1, 2), shifts in (-1/2, 1/2): abs(f) is at most 2*abs(z) + 1/2",
             lambda f, x: bool((abs(f(x)) <= 2 * abs(x) + 0.5).all())),
    ),
    errata=("This is variant B of the paper: coefficients per channel, shared by all places.",),
)  # fmt: skip
def dy_relu(x: Tensor, *, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    import torch

    hidden = (x.mean((2, 3)) @ w1.mT + b1).relu()
    t = ((torch.einsum("nh,pkch->npkc", hidden, w2) + b2) / 2).tanh()  # 2*sigma(u) - 1
    first = torch.zeros_like(b2[0])
    slope = t[:, 0] + torch.cat([first[:1] + 1, first[1:]])
    return (slope[..., None, None] * x.unsqueeze(1) + t[:, 1, ..., None, None] / 2).amax(1)


def _meta_acon(x: Any, *, p1: Any, p2: Any, w1: Any, w2: Any) -> Any:
    import numpy as np

    beta = sigma(x.mean((-2, -1)) @ w1.T @ w2.T)[..., None, None]
    first, second = (np.asarray(p).reshape(-1, 1, 1) for p in (p1, p2))
    return (first - second) * x * sigma(beta * (first - second) * x) + second * x


@layer_function(
    _meta_acon, kind="network",
    formula="(p1 - p2)*z*sigma(beta*(p1 - p2)*z) + p2*z, beta = sigma(W2 W1 m), m the mean of each channel",
    source="arXiv:2009.04759", section="4.4.6", axis=IMAGE, aliases=("metaaconc",), hidden=Count(16, low=1, high=4096),
    p1=learned(1.0, shape=("channels",)), p2=learned(0.0, shape=("channels",)),
    w1=learned(0.0, shape=("hidden", "channels"), spread=1.0), w2=learned(0.0, shape=("channels", "hidden"), spread=1.0),
    facts=(
        at_zero(0),
        Fact("p1 = p2: f is p2*z", lambda f, x: near(f(x, p1=0.7, p2=0.7), 0.7 * x, 1e-6)),
        Fact("a mean of 0 in every channel: f is z*sigma(z/2)",
             lambda f, x: near(f(_centred(x)), _centred(x) * sigma(_centred(x) / 2))),
        Fact("no output is larger than its input in size", lambda f, x: bool((abs(f(x)) <= abs(x)).all())),
    ),
    errata=("The authors' code puts batch norms between the two maps; the printed formula does not.",),
)  # fmt: skip
def meta_acon_c(x: Tensor, *, p1: Tensor, p2: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
    import torch

    # the slope by beta has the square of z; the clamp, where beta is 0 or 1 to all digits, keeps its overflow out
    border = 745 if x.dtype == torch.float64 else 103
    beta = (x.mean((2, 3)) @ w1.mT @ w2.mT).clamp(-border, border).sigmoid()[..., None, None]
    scaled = channelwise(p1 - p2) * x
    return scaled * (beta * scaled).sigmoid() + channelwise(p2) * x


def _centred(x: Any) -> Any:
    return x - x.mean((2, 3), keepdims=True)


def _micro(x: Any, *, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    import numpy as np

    return np.maximum(np.maximum(x @ w1.T + b1, 0) @ w2.T + b2, 0)


@layer_function(
    _micro, kind="network", formula="relu(W2 relu(W1 z + b1) + b2)", source="arXiv:1312.4400", section="4.56",
    axis=Axis(grow="units", shrink="width"), aliases=("network_in_network", "mlpconv"),
    hidden=Count(16, low=1, high=65536), units=Count(8, low=1, high=65536),
    w1=learned(0.0, shape=("hidden", "channels"), spread=2**0.5), b1=learned(0.0, shape=("hidden",)),
    w2=learned(0.0, shape=("units", "hidden"), spread=2**0.5), b2=learned(0.0, shape=("units",)),
    facts=(
        homogeneous(), at_zero(0), between(0, float("inf")),
        Fact("b2=1: at x = 0 every output is 1", lambda f, x: near(f(0 * x, b2=1.0), 1)),
    ),
    errata=("In an image the paper slides it over the places: put the channels last.",),
)  # fmt: skip
def nin(x: Tensor, *, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    return ((x @ w1.mT + b1).relu() @ w2.mT + b2).relu()


def _identity(shape: tuple[int, ...]) -> Any:
    return [[float(i == j) for j in range(shape[1])] for i in range(shape[0])]


def _wig(x: Any, *, w: Any, b: Any) -> Any:
    return x * sigma(x @ w.T + b)


@layer_function(
    _wig, kind="network", formula="z_i*sigma(w_i . z + b_i)", source="arXiv:1810.01829", section="3.3",
    w=learned(_identity, shape=("channels", "channels")),
    b=learned(0.0, shape=("channels",)), aliases=("weighted_sigmoid_gate",),
    facts=(
        at_zero(0),
        Fact("at the start f is z*sigma(z)", lambda f, x: near(f(x), x * sigma(x))),
        Fact("w=0: f is z*sigma(b)", lambda f, x: near(f(x, w=0.0, b=1.0), x * sigma(1.0))),
        Fact("no output is larger than its input in size", lambda f, x: bool((abs(f(x)) <= abs(x)).all())),
    ),
)  # fmt: skip
def wig(x: Tensor, *, w: Tensor, b: Tensor) -> Tensor:
    return x * (x @ w.mT + b).sigmoid()


def _kaf_2d(x: Any, *, gamma: Any, weights: Any, reach: float) -> Any:
    import numpy as np

    first, second = x[..., 0::2], x[..., 1::2]
    points = np.linspace(-reach, reach, weights.shape[-1])
    total = np.zeros_like(first)
    for i, p in enumerate(points):
        for j, q in enumerate(points):
            total = total + weights[..., i, j] * np.exp(-gamma * ((first - p) ** 2 + (second - q) ** 2))
    return total


@layer_function(
    _kaf_2d, kind="network", formula="sum_ij a_ij*exp(-gamma*((z_1 - d_i)**2 + (z_2 - d_j)**2)) of neighbours z_1, z_2",
    source="arXiv:1707.04035", section="4.56.5", axis=Axis(multiple=2, shrink=2), points=Count(10, low=2, high=64),
    reach=fixed(3.0, low=0.1), gamma=learned(lambda shape: 0.375, low=1e-3),
    weights=learned(0.0, shape=("points", "points"), spread=1.0), aliases=("two_dimensional_kaf",),
    facts=(
        Fact("far from the grid every output is 0", lambda f, x: near(f(0 * x + 50), 0)),
        Fact("weights=1: neighbours may change places",
             lambda f, x: near(f(x, weights=1.0), f(_exchanged(x), weights=1.0))),
        Fact("weights=1: f(-x) = f(x)", lambda f, x: near(f(x, weights=1.0), f(-x, weights=1.0))),
        Fact("weights=0: every output is 0", lambda f, x: near(f(x, weights=0.0), 0)),
    ),
    errata=("The start of gamma is 1/(6*step**2) of the grid, as for one dimension; the weights are shared by all pairs.",),
)  # fmt: skip
def kaf_2d(x: Tensor, *, gamma: Tensor, weights: Tensor, reach: float) -> Tensor:
    import torch

    first, second = groups_of(x, 2).unbind(-1)
    points = torch.linspace(-reach, reach, weights.shape[-1], dtype=x.dtype, device=x.device)
    # beyond 100 nothing is left, and no square overflows
    left, right = ((-gamma * (z.clamp(-100, 100).unsqueeze(-1) - points).square()).exp() for z in (first, second))
    return ((left @ weights) * right).sum(-1)


def _exchanged(x: Any) -> Any:
    return x.reshape(*x.shape[:-1], -1, 2)[..., ::-1].reshape(x.shape)
