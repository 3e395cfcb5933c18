"""The samples of the user's own data at which a unit is highest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .._errors import SettingError
from ._block import Block
from .units import Units

__all__ = ["Example", "find_top_examples"]

Array = np.ndarray[Any, Any]
_SAMPLES = 256


@dataclass(frozen=True)
class Example:
    """A sample, the unit's highest activation in it, and at which place (row and column, token; empty for vectors)."""

    unit: int | str
    sample: int
    value: float
    place: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "place": list(self.place)}


def find_top_examples(units: Units, *, k: int = 5) -> dict[int | str, tuple[Example, ...]]:
    """For every unit the ``k`` samples with the highest activation, highest first, of equal ones the earlier; fewer where
    there are fewer samples. NaN counts as 0. Streams over the samples. Raises SettingError for k < 1.

    >>> units = Units.from_activations(np.array([[0.0, 5.0], [3.0, 4.0], [9.0, 1.0]]))
    >>> [(example.sample, example.value) for example in find_top_examples(units, k=2)[0]]
    [(2, 9.0), (1, 3.0)]
    """
    if k < 1:
        raise SettingError(f"k={k}: give at least 1, for example 5")
    names = iter(units.names)
    found: dict[int | str, tuple[Example, ...]] = {}
    for block in units.blocks:
        samples, values, places = _highest(block, k)
        shape = block.store.shape[1:]
        for unit in range(block.units):
            name = next(names)
            found[name] = tuple(
                Example(name, int(sample), float(value), tuple(int(i) for i in np.unravel_index(int(place), shape)))
                for sample, value, place in zip(samples[unit], values[unit], places[unit], strict=True)
            )
    return found


def _highest(block: Block, k: int) -> tuple[Array, Array, Array]:
    """Samples, values and flat places of the k highest, each (units, k)."""
    full = int(np.prod(block.store.shape[1:], dtype=np.int64))
    best: list[Array] = []
    for start in range(0, len(block.store), _SAMPLES):
        numbers = np.arange(start, min(start + _SAMPLES, len(block.store)))
        values = _padded(block.store.take(numbers, fill=-np.inf), block.store.shape[1:]).reshape(len(numbers), -1, full)
        here = values.max(axis=2).T, values.argmax(axis=2).T  # (units, samples)
        batch = [np.broadcast_to(numbers, here[0].shape), *here]
        best = [np.concatenate(pair, axis=1) for pair in zip(best, batch, strict=True)] if best else batch
        order = np.argsort(-best[1].astype(np.float64), axis=1, kind="stable")[:, :k]
        best = [np.take_along_axis(part, order, axis=1) for part in best]
    return best[0], best[1], best[2]


def _padded(values: Array, places: tuple[int, ...]) -> Array:
    """Texts of this batch may be shorter than the longest of all."""
    missing = [(0, 0), (0, 0), *((0, size - own) for size, own in zip(places, values.shape[2:], strict=True))]
    return np.pad(values, missing, constant_values=-np.inf) if np.any(missing) else values
