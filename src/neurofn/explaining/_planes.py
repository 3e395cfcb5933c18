"""What importers of images share: which images, on which grid, and the labels of one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .._errors import DataError, SettingError, did_you_mean
from ._labels import Labels, from_masks

__all__ = ["Imported", "chosen", "common_grid", "from_flags"]

Array = np.ndarray[Any, Any]
Entry = TypeVar("Entry")
Imported = tuple[tuple[str, ...], Callable[[], Iterator[Labels]]]  # names, and what gives the labels of each image
USUAL = (112, 112)  # the grid of the paper, for images of unequal size
MOST = 2**22  # positions of an image: more want a coarser grid


def chosen(path: Path, known: Mapping[str, Entry], images: Sequence[str]) -> list[Entry]:
    """The entries of these images in this order; without ``images`` all, as in the file. Raises DataError for unknown ones."""
    for name in images:
        if name not in known:
            raise DataError(f"{path} has no image {name!r}; {did_you_mean(name, known, what='image')}")
    if not known:
        raise DataError(f"{path} has no images")
    return [known[name] for name in images] if images else list(known.values())


def common_grid(path: Path, sizes: Sequence[tuple[int, int]], size: tuple[int, int] | None) -> tuple[int, int]:
    """The grid of the masks: ``size``, or that of the images where they are all alike, or else 112 x 112."""
    if size is not None:
        if len(size) != 2 or not all(type(side) is int and 0 < side <= 2**12 for side in size):
            raise SettingError(f"size={size!r}: give the height and width of the masks, for example (112, 112)")
        return size
    alike = set(sizes)
    if len(alike) > 1:
        return USUAL
    (found,) = alike
    if found[0] * found[1] > MOST:
        raise DataError(
            f"{path}: images of {found[0]} x {found[1]} pixels; give a coarser grid, such as size=(112, 112)"
        )
    return found


def from_flags(flags: Mapping[int, Array], grid: tuple[int, int]) -> Labels:
    """The labels of one image: for each concept that it has, by its number, where: bool (grid)."""
    numbers = sorted(flags)
    if not numbers:
        return Labels(np.zeros((1, *grid), np.int64), np.zeros(2, np.int64), np.zeros(0, np.int32))
    found = from_masks(np.stack([flags[number] for number in numbers])[None])
    return Labels(found.ids, found.indptr, np.array(numbers, np.int32)[found.indices])
