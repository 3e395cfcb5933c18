"""Concepts from a folder in the layout of Broden: index.csv, label.csv, and planes of label numbers as PNG files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import DataError
from ._labels import Labels
from ._planes import Imported, chosen, common_grid, from_flags
from ._png import read_png
from ._runs import centres

__all__ = ["read_broden"]

Array = np.ndarray[Any, Any]
_NOT_LABELS = ("image", "split", "ih", "iw", "sh", "sw")


@dataclass(frozen=True)
class _Image:
    """One line of the index: where it stands, the image, the size of its planes, numbers of the whole image, planes."""

    place: str
    name: str
    size: tuple[int, int]
    whole: tuple[int, ...]
    planes: tuple[Path, ...]


def read_broden(folder: Path, *, size: tuple[int, int] | None, images: Sequence[str]) -> Imported:
    """The names of the concepts, and what gives the labels of image after image; planes are read one image at a time.

    The index and the labels are checked here, the planes when they are read. Raises DataError with the file and the line.
    """
    names, numbers = _names(folder / "label.csv")
    found = {image.name: image for image in _index(folder)}
    for image in found.values():
        for number in image.whole:
            _number(numbers, number, image.place)
    wanted = chosen(folder / "index.csv", found, images)
    grid = common_grid(folder / "index.csv", [image.size for image in wanted], size)
    return names, lambda: (_labels(image, numbers, grid) for image in wanted)


def _labels(image: _Image, numbers: Mapping[int, int], grid: tuple[int, int]) -> Labels:
    rows, columns = (centres(side, cells).astype(np.int64) for side, cells in zip(image.size, grid, strict=True))
    flags = {_number(numbers, number, image.place): np.ones(grid, dtype=bool) for number in image.whole}
    for path in image.planes:
        plane = _plane(path, image)[rows[:, None], columns]
        for number in np.unique(plane[plane > 0]).tolist():
            concept, mask = _number(numbers, number, str(path)), plane == number
            flags[concept] = flags[concept] | mask if concept in flags else mask
    return from_flags(flags, grid)


def _plane(path: Path, image: _Image) -> Array:
    """The numbers of one plane: red and 256 times green, or grey."""
    try:
        pixels = read_png(path.read_bytes(), image.size).astype(np.int64)
    except (OSError, DataError) as error:
        raise DataError(f"{path}, named in {image.place}: {error}") from error
    return np.asarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., 0] + 256 * pixels[..., 1])


def _number(numbers: Mapping[int, int], number: int, place: str) -> int:
    if number not in numbers:
        raise DataError(f"{place}: label {number} is not in label.csv")
    return numbers[number]


# --- The tables -------------------------------------------------------------------------------------------------------


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each line with its place, as column -> text."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            missing = [name for name in needed if name not in (lines.fieldnames or ())]
            if missing:
                raise DataError(f"{path} has no column {', '.join(missing)}; expected {', '.join(needed)} and others")
            for row in lines:
                place = f"{path}, line {lines.line_num}"
                if None in row or None in row.values():
                    raise DataError(f"{place}: it has not as many values as the first line has names")
                yield place, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _whole_number(text: str, place: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DataError(f"{place}: {name} is {text[:40]!r}, expected a whole number")
    return int(text)


def _names(path: Path) -> tuple[tuple[str, ...], dict[int, int]]:
    """The names of the labels, equal ones once, and for each number in the file the number of its name."""
    names: dict[str, int] = {}
    numbers: dict[int, int] = {}
    for place, row in _rows(path, ("number", "name")):
        number = _whole_number(row["number"], place, "number")
        if number == 0:  # stands for no label
            continue
        if number in numbers:
            raise DataError(f"{place}: number {number} was given before")
        numbers[number] = names.setdefault(" ".join(row["name"].split()), len(names))
    return tuple(names), numbers


def _index(folder: Path) -> Iterator[_Image]:
    seen: set[str] = set()
    root = (folder / "images").resolve()
    for place, row in _rows(folder / "index.csv", ("image", "sh", "sw")):
        height, width = (_whole_number(row[side], place, side) for side in ("sh", "sw"))
        if not (0 < height <= 2**12 and 0 < width <= 2**12):
            raise DataError(f"{place}: planes of {height} x {width}; expected sides from 1 to {2**12}")
        if row["image"] in seen:
            raise DataError(f"{place}: image {row['image']!r} was given before")
        seen.add(row["image"])
        texts = [text for name in row if name not in _NOT_LABELS for text in row[name].split(";") if text.strip()]
        planes = [root / text.strip() for text in texts if text.strip().endswith(".png")]
        for path in planes:
            if not path.resolve().is_relative_to(root):
                raise DataError(f"{place}: {path} is outside the folder {root}")
        numbers = [_whole_number(text.strip(), place, "a label") for text in texts if not text.strip().endswith(".png")]
        yield _Image(place, row["image"], (height, width), tuple(numbers), tuple(planes))
