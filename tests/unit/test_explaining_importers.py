"""Masks as they lie in files of others: run lengths, packed counts, polygons and PNG planes, each beside a slow twin."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from _mask_files import packed, png, runs_of
from neurofn._errors import DataError
from neurofn.explaining import _unfilter
from neurofn.explaining._png import read_png
from neurofn.explaining._runs import in_polygons, in_runs, run_lengths, unpacked

Array = np.ndarray[Any, Any]
SIDES = st.tuples(st.integers(1, 7), st.integers(1, 7))


# --- Slow twins: pixel by pixel, run by run ---------------------------------------------------------------------------


def unpacked_slowly(text: str) -> list[int]:
    runs: list[int] = []
    at = 0
    while at < len(text):
        number = shift = 0
        while True:
            code = ord(text[at]) - 48
            number += (code % 32) * 2**shift
            at, shift = at + 1, shift + 5
            if code < 32:
                break
        runs.append(number - (2**shift if code >= 16 else 0) + (runs[-2] if len(runs) > 2 else 0))
    return runs


def in_polygon_slowly(polygon: list[float], size: tuple[int, int]) -> list[list[bool]]:
    exact = [Fraction(one) for one in polygon]
    corners = list(zip(exact[::2], exact[1::2], strict=True))
    half = Fraction(1, 2)

    def inside(x: Fraction, y: Fraction) -> bool:
        found = False
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
            if (ay <= y) != (by <= y) and ax + (y - ay) / (by - ay) * (bx - ax) <= x:
                found = not found
        return found

    return [[inside(column + half, row + half) for column in range(size[1])] for row in range(size[0])]


def unfiltered_slowly(values: Array, filters: list[int]) -> Array:
    """The five filters of PNG as its specification tells them, byte by byte."""
    height, width, channels = values.shape
    found = np.zeros((height + 1, width + 1, channels), int)
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                a, b, c = (int(found[row + i, column + j, channel]) for i, j in ((1, 0), (0, 1), (0, 0)))
                near = min((a, b, c), key=lambda one: abs(a + b - c - one))
                guess = (0, a, b, (a + b) // 2, near)[filters[row]]
                found[row + 1, column + 1, channel] = (int(values[row, column, channel]) + guess) % 256
    return found[1:, 1:]


# --- Run lengths, polygons, PNG ---------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(mask=SIDES.flatmap(lambda size: arrays(bool, size)))
def test_run_lengths_give_the_mask_back_plain_and_packed(mask: Array) -> None:
    runs = runs_of(mask)
    size = mask.shape[0], mask.shape[1]
    for counts in (runs, packed(runs)):
        assert (in_runs(run_lengths(counts, mask.size), size, size) == mask).all()


@settings(max_examples=200, deadline=None)
@given(runs=st.lists(st.integers(0, 2**31), max_size=12))
def test_packed_counts_equal_those_read_number_by_number(runs: list[int]) -> None:
    text = packed(runs)
    assert unpacked(text).tolist() == unpacked_slowly(text) == runs


@settings(max_examples=100, deadline=None)
@given(halves=st.lists(st.integers(-4, 18), min_size=6, max_size=14).filter(lambda p: len(p) % 2 == 0), size=SIDES)
def test_polygons_equal_exact_arithmetic_at_every_pixel(halves: list[int], size: tuple[int, int]) -> None:
    polygon = [half / 2 for half in halves]  # corners may lie on the middles of pixels
    assert in_polygons([polygon], size, size).tolist() == in_polygon_slowly(polygon, size)


def test_a_coarser_grid_reads_the_middles_of_its_cells() -> None:
    mask = np.random.default_rng(0).random((9, 15)) < 0.5
    assert (in_runs(np.array(runs_of(mask)), (9, 15), (3, 5)) == mask[1::3, 1::3]).all()
    assert in_polygons([[0, 0, 6, 0, 6, 9, 0, 9], [12, 0, 15, 0, 15, 3, 12, 3]], (9, 15), (3, 5)).tolist() == [
        [True, True, False, False, True], [True, True, False, False, False], [True, True, False, False, False],
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=SIDES, channels=st.sampled_from([1, 3, 4]))
def test_png_equals_its_filters_undone_byte_by_byte(data: st.DataObject, size: tuple[int, int], channels: int) -> None:
    values = data.draw(arrays(np.uint8, (*size, channels)))
    filters = data.draw(st.lists(st.integers(0, 4), min_size=size[0], max_size=size[0]))
    assert (read_png(png(values, filters), size) == unfiltered_slowly(values, filters)).all()


@pytest.mark.parametrize("machine_code", [False, True])
def test_equal_guesses_are_taken_in_their_order(machine_code: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if machine_code and not _unfilter.AVAILABLE:
        pytest.skip("pip install numba")
    if _unfilter.AVAILABLE and not machine_code:
        monkeypatch.setattr(_unfilter, "chain", _unfilter.chain.py_func)
        monkeypatch.setattr(_unfilter, "AVAILABLE", False)
    values = np.random.default_rng(0).integers(-3, 4, size=(12, 9, 3)).astype(np.uint8)  # small steps make ties
    for filters in ([0, *[4] * 11], [0, *[3] * 11]):
        assert (read_png(png(values, filters), (12, 9)) == unfiltered_slowly(values, filters)).all()


GREY = np.zeros((2, 3, 1), np.uint8)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GIF89a", "no PNG"),
        (png(GREY, [0, 0])[:30], "byte 8 is cut off"),
        (png(GREY, [0, 0]).replace(b"IDAT", b"IDAX"), "cut off or damaged"),
        (png(GREY, [0, 0], width=2**31, height=2**31), "expected 2 x 3"),
        (png(GREY, [0, 5]), "filter 5"),
        (png(GREY, [0, 0], depth=16), "16 bits"),
        (png(GREY, [0, 0], kind=3), "colour type 3"),
        (png(GREY, [0, 0], laced=1), "not interlaced"),
        (png(GREY, [0, 0], rows=bytes(7)), "7 bytes"),
        (png(GREY, [0, 0], rows=bytes(10_000_000)), "9 bytes of pixels or more, expected 8"),
        (b"\x89PNG\r\n\x1a\n", "IHDR"),
    ],
)
def test_damaged_pngs_are_told(content: bytes, says: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=says):
            read_png(content, (2, 3))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
