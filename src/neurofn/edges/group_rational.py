"""Rational functions shared by groups of inputs, with one weight per edge; ``rational`` has its coefficients per edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..functions import Count
from ..functions import catalogue as functions
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor


@edge(
    "w*P_g(x)/(1 + abs(Q_g(x))), g the group of the input",
    source="arXiv:2409.10594",
    p=Count(5, low=0, high=16),
    q=Count(4, low=1, high=16),
    groups=Count(8, low=1, high=4096),
)
def group_rational(p: int, q: int, groups: int) -> Basis:
    """Neighbouring inputs form ``groups`` groups; each learns the coefficients of one function, which starts near silu."""
    member = functions["rational"].shaped(p=p, q=q)
    member.written.ready()  # a compiler cannot trace a first use

    def terms(x: Tensor, code: Callable[..., Tensor], values: dict[str, Any]) -> Tensor:
        import torch

        own = values
        if any(isinstance(value, torch.Tensor) for value in values.values()):
            place = torch.arange(x.shape[-1], device=x.device) * groups // x.shape[-1]
            own = {name: value[place] for name, value in values.items()}
        return code(x, **own).unsqueeze(-1)

    def plain(x: Tensor, **own: Any) -> Tensor:
        result: Tensor = member.definition.torch(x, **own)
        return result

    return Basis(
        1,
        lambda x, **values: terms(x, member, values),
        lambda x, **values: terms(x, plain, values),
        dict(member.parameters),
        member.defaults,
        shared=groups,
    )
