"""Regions: where a network of rectified units changes its linear piece along a line, and which units are on where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import SettingError, ShapeError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["RegionDensity", "Segment", "activation_patterns", "region_density", "regions_along", "regions_by_sampling"]

Array = np.ndarray[Any, Any]
_SHORTEST = 1e-12
"""Pieces of a segment that are shorter, as a share of it, are rounding."""
_AFFINE = ("Linear", "Conv1d", "Conv2d", "Conv3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Flatten", "Unflatten",
           "Identity", "Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "AvgPool1d", "AvgPool2d", "AvgPool3d",
           "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "ZeroPad1d", "ZeroPad2d")  # fmt: skip
_KINKED = ("ReLU", "LeakyReLU")


@dataclass(frozen=True)
class Segment:
    """The linear regions that a straight segment crosses.

    positions: where along it the activation pattern changes, from 0 (start) to 1 (end), rising. length: its length in the
    units of the inputs. units: how many units could change.

    >>> Segment(positions=(0.25, 0.5), length=2.0, units=8).regions
    3
    """

    positions: tuple[float, ...]
    length: float
    units: int

    @property
    def regions(self) -> int:
        """How many different pieces in a row: one more than changes."""
        return len(self.positions) + 1

    @property
    def density(self) -> float:
        """Changes per unit of length; NaN for a segment of no length."""
        return len(self.positions) / self.length if self.length else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"regions": self.regions, "density": self.density}


def regions_along(model: nn.Module, start: Tensor, end: Tensor) -> Segment:
    """The exact changes of the activation pattern of ``model`` on the segment from ``start`` to ``end``, one input each.

    model: a Sequential (nested too) of ReLU or LeakyReLU and of layers that are affine in evaluation mode: Linear,
    convolutions, batch normalisation, average pools, flattening, dropout. Layer by layer the units' values are linear between
    the changes found so far, so where each goes through 0 is known without search. Computed in float64 on a copy in
    evaluation mode; values within rounding of 0 count as 0, and pieces shorter than 1e-12 of the segment are left out.

    Cost: changes * units numbers and as many forward passes of one input as there are changes. Raises SettingError for other
    layers, ShapeError for ends of different shapes. Source of the count along lines: Hanin and Rolnick, arXiv:1901.09021.

    >>> import torch
    >>> tent = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.ReLU())
    >>> tent[0].load_state_dict({"weight": torch.ones(2, 1), "bias": torch.tensor([0.0, -0.5])})
    <All keys matched successfully>
    >>> regions_along(tent, torch.tensor([-1.0]), torch.tensor([1.0])).positions
    (0.5, 0.75)
    """
    import torch

    if start.shape != end.shape:
        raise ShapeError(
            f"start has shape {tuple(start.shape)} and end {tuple(end.shape)}; give two inputs of one shape"
        )
    layers = list(_layers(model))
    place = torch.tensor([0.0, 1.0], dtype=torch.float64)
    values = torch.stack([start.detach().double(), end.detach().double()])
    length, units = float((values[1] - values[0]).norm()), 0
    patterns: list[Tensor] = []  # by layer: (pieces, units), whether each is active
    with torch.no_grad():
        for layer in layers:
            if type(layer).__name__ in _KINKED:
                place, values, parents = _split(place, values)
                flat = values.flatten(1)
                patterns = [pattern[parents] for pattern in patterns] + [flat[:-1] + flat[1:] > 0]
                units += flat.shape[1]
            values = layer(values)
    long = place[1:] - place[:-1] > _SHORTEST
    pattern = torch.cat([layer[long] for layer in patterns], dim=1) if patterns else torch.zeros(int(long.sum()), 0)
    changed = (pattern[1:] != pattern[:-1]).any(dim=1)
    positions = place[:-1][long][1:][changed]
    return Segment(tuple(positions.tolist()), length, units)


def _split(place: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """With a new place wherever a unit goes through 0; also the old piece that each new piece lies in."""
    import torch

    flat = values.flatten(1)
    flat = flat.masked_fill(flat.abs() <= 16 * 2.0**-52 * flat.abs().amax(dim=0), 0.0)
    low, high = flat[:-1], flat[1:]
    piece, unit = torch.nonzero((low > 0) & (high < 0) | (low < 0) & (high > 0), as_tuple=True)
    share = low[piece, unit] / (low[piece, unit] - high[piece, unit])
    at = place[piece] + share * (place[piece + 1] - place[piece])
    between = low[piece] + share[:, None] * (high[piece] - low[piece])
    between[torch.arange(len(unit)), unit] = 0.0
    every = torch.cat([place, at])
    # By piece, then by place in it: shares of one piece compare exactly where places are rounded to the same number.
    parents = torch.cat([torch.arange(len(place), device=place.device), piece])
    order = torch.argsort(torch.cat([torch.full_like(place, -1.0), share]), stable=True)
    order = order[torch.argsort(parents[order], stable=True)]
    return every[order], torch.cat([flat, between])[order].view(-1, *values.shape[1:]), parents[order][:-1]


def _layers(model: nn.Module) -> Iterator[nn.Module]:
    """The layers in the order they are called, as float64 copies in evaluation mode."""
    import copy

    from torch import nn

    kind = type(model)
    if isinstance(model, nn.Sequential) and kind.forward is nn.Sequential.forward:
        for layer in model:
            yield from _layers(layer)
    elif kind.__name__ in (*_AFFINE, *_KINKED) and kind.__module__.startswith("torch.nn."):
        alone = copy.deepcopy(model).double().eval()
        if isinstance(alone, nn.ReLU | nn.LeakyReLU):
            alone.inplace = False
        yield alone
    else:
        raise SettingError(f"{kind.__name__} is no piece of a network of rectified units in a row; give a Sequential of "
                           f"{', '.join(_KINKED)} and {', '.join(_AFFINE[:3])}, ...")  # fmt: skip


def regions_by_sampling(model: nn.Module, start: Tensor, end: Tensor, *, points: int = 100_001) -> int:
    """The same count by definition: changes of the activation pattern between ``points`` even points, and one.

    Too small where a region lies between two points, and one too large where a point lies on two boundaries at once. For
    small networks and for checks.

    >>> import torch
    >>> regions_by_sampling(torch.nn.ReLU(), torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 2.0]), points=1000)
    3
    """
    import torch

    share = torch.linspace(0, 1, points, dtype=torch.float64).view(-1, *[1] * start.ndim)
    pattern = activation_patterns(model, start.double() + share * (end.double() - start.double()))
    return 1 + int((pattern[1:] != pattern[:-1]).any(dim=1).sum())


def activation_patterns(model: nn.Module, inputs: Tensor) -> Tensor:
    """Which units of ``model`` are active at each of ``inputs`` (rows, ...): (rows, units) bool, all layers side by side.

    For the models of `regions_along`, in float64 and evaluation mode. Rows with equal patterns lie in one linear region: give
    ``patterns.double()`` to ``ActivationCodes(above=0.5)``, batch by batch, for the number of regions that hold data.

    >>> import torch
    >>> activation_patterns(torch.nn.ReLU(), torch.tensor([[1.0, -1.0], [0.0, 2.0]])).tolist()
    [[True, False], [False, True]]
    """
    import torch

    values, bits = inputs.detach().double(), []
    with torch.no_grad():
        for layer in _layers(model):
            if type(layer).__name__ in _KINKED:
                bits.append(values.flatten(1) > 0)
            values = layer(values)
    return torch.cat(bits, dim=1) if bits else torch.zeros(len(inputs), 0, dtype=torch.bool)


@dataclass(frozen=True)
class RegionDensity:
    """Linear regions on segments between pairs of inputs.

    regions: the mean number per segment. density: the changes per unit of length, all segments together. shuffled: the
    control, the same density with the entries of each weight matrix dealt out anew. units: how many could change;
    segments: how many there were.

    >>> RegionDensity(regions=3.0, density=1.0, shuffled=0.9, units=8, segments=10).regions
    3.0
    """

    regions: float
    density: float
    shuffled: float
    units: int
    segments: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def region_density(model: nn.Module, inputs: Tensor, *, segments: int = 20, seed: int = 0) -> RegionDensity:
    """The linear regions of ``model`` on ``segments`` segments between random pairs of ``inputs`` (rows, ...), exactly.

    See `regions_along` for the models it takes. Hanin and Rolnick (arXiv:1901.09021): at initialisation the density along a
    line grows with the number of units, not exponentially with depth. For the number of regions that hold data, see
    `activation_patterns`. Raises SettingError for segments < 1, ShapeError for fewer than two inputs.

    >>> import torch
    >>> region_density(torch.nn.ReLU(), torch.tensor([[-1.0], [1.0]]), segments=3).regions
    2.0
    """
    import copy

    import torch

    if segments < 1:
        raise SettingError(f"segments={segments}: give 1 or more")
    if len(inputs) < 2:
        raise ShapeError(f"{len(inputs)} inputs span no segment; give two or more")
    generator = np.random.default_rng(seed)
    pairs = [generator.choice(len(inputs), size=2, replace=False).tolist() for _ in range(segments)]
    dealt = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in dealt.parameters():
            if parameter.ndim > 1:
                order = torch.from_numpy(generator.permutation(parameter.numel())).to(parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
    found, control = ([regions_along(one, inputs[a], inputs[b]) for a, b in pairs] for one in (model, dealt))
    length = math.fsum(one.length for one in found) or math.nan
    return RegionDensity(
        regions=float(np.mean([one.regions for one in found])),
        density=sum(len(one.positions) for one in found) / length,
        shuffled=sum(len(one.positions) for one in control) / length,
        units=found[0].units,
        segments=segments,
    )
