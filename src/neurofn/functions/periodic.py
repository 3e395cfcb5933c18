"""Functions with a period, or a periodic part."""

from __future__ import annotations

from math import inf, pi
from typing import TYPE_CHECKING, Any

from .._words import torch_words
from ._declare import declare, function
from ._facts import Fixed, Learn

if TYPE_CHECKING:
    from torch import Tensor


def _snake(z: Tensor, a: Any) -> Tensor:
    import torch

    # a*z may overflow where the sum does not, and the sine of an infinity is no number
    largest = torch.finfo(z.dtype).max
    wave = (a * z).clamp(-largest, largest).sin()
    bent: Tensor = z + wave * wave / a
    return bent


def _sine_of_pi(z: Tensor) -> Tensor:
    """sin(pi*z): whole periods are taken off first, which is exact; pi*z would be rounded by more than a period far out."""
    period: Tensor = 2 * (z / 2).round()
    return ((z - period) * pi).sin()


declare(
    "snake", "z + sin(a*z)**2/a", source="arXiv:2006.08195", a=Learn(1.0, low=1e-3, per="channel"), code=_snake,
    monotone="increasing", limits=(-inf, inf), at_zero=(0, 1),
)  # fmt: skip
declare("sine", "sin(z)", source="arXiv:2006.09661", aliases=("sin",), odd=True, range=(-1, 1), at_zero=(0, 1))
declare(
    "cosine", "cos(z)", source="rahimi2007", aliases=("cos",), even=True, range=(-1, 1), limits=(None, None), at_zero=(1, 0)
)  # fmt: skip


@function(
    "sin(pi*z)", source="arXiv:2402.09092", section="3.29", odd=True, range=(-1, 1), at_zero=(0, 3.141592653589793),
)  # fmt: skip
def sine_of_pi_z(z: Tensor) -> Tensor:
    return _sine_of_pi(z)


declare(
    "versine", "1 - cos(z)", stable="2*sin(z/2)*sin(z/2)",
    source="arXiv:2402.09092", section="3.30", at_zero=(0, 0), limits=(None, None), range=(0, 2), even=True,
    errata="The survey calls it cosine.",
)  # fmt: skip

declare(
    "cosid", "cos(z) - z",
    source="arXiv:2402.09092", section="3.31", at_zero=(1, -1), limits=(inf, -inf), range=(-inf, inf),
    monotone="decreasing",
)  # fmt: skip

declare(
    "sinp", "sin(z) - a*z",
    source="chan2020", section="3.32", a=Fixed(1), cases={"a=0": "sine"}, at_zero=(0, 0), limits=(inf, -inf), range=(-inf, inf),
    odd=True, monotone="decreasing",
)  # fmt: skip

declare(
    "growing_cosine_unit", "z*cos(z)",
    source="arXiv:2108.12943", section="3.33", aliases=("gcu",), at_zero=(0, 1), limits=(None, None),
    range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "amplifying_sine_unit", "z*sin(z)",
    source="arXiv:2402.09092", section="3.34", aliases=("asu",), at_zero=(0, 0), limits=(None, None),
    range=(-inf, inf), even=True,
)  # fmt: skip

declare(
    "sinc", "sinc(z)",
    source="efe2008", section="3.35", at_zero=(1, 0), limits=(0, 0), range=(-0.21723362821122166, 1), even=True,
    errata="The survey does not say whether its sinc has pi in it; both are here, see normalized_sinc.",
)  # fmt: skip


@function(
    "sinc(pi*z)", source="arXiv:2402.09092", section="3.35", at_zero=(1, 0), limits=(0, 0),
    range=(-0.21723362821122166, 1), even=True,
)  # fmt: skip
def normalized_sinc(z: Tensor) -> Tensor:
    import torch

    near = z.abs() < 0.25
    far = torch.where(near, 1.0, z)
    return torch.where(near, torch_words(z)["sinc"](torch.where(near, z, 0.0) * pi), _sine_of_pi(far) / far / pi)


declare(
    "shifted_sinc_unit", "pi*sinc(z - pi)",
    # equal to sin(z)/(1 - z/pi), which has a removable pole at pi
    stable="where(z < 2, sin(z)/(1 - z/pi), where(z < 5, pi*sinc(z - pi), sin(z)/(1 - z/pi)))",
    source="arXiv:2111.04020", section="3.35", aliases=("ssu",), at_zero=(0, 1), limits=(0, 0),
    range=(-0.6824595705010305, 3.141592653589793),
    errata="The sinc is that without pi in it: with it the value at 0 would not be 0.",
)  # fmt: skip

declare(
    "decaying_sine_unit", "pi/2*(sinc(z - pi) - sinc(z + pi))",
    # equal to sin(z)/(1 - z**2/pi**2), which has removable poles at -pi and pi
    stable="where(abs(z) < 2, sin(z)/((1 - z/pi)*(1 + z/pi)),"
    " where(abs(z) < 5, pi/2*(sinc(z - pi) - sinc(z + pi)), sin(z)/(1 - z/pi)/(1 + z/pi)))",
    source="arXiv:2111.04020", section="3.36", aliases=("dsu",), at_zero=(0, 1), limits=(0, 0),
    range=(-1.6364081368248817, 1.6364081368248817), odd=True,
    errata="The sinc is that without pi in it: with it the function would not come near a sine at 0.",
)  # fmt: skip


@function(
    "a*sin(pi*b*sin(pi*z))", source="arXiv:2402.09092", section="3.48.3", aliases=("ccaf",), odd=True, range=(-0.5, 0.5),
    at_zero=(0, 2.4674011002723395),
    errata="One step of the map; the survey runs it from neuron to neuron of a layer.",
)  # fmt: skip
def cascade_chaotic_activation(
    z: Tensor,
    a: Any = Fixed(0.5, low=0, high=1),  # noqa: B008
    b: Any = Fixed(0.5, low=0, high=1),  # noqa: B008
) -> Tensor:
    wave: Tensor = a * (pi * b * _sine_of_pi(z)).sin()
    return wave


declare(
    "coslu", "(z + a*cos(b*z))*sigma(z)",
    source="doi:10.20944/preprints202301.0463.v1", section="4.16.6", a=Learn(1), b=Learn(1), cases={"a=0": "silu"},
    at_zero=(0.5, 0.75), limits=(0, inf),
    range=(-0.28927312866451055, inf),
)  # fmt: skip

declare(
    "scaled_logistic_sigmoid_plus_sine", "a*sin(b*z) + c/(1 + exp(-d*z))",
    source="arXiv:2402.09092", section="4.28.1", aliases=("sls_ss", "sine_and_sigmoid", "css"), a=Learn(1),
    b=Learn(1), c=Learn(1), d=Learn(1), at_zero=(0.5, 1.25), limits=(None, None),
    cases={"a=0": "sigmoid", "c=0": "sine"},
)  # fmt: skip

declare(
    "global_local_neuron", "sigma(a)*sin(z) + (1 - sigma(a))*tanh(z) - b",
    source="ferreira2021", section="4.27", aliases=("gln",), a=Learn(0), b=Learn(0), at_zero=(0, 1),
    limits=(None, None), odd=True,
)  # fmt: skip

declare(
    "neuron_adaptive_six_parameters", "a*sin(b*z) + c*exp(-d*z**2) + g/(1 + exp(-f*z))",
    source="arXiv:2402.09092", section="4.28.1", aliases=("naf_six_parameters",), a=Learn(1), b=Learn(1), c=Learn(1),
    d=Learn(1, low=0), g=Learn(1), f=Learn(1), at_zero=(1.5, 1.25), limits=(None, None),
    cases={"c=0": "scaled_logistic_sigmoid_plus_sine", "a=0, g=0": "gaussian"},
)  # fmt: skip

declare(
    "sincos", "a*sin(b*z) + c*cos(d*z)",
    source="arXiv:2402.09092", section="4.40", a=Learn(1), b=Learn(1), c=Learn(1), d=Learn(1), at_zero=(1, 1),
    limits=(None, None), range=(-1.4142135623730951, 1.4142135623730951),
    cases={"c=0": "sine", "a=0": "cosine", "b=1": "wavelet_activation"},
)  # fmt: skip

declare(
    "catalytic_activation", "z*sin(a) + relu(z)*cos(a)",
    source="sarkar2022", section="4.42", aliases=("cataf",), a=Learn(0.5), at_zero=(0, None), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(0,), cases={"a=0": "relu"},
    errata="The paper mixes z with any function; here with relu.",
)  # fmt: skip

declare(
    "expcos", "exp(-a*z**2)*cos(b*z)",
    source="arXiv:2402.09092", section="4.43", a=Learn(1, low=0), b=Learn(1), at_zero=(1, 0), limits=(0, 0),
    range=(-0.009005678148573858, 1), even=True,
    cases={"a=0": "cosine", "b=0": "gaussian", "a=0.5, b=5": "morlet_wavelet"},
)  # fmt: skip

declare(
    "random_network_sine", "sin(a*z + b)",
    source="ertugrul2018", section="4.56.4", a=Learn(1), b=Learn(0), at_zero=(0, 1), limits=(None, None),
    range=(-1, 1), odd=True,
)  # fmt: skip

declare(
    "spder", "sin(z)*sqrt(abs(z))",
    # below 1e-9 the sine is z, and a power has a slope where a product underflows
    stable="where(abs(z) < 1e-9, where(z >= 0, z**1.5, -(-z)**1.5), sin(z)*sqrt(abs(z)))",
    source="arXiv:2306.15242", odd=True, limits=(None, None), range=(-inf, inf),
)  # fmt: skip


@function(
    "sin((abs(z) + 1)*z)", source="arXiv:2312.02434", odd=True, range=(-1, 1), limits=(None, None), at_zero=(0, 1),
)  # fmt: skip
def finer(z: Tensor) -> Tensor:
    import torch

    # In double precision, since the argument is a square; and held before it, or a slope of the size of 2*z, overflows.
    largest = torch.finfo(torch.float64).max if z.dtype == torch.float64 else torch.finfo(z.dtype).max ** 2 / 16
    wide = z.double()
    return ((wide.abs() + 1) * wide).clamp(-largest, largest).sin().to(z.dtype)
