"""A sink for the folder of a record, which can be read while it grows."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..watching import Record
from ._stream import readings_of

if TYPE_CHECKING:
    from ..watching._log import RecordWriter

__all__ = ["Folder"]


class Folder:
    """Appends rows to a folder: ``to=Folder("runs/first")``. `Record.load` reads it at any time, also after a kill.

    It is made, and a file in it opened, with the first rows; calls raise StoreError where it cannot be written.

    >>> import tempfile
    >>> from neurofn.watching import Record
    >>> rows = Record.from_rows([{"step": 0, "site": "0", "instrument": "Training", "reading": "loss", "value": 2.0}])
    >>> with Folder(tempfile.mkdtemp()) as to:
    ...     to(rows)
    >>> Record.load(to.path) == rows
    True
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self._writer: RecordWriter | None = None

    def __call__(self, rows: Record) -> None:
        """Append the rows."""
        if self._writer is None:
            self._writer = Record.writer(self.path)
        self._writer.write((curve.where, curve.units, curve.values) for curve in readings_of(rows))

    def close(self) -> None:
        """Close the file; more rows would go into another."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
