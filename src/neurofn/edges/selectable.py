"""One edge, several spaces of functions, and a learned choice among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..functions import Choice, Count, Fixed
from ._spec import Basis, edge, find_edge

if TYPE_CHECKING:
    from torch import Tensor


def _pool(grid: int, low: float, high: float, outside: str) -> list[Basis]:
    given = {"low": low, "high": high, "outside": outside}
    return [
        find_edge("silu").basis({}),
        find_edge("bspline").basis({**given, "grid": grid}),
        find_edge("jacobi").basis({**given, "degree": 4, "a": 0.0, "b": 0.0}),
        find_edge("fourier").basis({"order": 3}),
        find_edge("wavelet_sum").basis({"size": 3}),
    ]


@edge(
    "sum_m softmax(a)_m*sum_k w_mk*B_mk(x), B_m: silu, cubic B-splines, Legendre polynomials, a Fourier series, Mexican hats",
    source="arXiv:2408.08338",
    grid=Count(5, low=1, high=4096),
    low=Fixed(-3.0),
    high=Fixed(3.0),
    outside=Choice("constant", "linear", "zero"),
)
def selectable(grid: int, low: float, high: float, outside: str) -> Basis:
    """Every edge chooses among five bases of equal power by its own softmax; what is inside the bases is learned per input."""
    pool = _pool(grid, low, high, outside)
    factors = [basis.power() ** -0.5 for basis in pool]
    names = [{name: f"{name}_m{m}" for name in basis.values} for m, basis in enumerate(pool)]

    def gathered(x: Tensor, way: str, values: dict[str, Any]) -> Tensor:
        import torch

        found = []
        for basis, own, factor in zip(pool, names, factors, strict=True):
            inside = {name: values[long] for name, long in own.items()}
            found.append(getattr(basis, way)(x, **inside) * factor)
        return torch.cat(found, dim=-1)

    sizes = [basis.size for basis in pool]
    total = sum(sizes)

    owner = [m for m, size in enumerate(sizes) for _ in range(size)]

    def weights(raw: Tensor) -> Tensor:
        return raw[:, :total] * raw[:, total:].softmax(1)[:, owner]

    def begin(n_in: int, size: int, n_out: int) -> Tensor:
        import torch

        return torch.cat([torch.randn(n_in, total, n_out), torch.zeros(n_in, size - total, n_out)], dim=1)

    return Basis(
        total + len(pool),
        lambda x, **values: gathered(x, "terms", values),
        lambda x, **values: gathered(x, "reference", values),
        {own[n]: spec for basis, own in zip(pool, names, strict=True) for n, spec in basis.parameters.items()},
        {own[n]: value for basis, own in zip(pool, names, strict=True) for n, value in basis.values.items()},
        interval=(low, high),
        weights=weights,
        begin=begin,
    )  # what is outside is declared by the splines and polynomials of the pool, not by all of it
