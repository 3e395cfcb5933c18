"""The folder of a growing record: one file per writing process, to which windows are only ever appended.

A file is a sequence of blocks. A block is a head of 24 bytes (magic, kind, length, checksum of the payload, checksum of the
head) and a payload of whole 8-byte words. There are two kinds: a layout says which (seed, site, instrument, reading) a window
reads and for which units; a window is a layout's number, a step, and the values. All numbers are little-endian, texts are JSON.
A layout is written again now and then, so that a damaged one costs only the windows up to the next.
"""

from __future__ import annotations

import json
import os
import struct
import time
import uuid
import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from .._errors import StoreError

__all__ = ["HEAD", "LAYOUT", "MAGIC", "PATTERN", "WINDOW", "RecordWriter"]

MAGIC = b"\x93NFROW2\n"
HEAD = struct.Struct("<8sIIII")  # magic, kind, length, checksum of the payload, checksum of what is before it
LAYOUT, WINDOW = 1, 2
PATTERN = "*.rows"
_AGAIN = 1000  # windows after which a layout is written again

_Where = tuple[int, int, str, str, str]
_Chunk = tuple[_Where, np.ndarray, np.ndarray]


class RecordWriter:
    """Appends windows of rows to a folder; `Record.writer` makes one. A context manager.

    What `write` was given can be read as soon as it returns, also after the process is killed; only a failing machine can lose
    what the system has not yet put on the disk. Every writer has a file of its own, so several may write into one folder.

    >>> import tempfile
    >>> from neurofn.watching import Record
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Record.writer(folder) as writer:
    ...         writer.write([((0, -1, "0", "Moments", "mean"), np.array([0.0, 1.0]), np.array([0.5, 0.25]))])
    ...     Record.load(folder)
    Record(2 rows)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        name = f"{time.time_ns():020d}-{os.getpid()}-{uuid.uuid4().hex[:8]}{PATTERN[1:]}"
        self.path = self.folder / name
        self._layouts: dict[tuple[Any, ...], tuple[int, int]] = {}  # number, and after which window it was written
        self._windows = self._good = 0
        self._file = -1
        self._process = os.getpid()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise StoreError(f"cannot write a record into {os.fspath(folder)!r}: {error.strerror or error}; give a folder "
                             "that can be made or written to, for example to='runs/first'") from error  # fmt: skip

    def write(self, chunks: Iterable[_Chunk]) -> None:
        """Append readings: ((step, seed, site, instrument, reading), units, values) each; units and values are (n,) arrays.

        Readings of one step that follow each other become one window. Raises StoreError where the disk is full or the writer is
        closed; what was written before stays readable, and a later call may go on.
        """
        blocks = []
        for step, window in groupby(chunks, key=lambda chunk: chunk[0][0]):
            blocks += self._window(step, list(window))
        if blocks:
            self._append(b"".join(blocks))

    def close(self) -> None:
        """Write no more; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _window(self, step: int, window: Sequence[_Chunk]) -> list[bytes]:
        values = [np.asarray(chunk[2], dtype="<f8") for chunk in window]
        units = [np.asarray(chunk[1], dtype="<f8") for chunk in window]
        layout = tuple((*chunk[0][1:], one.tobytes()) for chunk, one in zip(window, units, strict=True))
        number, written = self._layouts.get(layout, (len(self._layouts), -_AGAIN))
        blocks = []
        if self._windows - written >= _AGAIN:
            self._layouts[layout] = number, self._windows
            blocks.append(_block(LAYOUT, _layout(number, window, units)))
        self._windows += 1
        count = sum(len(one) for one in values)
        body = struct.pack("<IIq", number, count, step) + b"".join(one.tobytes() for one in values)
        return [*blocks, _block(WINDOW, body)]

    def _append(self, data: bytes) -> None:
        if self._file < 0:
            raise StoreError("this writer of a record is closed; open another with Record.writer(folder)")
        if os.getpid() != self._process:
            raise StoreError("a writer of a record belongs to the process that opened it; open one in each process")
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            self._layouts.clear()  # the next window must not rely on one that is taken back here
            os.ftruncate(self._file, self._good)
            os.lseek(self._file, self._good, os.SEEK_SET)
            raise StoreError(f"cannot write to {self.path}: {error.strerror or error}; what was written before is kept "
                             "and can be read") from error  # fmt: skip
        self._good += len(data)


def _layout(number: int, window: Sequence[_Chunk], units: Sequence[np.ndarray]) -> bytes:
    labels, given = [], []
    for (where, _, _), one in zip(window, units, strict=True):
        kind = "given"
        if np.isnan(one).all():
            kind = "none"
        elif np.array_equal(one, np.arange(len(one))):
            kind = "counted"
        else:
            given.append(one.tobytes())
        labels.append([int(where[1]), *map(str, where[2:]), len(one), kind])
    text = json.dumps(labels).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<II", number, len(text)) + text + b"".join(given)


def _block(kind: int, payload: bytes) -> bytes:
    start = struct.pack("<8sIII", MAGIC, kind, len(payload), zlib.crc32(payload))
    return start + struct.pack("<I", zlib.crc32(start)) + payload
