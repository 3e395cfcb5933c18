"""Forward one function, backward another: steps, signs and roundings that can be trained, and a rectifier with hysteresis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._facts import Fact, at_zero, becomes, between, homogeneous, idempotent, odd, permutation_equivariant
from ._slots import fixed, learned
from ._spec import layer_function

if TYPE_CHECKING:
    from torch import Tensor


def _carried(value: Tensor, slope: Tensor) -> Tensor:
    """``value`` forward, the gradient of ``slope`` backward: the difference is a constant."""
    return value.detach() + (slope - slope.detach())


def _sign(x: Any) -> Any:
    import numpy as np

    return np.where(x >= 0, 1.0, -1.0)


def _plus_minus(x: Tensor) -> Tensor:
    return (x >= 0).to(x.dtype) * 2 - 1


def _slope_at(point: float, value: float) -> Fact:
    """The declared backward slope at a point."""

    def holds(f: Any, x: Any) -> bool:
        return bool(abs(f.slope(0 * x + point) - value).max() < 1e-9)

    return Fact(f"the backward slope at {point:g} is {value:g}", holds)


TWO_VALUES = Fact("every output is -1 or 1", lambda f, x: bool((abs(f(x)) == 1).all()))
ZERO_OR_ONE = Fact("every output is 0 or 1", lambda f, x: bool(((f(x) == 0) | (f(x) == 1)).all()))


@layer_function(
    lambda x, *, alpha: x * (x > 0), kind="surrogate", formula="relu(z); backward 1 where z > -alpha, else 0",
    source="arXiv:2411.10573", aliases=("hysteresis_relu",), alpha=fixed(0.05, low=0),
    slope=lambda x, *, alpha: {"x": 1.0 * (x > -alpha)},
    facts=(becomes("relu(z)"), homogeneous(), idempotent(), _slope_at(-0.04, 1), _slope_at(-0.06, 0)),
)  # fmt: skip
def helu(x: Tensor, *, alpha: float) -> Tensor:
    return _carried(x.relu(), (x + alpha).relu())


@layer_function(
    lambda x: _sign(x), kind="surrogate", formula="sign(z), 1 at 0; backward 1 where abs(z) <= 1, else 0",
    source="arXiv:1602.02830", aliases=("straight_through_sign", "binarize"),
    slope=lambda x: {"x": 1.0 * (abs(x) <= 1)},
    facts=(TWO_VALUES, idempotent(), at_zero(1), _slope_at(0.5, 1), _slope_at(1.5, 0),
           Fact("f(t x) = f(x) for t > 0", lambda f, x: bool((f(3 * x) == f(x)).all()))),
)  # fmt: skip
def sign_ste(x: Tensor) -> Tensor:
    return _carried(_plus_minus(x), x.clamp(-1, 1))


@layer_function(
    lambda x: 1.0 * (x >= 0), kind="surrogate", formula="1 where z >= 0, else 0; backward 1",
    source="arXiv:1308.3432", aliases=("straight_through_step",), slope=lambda x: {"x": 1.0 + 0 * x},
    facts=(ZERO_OR_ONE, at_zero(1), _slope_at(5, 1), becomes("where(z >= 0, 1, 0)")),
)  # fmt: skip
def step_ste(x: Tensor) -> Tensor:
    return _carried((x >= 0).to(x.dtype), x)


@layer_function(
    lambda x: _sign(x), kind="surrogate", formula="sign(z), 1 at 0; backward max(2 - 2*abs(z), 0)",
    source="arXiv:1808.00278", aliases=("approx_sign",), slope=lambda x: {"x": 2 * (1 - abs(x)) * (abs(x) < 1)},
    facts=(TWO_VALUES, idempotent(), at_zero(1), _slope_at(0, 2), _slope_at(0.5, 1), _slope_at(1.5, 0)),
)  # fmt: skip
def bireal_sign(x: Tensor) -> Tensor:
    near = x.clamp(-1, 1)
    return _carried(_plus_minus(x), near * (2 - near.abs()))


@layer_function(
    lambda x, *, a: _sign(x - a), kind="surrogate", formula="sign(z - a), 1 at a; backward max(2 - 2*abs(z - a), 0)",
    source="arXiv:2003.03488", section="4.14", a=learned(0.0, shape=("channels",)),
    slope=lambda x, *, a: {"x": 2 * (1 - abs(x - a)) * (abs(x - a) < 1), "a": -2 * (1 - abs(x - a)) * (abs(x - a) < 1)},
    facts=(TWO_VALUES, at_zero(1), _slope_at(0.5, 1), _slope_at(1.5, 0), becomes("where(z >= 2, 1, -1)", a=2)),
)  # fmt: skip
def rsign_ste(x: Tensor, *, a: Tensor) -> Tensor:
    near = (x - a).clamp(-1, 1)
    return _carried(_plus_minus(x - a), near * (2 - near.abs()))


def _biper(x: Any, *, w: float) -> Any:
    import numpy as np

    return _sign(np.sin(w * x))


def _biper_slope(x: Any, *, w: float) -> dict[str, Any]:
    import numpy as np

    return {"x": w * np.cos(w * x)}


@layer_function(
    _biper, kind="surrogate", formula="sign(sin(w*z)), 1 at 0; backward w*cos(w*z)", source="arXiv:2404.01278",
    w=fixed(20.0, low=0), slope=_biper_slope,
    facts=(
        TWO_VALUES, at_zero(1), _slope_at(0, 20),
        Fact("the period is 2*pi/w", lambda f, x: bool((f(x / 9 + 0.01) == f(x / 9 + 0.01 + 6.283185307179586 / 20)).all())),
        Fact("near 0 it is the sign", lambda f, x: bool((f(x / 100) == _sign(x)).all())),
    ),
)  # fmt: skip
def biper(x: Tensor, *, w: float) -> Tensor:
    wave = (w * x.double()).sin().to(x.dtype)  # the phase of a large number in float32 may overflow
    return _carried(_plus_minus(wave), wave)


def _jump_slope(x: Any, *, theta: Any, bandwidth: float) -> dict[str, Any]:
    import numpy as np

    inside = 1.0 * (abs(x - theta) < bandwidth / 2)
    return {"x": 1.0 * (x > theta), "theta": -theta / bandwidth * inside + np.zeros_like(x)}


@layer_function(
    lambda x, *, theta, bandwidth: x * (x > theta), kind="surrogate",
    formula="z where z > theta, else 0; backward to theta -theta/bandwidth where abs(z - theta) < bandwidth/2",
    source="arXiv:2407.14435", theta=learned(0.1, shape=("channels",), low=0), bandwidth=fixed(0.5, low=1e-6),
    aliases=("jumprelu",), slope=_jump_slope,
    facts=(
        becomes("relu(z)", theta=0), idempotent(), _slope_at(0.2, 1), _slope_at(0.05, 0),
        Fact("no output lies between 0 and theta", lambda f, x: bool(((f(x) == 0) | (f(x) > 0.1)).all())),
    ),
    errata=("The paper learns ln(theta) and takes a bandwidth of 0.001 for inputs scaled to mean square 1.",),
)  # fmt: skip
def jump_relu(x: Tensor, *, theta: Tensor, bandwidth: float) -> Tensor:
    open_gate = (x > theta).to(x.dtype)
    inside = ((x - theta).abs() < bandwidth / 2).to(x.dtype)
    # forward x*open_gate; the second term is 0 forward and gives theta its pseudo-derivative
    pull = inside * (-theta.detach() / bandwidth)
    return x * open_gate + pull * (theta - theta.detach())


@layer_function(
    lambda x, *, beta: 1.0 * (x >= 0), kind="surrogate", formula="1 where z >= 0, else 0; backward 1/(1 + beta*abs(z))**2",
    source="arXiv:1705.11146", beta=fixed(10.0, low=0), aliases=("super_spike", "fast_sigmoid_spike"),
    slope=lambda x, *, beta: {"x": (1 + beta * abs(x)) ** -2},
    facts=(ZERO_OR_ONE, at_zero(1), _slope_at(0, 1), _slope_at(0.1, 0.25)),
)  # fmt: skip
def superspike(x: Tensor, *, beta: float) -> Tensor:
    return _carried((x >= 0).to(x.dtype), x / (1 + beta * x.abs()))


def _atan_slope(x: Any, *, alpha: float) -> dict[str, Any]:
    import numpy as np

    return {"x": alpha / 2 / (1 + (np.pi / 2 * alpha * x) ** 2)}


@layer_function(
    lambda x, *, alpha: 1.0 * (x >= 0), kind="surrogate",
    formula="1 where z >= 0, else 0; backward alpha/2 / (1 + (pi/2*alpha*z)**2)",
    source="arXiv:2007.05785", alpha=fixed(2.0, low=1e-3), aliases=("arctan_spike",), slope=_atan_slope,
    facts=(ZERO_OR_ONE, at_zero(1), _slope_at(0, 1), _slope_at(1 / 3.141592653589793, 0.5)),
)  # fmt: skip
def atan_spike(x: Tensor, *, alpha: float) -> Tensor:
    import torch

    return _carried((x >= 0).to(x.dtype), (torch.pi / 2 * alpha * x).atan() / torch.pi)


def _round(x: Any) -> Any:
    import numpy as np

    return np.rint(x)


@layer_function(
    lambda x: _round(x), kind="surrogate", formula="the nearest whole number, of two the even one; backward 1",
    source="arXiv:1308.3432", aliases=("straight_through_round",), slope=lambda x: {"x": 1.0 + 0 * x},
    facts=(
        idempotent(), odd(), at_zero(0), permutation_equivariant(), _slope_at(0.3, 1),
        Fact("nothing moves by more than 1/2", lambda f, x: bool((abs(f(x) - x) <= 0.5).all())),
    ),
)  # fmt: skip
def round_ste(x: Tensor) -> Tensor:
    return _carried(x.round(), x)


def _quantised(x: Any, *, bits: float) -> Any:
    import numpy as np

    steps = 2**bits - 1
    return np.rint(np.clip(x, 0, 1) * steps) / steps


@layer_function(
    _quantised, kind="surrogate", formula="round(s*clip(z, 0, 1))/s, s = 2**bits - 1; backward 1 in [0, 1], else 0",
    source="arXiv:1606.06160", bits=fixed(2.0, low=1, high=16), aliases=("dorefa_activation",),
    slope=lambda x, *, bits: {"x": 1.0 * ((x >= 0) & (x <= 1))},
    facts=(
        between(0, 1), idempotent(), at_zero(0), _slope_at(0.5, 1), _slope_at(1.5, 0),
        Fact("bits=2: the outputs are thirds", lambda f, x: bool((abs(3 * f(x) - _round(3 * f(x))) < 1e-12).all())),
    ),
)  # fmt: skip
def quantised_clip(x: Tensor, *, bits: float) -> Tensor:
    steps, inside = 2**bits - 1, x.clamp(0, 1)
    return _carried((inside * steps).round() / steps, inside)


def _bsilu_slope(x: Any, *, alpha: float) -> dict[str, Any]:
    import numpy as np

    s = 0.5 * (1 + np.tanh(x / 2))
    return {"x": s + (x + alpha) * s * (1 - s)}


@layer_function(
    lambda x, *, alpha: x * (x > 0), kind="surrogate",
    formula="relu(z); backward the slope of (z + alpha)*sigma(z) - alpha/2", source="arXiv:2505.22074",
    alpha=fixed(1.67), aliases=("sugar_bsilu",), slope=_bsilu_slope,
    facts=(becomes("relu(z)"), homogeneous(), idempotent(), _slope_at(0, 0.5 + 1.67 / 4), _slope_at(100, 1)),
)  # fmt: skip
def sugar_relu(x: Tensor, *, alpha: float) -> Tensor:
    import torch

    return _carried(x.relu(), torch.nn.functional.silu(x) + alpha * x.sigmoid())
