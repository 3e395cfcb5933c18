"""B-splines: the edges of Kolmogorov-Arnold networks."""

from __future__ import annotations

from functools import partial
from typing import Any

from .._errors import SettingError
from ..functions import Choice, Count, Fixed
from ._spec import Basis, edge
from ._splines import cox_de_boor, local, terms


@edge(
    "sum_k w_k*B_k(clip(x, low, high)), B_k the B-splines of the given order on grid equal intervals of [low, high]",
    source="arXiv:2404.19756",
    grid=Count(5, low=1, high=2_000_000),
    order=Count(3, low=0, high=5),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    outside=Choice("constant", "linear", "zero"),
)
def bspline(grid: int, order: int, low: float, high: float, outside: str) -> Basis:
    """``grid + order`` terms that sum to one on [low, high]; beyond it the edge keeps its value or its slope, or is 0.

    With ``breaks`` (n_in, grid + 1) in place of equal intervals, every input has its own increasing grid.
    """
    if not low < high:
        raise SettingError(f"bspline: low must be below high, got low={low!r}, high={high!r}")
    if outside == "linear" and order == 0:
        raise SettingError(
            "bspline: order=0 has no slope to continue with; write outside='constant' or an order of 1 to 5"
        )
    given: dict[str, Any] = {"order": order, "uniform": (grid, low, high), "outside": outside}
    return Basis(
        grid + order,
        partial(terms, **given),
        partial(cox_de_boor, **given),
        interval=(low, high),
        breaks=grid,
        order=order,
        local=partial(local, **given),
        outside=outside,
    )
