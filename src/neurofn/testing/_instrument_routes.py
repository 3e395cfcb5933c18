"""The check that the fast route of an instrument, which `watch` takes, gives what the slow one gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..instruments import Instrument, Labelled, Readings
from ..instruments._column_sums import ColumnSums, column_sums
from ..watching._places import Feed, Place

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_fast_route_equals_the_slow_one"]

_BATCHES, _SAMPLES, _NEURONS, _PLACES = 4, 20, 7, 6
_COARSER = {"noise floor"}  # the fast route may resolve less, and says so by this


def check_fast_route_equals_the_slow_one(instrument: Instrument) -> None:
    """Sums in the type of the activations against float64: by rows, by places, traced, and with a row that is not finite."""
    import torch

    if isinstance(instrument, Labelled) or instrument.kernel(_NEURONS, torch.empty(0, _NEURONS)) is None:
        return  # it has one route
    for dtype, within in ((torch.float64, 1e-9), (torch.float32, 2e-5), (torch.bfloat16, 2e-5)):
        batches = [batch.to(dtype) for batch in _batches()]
        whole = torch.cat([batch.movedim(1, 2).flatten(0, 1) for batch in batches])
        expected = instrument.compute(instrument.update(instrument.start(_NEURONS), whole))
        for route, sums in (
            ("rows", ColumnSums()),
            ("rows", column_sums()),
            ("places", ColumnSums()),
            ("places", column_sums()),
            ("traced", column_sums()),
        ):
            place = Place([instrument], whole, sums)
            for i, batch in enumerate(batches):
                _feed(place, batch, route if i else "rows")  # the first pass of a watch is never traced
            _close(instrument.compute(place.take(0).state), expected, within=within, what=f"{route}, {dtype}")
        whole[3, 2] = torch.nan
        place = Place([instrument], whole, column_sums())
        for part in (whole[:9], whole[9:]):
            place.add(part, Feed())
        expected = instrument.compute(instrument.update(instrument.start(_NEURONS), whole))
        _close(instrument.compute(place.take(0).state), expected, within=within, what=f"a row with NaN, {dtype}")


def _feed(place: Place, batch: Tensor, route: str) -> None:
    rows = batch.movedim(1, 2).flatten(0, 1)
    if route == "traced" and not place.without:
        place.teams[True, True].trace(rows.to(place.dtype))
    else:
        place.add(batch if route == "places" else rows, Feed())


def _batches() -> list[Tensor]:
    """(samples, neurons, places) each, with means of another size than their spread."""
    import torch

    generator = torch.Generator().manual_seed(5)
    scale = torch.logspace(0, -2, _NEURONS)[:, None]
    shape = _BATCHES, _SAMPLES, _NEURONS, _PLACES
    return list((torch.randn(shape, generator=generator) * scale + 3 * scale.flip(0)).unbind())


def _close(seen: Readings, expected: Readings, *, within: float, what: str) -> None:
    assert seen.keys() == expected.keys(), f"{what}: readings {sorted(seen)}, expected {sorted(expected)}"
    for name, value in seen.items():
        a, b = np.asarray(value), np.asarray(expected[name])
        same = a.shape == b.shape and np.allclose(a, b, rtol=within, atol=within, equal_nan=True)
        if not same and name not in _COARSER:
            raise AssertionError(f"{what}: by the fast route {name!r} is {value}, by the slow one {expected[name]}")
