"""Masks and planes that are there already, as batches of labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .._errors import DataError, ShapeError
from ._labels import Labels, from_codes, from_masks

__all__ = ["mask_batches", "plane_batches"]

Array = np.ndarray[Any, Any]
_AT_ONCE = 8  # samples that are grouped together


def mask_batches(rows: Iterable[Any], concepts: int) -> Iterator[Labels]:
    """Rows bool (concepts, *grid), one for each sample, a few at a time."""
    held: list[Array] = []
    for i, row in enumerate(rows):
        mask = np.asarray(row)
        if mask.ndim == 0 or mask.shape[0] != concepts or (held and mask.shape != held[0].shape):
            wanted = held[0].shape if held else f"({concepts}, *grid)"
            raise ShapeError(
                f"the masks of sample {i} have shape {mask.shape}, expected {wanted}: one for each concept"
            )
        if mask.dtype != bool:
            if mask.dtype.kind not in "iuf" or not np.isin(mask, (0, 1)).all():
                raise DataError(f"the masks of sample {i} are {mask.dtype} with other values than 0 and 1: give bools")
            mask = mask.astype(bool)
        held.append(mask)
        if len(held) == _AT_ONCE:
            yield from_masks(np.stack(held))
            held = []
    if held:
        yield from_masks(np.stack(held))


def plane_batches(codes: Sequence[tuple[Array, Array]], grid: tuple[int, ...]) -> Iterator[Labels]:
    """Planes of numbers with the concept of each number, a few samples at a time."""
    for start in range(0, grid[0] if grid else 0, _AT_ONCE):
        batch = []
        for code, numbers in codes:
            some = numbers[np.asarray(code[start : start + _AT_ONCE]).astype(int)]
            wide = some.reshape(some.shape + (1,) * (len(grid) - some.ndim))
            batch.append(np.broadcast_to(wide, (len(some), *grid[1:])))
        yield from_codes(batch)
