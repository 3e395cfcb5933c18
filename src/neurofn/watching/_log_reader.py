"""Reading the folder of a record, finished, growing or damaged. Only what is new since the last time is parsed."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import StoreError
from ._encoded import Encoded, joined, keys_of, small
from ._log import HEAD, LAYOUT, MAGIC, PATTERN, WINDOW

__all__ = ["FolderReader"]

_FIRST_LOOK = 64  # windows that are compared at once; eight times as many after each success
_SAME = 16  # bytes at the start of a head that like windows share: magic, kind, length


@dataclass(frozen=True, eq=False)
class _Segment:
    """Windows of one layout that follow each other: keys (values,), steps (windows,), values (windows, values)."""

    keys: np.ndarray
    steps: np.ndarray
    values: np.ndarray


class FolderReader:
    """The files of a record in the order in which they were begun."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.only: list[Path] | None = None
        self._files: dict[Path, _File] = {}

    @property
    def damage(self) -> list[str]:
        """What could not be read, in words."""
        return [text for file in self._files.values() for text in file.damage]

    def read(self) -> Encoded:
        """The rows of all files up to their last whole windows. Raises StoreError where there is no file of a record."""
        try:
            for path in self.only or sorted(self.folder.glob(PATTERN)):
                self._files.setdefault(path, _File(path))
            if not self._files:
                raise StoreError(f"{str(self.folder)!r} is no record that can be read (it holds no file {PATTERN}); give a "
                                 "folder that Record.writer wrote")  # fmt: skip
            parts = [file.read() for _, file in sorted(self._files.items())]
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot read the record {str(self.folder)!r}: {error.strerror or error}") from error
        return joined(parts)


class _File:
    """One of them. `read` parses what was appended since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []
        self.offset = 0  # of the first byte that was not parsed
        self._known: dict[tuple[Any, ...], int] = {}  # labels -> key
        self._layouts: dict[int, np.ndarray] = {}  # the keys of a window
        self._segments: list[_Segment] = []
        self._columns = [np.zeros(0, dtype=kind) for kind in (np.int64, np.int32, np.float64)]

    def read(self) -> Encoded:
        """All rows up to the last whole window."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            self._parse(file.read())
        if self._segments:
            self._columns = _appended(self._columns, self._segments)
            self._segments = []
        step, key, value = self._columns
        return Encoded(step, small(key, len(self._known)), value, keys_of(list(self._known)))

    def _parse(self, data: bytes) -> None:
        at, base = 0, self.offset
        while at + HEAD.size <= len(data):
            magic, kind, length, checksum, own = HEAD.unpack_from(data, at)
            if magic != MAGIC or own != zlib.crc32(data[at : at + HEAD.size - 4]):
                after = _next(data, at + 1)
                self.damage.append(f"{self.path.name}: {after - at:,} bytes at byte {base + at:,} are damaged")
                at = after
                continue
            end = at + HEAD.size + length
            if end > len(data):  # being written, or the last words of a process that was killed
                break
            if kind == WINDOW:
                end = self._windows(data, at, HEAD.size + length)
            elif zlib.crc32(data[at + HEAD.size : end]) != checksum:
                self.damage.append(f"{self.path.name}: a layout at byte {base + at:,} is damaged")
            elif kind == LAYOUT:
                self._layout(data[at + HEAD.size : end])
            at = end
        self.offset = base + at

    def _layout(self, payload: bytes) -> None:
        number, length = struct.unpack_from("<II", payload)
        labels = json.loads(payload[8 : 8 + length])
        given = np.frombuffer(payload, dtype="<f8", offset=8 + length)
        units, used = [], 0
        for *_, count, kind in labels:
            units.append(given[used : used + count] if kind == "given" else _units(count, kind))
            used += count if kind == "given" else 0
        self._layouts[number] = np.array(
            [
                self._known.setdefault((*label[:4], None if unit != unit else unit), len(self._known))
                for label, one in zip(labels, units, strict=True)
                for unit in one.tolist()
            ],
            dtype=np.int32,
        )

    def _windows(self, data: bytes, at: int, size: int) -> int:
        """Parse the windows from ``at`` on that are like the first one; gives where they end."""
        count = _alike(data, at, size)
        number, values = struct.unpack_from("<II", data, at + HEAD.size)
        layout, end = self._layouts.get(number), at + count * size
        if layout is None or len(layout) != values or size != HEAD.size + 16 + 8 * values:
            self.damage.append(f"{self.path.name}: {count} windows at byte {self.offset + at:,} have lost their layout")
            return end
        kind = np.dtype([("head", f"V{HEAD.size - 8}"), ("checksum", "<u4"), ("own", "<u4"), ("layout", "<u8"),
                         ("step", "<i8"), ("values", "<f8", (values,))])  # fmt: skip
        rows = np.frombuffer(data, dtype=kind, count=count, offset=at)
        view = memoryview(data)
        sums = [zlib.crc32(view[i + HEAD.size : i + size]) for i in range(at, end, size)]
        whole = rows["checksum"] == np.array(sums, dtype=np.uint32)
        if not whole.all():
            steps = np.flatnonzero(~whole)
            self.damage.append(f"{self.path.name}: {len(steps)} of {count} windows from byte {self.offset + at:,} on are "
                               "damaged")  # fmt: skip
            rows = rows[whole]
        self._segments.append(_Segment(layout, rows["step"], rows["values"]))
        return end


def _alike(data: bytes, at: int, size: int) -> int:
    """How many windows of this length and layout follow each other, the first among them."""
    first = data[at : at + _SAME], data[at + HEAD.size : at + HEAD.size + 8]
    most, found, look = (len(data) - at) // size, 1, _FIRST_LOOK
    while found < most:
        block = np.frombuffer(data, dtype=np.uint8, count=min(look, most - found) * size, offset=at + found * size)
        block = block.reshape(-1, size)
        same = (block[:, :_SAME] == np.frombuffer(first[0], dtype=np.uint8)).all(axis=1)
        same &= (block[:, HEAD.size : HEAD.size + 8] == np.frombuffer(first[1], dtype=np.uint8)).all(axis=1)
        if not same.all():
            return found + int(same.argmin())
        found += len(block)
        look *= 8
    return found


def _next(data: bytes, start: int) -> int:
    """Where the next block begins, or the end."""
    found = data.find(MAGIC, start)
    return len(data) if found < 0 else found


def _units(count: int, kind: str) -> np.ndarray:
    return np.arange(count, dtype=np.float64) if kind == "counted" else np.full(count, np.nan)


def _appended(columns: Sequence[np.ndarray], segments: Sequence[_Segment]) -> list[np.ndarray]:
    """Step, key and value of each row, those of the segments at the end."""
    end = len(columns[0])
    rows = end + sum(one.values.size for one in segments)
    made = [np.empty(rows, dtype=column.dtype) for column in columns]
    for new, old in zip(made, columns, strict=True):
        new[:end] = old
    for one in segments:
        here, shape = slice(end, end + one.values.size), one.values.shape
        for column, values in zip(made, (one.steps[:, None], one.keys, one.values), strict=True):
            column[here].reshape(shape)[...] = values
        end += one.values.size
    return made
