"""A record as one compressed npz file: arrays alone, each text once."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import StoreError
from ._encoded import COLUMNS, LABELS, Encoded, compact, small

__all__ = ["load", "save"]

_FORMAT = 1  # raise it when the layout changes


def save(rows: Encoded, path: Path) -> Path:
    """Write a file; one that is there is replaced whole or not at all. Raises StoreError where it cannot be written."""
    arrays: dict[str, Any] = {"format": np.array(_FORMAT), "step": rows.step, "value": rows.value}
    for name in LABELS:
        label = rows.keys[name]
        if COLUMNS[name] is np.str_:
            arrays[f"{name}.texts"], places = np.unique(label, return_inverse=True)
            label = small(places, len(label))
        arrays[name] = label[rows.key]
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        try:
            with open(beside, "wb") as file:
                np.savez_compressed(file, **arrays)
            os.replace(beside, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(beside)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; give a path in a folder that exists and has "
                         "room, for example 'record.npz'") from error  # fmt: skip
    return path


def load(path: Path) -> Encoded:
    """The rows in a file. Raises StoreError for one that is not there, is damaged or is something else."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            if int(arrays["format"]) != _FORMAT:
                raise ValueError(f"its format is {arrays['format']}, this neurofn reads {_FORMAT}")
            columns = {name: arrays[name] for name in COLUMNS}
            texts = {name: _checked(arrays[f"{name}.texts"], columns[name]) for name in _TEXTS}
        return compact(columns, texts)
    except FileNotFoundError as error:
        raise StoreError(f"there is no file {os.fspath(path)!r}") from error
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds for damaged files
        raise StoreError(f"{os.fspath(path)!r} is no record that can be read ({error}); "
                         "measure again, or load the file that Record.save wrote") from error  # fmt: skip


_TEXTS = [name for name, kind in COLUMNS.items() if kind is np.str_]


def _checked(texts: np.ndarray, places: np.ndarray) -> np.ndarray:
    if texts.dtype.kind != "U" or places.dtype.kind != "i" or (len(places) and places.min() < 0):
        raise ValueError("its texts are damaged")
    if len(places) and places.max() >= len(texts):
        raise ValueError("its texts are damaged")
    return texts
