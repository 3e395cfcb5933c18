"""How far a collection has come: in this process, or in one that was stopped and is gone on from."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import DataError, SettingError, ShapeError, StoreError
from ._store import FORMAT, Store, read_page

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Progress", "digest_of"]


class Progress:
    """How far a collection has come, here or in a process that was stopped."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.model = folder, model
        self.store: Store | None = None
        self.page: dict[str, Any] | None = None
        self.seen, self.number = "", 0
        if folder.is_dir() and any(path.name != ".lock" for path in folder.iterdir()):
            self.page = read_page(folder)
            if self.page["complete"]:
                raise StoreError(f"{os.fspath(folder)!r} holds a finished collection; read it with Collected.load, or give "
                                 "another folder")  # fmt: skip
            if self.page["model"] != model:
                raise StoreError(f"{os.fspath(folder)!r} holds a part of a collection of another model, or of other weights; "
                                 "give another folder")  # fmt: skip

    def has(self, batch: Tensor) -> bool:
        """Whether this batch, the next one, was collected before. Raises StoreError where it was another one."""
        self.number += 1
        self.seen = _chained(self.seen, batch)
        if self.page is None or self.number > self.page["batches"]:
            return False
        if self.number == self.page["batches"] and self.seen != self.page["seen"]:
            raise StoreError(f"the first {self.number} batches are others than those that {os.fspath(self.folder)!r} holds; "
                             "give them in the same order, or another folder")  # fmt: skip
        return True

    def begin(self, values: Mapping[str, np.ndarray], types: Mapping[str, str], total: int, *, most: float) -> None:
        """Open the files, once it is known how large they will be."""
        sites = {
            name: {"file": f"{i:03d}.npy", "shape": list(rows.shape[1:]), "stored": rows.dtype.str, "type": types[name]}
            for i, (name, rows) in enumerate(values.items())
        }
        size = total * sum(rows.itemsize * int(np.prod(rows.shape[1:])) for rows in values.values())
        if size > most:
            raise SettingError(f"the activations of {total:,} samples at {len(sites)} places take {_size(size)}, more than "
                               f"most={most:.0f} bytes allows; name fewer places with at=, or pass most={size}")  # fmt: skip
        page = {"format": FORMAT, "complete": False, "samples": total, "bytes": size, "done": 0, "batches": 0, "seen": "",
                "model": self.model, "sites": sites}  # fmt: skip
        if self.page is not None and (self.page["sites"], self.page["samples"]) != (sites, total):
            raise StoreError(f"{os.fspath(self.folder)!r} holds a part of a collection of other places or shapes; give another "
                             "folder")  # fmt: skip
        self._open(page if self.page is None else self.page)

    def _open(self, page: dict[str, Any]) -> None:
        here = next(path for path in (self.folder, *self.folder.absolute().parents) if path.is_dir())
        free, left = (
            shutil.disk_usage(here).free,
            page["bytes"] * (page["samples"] - page["done"]) // max(1, page["samples"]),
        )
        if left > free:
            raise StoreError(f"{_size(left)} are to be written and {os.fspath(here)!r} has room for {_size(free)}")
        try:
            self.store = Store(self.folder, page)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot write into {os.fspath(self.folder)!r}: {error.strerror or error}") from error

    def add(self, values: Mapping[str, np.ndarray], samples: int) -> None:
        """Write the activations of a batch. Raises ShapeError where they are not as in the first, DataError for too many."""
        assert self.store is not None
        page = self.store.page
        given = {name: (rows.dtype.str, list(rows.shape[1:])) for name, rows in values.items()}
        known = {name: (said["stored"], said["shape"]) for name, said in page["sites"].items()}
        for name in given.keys() | known.keys():
            if given.get(name) != known.get(name):
                raise ShapeError(f"after {page['done']:,} samples {name!r} gives {given.get(name, 'nothing')} (type and shape "
                                 f"of a sample), {known.get(name, 'nothing')} before; give batches of one shape")  # fmt: skip
        if page["done"] + samples > page["samples"]:
            raise DataError(f"there are more than {page['samples']:,} samples; say how many with samples=")
        self.store.append(values, samples, self.seen)

    def finish(self) -> None:
        """Say that all is there. Raises DataError where samples are missing."""
        if self.store is None and self.page is not None:
            self._open(self.page)
        assert self.store is not None
        page = self.store.page
        if page["done"] != page["samples"]:
            raise DataError(f"the batches ended after {page['done']:,} of {page['samples']:,} samples; call collect again with "
                            "all of them, or with another folder and samples=")  # fmt: skip
        self.store.finish()

    def close(self) -> None:
        """Leave the folder to others."""
        if self.store is not None:
            self.store.close()


def _chained(seen: str, batch: Tensor) -> str:
    """A digest of all batches so far, from that of those before."""
    said = f"{seen} {tuple(batch.shape)} {batch.dtype} ".encode()
    return hashlib.blake2b(said + _bytes(batch), digest_size=16).hexdigest()


def digest_of(model: nn.Module) -> str:
    """A digest of a model's weights and buffers."""
    found = hashlib.blake2b(digest_size=16)
    for name, value in model.state_dict().items():
        if hasattr(value, "shape"):
            found.update(f"{name} {tuple(value.shape)} {value.dtype} ".encode() + _bytes(value))
    return found.hexdigest()


def _bytes(values: Tensor) -> bytes:
    import torch

    plain: bytes = values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return plain


def _size(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit} ({count:,} bytes)"
    return f"{count:,} bytes"
