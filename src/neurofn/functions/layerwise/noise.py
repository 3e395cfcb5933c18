"""Noise with a meaning: saturation that pushes back, gates and steps that are drawn, coefficients that tremble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._facts import Fact, at_zero, becomes, between, odd, unbiased
from ._plain import near, sigma
from ._slots import fixed, learned, sampled
from ._spec import layer_function

if TYPE_CHECKING:
    from torch import Tensor


HALF_NORMAL = 0.7978845608028654
"""The mean of the absolute value of a standard normal number, sqrt(2/pi)."""


def _hard_tanh(x: Any) -> Any:
    import numpy as np

    return np.clip(x, -1, 1)


def _size(x: Any, c: float, p: Any) -> Any:
    """The noise of a saturated unit: 0 where hard tanh is linear."""
    return c * (sigma(p * (_hard_tanh(x) - x)) - 0.5) ** 2


def _noisy_output(x: Any, *, alpha: float, c: float, p: Any, draw: Any) -> Any:
    import numpy as np

    away = HALF_NORMAL if draw is None else abs(draw)
    side = -np.sign(x) * np.sign(1 - alpha)
    return alpha * _hard_tanh(x) + (1 - alpha) * x + side * _size(x, c, p) * away


def _noisy_output_law(x: Any, *, alpha: float, c: float, p: Any) -> tuple[Any, Any]:
    mean = _noisy_output(x, alpha=alpha, c=c, p=p, draw=None)
    return mean, _size(x, c, p) ** 2 * (1 - HALF_NORMAL**2) * (alpha != 1)


@layer_function(
    _noisy_output, kind="stochastic",
    formula="a*h + (1 - a)*z - sign((1 - a)*z)*s*abs(E), h = clip(z, -1, 1), s = c*(sigma(p*(h - z)) - 1/2)**2, E ~ N(0, 1)",
    source="arXiv:1603.00391", section="4.18", alpha=fixed(1.1), c=fixed(1.0, low=0), p=learned(1.0),
    draw=sampled("normal"), law=_noisy_output_law, aliases=("noisy_hard_tanh",),
    facts=(
        unbiased(), odd(), at_zero(0), becomes("clip(z, -1, 1)", alpha=1), becomes("1.1*clip(z, -1, 1) - z/10", c=0),
        Fact("between -1 and 1 there is no noise",
             lambda f, x: near(f.trained(x / (1 + abs(x)), draw=3.0), x / (1 + abs(x)))),
    ),
    errata=("The survey prints sigma**2; the paper has (sigma - 1/2)**2, which is 0 where h is linear.",),
)  # fmt: skip
def noisy_activation(x: Tensor, *, alpha: float, c: float, p: Tensor, draw: Tensor | None) -> Tensor:
    hard = x.clamp(-1, 1)
    size = c * ((p * (hard - x)).sigmoid() - 0.5).square()
    away = HALF_NORMAL if draw is None else draw.abs()
    sign = float((alpha < 1) - (alpha > 1))
    return alpha * hard + (1 - alpha) * x - x.sign() * sign * size * away


def _noisy_input(x: Any, *, c: float, p: Any, draw: Any) -> Any:
    return _hard_tanh(x if draw is None else x + _size(x, c, p) * draw)


def _noisy_input_law(x: Any, *, c: float, p: Any) -> tuple[Any, Any]:
    """Mean and variance of clip(x + s*N(0, 1), -1, 1)."""
    import numpy as np
    from scipy.special import ndtr

    s = np.maximum(_size(x, c, p), 1e-300)
    low, high = (-1 - x) / s, (1 - x) / s
    density = [np.exp(-(np.minimum(abs(side), 38) ** 2) / 2) / np.sqrt(2 * np.pi) for side in (low, high)]
    inside = ndtr(high) - ndtr(low)
    # low*density of what lies far away is 0, not infinity times 0
    edges = [np.where(abs(side) < 50, side, 0) * weight for side, weight in zip((low, high), density, strict=True)]
    mean = x * inside + s * (density[0] - density[1]) - ndtr(low) + ndtr(-high)
    second = (x * x + s * s) * inside + 2 * x * s * (density[0] - density[1]) + s * s * (edges[0] - edges[1])
    return mean, np.maximum(second + ndtr(low) + ndtr(-high) - mean**2, 0)


@layer_function(
    _noisy_input, kind="stochastic",
    formula="h(z + s(z)*E), h = clip(z, -1, 1), s = c*(sigma(p*(h - z)) - 1/2)**2, E ~ N(0, 1); h(z) in evaluation",
    source="arXiv:1603.00391", section="4.18", c=fixed(10.0, low=0), p=learned(1.0), draw=sampled("normal"),
    law=_noisy_input_law, aliases=("noisy_input_hard_tanh",),
    facts=(
        between(-1, 1), odd(), at_zero(0), becomes("clip(z, -1, 1)"),
        Fact("between -1 and 1 there is no noise",
             lambda f, x: near(f.trained(x / (1 + abs(x)), draw=3.0), x / (1 + abs(x)))),
    ),
    errata=("The survey prints sigma**2; the paper has (sigma - 1/2)**2, which is 0 where h is linear.",),
)  # fmt: skip
def noisy_input_activation(x: Tensor, *, c: float, p: Tensor, draw: Tensor | None) -> Tensor:
    if draw is None:
        return x.clamp(-1, 1)
    size = c * ((p * (x.clamp(-1, 1) - x)).sigmoid() - 0.5).square()
    return (x + size * draw).clamp(-1, 1)


def _stochastic_gelu(x: Any, *, draw: Any) -> Any:
    from scipy.special import ndtr

    return x * ndtr(x) if draw is None else x * (draw < ndtr(x))


def _gelu_law(x: Any) -> tuple[Any, Any]:
    from scipy.special import ndtr

    return x * ndtr(x), x * x * ndtr(x) * ndtr(-x)


@layer_function(
    _stochastic_gelu, kind="stochastic", formula="z*B, B = 1 with probability Phi(z), else 0; gelu(z) in evaluation",
    source="arXiv:1606.08415", draw=sampled("uniform"), law=_gelu_law, aliases=("soi_map",),
    facts=(
        unbiased(), becomes("z*Phi(z)"), at_zero(0),
        Fact("in training an output is its input or 0",
             lambda f, x: bool(((f.trained(x, draw=0.4) == 0) | (f.trained(x, draw=0.4) == x)).all())),
    ),
)  # fmt: skip
def stochastic_gelu(x: Tensor, *, draw: Tensor | None) -> Tensor:
    import torch

    if draw is None:
        return torch.nn.functional.gelu(x)
    chance: Tensor = torch.special.ndtr(x)
    return x * (draw < chance).to(x.dtype)


def _bernoulli(x: Any, *, draw: Any) -> Any:
    return sigma(x) if draw is None else 1.0 * (draw < sigma(x))


@layer_function(
    _bernoulli, kind="surrogate",
    formula="1 with probability sigma(z), else 0; backward the slope of sigma; sigma(z) in evaluation",
    source="arXiv:1308.3432", draw=sampled("uniform"), aliases=("bernoulli_straight_through",),
    law=lambda x: (sigma(x), sigma(x) * sigma(-x)), slope=lambda x: {"x": sigma(x) * sigma(-x)},
    facts=(
        unbiased(), becomes("sigma(z)"), between(0, 1),
        Fact("in training every output is 0 or 1",
             lambda f, x: bool(((f.trained(x, draw=0.4) == 0) | (f.trained(x, draw=0.4) == 1)).all())),
    ),
)  # fmt: skip
def stochastic_binary(x: Tensor, *, draw: Tensor | None) -> Tensor:
    chance = x.sigmoid()
    return chance if draw is None else (draw < chance).to(x.dtype) + (chance - chance.detach())


NUMERATOR = (0.02979246, 0.61837738, 2.32335207, 3.05202660, 1.48548002, 0.25103717)
DENOMINATOR = (1.14201226, 4.39322834, 0.87154450, 0.34720652)
"""Coefficients that follow leaky_relu(z, 0.01) on [-3, 3]: the start of the authors; a fact holds them to it."""


def _trembling(x: Any, coefficients: Any, noise: float, draw: Any) -> list[Any]:
    """The terms of a polynomial from degree 0, each coefficient times its own 1 + U(-noise, noise)."""
    factors = [1.0 if draw is None else 1 + noise * (2 * draw[k] - 1) for k in range(coefficients.shape[-1])]
    return [coefficients[..., k] * factor * x**k for k, factor in enumerate(factors)]


def _rpau(x: Any, *, p: Any, q: Any, noise: float, above: Any, below: Any) -> Any:
    import numpy as np

    return sum(_trembling(x, p, noise, above)) / (1 + np.abs(x * sum(_trembling(x, q, noise, below))))


def _rpau_law(x: Any, *, p: Any, q: Any, noise: float) -> tuple[Any, Any]:
    """Numerator and denominator are independent; the mean of 1/denominator and its square from 10**4 nodes."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(10)
    at = np.stack(np.meshgrid(*[nodes] * 4, indexing="ij"), -1).reshape(-1, 4)
    weight = np.stack(np.meshgrid(*[weights / 2] * 4, indexing="ij"), -1).reshape(-1, 4).prod(-1)
    terms = np.stack([q[k] * x ** (k + 1) for k in range(4)], -1)
    inverse = 1 / (1 + np.abs((terms[..., None, :] * (1 + noise * at)).sum(-1)))
    mean = sum(p[k] * x**k for k in range(6))
    spread = sum((p[k] * x**k) ** 2 for k in range(6)) * noise**2 / 3
    first, second = (inverse * weight).sum(-1), (inverse**2 * weight).sum(-1)
    return mean * first, (mean**2 + spread) * second - (mean * first) ** 2


@layer_function(
    _rpau, kind="stochastic",
    formula="sum_j p_j*U_j*z**j / (1 + abs(sum_k q_k*U_k*z**k)), U ~ U(1 - a, 1 + a) per element; U = 1 in evaluation",
    source="arXiv:1907.06732", section="4.50", p=learned(lambda shape: NUMERATOR, shape=(6,)),
    q=learned(lambda shape: DENOMINATOR, shape=(4,)), noise=fixed(0.01, low=0, high=1), aliases=("randomized_pade",),
    above=sampled("uniform", shape=(6, "input")), below=sampled("uniform", shape=(4, "input")), law=_rpau_law,
    facts=(
        Fact("on [-3, 3] it is leaky_relu(z, 0.01), to 0.07",
             lambda f, x: bool((abs(f(x.clip(-3, 3)) - x.clip(-3, 3) * (1 - 0.99 * (x < 0))) < 0.07).all())),
        Fact("draws of 1/2 change nothing", lambda f, x: near(f.trained(x, above=0.5, below=0.5), f(x))),
        Fact("evaluation is the mean of training, to 1 percent",
             lambda f, x: bool((abs(f(x) - f.law(x)[0]) <= 0.01 * abs(f(x)) + 1e-4).all())),
    ),
    errata=("The start was fitted to a denominator of the sum of sizes; the formula is the paper's, the size of the sum.",),
)  # fmt: skip
def rpau(x: Tensor, *, p: Tensor, q: Tensor, noise: float, above: Tensor | None, below: Tensor | None) -> Tensor:
    import torch

    if above is not None and below is not None:
        lift = (-1, *[1] * x.ndim)
        top, down = p.reshape(lift) * (1 + noise * (2 * above - 1)), q.reshape(lift) * (1 + noise * (2 * below - 1))
    else:
        top, down = p, q
    # beyond 1 in powers of 1/z, so that no power of a large number arises: both sides are divided by abs(z)**4
    far = x.abs() > 1
    near, inverse = torch.where(far, 0, x), 1 / torch.where(far, x.clamp(-(2.0**60), 2.0**60), 1)
    inside = _horner(top, near, 6) / (1 + (near * _horner(down, near, 4)).abs())
    rising = top[5] * x + _horner(top.flip(0)[1:], inverse, 5)
    outside = rising / (inverse**4 + _horner(down.flip(0), inverse, 4).abs())
    return torch.where(far, outside, inside)


def _horner(coefficients: Tensor, x: Tensor, count: int) -> Any:
    total: Any = 0.0
    for k in reversed(range(count)):
        total = total * x + coefficients[k]
    return total
