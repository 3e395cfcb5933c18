"""Reading a PNG of label numbers, with nothing but the standard library and numpy: eight bits, grey or in colours."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from .._errors import DataError

__all__ = ["read_png"]

Array = np.ndarray[Any, Any]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 6: 4}  # grey, colours, colours with transparency


def read_png(content: bytes, size: tuple[int, int]) -> Array:
    """The values uint8 (height, width, channels) of a PNG, which must have this size (height, width).

    Raises DataError for another size, kind or depth, and for a damaged file. Nothing larger than the stated size is ever
    unpacked.

    >>> from neurofn.reporting._explanations_pictures import png
    >>> import base64
    >>> made = png(np.arange(12, dtype=np.uint8).reshape(2, 2, 3)).partition(",")[2]
    >>> read_png(base64.b64decode(made), (2, 2))[1, 1].tolist()
    [9, 10, 11]
    """
    head, packed = _chunks(content)
    if len(head) != 13:
        raise DataError("it has no proper first chunk IHDR")
    width, height, depth, kind, _, _, laced = struct.unpack(">IIBBBBB", head)
    if (height, width) != size:
        raise DataError(f"it is {height} x {width} pixels, expected {size[0]} x {size[1]}")
    if depth != 8 or kind not in _CHANNELS or laced:
        raise DataError(
            f"it has {depth} bits of colour type {kind}; expected 8 bits, grey or in colours, not interlaced"
        )
    row = 1 + width * _CHANNELS[kind]
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, height * row + 1)
    except zlib.error as error:
        raise DataError(f"its pixels cannot be unpacked: {error}") from error
    if len(data) != height * row:
        raise DataError(f"it holds {len(data)} bytes of pixels or more, expected {height * row}")
    lines = np.frombuffer(data, np.uint8).reshape(height, row)
    if lines[:, 0].max() > 4:
        raise DataError(f"it has a row of filter {lines[:, 0].max()}, expected 0 to 4")
    return _unfiltered(lines[:, 1:], lines[:, 0], _CHANNELS[kind]).reshape(height, width, -1)


def _chunks(content: bytes) -> tuple[bytes, bytes]:
    """The head and the packed pixels."""
    if not content.startswith(_SIGNATURE):
        raise DataError("it is no PNG file")
    head, packed, at = b"", [], len(_SIGNATURE)
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8].ljust(8, b"\0"))
        body = content[at + 8 : at + 8 + length]
        if content[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(kind + body)):
            raise DataError(f"its chunk at byte {at} is cut off or damaged")
        if kind == b"IHDR" and not head:
            head = body
        elif kind == b"IDAT":
            packed.append(body)
        at += 12 + length
    return head, b"".join(packed)


def _unfiltered(lines: Array, filters: Array, channels: int) -> Array:
    """Each byte is the difference to what its row's filter foretells from the bytes left, above and left above."""
    found = np.zeros_like(lines)
    above = np.zeros(lines.shape[1], np.uint8)
    for row, kind in enumerate(filters.tolist()):
        line = lines[row]
        if kind == 1:
            line = line.reshape(-1, channels).cumsum(axis=0, dtype=np.uint8).ravel()
        elif kind == 2:
            line = line + above
        elif kind > 2:
            line = _chained(line, above, channels, average=kind == 3)
        found[row] = above = line
    return found


def _chained(line: Array, above: Array, channels: int, *, average: bool) -> Array:
    """A row of filter 3 or 4; lists are read faster than arrays by a loop that is not compiled."""
    from ._unfilter import AVAILABLE, chain

    own, wide = line.astype(np.int64), np.pad(above.astype(np.int64), (channels, 0))
    found = np.zeros_like(wide)
    if AVAILABLE:
        chain(own, wide, found, channels, average)
        return found[channels:].astype(np.uint8)
    listed = found.tolist()
    chain(own.tolist(), wide.tolist(), listed, channels, average)
    return np.array(listed[channels:], np.uint8)
