"""Planes: where each rectified unit of a layer turns on, from its weights alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import ShapeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Boundaries", "boundaries"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Boundaries:
    """Where each rectified unit of a layer turns on: the plane {x: w.x + b = 0}, told by its point next to the origin.

    points: (units, inputs), -b w / |w|**2. directions: (units, inputs), w / |w|, the side on which the unit is active.
    distances: (units,), the signed distance of the plane along ``directions``, -b / |w|: all inputs that are nearer to the
    origin activate a unit whose distance is negative, and none whose distance is positive. NaN where w is 0.

    >>> import torch
    >>> found = boundaries(torch.tensor([[3.0, 4.0]]), torch.tensor([-10.0]))
    >>> found.points.tolist(), found.distances.tolist()
    ([[1.2, 1.6]], [2.0])
    """

    points: Array
    directions: Array
    distances: Array

    def moved(self, later: Boundaries) -> tuple[Array, Array]:
        """How far each boundary has gone: the distance of its points, in units of inputs, and the angle between its
        directions, in radians; each (units,). Raises ShapeError for layers of other shapes."""
        if self.points.shape != later.points.shape:
            raise ShapeError(
                f"boundaries of shapes {self.points.shape} and {later.points.shape}; give those of one layer"
            )
        gap = np.linalg.norm(self.directions - later.directions, axis=1)
        total = np.linalg.norm(self.directions + later.directions, axis=1)
        return np.linalg.norm(self.points - later.points, axis=1), 2 * np.arctan2(gap, total)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name).tolist() for name in ("points", "directions", "distances")}


def boundaries(weight: Tensor, bias: Tensor | None = None) -> Boundaries:
    """The characteristic activation boundaries of a layer (Chen and Ge, arXiv:2305.15912), in the space of its own inputs.

    weight: (units, inputs), or (units, channels, ...) of a convolution, whose inputs are then patches. bias: (units,); None
    for 0. The paper's finding: under equal noise in the parameters boundaries of small weights jump far, whatever the
    normalisation; compare with ``boundaries(...).moved(boundaries(...))``. Raises ShapeError for a bias that does not fit.

    >>> import torch
    >>> still, noisy = (boundaries(w, torch.ones(1)) for w in (torch.tensor([[0.1, 0.0]]), torch.tensor([[0.1, 0.1]])))
    >>> [value.round(3).tolist() for value in still.moved(noisy)]
    [[7.071], [0.785]]
    """
    rows = weight.detach().cpu().double().flatten(1).numpy()
    offset = np.zeros(len(rows)) if bias is None else bias.detach().cpu().double().numpy()
    if offset.shape != (len(rows),):
        raise ShapeError(f"bias has shape {offset.shape} for {len(rows)} units; give one number per unit")
    length = np.linalg.norm(rows, axis=1)
    length = np.where(length > 0, length, np.nan)
    directions, distances = rows / length[:, None], -offset / length
    return Boundaries(directions * distances[:, None], directions, distances)
