"""Rectifiers and their kin with a random slope, a random shift or random noise in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._facts import Fact, at_zero, becomes, between, homogeneous, idempotent, increasing, lipschitz, unbiased
from ._plain import near
from ._slots import fixed, learned, sampled
from ._spec import layer_function

if TYPE_CHECKING:
    from torch import Tensor

PER_NEURON = ("channels",)


def _phi(x: Any) -> Any:
    import numpy as np

    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def _cdf(x: Any) -> Any:
    from scipy.special import ndtr

    return ndtr(x)


# ---- slopes -------------------------------------------------------------------------------------------------------------


def _rrelu(x: Any, *, low: float, high: float, draw: Any) -> Any:
    import numpy as np

    a = (low + high) / 2 if draw is None else low + (high - low) * draw
    return np.where(x >= 0, x, x / a)


def _rrelu_law(x: Any, *, low: float, high: float) -> tuple[Any, Any]:
    import numpy as np

    first, second = np.log(high / low) / (high - low), 1 / (low * high)
    return np.where(x >= 0, x, x * first), np.where(x >= 0, 0, x * x * (second - first**2))


@layer_function(
    _rrelu, kind="stochastic", formula="z for z >= 0, else z/A, A ~ U(low, high); A = (low + high)/2 in evaluation",
    source="arXiv:1505.00853", section="3.6.3", low=fixed(3.0, low=1e-3), high=fixed(8.0, low=1e-3),
    draw=sampled("uniform"), law=_rrelu_law, aliases=("randomized_leaky_relu",),
    facts=(
        at_zero(0), homogeneous(), increasing(), becomes("where(z >= 0, z, z/5.5)"),
        Fact("a draw of 0 is a slope of 1/3", lambda f, x: near(f.trained(x, draw=0.0), x * (x >= 0) + x / 3 * (x < 0))),
    ),
    errata=("torch.nn.RReLU draws the slope itself, from [1/8, 1/3]: another law with another mean.",),
)  # fmt: skip
def rrelu(x: Tensor, *, low: float, high: float, draw: Tensor | None) -> Tensor:
    import torch

    a = (low + high) / 2 if draw is None else low + (high - low) * draw
    return torch.where(x >= 0, x, x / a)


def _erelu(x: Any, *, r: float, draw: Any) -> Any:
    import numpy as np

    k = 1.0 if draw is None else 1 - r + 2 * r * draw
    return np.where(x >= 0, k * x, 0)


def _erelu_law(x: Any, *, r: float) -> tuple[Any, Any]:
    import numpy as np

    up = np.maximum(x, 0)
    return up, up**2 * r**2 / 3


@layer_function(
    _erelu, kind="stochastic", formula="K*z for z >= 0, else 0, K ~ U(1 - r, 1 + r); K = 1 in evaluation",
    source="jiang2018", section="3.6.38", r=fixed(0.1, low=0, high=1), draw=sampled("uniform", shape=PER_NEURON),
    law=_erelu_law, aliases=("elastic_relu",),
    facts=(unbiased(), becomes("relu(z)"), homogeneous(), idempotent(), at_zero(0),
           Fact("a draw of 1 is a slope of 1 + r", lambda f, x: near(f.trained(x, draw=1.0), 1.1 * x * (x > 0)))),
)  # fmt: skip
def erelu(x: Tensor, *, r: float, draw: Tensor | None) -> Tensor:
    return x.relu() if draw is None else (1 - r + 2 * r * draw) * x.relu()


def _eprelu(x: Any, *, a: Any, r: float, draw: Any) -> Any:
    import numpy as np

    k = 1.0 if draw is None else 1 - r + 2 * r * draw
    return np.where(x >= 0, k * x, x / a)


def _eprelu_law(x: Any, *, a: Any, r: float) -> tuple[Any, Any]:
    import numpy as np

    return np.where(x >= 0, x, x / a), np.maximum(x, 0) ** 2 * r**2 / 3


@layer_function(
    _eprelu, kind="stochastic", formula="K*z for z >= 0, else z/a, K ~ U(1 - r, 1 + r); K = 1 in evaluation",
    source="jiang2018", section="4.2.25", a=learned(4.0, shape=PER_NEURON, low=1e-3), r=fixed(0.1, low=0, high=1),
    draw=sampled("uniform", shape=PER_NEURON), law=_eprelu_law, aliases=("elastic_prelu",),
    facts=(unbiased(), becomes("where(z >= 0, z, z/4)"), becomes("z", a=1), homogeneous(), at_zero(0)),
    errata=("The paper trains a in odd epochs, with K = 1, and the weights alone in even ones.",),
)  # fmt: skip
def eprelu(x: Tensor, *, a: Tensor, r: float, draw: Tensor | None) -> Tensor:
    import torch

    k = 1.0 if draw is None else 1 - r + 2 * r * draw
    return torch.where(x >= 0, k * x, x / a)


def _slope(scale: Any, draw: Any, size: float) -> Any:
    import numpy as np

    return 1.0 if draw is None else np.clip(1 + size * scale * draw, 0, 2)


def _eelu(x: Any, *, a: Any, b: Any, e: float, scale: Any, draw: Any) -> Any:
    import numpy as np

    return np.where(x >= 0, _slope(scale, draw, e) * x, a * (np.exp(b * np.minimum(x, 0)) - 1))


def _eelu_law(x: Any, *, a: Any, b: Any, e: float) -> tuple[Any, Any]:
    import numpy as np

    mean = _eelu(x, a=a, b=b, e=e, scale=None, draw=None)
    return mean, np.maximum(x, 0) ** 2 * e**2 / 3  # the clip at 0 and 2 is 10 deviations away


@layer_function(
    _eelu, kind="stochastic",
    formula="K*z for z >= 0, else a*(exp(b*z) - 1), K ~ N(1, S**2) clipped to [0, 2], S ~ U(0, e); K = 1 in evaluation",
    source="kim2020", section="4.2.60", a=learned(1.0, shape=PER_NEURON, low=0), b=learned(1.0, shape=PER_NEURON, low=0),
    e=fixed(0.1, low=0, high=1), scale=sampled("uniform", shape=()), draw=sampled("normal", shape=PER_NEURON),
    law=_eelu_law, aliases=("elastic_elu",),
    facts=(unbiased(), becomes("where(z >= 0, z, exp(z) - 1)"), becomes("relu(z)", a=0), at_zero(0), lipschitz(1)),
)  # fmt: skip
def eelu(x: Tensor, *, a: Tensor, b: Tensor, e: float, scale: Tensor | None, draw: Tensor | None) -> Tensor:
    up = x.relu()
    if draw is not None and scale is not None:
        up = (1 + e * scale * draw).clamp(0, 2) * up
    return up + a * (b * x.clamp(max=0)).expm1()


def _eacu(x: Any, *, a: Any, s: float, draw: Any) -> Any:
    import numpy as np

    slope: Any = 1.0
    if draw is not None:
        slope = 1 + s * draw
        slope = np.where((slope > 0.5) & (slope < 1.5), slope, 1)
    return np.where(x >= 0, slope * x, a * x * np.tanh(np.logaddexp(0, a * x)))


def _eacu_law(x: Any, *, a: Any, s: float) -> tuple[Any, Any]:
    import numpy as np

    return _eacu(x, a=a, s=s, draw=None), np.maximum(x, 0) ** 2 * s**2


@layer_function(
    _eacu, kind="stochastic",
    formula="B*z for z >= 0, else mish(a*z), B ~ N(1, s**2) where that lies in (0.5, 1.5), else 1; B = 1 in evaluation",
    source="zhang2022", section="3.7.9", a=learned(1.0, shape=PER_NEURON), s=fixed(0.1, low=0, high=0.1),
    draw=sampled("normal", shape=PER_NEURON), law=_eacu_law, aliases=("elastic_adaptive_compounded",),
    facts=(
        unbiased(), at_zero(0), becomes("where(z >= 0, z, z*tanh(softplus(z)))"), becomes("relu(z)", a=0),
        Fact("a draw of 20 deviations is replaced by a slope of 1", lambda f, x: near(f.trained(x, draw=20.0), f(x))),
    ),
    errata=("The survey's B ~ N(0, 0.01) would hardly ever lie in (0.5, 1.5); the mean must be 1.",),
)  # fmt: skip
def eacu(x: Tensor, *, a: Tensor, s: float, draw: Tensor | None) -> Tensor:
    import torch

    up = x.relu()
    if draw is not None:
        slope = 1 + s * draw
        up = torch.where((slope - 1).abs() < 0.5, slope, 1) * up
    return up + torch.where(x < 0, torch.nn.functional.mish(a * x), 0)


# ---- shifts and noise ---------------------------------------------------------------------------------------------------


def _rt_relu(x: Any, *, s: float, draw: Any) -> Any:
    import numpy as np

    return np.maximum(x if draw is None else x + s * draw, 0)


def _noisy_law(x: Any, s: Any) -> tuple[Any, Any]:
    """Mean and variance of relu(x + s*N(0, 1)) for s > 0."""
    mean = x * _cdf(x / s) + s * _phi(x / s)
    return mean, (x * x + s * s) * _cdf(x / s) + x * s * _phi(x / s) - mean**2


@layer_function(
    _rt_relu, kind="stochastic", formula="relu(z + A), A ~ N(0, s**2); A = 0 in evaluation", source="cao2018",
    section="3.6.11", s=fixed(0.75, low=1e-3), draw=sampled("normal", shape=PER_NEURON),
    law=lambda x, *, s: _noisy_law(x, s), aliases=("randomly_translational_relu",),
    facts=(becomes("relu(z)"), homogeneous(), idempotent(), at_zero(0),
           Fact("a draw of 2 shifts by 2*s", lambda f, x: near(f.trained(x, draw=2.0), (x + 1.5) * (x > -1.5)))),
)  # fmt: skip
def rt_relu(x: Tensor, *, s: float, draw: Tensor | None) -> Tensor:
    return x.relu() if draw is None else (x + s * draw).relu()


def _nrelu(x: Any, *, draw: Any) -> Any:
    import numpy as np

    return np.maximum(x if draw is None else x + np.sqrt(0.5 * (1 + np.tanh(x / 2))) * draw, 0)


@layer_function(
    _nrelu, kind="stochastic", formula="max(0, z + N(0, sigma(z))), the logistic sigma(z) as variance; relu(z) in evaluation",
    source="nair2010", section="3.6.6", draw=sampled("normal"), aliases=("noisy_relu",),
    law=lambda x: _noisy_law(x, _root_of_sigma(x)),
    facts=(becomes("relu(z)"), homogeneous(), idempotent(), at_zero(0),
           Fact("in training no output is negative", lambda f, x: bool((f.trained(x, draw=-3.0) >= 0).all()))),
    errata=("The survey reads sigma(z) as the standard deviation of the inputs; in the paper it is the logistic function.",),
)  # fmt: skip
def nrelu(x: Tensor, *, draw: Tensor | None) -> Tensor:
    import torch

    if draw is None:
        return x.relu()
    return (x + (torch.nn.functional.logsigmoid(x) / 2).exp() * draw).relu()


def _root_of_sigma(x: Any) -> Any:
    import numpy as np

    return np.exp(-np.logaddexp(0, -x) / 2)


def _probact(x: Any, *, s: Any, draw: Any) -> Any:
    import numpy as np

    return np.maximum(x, 0) + (0 if draw is None else s * draw)


@layer_function(
    _probact, kind="stochastic", formula="relu(z) + s*E, E ~ N(0, 1); relu(z) in evaluation", source="arXiv:1905.10761",
    section="4.2.11", s=learned(0.1, shape=PER_NEURON), draw=sampled("normal"), aliases=("probabilistic_activation",),
    law=lambda x, *, s: (x * (x > 0), s**2 + 0 * x),
    facts=(unbiased(), becomes("relu(z)"), homogeneous(), between(0, float("inf")), at_zero(0)),
    errata=("The survey does not say what evaluation does; without noise it is the mean.",),
)  # fmt: skip
def probact(x: Tensor, *, s: Tensor, draw: Tensor | None) -> Tensor:
    return x.relu() if draw is None else x.relu() + s * draw
