"""Writing masks as files of others have them, for tests of the importers, and reading concepts back as masks."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from neurofn.explaining.concepts import Concepts

Array = np.ndarray[Any, Any]


def held(concepts: Concepts, samples: int) -> Array:
    """bool (concepts, samples, *grid)."""
    grouped = concepts.collect(np.ones(samples, bool))
    member = np.zeros((len(concepts.names), grouped.sets), bool)
    for i in range(grouped.sets):
        member[grouped.indices[grouped.indptr[i] : grouped.indptr[i + 1]], i] = True
    return np.asarray(member[:, grouped.ids.take(np.arange(samples), fill=-1)])


def runs_of(mask: Array) -> list[int]:
    """Run lengths down the columns, the first of pixels outside."""
    runs, before = [0], False
    for value in mask.T.ravel().tolist():
        if value != before:
            runs.append(0)
        runs[-1] += 1
        before = value
    return runs


def packed(runs: list[int]) -> str:
    """The packed string of run lengths, number by number."""
    text = ""
    for i, run in enumerate(runs):
        rest, more = run - (runs[i - 2] if i > 2 else 0), True
        while more:
            low, rest = rest & 31, rest >> 5
            more = not ((rest == 0 and not low & 16) or (rest == -1 and low & 16))
            text += chr(48 + low + 32 * more)
    return text


def png(values: Array, filters: list[int], **head: Any) -> bytes:
    """A PNG file of values that are filtered already."""
    height, width, channels = values.shape
    rows = b"".join(bytes([kind]) + row.tobytes() for kind, row in zip(filters, values, strict=True))
    kind = {1: 0, 3: 2, 4: 6}[channels]
    given = {"width": width, "height": height, "depth": 8, "kind": kind, "laced": 0, "rows": rows, **head}
    first = struct.pack(">IIBBBBB", *(given[key] for key in ("width", "height", "depth", "kind")), 0, 0, given["laced"])
    parts = [(b"IHDR", first), (b"IDAT", zlib.compress(given["rows"])), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
