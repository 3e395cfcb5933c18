"""The fast route of instruments: sums over rows in the data type of the activations, added up in place in float64.

A kernel states what `Instrument._update` states, for rows that are all finite and have no weights: whoever feeds it looks at
what is finite first and gives batches with NaN, infinities or overflowing squares to the slow route. Kernels are objects that
change, because nothing may be allocated where a network trains; what leaves them is a state like any other.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ._blocks import as_rows

if TYPE_CHECKING:
    from torch import Tensor

    from ._base import State
    from ._column_sums import ColumnSums

__all__ = ["AboveCounts", "GramSums", "Kernel", "MomentSums", "Team"]

_FLUSH = 4096  # rows whose products are summed in float32 before they go to float64


class Kernel(ABC):
    """Sums of one instrument at one site, in place. ``rows`` is how many are in them.

    ``add`` takes a block. ``trace`` takes it in tensor operations alone, without waiting for the device.
    """

    dear: ClassVar[bool] = False
    """Whether a row costs more than a few operations per value: then it is fed more rarely."""

    def __init__(self, neurons: int, like: Tensor) -> None:
        import torch

        self.neurons = neurons
        self.rows = 0
        self.unit = 0.0  # the spacing near 1 of the coarsest data type that the values came in
        self.traced = torch.zeros((), dtype=torch.int64, device=like.device)
        self.left_out = torch.zeros((), dtype=torch.int64, device=like.device)  # rows of batches that `trace` left out

    @property
    def total(self) -> int:
        """Rows since the last reset, by either way."""
        return self.rows + int(self.traced)

    @abstractmethod
    def add(self, values: Tensor, sums: ColumnSums) -> None:
        """Add a block, (rows, neurons) or (samples, neurons, places), all of it finite."""

    def trace(self, rows: Tensor, good: Tensor) -> None:
        """Add ``rows`` (rows, neurons) where ``good``, a bool tensor without axes, says so."""
        self.traced.add_(good * rows.shape[0])
        self.left_out.add_(~good * rows.shape[0])

    def reset(self) -> None:
        """The sums of no rows, in the same memory."""
        self.rows = 0
        self.traced.zero_()
        self.left_out.zero_()

    @abstractmethod
    def state(self) -> State:
        """The instrument's state of the rows since the last reset, in memory of its own, without "nonfinite rows"."""


class MomentSums(Kernel):
    """Sums and sums of squares about a shift: the mean of the first rows, later that of the last window, so that few digits go.

    Against float64 the mean is off by some units in the last place of the data type times the spread about the shift.
    """

    def __init__(self, neurons: int, like: Tensor) -> None:
        import torch

        super().__init__(neurons, like)
        self.shift = torch.zeros(neurons, dtype=like.dtype, device=like.device)
        self.shifted = False
        self.sums = torch.zeros(2, neurons, dtype=torch.float64, device=like.device)

    def add(self, values: Tensor, sums: ColumnSums) -> None:
        self.add_finite(values, sums, beside=None)

    def add_finite(self, values: Tensor, sums: ColumnSums, *, beside: AboveCounts | None) -> bool:
        """Add a block here and in one pass ``beside``; False, and nothing is added, where it or its squares are not finite."""
        if not self.shifted and values.numel() and sums.add(values, moments=(self.shift, self.sums)):
            self.shift.add_(self.sums[0] / (values.numel() // self.neurons))
            self.shifted = True
            self.sums.zero_()
        return sums.add(values, moments=(self.shift, self.sums), above=None if beside is None else beside.above)

    def trace(self, rows: Tensor, good: Tensor) -> None:
        import torch

        super().trace(rows, good)
        for i, sums in enumerate(((rows - self.shift).sum(dim=0), self.squares(rows))):
            self.sums[i].add_(torch.where(good, sums, 0.0))

    def squares(self, rows: Tensor) -> Tensor:
        """Of each neuron the sum of squares about the shift."""
        return (rows - self.shift).square().sum(dim=0)

    def reset(self) -> None:
        if self.total:
            self.shift.add_(self.sums[0] / self.total)
            self.shifted = True
        super().reset()
        self.sums.zero_()

    def state(self) -> State:
        import torch

        rows = self.total
        offset = self.sums[0] / max(rows, 1)
        return {
            "mean": (self.shift.double() + offset) if rows else torch.zeros_like(offset),
            "square": (self.sums[1] - self.sums[0] * offset).clamp_(min=0),
            "weight": torch.tensor(float(rows), dtype=torch.float64, device=offset.device),
        }


class AboveCounts(Kernel):
    """In how many rows each neuron was above a threshold; exact."""

    def __init__(self, neurons: int, like: Tensor, *, threshold: float) -> None:
        import torch

        super().__init__(neurons, like)
        self.threshold = threshold if like.dtype == torch.float64 else _below(threshold)
        self.counts = torch.zeros(neurons, dtype=torch.float64, device=like.device)
        self.above = self.threshold, self.counts

    def add(self, values: Tensor, sums: ColumnSums) -> None:
        sums.add(values, above=self.above)

    def trace(self, rows: Tensor, good: Tensor) -> None:
        import torch

        super().trace(rows, good)
        active = (rows > self.threshold).to(rows.dtype).sum(dim=0)
        self.counts.add_(torch.where(good, active, 0.0))

    def reset(self) -> None:
        super().reset()
        self.counts.zero_()

    def state(self) -> State:
        import torch

        return {"count": self.counts.long(), "rows": torch.tensor(self.total, device=self.counts.device)}


class GramSums(Kernel):
    """Products of all pairs of neurons: in float64, or in float32 where the readings cannot tell.

    threshold: what eigenvalues of the mean product are compared with; where ``relative``, in shares of the largest one. Where
               ten times the resolution of float32 is above it, products are made in float64. The trace of the last window
               bounds the largest eigenvalue, so the first window is in float64 if the threshold is absolute. The state says
               what it was by its entry "roundoff".
    """

    dear: ClassVar[bool] = True

    def __init__(self, neurons: int, like: Tensor, *, threshold: float, relative: bool) -> None:
        import torch

        super().__init__(neurons, like)
        self.threshold, self.relative = threshold, relative
        self.in_float32 = like.dtype == torch.float32 and relative and threshold >= 10 * _RESOLUTION
        self.pending = 0
        self.narrow = torch.zeros(
            0 if like.dtype == torch.float64 else neurons, neurons, dtype=like.dtype, device=like.device
        )
        self.gram = torch.zeros(neurons, neurons, dtype=torch.float64, device=like.device)

    def add(self, values: Tensor, sums: ColumnSums) -> None:
        rows = as_rows(values)
        if not self.in_float32:
            wide = rows.double()
            self.gram.addmm_(wide.t(), wide)
            return
        self.narrow.addmm_(rows.t(), rows)
        self.pending += rows.shape[0]
        if self.pending >= _FLUSH:
            self._flush()

    def trace(self, rows: Tensor, good: Tensor) -> None:
        import torch

        super().trace(rows, good)
        clean = torch.where(good, rows, 0.0)
        clean = clean if self.in_float32 else clean.double()
        self.gram.add_(clean.t() @ clean)

    def reset(self) -> None:
        if self.total and not self.relative and len(self.narrow):
            largest = float(self.gram.trace()) / self.total
            self.in_float32 = self.threshold >= 10 * _RESOLUTION * largest
        super().reset()
        self.gram.zero_()

    def state(self) -> State:
        import torch

        self._flush()
        device = self.gram.device
        roundoff = max(self.unit, math.sqrt(_RESOLUTION) if self.in_float32 else 0.0) if self.total else 0.0
        return {
            "gram": self.gram.clone(),
            "rows": torch.tensor(self.total, device=device),
            "weighted rows": torch.zeros((), dtype=torch.int64, device=device),
            "roundoff": torch.tensor(roundoff, dtype=torch.float64, device=device),
        }

    def _flush(self) -> None:
        if self.pending:
            self.gram.add_(self.narrow)
            self.narrow.zero_()
            self.pending = 0


class Team:
    """Kernels that are given the same blocks: what one pass over a block can do for several is done in one.

    >>> import torch
    >>> from neurofn.instruments._column_sums import ColumnSums
    >>> moments, counts = MomentSums(2, torch.zeros(0, 2)), AboveCounts(2, torch.zeros(0, 2), threshold=0.0)
    >>> Team([counts, moments]).add(torch.tensor([[1.0, -2.0], [3.0, -4.0]]), ColumnSums(), unit=1.2e-7)
    True
    >>> moments.state()["mean"].tolist(), counts.state()["count"].tolist()
    ([2.0, -3.0], [2, 0])
    """

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self.kernels = kernels
        self.moments = next((kernel for kernel in kernels if isinstance(kernel, MomentSums)), None)
        self.counts = next((kernel for kernel in kernels if isinstance(kernel, AboveCounts)), None)
        done = () if self.moments is None else (self.moments, self.counts)
        self.others = [kernel for kernel in kernels if kernel not in done]

    def add(self, values: Tensor, sums: ColumnSums, *, unit: float) -> bool:
        """Add a block whose numbers were ``unit`` apart near 1; False, and nothing is added, where one is not finite."""
        if self.moments is not None:
            finite = self.moments.add_finite(values, sums, beside=self.counts)
        else:
            finite = math.isfinite(float(values.sum()))
        if not finite:
            return False
        for kernel in self.others:
            kernel.add(values, sums)
        for kernel in self.kernels:
            kernel.rows += values.numel() // kernel.neurons
            kernel.unit = max(kernel.unit, unit)
        return True

    def trace(self, rows: Tensor) -> None:
        """Add (rows, neurons) in tensor operations alone; a batch with anything that is not finite is left out whole."""
        size = rows.sum(dim=0) if self.moments is None else self.moments.squares(rows)
        good = size.sum().isfinite()
        for kernel in self.kernels:
            kernel.trace(rows, good)


_RESOLUTION = 4 * float(np.finfo(np.float32).eps)
"""Of sums of float32 products: the share of the largest eigenvalue below which eigenvalues are rounding."""


def _below(threshold: float) -> float:
    """The largest float32 that is not above: a float32 is above one exactly where it is above the other."""
    nearest = np.float32(threshold)
    return float(nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-np.inf)))
