"""The compiled kernel of ``_kernel.cpp``; where it cannot be built, the plain code of ``_packing`` does the same, slower."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

import torch
from torch import Tensor

from .._native import compiler, load

__all__ = ["Kernel", "has_compiler", "kernel", "kernel_state", "threads_for"]

FORWARDS = {"gelu": 1, "silu": 2, "mish": 3}
"""Functions whose values the kernel makes too, in the pass that makes the codes; for others it makes the codes alone."""

_ALONE = 1 << 15  # numbers below which other threads are not worth waking


class Kernel:
    """The two functions of the library, on float32 tensors whose numbers lie in one piece."""

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, whole, long = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
        self._forward, self._backward = library.neurofn_forward, library.neurofn_backward
        self._forward.argtypes = [whole, whole, pointer, pointer, pointer, pointer, long, whole]
        self._backward.argtypes = [whole, pointer, pointer, pointer, pointer, long, whole]

    def forward(self, z: Tensor, packed: Tensor, boundaries: Tensor, *, which: int, out: Tensor | None) -> bool:
        """Fills ``packed`` with codes and, where ``which`` is a function, ``out`` with values; whether some z is NaN."""
        bits = len(boundaries).bit_length()
        values = z if out is None else out
        addresses = z.data_ptr(), values.data_ptr(), packed.data_ptr(), boundaries.data_ptr()
        return bool(self._forward(bits, which, *addresses, z.numel(), threads_for(z)))

    def backward(self, g: Tensor, packed: Tensor, levels: Tensor, *, bits: int, out: Tensor) -> None:
        """Fills ``out`` with ``g`` times the level of each code; there are 16 levels, the last ones unused."""
        addresses = g.data_ptr(), out.data_ptr(), packed.data_ptr(), levels.data_ptr()
        self._backward(bits, *addresses, g.numel(), threads_for(g))


def threads_for(tensor: Tensor) -> int:
    """How many threads a pass over this tensor is worth."""
    return torch.get_num_threads() if tensor.numel() >= _ALONE else 1


def kernel() -> Kernel | None:
    """The kernel, built now if this machine has not built it yet; None where it cannot be."""
    return _find()[0]


def kernel_state() -> str:
    """Where the compiled kernel is, or why there is none. Builds it where it is missing.

    >>> kernel_state().split(":")[0] in ("compiled", "none")
    True
    """
    return _find()[1]


@functools.cache
def _find() -> tuple[Kernel | None, str]:
    library, state = load(Path(__file__).with_name("_kernel.cpp"))
    return (None if library is None else Kernel(library)), state


def has_compiler() -> bool:
    """Whether there is a C++ compiler to ask; torch.compile needs one too."""
    return compiler() is not None
