"""The example images of the command explain: for each unit the samples at which it is highest, with its formula beside it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .explaining import Concepts, Explanation, Units

__all__ = ["example_images"]

Array = np.ndarray[Any, Any]
MOST_UNITS = 600  # with examples: a page of more is too heavy to open


@dataclass(frozen=True, eq=False)
class _Labels:
    """Which label set each position has, and where each concept holds among the sets."""

    ids: Any
    holds: Mapping[str, Array]


def example_images(
    found: Sequence[Explanation], seen: tuple[Units, Concepts, Any], *, holdout: float, count: int
) -> list[list[dict[str, Any]]]:
    """For each explanation its examples, for the report; none where the data are no images.

    seen: the units, with one threshold, the concepts, and the batches they were seen on (readable again). count: how many
    images for a unit.
    """
    from .explaining import Holdout, find_top_examples

    units, concepts, batches = seen
    if len(found) > MOST_UNITS or count < 1 or not _are_images(batches):
        return [[] for _ in found]
    searched = ~Holdout(holdout).of(units.samples)
    labels = _labels(concepts, searched)
    tops = [[one.sample for one in top] for top in find_top_examples(units, k=count).values()]
    wanted = {sample for top in tops for sample in top}
    images = {i: image for i, image in enumerate(_samples(batches)) if i in wanted}
    rows, made = iter(zip(found, tops, strict=True)), []
    (threshold,) = units.thresholds
    for block in units.blocks:
        low, high = threshold.bounds(functools.partial(block.quantile, samples=np.flatnonzero(searched)))
        for unit in range(block.units):
            edges = tuple(float(np.broadcast_to(edge, block.units)[unit]) for edge in (low, high))
            row, top = next(rows)
            maps = block.store.take(np.array(top), fill=0)[:, unit]
            made.append(_of_unit(row, maps, [(sample, images[sample]) for sample in top], labels, edges))
    return made


def _of_unit(
    row: Explanation, maps: Array, images: Sequence[tuple[int, Array]], labels: _Labels, edges: tuple[float, ...]
) -> list[dict[str, Any]]:
    from .explaining._counting import fires_at
    from .explaining.planted import truth
    from .reporting import pictured

    if not row.formula:
        return []
    made = []
    true = truth(row.formula, labels.holds)
    for values, (sample, image) in zip(maps, images, strict=True):
        size = image.shape[1:]
        ids = labels.ids.take(np.array([sample]), fill=-1)[0]
        grid = ids.shape if ids.ndim == 2 else size
        fires = np.zeros(grid, dtype=bool)
        if values.ndim == 2:
            fires = fires_at(values[None], grid, (np.array([edges[0]]), np.array([edges[1]])))[0].reshape(grid)
        formula = None if ids.ndim != 2 else _stretched(np.append(true, False)[ids], size)
        made.append(pictured(image, _stretched(fires, size), formula=formula, sample=f"sample {sample}"))
    return made


def _stretched(mask: Array, size: tuple[int, ...]) -> Array:
    """The mask at the size of the image, each pixel that of the nearest place."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, mask.shape, strict=True))
    return np.asarray(mask[rows[:, None], columns])


def _labels(concepts: Concepts, searched: Array) -> _Labels:
    grouped = concepts.collect(searched)
    sets = np.repeat(np.arange(grouped.sets), np.diff(grouped.indptr))
    holds = {}
    for number, name in enumerate(concepts.names):
        flags = np.zeros(grouped.sets, dtype=bool)
        flags[sets[grouped.indices == number]] = True
        holds[name] = flags
    return _Labels(grouped.ids, holds)


def _inputs(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple | list) and len(batch) else batch


def _batches(data: Any) -> Any:
    return [data] if hasattr(data, "ndim") else data


def _are_images(data: Any) -> bool:
    """Whether the first batch is (samples, 1 or 3, height, width)."""
    first = _inputs(next(iter(_batches(data)), None))
    return getattr(first, "ndim", 0) == 4 and first.shape[1] in (1, 3)


def _samples(data: Any) -> Any:
    for batch in _batches(data):
        yield from (np.asarray(image.detach().cpu()) for image in _inputs(batch))
