"""Where a watch puts its rows when they go to a folder: what cannot be written must not stop a training."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

from .._errors import StoreError
from ._chunks import Chunk
from ._log import RecordWriter
from .record import Record, RecordReader

__all__ = ["Sink"]


class Sink:
    """A folder that takes rows between `open` and `close`."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = folder
        self._writer: RecordWriter | None = None
        self._reader: RecordReader | None = None
        self._warned = False

    @property
    def opened(self) -> bool:
        """Whether it was ever opened."""
        return self._reader is not None

    def open(self) -> None:
        """Take rows from now on. Raises StoreError where the folder cannot be written."""
        self._writer = Record.writer(self.folder)
        if self._reader is None:
            self._reader = RecordReader(self.folder)
        self._reader.only(self._writer.path)

    def close(self) -> None:
        """Take no more rows."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def write(self, chunks: Sequence[Chunk]) -> bool:
        """Whether the rows were written; where not, once a warning says why, and they are to be given again."""
        if self._writer is None:
            return False
        try:
            self._writer.write(chunks)
        except StoreError as error:
            if not self._warned:
                warnings.warn(f"{error}; readings are kept in memory until it can be written", stacklevel=2)
            self._warned = True
            return False
        return True

    def read(self) -> Record:
        """The rows that were written here, not those of others in the same folder."""
        assert self._reader is not None
        return self._reader.read()
