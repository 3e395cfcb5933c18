"""Sums over all values of each neuron of a block, on which the cheap kernels stand: compiled, or in operations of torch.

A block is (rows, neurons) or (samples, neurons, places), of float32 or float64.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["ColumnSums", "CompiledSums", "column_sums", "kernel_state"]

_SHAPES = 64  # that are remembered; batches whose lengths keep changing would fill the memory
_PIECE = 1 << 16  # values that torch sums at a time: with their buffer they stay in the cache
_ALONE = 1 << 15  # values below which other threads are not worth waking


def column_sums() -> ColumnSums:
    """The fastest there is here, for one watch: its buffers serve all sites in turn."""
    library = _find()[0]
    return ColumnSums() if library is None else CompiledSums(library)


def kernel_state() -> str:
    """Where the compiled sums are, or why there are none. Builds them where they are missing.

    >>> kernel_state().split(":")[0] in ("compiled", "none")
    True
    """
    return _find()[1]


@functools.cache
def _find() -> tuple[ctypes.CDLL | None, str]:
    from .._native import load

    return load(Path(__file__).with_name("_column_sums.cpp"))


class ColumnSums:
    """By operations of torch: products with a row of ones, which are its fastest sums.

    >>> import torch
    >>> sums, counts = torch.zeros(2, 3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    >>> ColumnSums().add(torch.ones(4, 3), moments=(torch.zeros(3), sums), above=(0.5, counts))
    True
    >>> sums.tolist(), counts.tolist()
    ([[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]], [4.0, 4.0, 4.0])
    """

    def __init__(self) -> None:
        self._flat: dict[torch.dtype, Tensor] = {}
        self._views: dict[tuple[torch.dtype, torch.Size], Tensor] = {}
        self._ones: dict[tuple[torch.dtype, int], Tensor] = {}

    def add(
        self, values: Tensor, *, moments: tuple[Tensor, Tensor] | None = None, above: tuple[float, Tensor] | None = None
    ) -> bool:
        """Add a block to sums and counts; where they are compiled, in one pass over it.

        moments: a shift (neurons,), and where the sums of ``values - shift`` and of its squares go: (2, neurons), float64.
        above:   a threshold, and where goes how many values are above it: (neurons,), float64.

        With moments False, and nothing is added, where a value or the sum of squares is not finite.
        """
        import torch

        if moments is not None:
            shift, into = moments
            batch = torch.zeros_like(into)
            shift = shift if values.ndim == 2 else shift[:, None]
            for piece in _pieces(values):
                apart = torch.sub(piece, shift, out=self._like(piece))
                batch[0] += self._sum(apart)
                batch[1] += self._sum(apart.mul_(apart))
            if not math.isfinite(float(batch[1].sum())):
                return False
            into += batch
        if above is not None:
            threshold, counts = above
            for piece in _pieces(values):
                counts += self._sum(torch.gt(piece, threshold, out=self._like(piece)))
        return True

    def _sum(self, piece: Tensor) -> Tensor:
        import torch

        if piece.ndim == 2:
            return torch.mm(self._row_of_ones(piece.shape[0], piece.dtype), piece)[0]
        samples, neurons, places = piece.shape
        sums = torch.mv(piece.reshape(samples * neurons, places), self._row_of_ones(places, piece.dtype)[0])
        return sums.view(samples, neurons).sum(dim=0)

    def _like(self, values: Tensor) -> Tensor:
        """A contiguous tensor of this shape and type with anything in it; the next call gives the same memory."""
        import torch

        key = values.dtype, values.shape
        view = self._views.get(key)
        if view is None:
            flat = self._flat.get(values.dtype)
            if flat is None or flat.numel() < values.numel():
                self._views = {old: made for old, made in self._views.items() if old[0] != values.dtype}
                flat = self._flat[values.dtype] = torch.empty(values.numel(), dtype=values.dtype)
            if len(self._views) >= _SHAPES:
                self._views.clear()
            view = self._views[key] = flat[: values.numel()].view(values.shape)
        return view

    def _row_of_ones(self, length: int, dtype: torch.dtype) -> Tensor:
        import torch

        ones = self._ones.get((dtype, length))
        if ones is None:
            if len(self._ones) >= _SHAPES:
                self._ones.clear()
            ones = self._ones[dtype, length] = torch.ones(1, length, dtype=dtype)
        return ones


def _pieces(values: Tensor) -> Sequence[Tensor]:
    """The block in pieces that the cache holds."""
    if values.numel() <= 2 * _PIECE:
        return (values,)
    import torch

    return torch.split(values, max(1, _PIECE * values.shape[0] // values.numel()))


class _Args(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("x", "shift", "moments", "counts")),
        ("threshold", ctypes.c_double),
        *((name, ctypes.c_int64) for name in ("samples", "neurons", "places", "stride")),
        ("threads", ctypes.c_int32),
    )


class CompiledSums(ColumnSums):
    """By ``_column_sums.cpp``, without a buffer; by torch what is no plain tensor in memory."""

    def __init__(self, library: ctypes.CDLL) -> None:
        super().__init__()
        self._run = library.neurofn_column_sums
        self._run.argtypes, self._run.restype = [ctypes.POINTER(_Args), ctypes.c_int], ctypes.c_int

    def add(
        self, values: Tensor, *, moments: tuple[Tensor, Tensor] | None = None, above: tuple[float, Tensor] | None = None
    ) -> bool:
        import torch

        shape, strides = values.shape, values.stride()
        places = shape[2] if len(shape) == 3 else 1
        within = strides[1:] == ((1,) if len(shape) == 2 else (places, 1))
        if not within or type(values) is not torch.Tensor or values.is_neg() or not values.numel():
            return super().add(values, moments=moments, above=above)
        shift, sums = (None, None) if moments is None else (moments[0].data_ptr(), moments[1].data_ptr())
        threshold, counts = (0.0, None) if above is None else (above[0], above[1].data_ptr())
        threads = torch.get_num_threads() if values.numel() >= _ALONE else 1
        args = _Args(values.data_ptr(), shift, sums, counts, threshold, shape[0], shape[1], places, strides[0], threads)
        return bool(self._run(args, values.element_size()))
