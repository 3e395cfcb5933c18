"""The edge of the perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor


def _input(x: Tensor) -> Tensor:
    return x.unsqueeze(-1)


@edge("w*x", source="rosenblatt1958")
def linear() -> Basis:
    """One weight per edge."""
    return Basis(1, _input, _input)
