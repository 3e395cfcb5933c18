"""Activations that change as training goes on: by epoch, by error, by the place of the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._facts import Fact, at_zero, becomes, between, homogeneous, increasing, lipschitz
from ._plain import near
from ._slots import fixed, scheduled
from ._spec import layer_function

if TYPE_CHECKING:
    from torch import Tensor


def _alternating(x: Any, *, b: float, epoch: Any, training: bool) -> Any:
    import numpy as np

    up = np.maximum(x, 0)
    if not training:
        return (up**b + up ** (1 / b)) / 2
    return up**b if epoch % 2 == 1 else up ** (1 / b)


@layer_function(
    _alternating, kind="scheduled",
    formula="relu(z)**b in odd epochs, relu(z)**(1/b) in even ones, their mean in evaluation",
    source="berradi2018", section="3.6.39", b=fixed(1.1, low=1, high=8), epoch=scheduled(1, low=0),
    aliases=("alternating_power_relu",),
    facts=(
        at_zero(0), between(0, float("inf")), increasing(), becomes("relu(z)", b=1),
        Fact("in an odd epoch f(t x) = t**b f(x) for t > 0",
             lambda f, x: near(f.trained(2 * x), 2**1.1 * f.trained(x))),
    ),
    errata=("The slope of the root at 0 is infinite; at and below 0 the slope here is 0.",),
)  # fmt: skip
def alternating_repu(x: Tensor, *, b: float, epoch: Tensor, training: bool) -> Tensor:
    import torch

    above = x > 0
    inside = torch.where(above, x, 1)
    power, root = inside**b, inside ** (1 / b)
    chosen = torch.where(epoch % 2 == 1, power, root) if training else power / 2 + root / 2
    return torch.where(above, chosen, 0)


def _all_relu(x: Any, *, a: float, layer: Any) -> Any:
    import numpy as np

    return np.where(x <= 0, (-a if layer % 2 == 0 else a) * x, x)


@layer_function(
    _all_relu, kind="scheduled", formula="z for z > 0, else -a*z in even layers, a*z in odd ones",
    source="arXiv:2102.01732", section="4.34", a=fixed(0.1), layer=scheduled(1, low=0), aliases=("alternated_left_relu",),
    facts=(
        at_zero(0), homogeneous(), lipschitz(1), becomes("where(z >= 0, z, z/10)"),
        becomes("where(z >= 0, z, -z/10)", layer=2), becomes("relu(z)", a=0),
    ),
)  # fmt: skip
def all_relu(x: Tensor, *, a: float, layer: Tensor) -> Tensor:
    import torch

    sign = 1 - 2 * (layer % 2 == 0).to(x.dtype)
    return torch.where(x <= 0, sign * a * x, x)


def _dlrelu(x: Any, *, a: float, error: Any) -> Any:
    import numpy as np

    return np.where(x >= 0, x, a * error * x)


@layer_function(
    _dlrelu, kind="scheduled", formula="z for z >= 0, else a*e*z, e the test error (mean square) of the last epoch",
    source="hu2019", section="4.2.13", a=fixed(0.01, low=0), error=scheduled(1.0, low=0), aliases=("dynamic_leaky_relu",),
    facts=(
        at_zero(0), homogeneous(), increasing(), becomes("where(z >= 0, z, z/100)"), becomes("relu(z)", error=0),
        becomes("where(z >= 0, z, z/50)", error=2),
    ),
)  # fmt: skip
def dlrelu(x: Tensor, *, a: float, error: Tensor) -> Tensor:
    import torch

    return torch.where(x >= 0, x, a * error * x)


def _exp_dlrelu(x: Any, *, a: float, error: Any) -> Any:
    import numpy as np

    return np.where(x >= 0, x, a * np.exp(-error) * x)


@layer_function(
    _exp_dlrelu, kind="scheduled", formula="z for z >= 0, else a*exp(-e)*z, e the error of dlrelu",
    source="hu2019", section="4.2.13", a=fixed(0.01, low=0), error=scheduled(1.0, low=0),
    facts=(
        at_zero(0), homogeneous(), increasing(), becomes("where(z >= 0, z, z/100)", error=0),
        becomes("where(z >= 0, z, z*exp(-1)/100)"), becomes("relu(z)", a=0),
    ),
    errata=("The survey's text writes exp(-b) = exp(MSE); the leak must fall as the error grows, so the sign is minus.",),
)  # fmt: skip
def exp_dlrelu(x: Tensor, *, a: float, error: Tensor) -> Tensor:
    import torch

    return torch.where(x >= 0, x, a * (-error).exp() * x)
