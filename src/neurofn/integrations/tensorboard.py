"""A sink for TensorBoard: numbers as scalars, arrays as histograms. Extra: ``pip install 'neurofn[tensorboard]'``."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

import numpy as np

from ..watching import Record
from ._stream import foreign, readings_of

__all__ = ["TensorBoard"]


class TensorBoard:
    """Writes rows as events: ``to=TensorBoard("runs/1")``, or with a SummaryWriter of yours.

    A number becomes a scalar, an array (one value per neuron) a histogram of its finite values; both are named
    "SITE/INSTRUMENT/READING" and stand at the step they were read at. Every call ends with a flush. A writer that was opened
    here is closed by `close` or at the end of a ``with`` block, and opened anew if more rows come.

    Raises MissingExtraError where tensorboard is not installed.

    >>> import tempfile
    >>> from neurofn.watching import Record
    >>> row = {"step": 0, "site": "0", "instrument": "Training", "reading": "loss", "value": 2.0}
    >>> with TensorBoard(tempfile.mkdtemp()) as to:
    ...     to(Record.from_rows([row]))
    """

    def __init__(self, to: str | os.PathLike[str] | Any) -> None:
        self._module = foreign("torch.utils.tensorboard", extra="tensorboard", purpose="the sink for TensorBoard")
        self._folder = os.fspath(to) if isinstance(to, str | os.PathLike) else None
        self._writer: Any = None if self._folder is not None else to

    def __call__(self, rows: Record) -> None:
        """Write the rows."""
        if self._writer is None:
            self._writer = self._module.SummaryWriter(self._folder)
        for curve in readings_of(rows):
            if np.isnan(curve.units[0]):
                self._writer.add_scalar(curve.name, curve.values[0], curve.step)
                continue
            finite = curve.values[np.isfinite(curve.values)]
            if len(finite):
                self._writer.add_histogram(curve.name, finite, curve.step)
        self._writer.flush()

    def close(self) -> None:
        """Close the writer that was opened here; one that was given stays open."""
        if self._folder is not None and self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
