"""The second choice where nothing can compile C++: the same sums as loops that numba compiles (if it is installed)."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ._local_kernel import NUMBERS, OUTSIDE, Grid, threads_for

__all__ = ["AVAILABLE", "NumbaKernel", "kernel"]

AVAILABLE = importlib.util.find_spec("numba") is not None


class NumbaKernel:
    """What ``LocalKernel`` does, by the loops of ``_local_loops``; samples or inputs are shared out among threads."""

    def add_sums(self, x: Tensor, weight: Tensor, grid: Grid, *, out: Tensor) -> None:
        """Adds to ``out`` the weighted sums of the terms of x."""
        sums, weight = _loops().add_sums, weight.contiguous()
        _share_out(lambda part: sums(_array(x[part]), _given(grid), _array(weight), _array(out[part])), x, out)

    def input_gradient(self, x: Tensor, weight: Tensor, grid: Grid, *, grad: Tensor) -> Tensor:
        """The gradient of x from that of the sums."""
        out = torch.empty_like(x)
        run, weight = _loops().input_gradient, weight.contiguous()

        def piece(part: slice) -> None:
            run(_array(x[part]), _given(grid), _array(weight), _array(grad[part]), _array(out[part]))

        _share_out(piece, x, grad)
        return out

    def weight_gradient(self, x: Tensor, grid: Grid, *, grad: Tensor, out: Tensor) -> None:
        """Fills ``out`` with the gradient of the weights."""
        run, whole = _loops().weight_gradient, torch.empty(out.shape, dtype=out.dtype)

        def piece(part: slice) -> None:
            own = Grid(grid.knots if grid.knots.ndim == 1 else grid.knots[part], grid.order, grid.outside, grid.even)
            run(_array(x[:, part]), _given(own), _array(grad), _array(whole[part]))

        _share_out(piece, x.t(), grad)
        out.copy_(whole)


def kernel(dtype: torch.dtype) -> NumbaKernel | None:
    """The kernel where numba is installed, for float32 and float64."""
    return NumbaKernel() if AVAILABLE and dtype in NUMBERS else None


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy()


def _given(grid: Grid) -> tuple[Any, int, int, bool]:
    knots = grid.knots if grid.knots.ndim == 2 else grid.knots.unsqueeze(0)
    return _array(knots), grid.order, OUTSIDE[grid.outside], grid.even


def _share_out(run: Callable[[slice], None], x: Tensor, matrix: Tensor) -> None:
    """Runs all rows of x, a slice for each thread; ``matrix`` (batch, n_out) tells how much there is to do."""
    count = len(x)
    threads = min(threads_for(x.numel() * matrix.shape[-1]), count)
    if threads < 2:
        run(slice(0, count))
        return
    ends = [count * k // threads for k in range(threads + 1)]
    slices = [slice(begin, end) for begin, end in pairwise(ends)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, slices))


@functools.cache
def _loops() -> Any:
    from . import _local_loops

    return _local_loops
