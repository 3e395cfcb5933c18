"""The folder of a collection: one npy file per site that grows batch by batch, and a page that says how far it has come.

After each batch first the rows are appended, then the heads of the files, then the page ``collection.json``. A process that is
killed in between leaves rows that the page does not count; they are cut off when it goes on.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from .._errors import StoreError

__all__ = ["PAGE", "Store", "read_page"]

PAGE = "collection.json"
FORMAT = 1


def read_page(folder: Path) -> dict[str, Any]:
    """What the page of a collection says; raises StoreError where there is none that can be read."""
    try:
        page = json.loads((folder / PAGE).read_text(encoding="utf-8"))
        if page["format"] != FORMAT or not isinstance(page["sites"], dict):
            raise ValueError(f"its format is {page['format']!r}, this neurofn reads {FORMAT}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{os.fspath(folder)!r} is no collection that can be read ({error}); give a folder that "
                         "neurofn.watching.collect wrote") from error  # fmt: skip
    return dict(page)


class Store:
    """The open files of a collection that is being written. One process at a time has it."""

    def __init__(self, folder: Path, page: dict[str, Any]) -> None:
        self.folder, self.page = folder, page
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder / ".lock")
        self._files: dict[str, IO[bytes]] = {}
        try:
            for name, said in page["sites"].items():
                path = folder / said["file"]
                file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115  # closed by close()
                self._files[name] = file
                file.truncate(len(self._head(name)) + page["done"] * self._row(name))
                self._write_head(name)
                file.seek(0, os.SEEK_END)
            self._write_page()
        except BaseException:
            self.close()
            raise

    def append(self, values: Mapping[str, np.ndarray], samples: int, seen: str) -> None:
        """Add a batch of ``samples``; ``seen`` is the digest of all inputs up to it. Raises StoreError for a full disk."""
        try:
            for name, rows in values.items():
                rows.tofile(self._files[name])
                self._files[name].flush()
            self.page.update(done=self.page["done"] + samples, batches=self.page["batches"] + 1, seen=seen)
            for name in values:
                self._write_head(name)
            self._write_page()
        except OSError as error:
            raise StoreError(f"cannot write to {self.folder}: {error.strerror or error}; make room and call collect again: it "
                             f"goes on after {self.page['done']:,} samples") from error  # fmt: skip

    def finish(self) -> None:
        """Say that nothing more will come."""
        self.page["complete"] = True
        self._write_page()

    def close(self) -> None:
        """Close all files, and let others have the folder."""
        for file in self._files.values():
            file.close()
        self._lock.close()

    def _row(self, name: str) -> int:
        said = self.page["sites"][name]
        return int(np.dtype(said["stored"]).itemsize * np.prod(said["shape"], dtype=np.int64))

    def _head(self, name: str) -> bytes:
        """The head of an npy file, equally long for any number of samples."""
        said, head = self.page["sites"][name], io.BytesIO()
        shape = (self.page["done"], *said["shape"])
        described = {"descr": np.dtype(said["stored"]).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(head, described)
        return head.getvalue()

    def _write_head(self, name: str) -> None:
        file = self._files[name]
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        file.write(self._head(name))
        file.flush()
        file.seek(end)

    def _write_page(self) -> None:
        beside = self.folder / f".{PAGE}.{uuid.uuid4().hex}"
        beside.write_text(json.dumps(self.page, indent=1), encoding="utf-8")
        os.replace(beside, self.folder / PAGE)


def _locked(path: Path) -> IO[bytes]:
    """A lock that ends with the process, however it ends; where the system has none, an open file."""
    file = open(path, "wb")  # noqa: SIM115  # closed by Store.close()
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass
    except OSError as error:
        file.close()
        raise StoreError(f"another process is collecting into {os.fspath(path.parent)!r}; give another folder, or wait "
                         "until it has ended") from error  # fmt: skip
    return file
