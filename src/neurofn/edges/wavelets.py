"""Wavelets whose places and scales are learned per input; the function ``wavelet_sum`` has Mexican hats."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..functions import Count, Fixed, Learn, Parameter
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor

_RATIO = 1.6  # of the widths of the two Gaussians; there their difference is nearest to a Mexican hat
_WAV_KAN = "arXiv:2405.12832"


def _wavelets(size: int, mother: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor]) -> Basis:
    """``size`` terms mother((x - t_k)/s_k), at first side by side on [-2, 2]."""
    parameters: dict[str, Parameter] = {}
    for k in range(1, size + 1):
        parameters[f"t{k}"] = Learn(-2 + 4 * (k - 1) / (size - 1) if size > 1 else 0.0)
        parameters[f"s{k}"] = Learn(1.0, low=1e-3)

    def columns(x: Tensor, shape: Callable[[Tensor], Tensor], values: dict[str, Any]) -> Tensor:
        import torch

        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        near = wide.clamp(-(2.0**40), 2.0**40)  # squares beyond overflow; all wavelets have long settled
        found = [shape((near - values[f"t{k}"]) / values[f"s{k}"]) for k in range(1, size + 1)]
        return torch.stack(found, dim=-1).to(x.dtype)

    return Basis(
        size,
        lambda x, **values: columns(x, mother, values),
        lambda x, **values: columns(x, plain, values),
        parameters,
        {name: spec.default for name, spec in parameters.items()},
    )


@edge(
    "sum_k w_k*cos(f*u_k)*exp(-u_k**2/2), u_k = (x - t_k)/s_k", source=_WAV_KAN, size=Count(3, low=1, high=64),
    f=Fixed(5.0, low=0),
)  # fmt: skip
def morlet(size: int, f: float) -> Basis:
    """The real part of Morlet's wavelet; below f = 5 its mean is not 0 to the eye."""
    return _wavelets(
        size,
        lambda u: (u * f).cos() * (u * u * -0.5).exp(),
        lambda u: ((u * f * 1j).exp() * (-(u**2) / 2).exp()).real,
    )


@edge(
    "sum_k w_k*(exp(-u_k**2/2) - exp(-(u_k/1.6)**2/2)/1.6), u_k = (x - t_k)/s_k", source="marr1980",
    aliases=("dog",), size=Count(3, low=1, high=64),
)  # fmt: skip
def difference_of_gaussians(size: int) -> Basis:
    """A narrow bump less a wide one of the same area, so that its mean is 0."""

    def plain(u: Tensor) -> Tensor:
        return (-(u**2) / 2).exp() - (-((u / _RATIO) ** 2) / 2).exp() / _RATIO

    return _wavelets(size, lambda u: (u * u * -0.5).exp() - (u * u * (-0.5 / _RATIO**2)).exp() * (1 / _RATIO), plain)


@edge("sum_k w_k*-u_k*exp(-u_k**2/2), u_k = (x - t_k)/s_k", source=_WAV_KAN, size=Count(3, low=1, high=64))
def derivative_of_gaussian(size: int) -> Basis:
    """The slope of a bump, the odd one among the wavelets; the source shortens it to DoG too."""
    return _wavelets(size, lambda u: -u * (u * u * -0.5).exp(), lambda u: -u / (u**2 / 2).exp())
