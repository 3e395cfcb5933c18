"""Functions of the distance from a centre."""

from __future__ import annotations

from ._declare import declare
from ._facts import Fixed, Learn

declare("gaussian", "exp(-z**2)", source="broomhead1988", even=True, range=(0, 1), limits=(0, 0), at_zero=(1, 0))

declare(
    "super_gaussian", "exp(-b*z**2/(2*a**2))", source="arXiv:2111.15135", a=Learn(1, low=1e-3), b=Learn(2, low=1e-3),
    far=(0, 0), even=True, range=(0, 1), limits=(0, 0), at_zero=(1, 0), cases={"a=1, b=2": "gaussian"},
)  # fmt: skip

declare(
    "inverse_quadratic", "1/(1 + (a*z)**2)", far=(-2, -2), source="arXiv:2111.15135", aliases=("cauchy_kernel",),
    a=Learn(1, low=1e-3), even=True, range=(0, 1), limits=(0, 0), at_zero=(1, 0),
)  # fmt: skip

declare(
    "inverse_multiquadric", "1/sqrt(1 + (a*z)**2)", source="arXiv:2111.15135", a=Learn(1, low=1e-3), even=True,
    range=(0, 1), limits=(0, 0), at_zero=(1, 0),
)  # fmt: skip

declare(
    "mexican_hat", "2/sqrt(3)*pi**(-0.25)*(1 - z**2)*exp(-z**2/2)", far=(0, 0),
    source="arXiv:2405.12832", aliases=("ricker_wavelet",), even=True, range=(-0.38705276380034687, 0.8673250705840775),
    limits=(0, 0), at_zero=(0.8673250705840775, 0),
    errata="The published code has the other sign, which is that of the weight in front.",
)  # fmt: skip

declare(
    "gaussian_derivative", "-z*exp(-z**2/2)", far=(0, 0), source="arXiv:2405.12832", aliases=("dog_wavelet",),
    odd=True, range=(-0.6065306597126334, 0.6065306597126334), limits=(0, 0), at_zero=(0, -1),
)  # fmt: skip

declare(
    "morlet_wavelet", "cos(w*z)*exp(-z**2/2)", far=(0, 0), source="arXiv:2405.12832", w=Fixed(5), even=True,
    limits=(0, 0), at_zero=(1, 0),
)  # fmt: skip
