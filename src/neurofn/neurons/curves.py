"""Every edge of a model as a curve, with the density of the data that reach it: plain rows, for plots and for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError
from ._attribution import NORMS, Seen, attributed, checked_rows, seen_layers

__all__ = ["Curve", "curves"]

BINS = 32
MOST_POINTS = 2**24


@dataclass(frozen=True)
class Curve:
    """One edge: its value over its input.

    layer: the path of its layer in the model; part: the path of the aggregate in the layer; input, output: the places it joins;
    name: of the input. x, y: the curve, from the least to the greatest value that reached it. density: the share of the data
    in each of equal intervals of x. importance: the edge's share of what reaches the outputs, by sizes as in kind "l2" of
    ``importance``; those of a layer sum to 1. How far the outputs would move without it, ``pruning.edge_effects`` tells.

    >>> curve = Curve("0", "body", 0, 2, "age", x=(0.0, 1.0), y=(0.0, 0.5), density=(1.0,), importance=0.25)
    >>> curve.to_dict()["output"]
    2
    """

    layer: str
    part: str
    input: int
    output: int
    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    density: tuple[float, ...]
    importance: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def curves(
    model: nn.Module, x: Tensor, *, points: int = 65, names: Sequence[str] | None = None, pruned: bool = False
) -> tuple[Curve, ...]:
    """Every edge of every layer of neurons in ``model`` as a curve over the values that reach it for rows ``x`` (n, inputs).

    points: of each curve; names: of the model's inputs; pruned: whether edges that were pruned are there, too. Curves stand
    layer by layer, input by input. ``neurofn.report(curves(model, x), "edges.html")`` draws them. Layers must stand one after
    the other. Raises DataError for no rows or wrong names, SettingError for fewer than 2 points or for a model without layers
    of neurons.

    >>> import torch
    >>> from neurofn import neuron
    >>> model = torch.nn.Sequential(neuron("sum(silu + bspline)").dense(2, 3), neuron("sum(bspline)").dense(3, 1))
    >>> found = curves(model, torch.linspace(-1, 1, 40).reshape(20, 2), names=("age", "height"))
    >>> len(found), found[0].name, len(found[0].x)
    (9, 'age', 65)
    """
    if points < 2:
        raise SettingError(f"points={points}: a curve needs at least 2")
    x = checked_rows(model, x)
    if names is not None and len(names) != x.shape[1]:
        raise DataError(f"{len(names)} names for {x.shape[1]} inputs: give one for each")
    layers = seen_layers(model, x)
    found: list[Curve] = []
    for place, (seen, counts) in enumerate(zip(layers, attributed(layers, NORMS["l2"]), strict=True)):
        given = tuple(names) if names and place == 0 else tuple(f"x{i}" for i in range(seen.layer.n_in))
        found += _of_layer(seen, counts, points, names=given, pruned=pruned)
    return tuple(found)


def _of_layer(seen: Seen, counts: list[Tensor], points: int, *, names: Sequence[str], pruned: bool) -> list[Curve]:
    grid = _grid(seen.inputs, points)
    xs, densities = grid.T.tolist(), _densities(seen.inputs)
    found = []
    for (part, gather), count in zip(seen.layer.gathers, counts, strict=True):
        alive = gather.alive.tolist()
        with torch.no_grad():
            rows = max(1, MOST_POINTS // (gather.n_in * gather.n_out))
            edges = torch.cat([gather.edges(some) for some in torch.split(grid, rows)]).permute(1, 2, 0).tolist()
        found += [
            Curve(
                seen.path, part, i, j, names[i],
                x=tuple(xs[i]), y=tuple(edges[i][j]), density=densities[i], importance=float(count[i, j]),
            )
            for i in range(gather.n_in) for j in range(gather.n_out) if pruned or alive[i][j]
        ]  # fmt: skip
    return found


def _grid(inputs: Tensor, points: int) -> Tensor:
    """Equal steps between the least and the greatest finite value of each input: (points, n_in)."""
    finite = inputs.isfinite()
    low = inputs.where(finite, torch.inf).amin(dim=0)
    high = inputs.where(finite, -torch.inf).amax(dim=0)
    some = low <= high
    low, high = low.where(some, 0.0), high.where(some, 0.0)
    step = torch.linspace(0, 1, points, dtype=inputs.dtype, device=inputs.device)[:, None]
    return low * (1 - step) + high * step


def _densities(inputs: Tensor) -> list[tuple[float, ...]]:
    found = []
    for column in inputs.T:
        values = column[column.isfinite()].double().cpu()
        counts = torch.histc(values, bins=BINS) if len(values) else torch.zeros(BINS)
        found.append(tuple((counts / len(column)).tolist()))
    return found
