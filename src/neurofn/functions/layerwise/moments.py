"""Mean and variance in, mean and variance out: what an activation does to normal random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._facts import Fact
from ._plain import near
from ._spec import Axis, layer_function

if TYPE_CHECKING:
    from torch import Tensor

HALVES = Axis(multiple=2)


def _gelu(x: Any) -> Any:
    from scipy.special import ndtr

    return x * ndtr(x)


def _relu(x: Any) -> Any:
    import numpy as np

    return np.maximum(x, 0)


def _by_quadrature(x: Any, f: Callable[[Any], Any]) -> Any:
    """Mean and variance of f(mean + std*u) over a standard normal u, from 400 nodes on each side of the kink."""
    import numpy as np

    mean, variance = np.split(x, 2, axis=-1)
    deviation = np.sqrt(np.maximum(variance, 0))
    kink = np.clip(-mean / np.where(deviation > 0, deviation, 1e-300), -12, 12)[..., None]
    nodes, weights = np.polynomial.legendre.leggauss(400)
    first = second = 0.0
    for low, high in ((np.full_like(kink, -12.0), kink), (kink, np.full_like(kink, 12.0))):
        u = (low + high) / 2 + (high - low) / 2 * nodes
        weight = (high - low) / 2 * weights * np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
        value = f(mean[..., None] + deviation[..., None] * u)
        first, second = first + (weight * value).sum(-1), second + (weight * value**2).sum(-1)
    spread = np.where(variance > 0, np.maximum(second - first**2, 0), 0)
    return np.concatenate([np.where(variance > 0, first, f(mean)), spread], -1)


def _pieces(y: Any) -> tuple[Any, Any]:
    half = y.shape[-1] // 2
    return y[..., :half], y[..., half:]


def _joined(f: Any, mean: Any, variance: Any) -> tuple[Any, Any]:
    import numpy as np

    return _pieces(f(np.concatenate([mean, variance], -1)))


def _certain(activation: Callable[[Any], Any]) -> Fact:
    def holds(f: Any, x: Any) -> bool:
        mean, variance = _joined(f, x, 0 * x)
        return near(mean, activation(x)) and near(variance, 0)

    return Fact("of a variance of 0 it makes the function of the mean, and a variance of 0", holds)


def _gaussian_moments(f: Any, x: Any) -> bool:
    mean, variance = _joined(f, x, abs(x) + 0.1)
    return bool((variance >= 0).all() and (mean >= -0.17).all())


def _passes_far_up(f: Any, x: Any) -> bool:
    mean, variance = _joined(f, 60 + 0 * x, 1 + 0 * x)
    return near(mean, 60, 1e-6) and near(variance, 1, 1e-6)


def _stops_far_down(f: Any, x: Any) -> bool:
    mean, variance = _joined(f, -60 + 0 * x, 1 + 0 * x)
    return near(mean, 0) and near(variance, 0)


FACTS = (
    Fact("no variance is negative, and no mean below -0.17", _gaussian_moments),
    Fact("far above 0 mean and variance pass", _passes_far_up),
    Fact("far below 0 nothing passes", _stops_far_down),
)


def _density(x: Tensor) -> Tensor:
    return (-x * x / 2).exp() * 0.3989422804014327


@layer_function(
    lambda x: _by_quadrature(x, _relu), kind="vector", formula="mean and variance of relu(z), z normal with mean and variance",
    source="frey1999", axis=HALVES, aliases=("moment_relu",),
    facts=(*FACTS, _certain(_relu),
           Fact("mean 0, variance 1: 1/sqrt(2*pi) and 1/2 - 1/(2*pi)",
                lambda f, x: near(_joined(f, 0 * x, 1 + 0 * x)[0], 0.3989422804014327)
                and near(_joined(f, 0 * x, 1 + 0 * x)[1], 0.5 - 0.15915494309189535))),
)  # fmt: skip
def mp_relu(x: Tensor) -> Tensor:
    import torch

    mean, variance = x.double().chunk(2, -1)
    random = variance > 0
    deviation = torch.where(random, variance, 1).sqrt()
    ratio = (mean / deviation).clamp(-40, 40)
    above, density = torch.special.ndtr(ratio), _density(ratio)
    first = mean * above + deviation * density
    # E(relu**2) - E(relu)**2, in units of the variance, with the mean at most 40 deviations away
    spread = above + ratio * ratio * above * (1 - above) + ratio * density * (1 - 2 * above) - density**2
    result = [torch.where(random, first, mean.relu()), torch.where(random, variance * spread.clamp(min=0), 0)]
    return torch.cat(result, -1).to(x.dtype)


@layer_function(
    lambda x: _by_quadrature(x, _gelu), kind="vector", formula="mean and variance of z*Phi(z), z normal with mean and variance",
    source="arXiv:2211.13402", axis=HALVES, aliases=("moment_gelu",),
    facts=(*FACTS, _certain(_gelu),
           Fact("mean 0, variance 1: the mean is 1/(2*sqrt(pi))",
                lambda f, x: near(_joined(f, 0 * x, 1 + 0 * x)[0], 0.28209479177387814))),
    errata=("The second moment is ours: by parts from E Phi(z)**2, which is a bivariate normal probability.",),
)  # fmt: skip
def mp_gelu(x: Tensor) -> Tensor:
    import torch

    mean, given = x.double().chunk(2, -1)
    variance = given.clamp(min=0)
    root = (1 + variance).sqrt()
    ratio = mean / root
    h = ratio.clamp(-9, 9)  # beyond, all or nothing passes to 16 digits
    above, density = torch.special.ndtr(h), _density(h)
    first = mean * above + variance / root * density
    near = h * root  # the mean, where the closed form is used
    second = _second_moment(near, variance)
    spread = (second - (near * above + variance / root * density) ** 2).clamp(min=0)
    outside = torch.where(ratio > 9, variance, 0)
    spread = torch.where(given > 0, torch.where(ratio.abs() > 9, outside, spread), 0)
    return torch.cat([torch.where(ratio > 9, mean, torch.where(ratio < -9, 0, first)), spread], -1).to(x.dtype)


def _second_moment(mean: Tensor, variance: Tensor) -> Tensor:
    """E (z*Phi(z))**2 by parts: g = Phi**2, E z**2 g = mean*E zg + var*(E g + mean*E g' + var*E g'')."""
    import torch

    root, double_root = (1 + variance).sqrt(), (1 + 2 * variance).sqrt()
    h = mean / root
    # z*phi(z) under the normal of z: phi*Phi has the weight c and a narrower normal around mean/root**2
    weight = _density(h) / root
    inner = mean / (root * double_root)
    middle: Tensor = torch.special.ndtr(inner)
    width = variance / (root * double_root)
    slope = 2 * weight * middle
    square = 0.28209479177387814 * _density(mean / (variance + 0.5).sqrt()) / (variance + 0.5).sqrt()
    curve = 2 * square - 2 * weight * (mean / root**2 * middle + width * _density(inner))
    both: Tensor = torch.special.ndtr(h) - 2 * _owen(h, 1 / double_root)
    product: Tensor = mean * both + variance * slope
    return mean * product + variance * (both + mean * slope + variance * curve)


def _owen(h: Tensor, a: Tensor) -> Tensor:
    """Owen's T for 0 <= a <= 1: the integral over t in [0, a] of exp(-h**2*(1 + t**2)/2)/(1 + t**2)/(2*pi), by Fejer's rule."""
    import torch

    count = 20  # 16 digits for abs(h) up to 9
    angle = (torch.arange(count, dtype=h.dtype, device=h.device) + 0.5) * (torch.pi / count)
    order = torch.arange(1, count // 2 + 1, dtype=h.dtype, device=h.device)
    weights = 1 - 2 * ((2 * order * angle.unsqueeze(-1)).cos() / (4 * order * order - 1)).sum(-1)
    t = a.unsqueeze(-1) * (1 + angle.cos()) / 2
    inside = (-h.square().unsqueeze(-1) * (1 + t * t) / 2).exp() / (1 + t * t)
    return a / count * (inside * weights).sum(-1) / (2 * torch.pi)
