"""Masks as they lie in files, read at the points of a grid: run lengths, their packed strings, and polygons.

A mask is never unfolded to the size that its file states: runs and corners are asked at the points of the grid alone, so that
a forged size costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._errors import DataError

__all__ = ["centres", "in_polygons", "in_runs", "run_lengths", "unpacked"]

Array = np.ndarray[Any, Any]
_EDGES = 4096  # of a polygon that are looked at together
_DIGITS = 7  # of a packed number: 34 bits and a sign


def centres(size: int, cells: int) -> Array:
    """Where the middles of ``cells`` equal cells lie along ``size`` pixels, in pixels.

    >>> centres(8, 4).tolist()
    [1.0, 3.0, 5.0, 7.0]
    """
    return (np.arange(cells) + 0.5) * size / cells


def unpacked(text: str) -> Array:
    """The run lengths of a packed string, int64. Raises DataError for characters and endings that no such string has.

    Each character holds five bits from 48 on, the lowest first, and says by a sixth whether its number goes on; the last is
    signed. From the fourth number on each is the difference to the one two places before. Source: COCO's mask format.

    >>> unpacked("52203").tolist()
    [5, 2, 2, 2, 5]
    """
    codes = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64) - 48
    if len(codes) == 0:
        return codes
    if codes.min() < 0 or codes.max() > 63:
        at = int(np.flatnonzero((codes < 0) | (codes > 63))[0])
        raise DataError(f"character {at} of its packed counts is {text[at]!r}, expected one from '0' to 'o'")
    last = np.flatnonzero(codes < 32)
    starts = np.concatenate([[0], last[:-1] + 1]) if len(last) else last
    lengths = last - starts + 1
    if len(last) == 0 or last[-1] != len(codes) - 1 or lengths.max() > _DIGITS:
        raise DataError("its packed counts are cut off, or hold a number that is too large")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((codes & 31) << (5 * place), starts)
    numbers -= np.where(codes[last] & 16, 1 << (5 * lengths), 0)
    numbers[1::2] = numbers[1::2].cumsum()
    numbers[2::2] = numbers[2::2].cumsum()
    return numbers


def run_lengths(counts: Any, pixels: int) -> Array:
    """Run lengths, given as a list or packed, checked: int64, of pixels in and out of a mask in turn, out first.

    Raises DataError unless they are whole numbers from 0 on that add up to ``pixels``.

    >>> run_lengths([1, 2, 3], 6).tolist()
    [1, 2, 3]
    """
    if isinstance(counts, str):
        runs = unpacked(counts)
    elif isinstance(counts, list) and all(type(run) is int and abs(run) <= pixels for run in counts):
        runs = np.array(counts, np.int64)
    else:
        raise DataError("its counts must be a packed text, or a list of whole numbers of no more pixels than there are")
    if len(runs) and (runs.min() < 0 or runs.max() > pixels):
        raise DataError(f"its counts hold {runs.min() if runs.min() < 0 else runs.max()}, expected 0 to {pixels}")
    if runs.sum() != pixels:
        raise DataError(f"its counts add up to {runs.sum()} pixels, expected {pixels}, height times width")
    return runs


def in_runs(runs: Array, size: tuple[int, int], grid: tuple[int, int]) -> Array:
    """A mask of run lengths down the columns of an image (height, width), at the middles of a grid: bool (grid).

    >>> in_runs(np.array([1, 2, 1]), (2, 2), (2, 2)).tolist()
    [[False, True], [True, False]]
    """
    rows, columns = (centres(side, cells).astype(np.int64) for side, cells in zip(size, grid, strict=True))
    places = columns[None, :] * size[0] + rows[:, None]
    return np.asarray(np.searchsorted(runs.cumsum(), places, side="right") % 2 == 1)


def in_polygons(polygons: Sequence[Any], size: tuple[int, int], grid: tuple[int, int]) -> Array:
    """Which middles of a grid lie in one of several polygons [x, y, x, y, ...], in pixels of an image (height, width).

    Parts that a polygon covers twice are holes. Raises DataError for polygons without three corners of finite numbers.

    >>> in_polygons([[0, 0, 2, 0, 2, 1, 0, 1]], (2, 2), (2, 2)).tolist()
    [[True, True], [False, False]]
    """
    y, x = (centres(side, cells) for side, cells in zip(size, grid, strict=True))
    found = np.zeros(grid, dtype=bool)
    for number, polygon in enumerate(polygons):
        corners = _corners(polygon, number)
        crossed = np.zeros((len(y), len(x) + 1), np.int64)
        for start in range(0, len(corners), _EDGES):
            first = corners[start : start + _EDGES]
            second = np.roll(corners, -1, axis=0)[start : start + _EDGES]
            edges, rows = ((first[:, 1:] <= y) != (second[:, 1:] <= y)).nonzero()
            a, b = first[edges], second[edges]
            at = a[:, 0] + (y[rows] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
            np.add.at(crossed, (rows, np.searchsorted(x, at)), 1)
        found |= crossed.cumsum(axis=1)[:, :-1] % 2 == 1
    return found


def _corners(polygon: Any, number: int) -> Array:
    if (
        not isinstance(polygon, list)
        or len(polygon) < 6
        or len(polygon) % 2
        or not all(type(one) in (int, float) and abs(one) < 1e9 for one in polygon)
    ):
        raise DataError(f"polygon {number} must be [x, y, x, y, ...] of at least three corners, all finite numbers")
    return np.array(polygon, np.float64).reshape(-1, 2)
