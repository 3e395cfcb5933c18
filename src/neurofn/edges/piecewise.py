"""Lines between grid points and tables of values: splines of order 1 and 0, under the names by which they are known."""

from __future__ import annotations

from ..functions import Choice, Count, Fixed
from ._spec import Basis, edge, find_edge


@edge(
    "sum_k w_k*relu(1 - abs(clip(x, low, high) - t_k)/step), hats on the points t_k of grid equal intervals of [low, high]",
    source="arXiv:2406.02075",
    grid=Count(5, low=1, high=2_000_000),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    outside=Choice("constant", "linear", "zero"),
)
def linear_spline(grid: int, low: float, high: float, outside: str) -> Basis:
    """``grid + 1`` terms, and each weight is the value of the edge at its point."""
    return find_edge("bspline").basis({"grid": grid, "order": 1, "low": low, "high": high, "outside": outside})


@edge(
    "w_k of the entry nearest to clip(x, low, high) (order 0), or the line between the two nearest entries (order 1)",
    source="arXiv:2107.05050",
    entries=Count(64, low=2, high=2_000_000),
    order=Count(1, low=0, high=1),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    outside=Choice("constant", "linear", "zero"),
)
def lookup(entries: int, order: int, low: float, high: float, outside: str) -> Basis:
    """A table: each weight is an entry. With order 0 entries are constant over equal cells, and the input gets no gradient."""
    return find_edge("bspline").basis(
        {"grid": entries - order, "order": order, "low": low, "high": high, "outside": outside}
    )
