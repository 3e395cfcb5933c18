"""The compiled kernel of sums of splines, ``_local.cpp``: a library for each number type and order, built when first needed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .._native import compiler, load

__all__ = ["NUMBERS", "OUTSIDE", "Grid", "LocalKernel", "kernel", "kernel_state", "promised", "threads_for"]

NUMBERS = {torch.float32: "float", torch.float64: "double"}
OUTSIDE = {"constant": 0, "linear": 1, "zero": 2}
_ALONE = 1 << 17  # products of two numbers below which other threads are not worth waking


@dataclass(frozen=True)
class Grid:
    """``knots`` (count,) for all inputs or (n_in, count), ``order`` of them beyond the cells on either side.

    ``even`` says that all cells are meant to be equally wide.
    """

    knots: Tensor
    order: int
    outside: str
    even: bool

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return self.knots.shape[-1] - 1 - 2 * self.order


class _Args(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("x", "weight", "grad", "out", "knots")),
        *((name, ctypes.c_int64) for name in ("batch", "n_in", "n_out", "cells")),
        *((name, ctypes.c_int64) for name in ("weight_stride", "out_stride", "knot_stride")),
        *((name, ctypes.c_int32) for name in ("outside", "even", "threads")),
    )


class LocalKernel:
    """Sums and gradients for tensors whose numbers lie in one piece: x (batch, n_in), sums (batch, n_out).

    Weights (n_in, cells + order, n_out) may be a slice of a larger tensor along the second axis.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._run = library.neurofn_local
        self._run.argtypes = [ctypes.POINTER(_Args), ctypes.c_int]
        self._run.restype = ctypes.c_int

    def add_sums(self, x: Tensor, weight: Tensor, grid: Grid, *, out: Tensor) -> None:
        """Adds to ``out`` the weighted sums of the terms of x."""
        self._call(0, x, grid, weight=weight, out=out)

    def input_gradient(self, x: Tensor, weight: Tensor, grid: Grid, *, grad: Tensor) -> Tensor:
        """The gradient of x from that of the sums."""
        out = torch.empty_like(x)
        self._call(1, x, grid, weight=weight, grad=grad, out=out)
        return out

    def weight_gradient(self, x: Tensor, grid: Grid, *, grad: Tensor, out: Tensor) -> None:
        """Fills ``out`` with the gradient of the weights."""
        self._call(2, x, grid, grad=grad, out=out)

    def _call(self, what: int, x: Tensor, grid: Grid, **tensors: Tensor) -> None:
        out = tensors["out"]
        matrix = tensors.get("grad", out)
        (batch, n_in), n_out = x.shape, matrix.shape[-1]
        work = x.numel() * (grid.order + 1) * n_out
        args = _Args(
            x=x.data_ptr(),
            knots=grid.knots.data_ptr(),
            batch=batch,
            n_in=n_in,
            n_out=n_out,
            cells=grid.cells,
            weight_stride=tensors["weight"].stride(0) if "weight" in tensors else 0,
            out_stride=out.stride(0) if what == 2 else 0,
            knot_stride=grid.knots.stride(0) if grid.knots.ndim == 2 else 0,
            outside=OUTSIDE[grid.outside],
            even=grid.even,
            threads=threads_for(work),
            **{name: tensor.data_ptr() for name, tensor in tensors.items()},
        )
        self._run(ctypes.byref(args), what)


def threads_for(products: int) -> int:
    """How many threads so many products of two numbers are worth."""
    return torch.get_num_threads() if products >= _ALONE else 1


def kernel(dtype: torch.dtype, order: int) -> LocalKernel | None:
    """The kernel, built now if this machine has not built it yet; None where it cannot be, and for other number types."""
    return _find(dtype, order)[0] if dtype in NUMBERS else None


def promised(order: int) -> bool:
    """Whether there is a kernel for float32, or a compiler to build it, which has not failed."""
    known = _found.get((torch.float32, order))
    return compiler() is not None if known is None else known[0] is not None


def kernel_state(dtype: torch.dtype = torch.float32, order: int = 3) -> str:
    """Where the compiled kernel is, or why there is none. Builds it where it is missing."""
    return _find(dtype, order)[1]


_found: dict[tuple[torch.dtype, int], tuple[LocalKernel | None, str]] = {}


def _find(dtype: torch.dtype, order: int) -> tuple[LocalKernel | None, str]:
    if (dtype, order) not in _found:
        source = Path(__file__).with_name("_local.cpp")
        library, state = load(source, defines=(f"REAL={NUMBERS[dtype]}", f"ORDER={order}"))
        _found[dtype, order] = (None if library is None else LocalKernel(library)), state
    return _found[dtype, order]
