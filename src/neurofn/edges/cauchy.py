"""Cauchy's kernel with a width learned per input; the function ``cauchy_activation`` is one of it, with one weight per edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..functions import Learn
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor


def _terms(x: Tensor, *, d: Any) -> Tensor:
    import torch

    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    near = wide.clamp(-(2.0**40), 2.0**40)  # squares beyond overflow, and both terms have long faded
    share = 1 / (near * near + d * d)
    return torch.stack([near * share, share], dim=-1).to(x.dtype)


def _plain(x: Tensor, *, d: Any) -> Tensor:
    import torch

    return torch.stack([x / (x**2 + d**2), 1 / (x**2 + d**2)], dim=-1)


@edge("(w_1*x + w_2)/(x**2 + d**2)", source="arXiv:2409.19221")
def cauchy() -> Basis:
    """Two terms, one odd and one even, that fade away from 0."""
    return Basis(2, _terms, _plain, {"d": Learn(1.0, low=1e-3)}, {"d": 1.0})
