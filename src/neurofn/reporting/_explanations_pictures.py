"""Examples of a unit as plain data: pixels as PNG, masks as outlines, words as text; without any package for images."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._errors import ShapeError

__all__ = ["pictured", "rowed", "worded"]

Array = np.ndarray[Any, Any]
LARGEST = 160  # pixels of a side: more is not seen in a report, and makes it heavy


def pictured(image: Array, fires: Array, *, formula: Array | None = None, sample: int | str = "") -> dict[str, Any]:
    """One example image for the report of explanations, as plain data.

    image: (height, width), (height, width, 3) or (3, height, width); floating-point values are stretched from their smallest
    to their largest, uint8 are taken as they are. fires, formula: bool (height, width), where the unit fires and where the
    formula is true. sample: what to call it. The report draws both outlines, and marks hits outside the formula and misses
    inside it. Large images are thinned to 160 pixels. Raises ShapeError for other shapes.

    >>> fires, formula = np.eye(2, dtype=bool), np.ones((2, 2), dtype=bool)
    >>> made = pictured(np.zeros((2, 2, 3)), fires, formula=formula, sample=7)
    >>> made["sample"], made["misses"], made["picture"][:22]
    (7, 0.5, 'data:image/png;base64,')
    """
    pixels = _pixels(np.asarray(image))
    height, width = pixels.shape[:2]
    on = np.asarray(fires, dtype=bool)
    true = np.zeros_like(on) if formula is None else np.asarray(formula, dtype=bool)
    for name, mask in (("fires", on), ("formula", true)):
        if mask.shape != (height, width):
            raise ShapeError(
                f"{name} has shape {mask.shape} and the image {(height, width)}: give one value for each pixel"
            )
    step = -(-max(height, width) // LARGEST)
    pixels, on, true = (array[::step, ::step] for array in (pixels, on, true))
    made: dict[str, Any] = {
        "sample": sample,
        "picture": png(pixels),
        "width": int(pixels.shape[1]),
        "height": int(pixels.shape[0]),
        "fires": outline(on),
    }
    if formula is not None:
        made |= {
            "formula": outline(true),
            "outside": area(on & ~true),
            "inside": area(true & ~on),
            "hits": _share(on & true, on),
            "misses": _share(true & ~on, true),
        }
    return made


def worded(
    words: Sequence[str], fires: Sequence[bool], *, formula: Sequence[bool], sample: int | str = ""
) -> dict[str, Any]:
    """One example in words (tokens, sentences, table rows) for the report of explanations, as plain data.

    fires, formula: for each word whether the unit fires and whether the formula is true. Raises ShapeError where their
    numbers differ.

    >>> worded(["a", "dog"], [False, True], formula=[False, True])["words"][1]
    {'text': 'dog', 'fires': True, 'formula': True}
    """
    if not len(words) == len(fires) == len(formula):
        raise ShapeError(
            f"{len(words)} words, {len(fires)} of fires and {len(formula)} of formula: give one for each word"
        )
    listed = [
        {"text": str(word), "fires": bool(on), "formula": bool(true)}
        for word, on, true in zip(words, fires, formula, strict=True)
    ]
    return {"sample": sample, "words": listed}


def rowed(
    concepts: Mapping[str, tuple[bool, str]],
    *,
    fires: bool,
    formula: bool,
    activation: float,
    sample: int | str = "",
    text: str = "",
) -> dict[str, Any]:
    """One sample without places (a table row, a whole text) for the report of explanations, as plain data.

    concepts: those of the formula, with whether each is true here and the value behind it, or "". fires, formula: whether
    the unit fires and the formula is true. activation: that of the unit. text: what the sample is, where it is a text.

    >>> rowed({"age > 30": (True, "41")}, fires=True, formula=True, activation=0.5)["row"]["concepts"]
    [{'text': 'age > 30', 'true': True, 'value': '41'}]
    """
    listed = [{"text": name, "true": bool(true), "value": value} for name, (true, value) in concepts.items()]
    row = {"activation": float(activation), "fires": bool(fires), "formula": bool(formula), "concepts": listed}
    return {"sample": sample, "row": {**row, "text": text}}


def _share(part: Array, whole: Array) -> float | None:
    return float(part.sum() / whole.sum()) if whole.any() else None


def _pixels(image: Array) -> Array:
    """The image as uint8 (height, width, 3)."""
    if image.ndim == 3 and image.shape[0] in (1, 3) and image.shape[2] not in (1, 3):
        image = image.transpose(1, 2, 0)
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
        raise ShapeError(
            f"an image of shape {image.shape}: give (height, width), with 3 colours last or first, or none"
        )
    if image.dtype != np.uint8:
        values = np.nan_to_num(image.astype(np.float64), posinf=0, neginf=0)
        low, high = float(values.min()), float(values.max())
        image = np.round(255 * (values - low) / ((high - low) or 1.0)).astype(np.uint8)
    return np.broadcast_to(image, (*image.shape[:2], 3))


def png(pixels: Array) -> str:
    """A PNG as a data address, from uint8 (height, width, 3).

    >>> png(np.zeros((1, 1, 3), np.uint8))[:22]
    'data:image/png;base64,'
    """
    height, width = pixels.shape[:2]
    lines = pixels.reshape(height, -1)
    left = np.pad(lines, ((0, 0), (3, 0)))[:, :-3]
    above = np.pad(lines, ((1, 0), (0, 0)))[:-1]
    # Filters 0, 1 and 2: the values, their differences to the pixel on the left, to the one above. The shortest is kept.
    tries = [
        np.pad(lines - guess, ((0, 0), (1, 0)), constant_values=kind)
        for kind, guess in ((0, 0 * left), (1, left), (2, above))
    ]
    packed = min((zlib.compress(rows.tobytes(), 9) for rows in tries), key=len)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def outline(mask: Array) -> str:
    """The edges between the pixels of a mask and the others, as the path of an SVG; its unit is the pixel.

    >>> outline(np.array([[True]]))
    'M0 0h1M0 1h1M0 0v1M1 0v1'
    """
    framed = np.pad(mask, 1)
    across = framed[1:, 1:-1] != framed[:-1, 1:-1]  # (height + 1, width)
    down = framed[1:-1, 1:] != framed[1:-1, :-1]  # (height, width + 1)
    lines = [f"M{first} {y}h{last - first}" for y, row in enumerate(across) for first, last in _runs(row)]
    lines += [f"M{x} {first}v{last - first}" for x, column in enumerate(down.T) for first, last in _runs(column)]
    return "".join(lines)


def area(mask: Array) -> str:
    """The pixels of a mask as the path of an SVG.

    >>> area(np.array([[True, True, False]]))
    'M0 0h2v1h-2z'
    """
    return "".join(
        f"M{first} {y}h{last - first}v1h-{last - first}z" for y, row in enumerate(mask) for first, last in _runs(row)
    )


def _runs(row: Array) -> list[tuple[int, int]]:
    """First and one past the last place of every run of True."""
    changes = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(changes[::2], changes[1::2], strict=True)]


def checked(example: Mapping[str, Any]) -> dict[str, Any]:
    """The example with everything left out that is no picture, path or number of ours: it may come from any file."""
    kept: dict[str, Any] = {"sample": example.get("sample", ""), "kind": example.get("kind", "highest")}
    picture = example.get("picture")
    sides = [example.get(name) for name in ("width", "height")]
    if isinstance(picture, str) and picture.startswith("data:image/png;base64,") and all(map(_is_side, sides)):
        kept |= {"picture": picture, "width": sides[0], "height": sides[1]}
        paths = {name: example.get(name) for name in ("fires", "formula", "outside", "inside")}
        kept |= {
            name: path for name, path in paths.items() if isinstance(path, str) and set(path) <= set("Mhvz 0123456789-")
        }
        kept |= {name: example[name] for name in ("hits", "misses") if isinstance(example.get(name), int | float)}
    words = example.get("words")
    if isinstance(words, list):
        kept["words"] = [word for word in words if isinstance(word, Mapping)]
    row = example.get("row")
    if isinstance(row, Mapping):
        kept["row"] = _checked_row(row)
    return kept


def _checked_row(row: Mapping[str, Any]) -> dict[str, Any]:
    activation, concepts = row.get("activation"), row.get("concepts")
    known = isinstance(activation, int | float) and not isinstance(activation, bool)
    return {
        "activation": activation if known else None,
        "fires": row.get("fires") is True,
        "formula": row.get("formula") is True,
        "text": str(row.get("text") or ""),
        "concepts": [
            {"text": str(one.get("text")), "true": one.get("true") is True, "value": str(one.get("value") or "")}
            for one in (concepts if isinstance(concepts, list) else [])
            if isinstance(one, Mapping)
        ],
    }


def _is_side(value: object) -> bool:
    return isinstance(value, int) and 0 < value <= 10_000
