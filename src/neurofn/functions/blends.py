"""Blends of a pool of functions, and sums of one function at several places, with learned weights."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from ._declare import declare, family
from ._facts import Count, Fixed, Learn
from ._spec import Member
from ._sums import grid, horner, learned, printed

if TYPE_CHECKING:
    from torch import Tensor

SURVEY = "arXiv:2402.09092"

# ---- of a pool: where a source leaves the pool open, the one here is stated in the formula -------------------------------

declare(
    "unit_sum_combination", "a*z + b*relu(z) + (1 - a - b)*tanh(z)",
    source="arXiv:1801.09403", section="4.48", aliases=("affine_combination",), a=Learn(0.25), b=Learn(0.25),
    at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
    cases={"a=1, b=0": "identity", "a=0, b=1": "relu", "a=0, b=0": "tanh"},
)  # fmt: skip

declare(
    "gating_blending_unit",
    "sigma(a)*tanh(z) + sigma(b)*where(z >= 0, z, exp(z) - 1) + sigma(c)*relu(z) + sigma(d)*z*sigma(z) + sigma(k)*z",
    source="arXiv:2402.09092", section="4.48.3", aliases=("gabu",), a=Learn(0), b=Learn(0), c=Learn(0), d=Learn(0),
    k=Learn(0), at_zero=(0, None), limits=(-inf, inf), range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "average_of_a_pool", "(a*relu(z) + b*sigma(z) + c*tanh(z) + d*z)/(a + b + c + d)",
    source="arXiv:2402.09092", section="4.48.2", aliases=("apaf",), a=Learn(1, low=0.001), b=Learn(1, low=0.001),
    c=Learn(1, low=0.001), d=Learn(1, low=0.001), far=(1, 1), at_zero=(0.125, None), limits=(-inf, inf),
    range=(-inf, inf), monotone="increasing", kinks=(0,),
)  # fmt: skip

declare(
    "trained_compound", "(tanh(exp(a)*z + b) + sigma(exp(c)*z + d) + relu(exp(k)*z + m))/3",
    source="arXiv:2402.09092", section="4.48.1", aliases=("tca",), a=Learn(0), b=Learn(0), c=Learn(0), d=Learn(0),
    k=Learn(0), m=Learn(0), at_zero=(0.16666666666666666, None), limits=(-0.3333333333333333, inf),
    range=(-0.3333333333333333, inf), kinks=(0,),
)  # fmt: skip

declare(
    "trained_compound_v2", "(exp(a)*tanh(exp(b)*z + c) + exp(d)*relu(exp(k)*z + m))/(exp(a) + exp(d))",
    source="arXiv:2402.09092", section="4.48.1", aliases=("tca_v2",), a=Learn(0), b=Learn(0), c=Learn(0), d=Learn(0),
    k=Learn(0), m=Learn(0), at_zero=(0, None), limits=(-0.5, inf), range=(-0.5, inf), monotone="increasing",
    kinks=(0,),
)  # fmt: skip

declare(
    "kronecker_activation", "a*tanh(b*z) + c*sin(d*z)",
    source="arXiv:2105.09513", section="4.48.4", aliases=("dknn",), a=Learn(1), b=Learn(1), c=Learn(0.1), d=Learn(1),
    at_zero=(0, 1.1), limits=(None, None), range=(-1.0999996985984073, 1.0999996985984073), odd=True,
    cases={"c=0": "tanh"},
)  # fmt: skip


@family(source="arXiv:1806.10064", aliases=("abu",), kinks=(0,))
def adaptive_blending_unit() -> Member:
    """A learned sum of tanh, elu, relu, silu and the identity."""
    names = ("a", "b", "c", "d", "k")

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        import torch

        below = torch.where(z < 0, z, 0.0)
        return [z.tanh(), torch.where(z >= 0, z, below.expm1()), z.relu(), z * z.sigmoid(), z]

    terms = ["tanh(z)", "where(z >= 0, z, exp(z) - 1)", "relu(z)", "z*sigma(z)", "z"]
    return Member(printed(dict(zip(names, terms, strict=True))), learned(names, [0.2] * 5), names, values)


@family(source="arXiv:2305.12972", size=Count(3, low=1, high=32), kinks=(-1, 0, 1))
def series_activation(size: int) -> Member:
    """A series of relus at learned places b, each with its weight."""
    names = [f"a{k}" for k in range(1, size + 1)]
    terms = [f"relu(z + b{k})" for k in range(1, size + 1)]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        return [(z + inner[f"b{k}"]).relu() for k in range(1, size + 1)]

    parameters = learned(names, [1 / 2**k for k in range(size)])
    parameters |= learned([f"b{k}" for k in range(1, size + 1)], grid(size, -1, 1) if size > 1 else [0.0])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source="arXiv:2411.03884", aliases=("poly_relu",), order=Count(3, low=1, high=8), kinks=(0,))
def polyrelu(order: int) -> Member:
    """Powers of relu with learned weights."""
    names = [f"a{k}" for k in range(order + 1)]
    terms = ["", "relu(z)", *(f"relu(z)**{k}" for k in range(2, order + 1))]

    def values(z: Tensor, **_: Any) -> list[Tensor]:
        return [z * 0 + 1, *(z.relu() ** k for k in range(1, order + 1))]

    def code(z: Tensor, **given: Any) -> Tensor:
        import torch

        return torch.where(z > 0, horner(z.relu(), [given[name] for name in names]), given["a0"] + z.relu() * 0)

    parameters = learned(names, [0.0, *(1 / 3 for _ in range(order))])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values, code)


@family(source=SURVEY, section="3.2.24", aliases=("msaf",), states=Count(2, low=1, high=32))
def multistate_activation(states: int) -> Member:
    """Logistic steps one after the other; ``a`` is where they start, b where they are."""
    names = ["a", *(f"c{k}" for k in range(1, states + 1))]
    terms = ["", *(f"sigma(z - b{k})" for k in range(1, states + 1))]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        return [z * 0 + 1, *((z - inner[f"b{k}"]).sigmoid() for k in range(1, states + 1))]

    parameters = {"a": Fixed(0.0), **{name: Fixed(1.0) for name in names[1:]}}
    parameters |= {f"b{k}": Fixed(3.0 * (k - 1)) for k in range(1, states + 1)}
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source=SURVEY, section="4.53", size=Count(3, low=1, high=32), kinks=(-1, 0, 1))
def relu_sum(size: int) -> Member:
    """A network of one hidden layer of relus, with one input and one output."""
    names = [f"a{k}" for k in range(1, size + 1)]
    terms = [f"relu(b{k}*z + c{k})" for k in range(1, size + 1)]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        return [(z * inner[f"b{k}"] + inner[f"c{k}"]).relu() for k in range(1, size + 1)]

    parameters = learned(names, [1 / 2**k for k in range(size)])
    parameters |= learned([f"b{k}" for k in range(1, size + 1)], [1.0] * size)
    parameters |= learned([f"c{k}" for k in range(1, size + 1)], grid(size, -1, 1) if size > 1 else [0.0])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)


@family(source=SURVEY, size=Count(3, low=1, high=32))
def softplus_sum(size: int) -> Member:
    """Soft hinges with learned slopes and places: the smooth form of a sum of relus."""
    names = [f"a{k}" for k in range(1, size + 1)]
    terms = [f"softplus(b{k}*z + c{k})" for k in range(1, size + 1)]

    def values(z: Tensor, **inner: Any) -> list[Tensor]:
        import torch

        return [
            torch.nn.functional.softplus(z * inner[f"b{k}"] + inner[f"c{k}"], threshold=40.0)
            for k in range(1, size + 1)
        ]

    parameters = learned(names, [1 / 2**k for k in range(size)])
    parameters |= learned([f"b{k}" for k in range(1, size + 1)], [1.0] * size)
    parameters |= learned([f"c{k}" for k in range(1, size + 1)], grid(size, -1, 1) if size > 1 else [0.0])
    return Member(printed(dict(zip(names, terms, strict=True))), parameters, tuple(names), values)
