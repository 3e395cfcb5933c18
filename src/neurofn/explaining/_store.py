"""Arrays that arrive in batches and are read again by sample: in memory while they are small, in an unnamed file after."""

from __future__ import annotations

import tempfile
import weakref
from typing import IO, Any

import numpy as np

from .._errors import ShapeError

__all__ = ["Store"]

Array = np.ndarray[Any, Any]
IN_MEMORY = 256 * 2**20  # bytes that a store keeps in memory; what comes after is written to a file that goes with it


class Store:
    """Batches (samples, ...) of one number of axes; the sizes of all axes but the first may differ, as with padded texts.

    >>> store = Store()
    >>> store.append(np.zeros((2, 3)))
    >>> store.append(np.ones((1, 2)))
    >>> len(store), store.take(np.array([2, 0]), fill=-1).tolist()
    (3, [[1.0, 1.0, -1.0], [0.0, 0.0, 0.0]])
    """

    def __init__(self) -> None:
        self._batches: list[Array] = []
        self._starts = [0]
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """The largest size of each axis after the first."""
        shapes = [batch.shape[1:] for batch in self._batches]
        return tuple(max(sizes) for sizes in zip(*shapes, strict=True))

    def append(self, batch: Array) -> None:
        """Add a batch; raises ShapeError where it has another number of axes than those before."""
        if self._batches and batch.ndim != self._batches[0].ndim:
            raise ShapeError(
                f"batch {len(self._batches)} has shape {batch.shape}, those before {self._batches[0].shape}: "
                "give batches with the same axes"
            )
        if len(batch) == 0:
            return
        self._batches.append(batch if self._bytes + batch.nbytes <= IN_MEMORY else self._written(batch))
        self._bytes += batch.nbytes
        self._starts.append(self._starts[-1] + len(batch))

    def _written(self, batch: Array) -> Array:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the store
            weakref.finalize(self, self._file.close)
        start = self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(batch).data)
        self._file.flush()
        return np.memmap(self._file, batch.dtype, mode="r", offset=start, shape=batch.shape)

    def take(self, samples: Array, *, fill: float) -> Array:
        """The samples with these numbers, in this order; shorter ones are filled up at the end of each axis."""
        if not self._batches:
            raise IndexError("an empty store has no samples")
        which = np.searchsorted(self._starts, samples, side="right") - 1
        used = np.unique(which)
        if len(used) == 1:
            return np.asarray(self._batches[used[0]][samples - self._starts[used[0]]])
        shapes = {self._batches[i].shape[1:] for i in used} or {self.shape}
        found = np.empty((len(samples), *(max(sizes) for sizes in zip(*shapes, strict=True))), self._batches[0].dtype)
        if len(shapes) > 1:
            found[:] = fill
        for i in used:
            rows = np.flatnonzero(which == i)
            batch = self._batches[i]
            place: tuple[Any, ...] = (rows, *(slice(size) for size in batch.shape[1:]))
            found[place] = batch[samples[rows] - self._starts[i]]
        return found
