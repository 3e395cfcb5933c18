"""Functions with a period, or a periodic part."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from ._declare import declare
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


declare(
    "snake", "z + sin(a*z)**2/a", source="arXiv:2006.08195", a=Learn(1.0, low=1e-3, per="channel"), code=_snake,
    monotone="increasing", limits=(-inf, inf), at_zero=(0, 1),
)  # fmt: skip
declare("sine", "sin(z)", source="arXiv:2006.09661", aliases=("sin",), odd=True, range=(-1, 1), at_zero=(0, 1))

declare(
    "scaled_shifted_sine", "0.5*sin(a*z) + 0.3",
    source="arXiv:2402.09092", section="3.29", a=Fixed(1), at_zero=(0.3, 0.5), limits=(None, None),
    range=(-0.2, 0.8),
)  # fmt: skip

declare(
    "cosid", "cos(z) - z",
    source="arXiv:2402.09092", section="3.31", at_zero=(1, -1), limits=(inf, -inf), range=(-inf, inf),
    monotone="decreasing",
)  # fmt: skip

declare(
    "sinp", "sin(z) - a*z",
    source="arXiv:2402.09092", section="3.32", a=Fixed(1), at_zero=(0, 0), limits=(inf, -inf), range=(-inf, inf),
    odd=True, monotone="decreasing",
)  # fmt: skip

declare(
    "growing_cosine_unit", "z*cos(z)",
    source="arXiv:2402.09092", section="3.33", aliases=("gcu",), at_zero=(0, 1), limits=(None, None),
    range=(-inf, inf), odd=True,
)  # fmt: skip

declare(
    "shifted_sinc_unit", "pi*sinc(z - pi)",
    source="arXiv:2402.09092", section="3.35", aliases=("ssu",), at_zero=(0, 1), limits=(0, 0),
    range=(-0.6824595705010305, 3.141592653589793),
)  # fmt: skip

declare(
    "coslu", "(z + a*cos(b*z))*sigma(z)",
    source="arXiv:2402.09092", section="4.16.6", a=Learn(1), b=Learn(1), at_zero=(0.5, 0.75), limits=(0, inf),
    range=(-0.28927312866451055, inf),
)  # fmt: skip

declare(
    "scaled_logistic_sigmoid_plus_sine", "a*sin(b*z) + c/(1 + exp(-d*z))",
    source="arXiv:2402.09092", section="4.28.1", aliases=("sls_ss", "sine_and_sigmoid", "css"), a=Learn(1),
    b=Learn(1), c=Learn(1), d=Learn(1), at_zero=(0.5, 1.25), limits=(None, None),
    range=(-0.9996120226441473, 1.9996120226441472),
)  # fmt: skip

declare(
    "expcos", "exp(-a*z**2)*cos(b*z)",
    source="arXiv:2402.09092", section="4.43", a=Learn(1), b=Learn(1), at_zero=(1, 0), limits=(0, 0),
    range=(-0.009005678148573858, 1), even=True,
)  # fmt: skip

declare(
    "random_network_sine", "sin(a*z + b)",
    source="arXiv:2402.09092", section="4.56.4", a=Learn(1), b=Learn(0), at_zero=(0, 1), limits=(None, None),
    range=(-1, 1), odd=True,
)  # fmt: skip
