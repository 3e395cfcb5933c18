"""The fast path of edges with local support: of all terms of an input only those that are not 0 are made and used.

``plan`` says whether a weighted sum of edges has such a path; the path takes what each basis sees and gives the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..edges import Basis

if TYPE_CHECKING:
    from ._gather import Gather

__all__ = ["LocalPath", "plan"]


def plan(gather: Gather) -> LocalPath | None:
    """The path for the bases of ``gather``; None where its aggregate is no weighted sum or no basis has local support."""
    if not gather.fused or not any(_is_local(basis) for basis in gather.bases):
        return None
    return LocalPath(gather.bases)


def _is_local(basis: Basis) -> bool:
    return basis.order is not None and basis.breaks is not None and basis.interval is not None and not basis.parameters


class LocalPath:
    """Terms times weights, summed over inputs and terms: ``cat(terms).flatten(-2) @ weight.flatten(0, 1)`` without the terms.

    ``takes`` says of each basis whether the path makes its terms; ``name`` is how: "native", "numba", "compiled" or "plain".
    """

    def __init__(self, bases: Sequence[Basis]) -> None:
        self.bases = tuple(bases)
        self.takes = tuple(_is_local(basis) for basis in bases)

    @property
    def name(self) -> str:
        return "plain"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor, breaks: Sequence[Tensor | None]) -> Tensor:
        """The sums (..., n_out).

        ``inputs`` has for each basis that the path takes what that basis sees, (..., n_in), and for each other its terms
        (..., n_in, count). ``weight`` (n_in, count of all, n_out) are the weights as they are used, those of one basis after those
        of the other. ``breaks`` has for each basis its grid per input (n_in, cells + 1), or None: equal cells on its interval.
        """
        columns = []
        for basis, takes, seen, own in zip(self.bases, self.takes, inputs, breaks, strict=True):
            settings = {} if own is None else {"breaks": own}
            columns.append(basis.terms(seen, **settings) if takes else seen)
        return torch.cat(columns, dim=-1).flatten(-2) @ weight.flatten(0, 1)
