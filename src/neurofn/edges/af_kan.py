"""Two shifted activation functions, opened to either side, combined by sums and products: ReLU-KAN made general."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..functions import Choice, Count, Learn, Parameter
from ..functions import catalogue as functions
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor

_LOW, _HIGH = -3.0, 3.0
_COMBINED: dict[str, Callable[[Any, Any], Any]] = {
    "quad1": lambda a, b: (a * b) * (a * b),
    "quad2": lambda a, b: a * b + a * a + b * b,
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "sum_prod": lambda a, b: a + b + a * b,
    "cubic1": lambda a, b: (a + b) * (a * a + b * b),
    "cubic2": lambda a, b: (a * b) ** 3,
}
_FUNCTIONS = ("silu", "relu", "gelu", "elu", "selu", "leaky_relu", "softplus", "sigmoid", "tanh", "identity")


@edge(
    "sum_k w_k*c(f(u - l_k), f(h_k - u)), l_k = (k - order)/grid and h_k = l_k + (order + 1)/grid at first, u = x moved from "
    "[-3, 3] to [0, 1]",
    source="arXiv:2503.06112",
    grid=Count(5, low=1, high=64),
    order=Count(3, low=0, high=8),
    function=Choice(*_FUNCTIONS),
    combine=Choice(*_COMBINED),
    outside=Choice("constant", "zero", "formula"),
)
def af_kan(grid: int, order: int, function: str, combine: str, outside: str) -> Basis:
    """``grid + order`` terms whose borders l and h are learned per input.

    c is quad1 (ab)**2, quad2 ab + aa + bb, sum a + b, prod ab, sum_prod a + b + ab, cubic1 (a + b)(aa + bb), cubic2 (ab)**3.
    Beyond the interval an edge keeps its value, is 0, or goes on by its formula, which may be many times what it is within. The
    source scales the terms of a whole batch by its extremes; here a row does not depend on its batch.
    """
    count, joined, part = grid + order, _COMBINED[combine], functions[function]
    parameters: dict[str, Parameter] = {}
    for k in range(count):
        parameters[f"l{k}"] = Learn((k - order) / grid)
        parameters[f"h{k}"] = Learn((k + 1) / grid)

    def columns(x: Tensor, f: Callable[[Tensor], Tensor], values: dict[str, Any]) -> Tensor:
        import torch

        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        near = wide if outside == "formula" else wide.clamp(_LOW, _HIGH)
        u = (near - _LOW) / (_HIGH - _LOW)
        found = torch.stack([joined(f(u - values[f"l{k}"]), f(values[f"h{k}"] - u)) for k in range(count)], dim=-1)
        if outside == "zero":
            found = torch.where((wide != near).unsqueeze(-1) & ~found.isnan(), 0.0, found)
        return found.to(x.dtype)

    def plain(z: Tensor) -> Tensor:
        result: Tensor = part.definition.torch(z, **part.defaults)
        return result

    part.written.ready()  # a compiler cannot trace a first use
    return Basis(
        count,
        lambda x, **values: columns(x, part, values),
        # Inputs held at the border sit on a kink, where either slope is right but both ways must take the same.
        lambda x, **values: columns(x, part if part.facts.kinks else plain, values),
        parameters,
        {name: spec.default for name, spec in parameters.items()},
        interval=(_LOW, _HIGH),
        outside=None if outside == "formula" else outside,
    )
