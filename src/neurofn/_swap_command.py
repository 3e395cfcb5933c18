"""The command swap-check: what a swap would change in a network of one's own, and what it would leave."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from . import _terminal
from ._explain_sources import made, network

__all__ = ["swap_check"]


def swap_check(
    model: str,
    old: str,
    new: str,
    /,
    *,
    at: Annotated[str, Parameter(help="A pattern of paths, such as 'layer4.*'")] = "*",
    on: Annotated[
        str, Parameter(help="MODULE:NAME of a batch to run: finds calls that cannot be traced, prints the difference")
    ] = "",
) -> int:
    """List what a swap would change in a network, and what it would leave.

    Parameters
    ----------
    model
        MODULE:NAME of a network, or of a function that makes one.
    old
        A function, such as relu; or linear, conv, 'relu(sum(linear))' for whole layers.
    new
        A function, such as gelu; for layers a neuron, such as 'sum(silu + bspline)'.
    """
    from .neurons.swap import swap

    swapped = swap(network(model), old, new, at=at, on=made(on) if on else None)
    print(_terminal.clean(swapped))
    return 0
