"""What the live page is told: a record that is read again when its files changed, and not more often than it costs little."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import NeurofnError
from ._finding import Series
from ._live_data import snapshot

__all__ = ["Reading", "Source"]

REST = 4.0  # the time between two readings of a record, in times of what the last one took: a fifth of a core at most
SHORTEST = 0.5  # seconds


@dataclass(frozen=True)
class Reading:
    """One look at a record: the series that are there, and in words what could not be read."""

    series: Sequence[Series]
    problems: tuple[str, ...] = ()


class Source:
    """A record at ``path``, which may not be there yet; ``read`` gives what is in it and raises NeurofnError where it cannot.

    >>> Source(Path("nowhere"), lambda: Reading(())).answer()[0][:18]
    b'{"state":"missing"'
    """

    def __init__(self, path: Path, read: Callable[[], Reading]) -> None:
        self.path, self._read = path, read
        self._lock = threading.Lock()
        self._signature: object = None
        self._next = 0.0
        self._shown: dict[str, Any] = {}
        self._body = b""

    def answer(self) -> tuple[bytes, str]:
        """The JSON of the page and its tag, which changes when the JSON does."""
        with self._lock:  # one reads, the others wait and get the same
            signature, written = _files(self.path)
            if not self._body or (signature != self._signature and time.monotonic() >= self._next):
                began = time.monotonic()
                self._body = self._made(signature, written)
                self._signature = signature
                self._next = time.monotonic() + max(SHORTEST, REST * (time.monotonic() - began))
            return self._body, f'"{hashlib.blake2b(self._body, digest_size=12).hexdigest()}"'

    def _made(self, signature: object, written: float) -> bytes:
        state, problems = "missing", ()  # type: tuple[str, tuple[str, ...]]
        if signature is not None:
            state, problems = self._look()
        else:
            self._shown = {}
        body = {"state": state, "problems": problems[:5], "written": round(written, 1), **self._shown}
        return json.dumps(body, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()

    def _look(self) -> tuple[str, tuple[str, ...]]:
        """Read the record; what was read before stays on the page while it cannot be read."""
        try:
            found = self._read()
            self._shown = snapshot(found.series)
        except NeurofnError as error:
            return "unreadable", (str(error),)
        return ("growing" if self._shown["steps"] else "empty"), found.problems


def _files(path: Path) -> tuple[object, float]:
    """What changes when a record does, None where nothing is there; and when it was last written, in seconds since 1970."""
    try:
        if not path.is_dir():
            found = path.stat()
            return (found.st_size, found.st_mtime_ns), found.st_mtime
        with os.scandir(path) as entries:
            stats = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
    except OSError:
        return None, 0.0
    signature = tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))
    return signature, max((stat.st_mtime for _, stat in stats), default=0.0)
