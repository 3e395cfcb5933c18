"""Gates: the first half of the input is a value, the second half opens or closes it; the output is half as wide.

Libraries differ in which half is the gate. Here, as in ``torch.nn.GLU``, it is the second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._facts import Fact, at_zero, becomes
from ._plain import sigma
from ._slots import Slot, fixed, learned
from ._spec import Axis, layer_function

if TYPE_CHECKING:
    from torch import Tensor

HALVES = Axis(multiple=2, shrink=2)


def _joined(f: Any, value: Any, gate: Any) -> Any:
    import numpy as np

    return f(np.concatenate([value, gate], -1))


def _linear_in_value(f: Any, x: Any) -> bool:
    value, gate = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return bool((abs(_joined(f, -3 * value, gate) + 3 * _joined(f, value, gate)) < 1e-9).all())


def _symmetric(f: Any, x: Any) -> bool:
    value, gate = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return bool((abs(_joined(f, value, gate) - _joined(f, gate, value)) < 1e-12).all())


def _antisymmetric(f: Any, x: Any) -> bool:
    value, gate = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return bool((abs(_joined(f, value, gate) + _joined(f, gate, value)) < 1e-12).all())


def _bounded_by_value(f: Any, x: Any) -> bool:
    return bool((abs(f(x)) <= abs(x[..., : x.shape[-1] // 2])).all())


LINEAR_IN_VALUE = Fact(
    "f is linear in the value: three times the value, minus three times the output", _linear_in_value
)
SYMMETRIC = Fact("value and gate may change places", _symmetric)
ANTISYMMETRIC = Fact("with the halves in each other's place the sign turns", _antisymmetric)
BOUNDED_BY_VALUE = Fact("no output is larger than its value in size", _bounded_by_value)


def _closed(f: Any, x: Any) -> bool:
    value = x[..., : x.shape[-1] // 2]
    return bool((_joined(f, value, 0 * value) == 0).all())


SHUT_AT_ZERO = Fact("a gate at 0 is shut: the output is 0", _closed)


def _wide_open(f: Any, x: Any) -> bool:
    value = x[..., : x.shape[-1] // 2]
    return bool((abs(_joined(f, value, 0 * value + 60) - value) < 1e-9).all())


OPENS_TO_ONE = Fact("far on the positive side the gate is 1", _wide_open)


def _split(x: Any) -> tuple[Any, Any]:
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def _phi(x: Any) -> Any:
    import numpy as np
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _glu(x: Any) -> Any:
    value, gate = _split(x)
    return value * sigma(gate)


@layer_function(
    _glu, kind="gated", formula="z * sigma(z2)", source="arXiv:1612.08083", section="3.4", axis=HALVES,
    aliases=("gated_linear_unit",),
    facts=(becomes("z*sigma(z2)"), LINEAR_IN_VALUE, OPENS_TO_ONE, BOUNDED_BY_VALUE, at_zero(0)),
)  # fmt: skip
def glu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, -1)
    return value * gate.sigmoid()


def _gtu(x: Any) -> Any:
    import numpy as np

    value, gate = _split(x)
    return np.tanh(value) * sigma(gate)


@layer_function(
    _gtu, kind="gated", formula="tanh(z) * sigma(z2)", source="arXiv:1606.05328", section="3.4.1", axis=HALVES,
    aliases=("gated_tanh_unit",),
    facts=(becomes("tanh(z)*sigma(z2)"), BOUNDED_BY_VALUE, at_zero(0),
           Fact("every output lies in (-1, 1)", lambda f, x: bool((abs(f(x)) < 1).all()))),
)  # fmt: skip
def gtu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, -1)
    return value.tanh() * gate.sigmoid()


def _reglu(x: Any) -> Any:
    value, gate = _split(x)
    return value * gate * (gate > 0)


@layer_function(
    _reglu, kind="gated", formula="z * relu(z2)", source="arXiv:2002.05202", section="3.4.2", axis=HALVES,
    facts=(becomes("z*max(z2, 0)"), LINEAR_IN_VALUE, SHUT_AT_ZERO,
           Fact("f(t x) = t**2 f(x) for t > 0", lambda f, x: bool((abs(f(3 * x) - 9 * f(x)) < 1e-9).all()))),
)  # fmt: skip
def reglu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, -1)
    return value * gate.relu()


def _geglu(x: Any) -> Any:
    value, gate = _split(x)
    return value * gate * _phi(gate)


@layer_function(
    _geglu, kind="gated", formula="z * z2 * Phi(z2)", source="arXiv:2002.05202", section="3.4.3", axis=HALVES,
    facts=(becomes("z*z2*Phi(z2)"), LINEAR_IN_VALUE, SHUT_AT_ZERO),
)  # fmt: skip
def geglu(x: Tensor) -> Tensor:
    import torch

    value, gate = x.chunk(2, -1)
    return value * torch.nn.functional.gelu(gate)


def _swiglu(x: Any, *, b: Any) -> Any:
    value, gate = _split(x)
    return value * gate * sigma(b * gate)


@layer_function(
    _swiglu, kind="gated", formula="z * z2 * sigma(b*z2)", source="arXiv:2002.05202", section="3.4.4", axis=HALVES,
    b=learned(1.0), aliases=("swish_glu",),
    facts=(becomes("z*z2*sigma(z2)"), LINEAR_IN_VALUE, SHUT_AT_ZERO, becomes("z*z2/2", b=0)),
    errata=("The paper and most libraries keep b at 1; set it so and freeze it to have theirs.",),
)  # fmt: skip
def swiglu(x: Tensor, *, b: Tensor) -> Tensor:
    import torch
    from torch.nn.functional import silu

    value, gate = x.chunk(2, -1)
    flat = b == 0  # z*sigma(b*z) is silu(b*z)/b, whose backward pass stays finite; at b = 0 its first terms
    slope, near = torch.where(flat, 1.0, b), torch.where(flat, gate, 0.0)
    return value * torch.where(flat, near / 2 + b * near * near / 4, silu(slope * gate) / slope)


def _bilinear(x: Any) -> Any:
    value, gate = _split(x)
    return value * gate


@layer_function(
    _bilinear, kind="gated", formula="z * z2", source="arXiv:2002.05202", axis=HALVES,
    aliases=("simple_gate", "bilinear"),
    facts=(becomes("z*z2"), LINEAR_IN_VALUE, SYMMETRIC, SHUT_AT_ZERO),
)  # fmt: skip
def bilinear_glu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, -1)
    return value * gate


def _reglu2(x: Any) -> Any:
    value, gate = _split(x)
    return value * (gate * (gate > 0)) ** 2


@layer_function(
    _reglu2, kind="gated", formula="z * relu(z2)**2", source="arXiv:2402.03804", axis=HALVES,
    facts=(becomes("z*max(z2, 0)**2"), LINEAR_IN_VALUE, SHUT_AT_ZERO,
           Fact("f(t x) = t**3 f(x) for t > 0", lambda f, x: bool((abs(f(2 * x) - 8 * f(x)) < 1e-9).all()))),
)  # fmt: skip
def reglu2(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, -1)
    return value * gate.relu().square()


def _dual_relu(x: Any) -> Any:
    import numpy as np

    first, second = _split(x)
    return np.maximum(first, 0) - np.maximum(second, 0)


@layer_function(
    _dual_relu, kind="gated", formula="relu(z) - relu(z2)", source="arXiv:1707.08214", section="3.6.36", axis=HALVES,
    facts=(becomes("max(z, 0) - max(z2, 0)"), ANTISYMMETRIC, at_zero(0),
           Fact("f(t x) = t f(x) for t > 0", lambda f, x: bool((abs(f(3 * x) - 3 * f(x)) < 1e-9).all()))),
)  # fmt: skip
def dual_relu(x: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return first.relu() - second.relu()


def _dual_elu(x: Any, *, a: float) -> Any:
    import numpy as np

    first, second = (np.where(z >= 0, z, a * (np.exp(np.minimum(z, 0)) - 1)) for z in _split(x))
    return first - second


@layer_function(
    _dual_elu, kind="gated", formula="elu(z) - elu(z2)", source="arXiv:1707.08214", section="3.7.2", axis=HALVES,
    a=fixed(1.0, low=0),
    facts=(becomes("max(z, 0) - max(z2, 0)", a=0), ANTISYMMETRIC, at_zero(0)),
)  # fmt: skip
def dual_elu(x: Tensor, *, a: float) -> Tensor:
    first, second = x.chunk(2, -1)
    return first.relu() - second.relu() + a * (first.clamp(max=0).expm1() - second.clamp(max=0).expm1())


def _expanded(gate: Callable[[Any], Any]) -> Callable[..., Any]:
    def definition(x: Any, *, a: Any) -> Any:
        value, z = _split(x)
        return value * z * (gate(z) * (1 + 2 * a) - a)

    return definition


def _atan_gate(z: Any) -> Any:
    import numpy as np

    return np.arctan(z) / np.pi + 0.5


def _details(gate: str) -> dict[str, Any]:
    slot: Slot = learned(0.0)
    facts = (
        becomes(f"z*z2*{gate}"), LINEAR_IN_VALUE, SHUT_AT_ZERO, becomes(f"z*z2*(3*{gate} - 1)", a=1),
        becomes("z*z2/2", a=-0.5),
    )  # fmt: skip
    return {"kind": "gated", "formula": f"z * z2 * ({gate}*(1 + 2*a) - a)", "axis": HALVES, "a": slot, "facts": facts}


@layer_function(_expanded(sigma), source="arXiv:2405.20768", aliases=("expanded_swiglu",), **_details("sigma(z2)"))
def xswiglu(x: Tensor, *, a: Tensor) -> Tensor:
    import torch

    value, gate = x.chunk(2, -1)
    return value * (torch.nn.functional.silu(gate) * (1 + 2 * a) - a * gate)


@layer_function(_expanded(_phi), source="arXiv:2405.20768", aliases=("expanded_geglu",), **_details("Phi(z2)"))
def xgeglu(x: Tensor, *, a: Tensor) -> Tensor:
    import torch

    value, gate = x.chunk(2, -1)
    return value * (torch.nn.functional.gelu(gate) * (1 + 2 * a) - a * gate)


@layer_function(
    _expanded(_atan_gate),
    source="arXiv:2405.20768",
    aliases=("expanded_atglu",),
    **_details("(atan(z2)/pi + 1/2)"),
)
def xatglu(x: Tensor, *, a: Tensor) -> Tensor:
    import torch

    value, gate = x.chunk(2, -1)
    near, far = gate.clamp(-1, 1), 1 / gate.abs().clamp(1, 1e9)
    # beyond 1, z*atan(z) by atan(1/z): nothing cancels below 0, and no product of two large numbers arises
    tail = gate.relu() - (far.atan() / far) / torch.pi
    opened = torch.where(gate.abs() > 1, tail, near * (near.atan() / torch.pi + 0.5))
    return value * (opened * (1 + 2 * a) - a * gate)
