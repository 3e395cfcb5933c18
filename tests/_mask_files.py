"""Writing masks as files of others have them, for tests of the importers, and reading concepts back as masks."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
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


# --- Whole files, from masks by name, each bool (samples, height, width) -----------------------------------------------


def coco_of(masks: Mapping[str, Array]) -> dict[str, Any]:
    """Annotations, run lengths packed and plain in turn; empty masks have none. Categories count from 3, images from 10."""
    given = np.stack(list(masks.values()))
    height, width = given.shape[2:]
    regions = []
    for concept, sample in zip(*given.any(axis=(2, 3)).nonzero(), strict=True):
        runs = runs_of(given[concept, sample])
        counts = packed(runs) if (concept + sample) % 2 else runs
        segmentation = {"size": [height, width], "counts": counts}
        regions.append({"image_id": int(sample) + 10, "category_id": int(concept) + 3, "segmentation": segmentation})
    images = [{"id": i + 10, "file_name": f"{i}.jpg", "height": height, "width": width} for i in range(given.shape[1])]
    categories = [{"id": i + 3, "name": name} for i, name in enumerate(masks)]
    return {"images": images, "annotations": regions, "categories": categories}


def write_coco(path: Path, masks: Mapping[str, Array]) -> None:
    """The annotations as a file."""
    path.write_text(json.dumps(coco_of(masks)))


NUMBERS = (300, 2, 7)  # of the labels that the masks get in a folder


def write_broden(folder: Path, masks: Mapping[str, Array], *, scene: str = "scene") -> Path:
    """A plane for each of three masks, and a label 5 of every second image."""
    (folder / "images" / "x").mkdir(parents=True)
    rows = [f"{number},{name},object(1)" for number, name in zip((*NUMBERS, 5), (*masks, scene), strict=True)]
    (folder / "label.csv").write_text("\n".join(["number,name,category", "0,-,", *rows]))
    samples, height, width = next(iter(masks.values())).shape
    lines = ["image,split,ih,iw,sh,sw,object,part,scene"]
    for i in range(samples):
        files = [f"x/{i}_{concept}.png" for concept in range(3)]
        for mask, number, file in zip(masks.values(), NUMBERS, files, strict=True):
            (folder / "images" / file).write_bytes(plane(mask[i] * number))
        lines.append(f"x/{i}.jpg,train,60,90,{height},{width},{files[0]};{files[1]},{files[2]},{5 if i % 2 else ''}")
    (folder / "index.csv").write_text("\n".join(lines))
    return folder


def plane(numbers: Array) -> bytes:
    """A PNG whose red and 256 times green are the numbers; blue is noise."""
    noise = np.random.default_rng(0).integers(256, size=numbers.shape)
    return png(np.stack([numbers % 256, numbers // 256, noise], axis=-1).astype(np.uint8), [0] * len(numbers))
