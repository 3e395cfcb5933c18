"""Concepts from an annotations file in the format of COCO: regions of images, each with a category."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import DataError
from ._labels import Labels
from ._planes import Imported, chosen, common_grid, from_flags
from ._runs import in_polygons, in_runs, run_lengths

__all__ = ["read_coco"]

Array = np.ndarray[Any, Any]
_PARTS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class _Region:
    """One annotation: where it stands in the file, which concept it is, and its mask as the file has it."""

    place: str
    concept: int
    segmentation: Any


@dataclass(frozen=True)
class _Image:
    name: str
    size: tuple[int, int]
    regions: list[_Region]


def read_coco(path: Path, *, size: tuple[int, int] | None, images: Sequence[str]) -> Imported:
    """The names of the concepts, and what gives the labels of image after image.

    Everything is checked here, every mask too, so that nothing is found wrong after an hour. Raises DataError with the file
    and the place in it.
    """
    data = _parts(path)
    names, numbers = _categories(path, data["categories"])
    found = _images(path, data["images"])
    _add_regions(path, data["annotations"], (found, numbers))
    wanted = chosen(path, {image.name: image for image in found.values()}, images)
    grid = common_grid(path, [image.size for image in wanted], size)
    for image in wanted:
        for region in image.regions:
            _mask(region, image.size, (1, 1))
    return names, lambda: (_labels(image, grid) for image in wanted)


def _labels(image: _Image, grid: tuple[int, int]) -> Labels:
    flags: dict[int, Array] = {}
    for region in image.regions:
        mask = _mask(region, image.size, grid)
        flags[region.concept] = flags[region.concept] | mask if region.concept in flags else mask
    return from_flags(flags, grid)


def _mask(region: _Region, size: tuple[int, int], grid: tuple[int, int]) -> Array:
    given = region.segmentation
    try:
        if isinstance(given, list):
            return in_polygons(given, size, grid)
        if not isinstance(given, dict) or given.get("size") != list(size):
            raise DataError(
                "its segmentation must be a list of polygons, or "
                f'{{"size": {list(size)}, "counts": ...}} with the height and width of its image'
            )
        return in_runs(run_lengths(given.get("counts"), size[0] * size[1]), size, grid)
    except DataError as error:
        raise DataError(f"{region.place}: {error}") from error


# --- The file ---------------------------------------------------------------------------------------------------------


def _parts(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(data.get(part), list) for part in _PARTS):
        raise DataError(f"{path} is no annotations file: expected an object with lists {', '.join(_PARTS)}")
    for part in _PARTS:
        for i, entry in enumerate(data[part]):
            if not isinstance(entry, dict):
                raise DataError(f"{path}: {part}[{i}] is {str(entry)[:40]!r}, expected an object")
    return data


def _value(entry: Mapping[str, Any], key: str, kind: type, place: str) -> Any:
    found = entry.get(key)
    if type(found) is not kind:
        wanted = "a whole number" if kind is int else "a text"
        raise DataError(f"{place}: {key} is {str(found)[:40]!r}, expected {wanted}")
    return found


def _categories(path: Path, entries: list[dict[str, Any]]) -> tuple[tuple[str, ...], dict[int, int]]:
    """The names, equal ones once, and for each number of a category the number of its name."""
    names: dict[str, int] = {}
    numbers: dict[int, int] = {}
    for i, entry in enumerate(entries):
        place = f"{path}: categories[{i}]"
        name, number = _value(entry, "name", str, place), _value(entry, "id", int, place)
        if number in numbers:
            raise DataError(f"{place}: id {number} was given before")
        numbers[number] = names.setdefault(" ".join(name.split()), len(names))
    return tuple(names), numbers


def _images(path: Path, entries: list[dict[str, Any]]) -> dict[int, _Image]:
    found: dict[int, _Image] = {}
    names: set[str] = set()
    for i, entry in enumerate(entries):
        place = f"{path}: images[{i}]"
        number, name = _value(entry, "id", int, place), _value(entry, "file_name", str, place)
        height, width = (_value(entry, side, int, place) for side in ("height", "width"))
        if not (0 < height <= 2**16 and 0 < width <= 2**16):
            raise DataError(f"{place}: an image of {height} x {width} pixels; expected sides from 1 to {2**16}")
        if number in found or name in names:
            raise DataError(f"{place}: id {number} or file_name {name!r} was given before")
        names.add(name)
        found[number] = _Image(name, (height, width), [])
    return found


def _add_regions(
    path: Path, entries: list[dict[str, Any]], known: tuple[Mapping[int, _Image], Mapping[int, int]]
) -> None:
    images, categories = known
    for i, entry in enumerate(entries):
        place = f"{path}: annotations[{i}]"
        image, category = _value(entry, "image_id", int, place), _value(entry, "category_id", int, place)
        if image not in images or category not in categories:
            raise DataError(f"{place}: there is no image {image} or no category {category} in the file")
        images[image].regions.append(_Region(place, categories[category], entry.get("segmentation")))
