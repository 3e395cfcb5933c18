"""Place: what the instruments know of one output of one module, fed by hooks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .._errors import ShapeError
from ..instruments import Instrument, Labelled, State
from ..instruments._blocks import as_rows, sampled
from ..instruments._kernels import Team

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..instruments._column_sums import ColumnSums
    from ..instruments._kernels import Kernel

__all__ = ["Feed", "Name", "Place", "Taken", "of_rows"]


class Name(NamedTuple):
    """Where a place is: side is "" for training, "evaluation" or "gradient"; call counts the calls of the module in a pass."""

    path: str
    call: int = 1
    side: str = ""

    def __str__(self) -> str:
        text = self.path if self.call == 1 else f"{self.path}#{self.call}"
        return f"{text}@{self.side}" if self.side else text


class Feed(NamedTuple):
    """What of a pass is read.

    light, dear: whether cheap instruments, and dear ones, are fed (`Kernel.dear`; without a fast route an instrument is dear).
    limit:       the most rows of a place; None for all. turn: which rows they are.
    only:        the path whose dear instruments are fed; None for all.
    """

    light: bool = True
    dear: bool = True
    limit: int | None = None
    turn: int = 0
    only: str | None = None


class Taken(NamedTuple):
    """The state of an instrument, handed over with the rows it stands on."""

    state: State
    rows: int


class Place:
    """States of all instruments: by fast kernels, which stand on ``sums``; without those every batch by `Instrument.update`."""

    def __init__(self, instruments: Sequence[Instrument], values: Tensor, sums: ColumnSums | None = None) -> None:
        self.instruments, self.neurons, self.sums = instruments, values.shape[1], sums
        like = values.detach()[:0]
        like = like if str(like.dtype) == "torch.float64" else like.float()
        self.dtype = like.dtype
        # Sizes that an instrument refuses are refused now: start() looks at them.
        self.starts = [part.start(self.neurons) for part in instruments]
        self.kernels: list[Kernel | None] = [part.kernel(self.neurons, like) if sums else None for part in instruments]
        self.teams = {
            (a, b): Team([k for k in self.kernels if k is not None and (b if k.dear else a)])
            for a in (False, True)
            for b in (False, True)
        }  # by whether light and dear ones are fed
        self.without = [i for i, kernel in enumerate(self.kernels) if kernel is None]
        self.slow: list[State | None] = [None] * len(instruments)
        self.slow_rows = [0] * len(instruments)
        self.read_at = 0  # the step of the last reading of a dear instrument

    def dear(self, i: int) -> bool:
        """Whether instrument ``i`` is fed and read more rarely than others."""
        kernel = self.kernels[i]
        return kernel is None or kernel.dear

    def add(self, values: Tensor, feed: Feed) -> bool:
        """Add a block as `Feed` says, without weights; False where something in it is not finite."""
        values = values.detach()
        if feed.limit is not None:
            values = sampled(values, feed.limit, feed.turn)
        team = self.teams[feed.light, feed.dear]
        if values.is_cuda and not self.without:  # nothing there waits for the device
            team.trace(as_rows(values).to(self.dtype))
            return True
        finite = True
        if team.kernels and self.sums is not None:
            fits = values.dtype is self.dtype or (values.is_floating_point() and values.dtype.itemsize < 8)
            finite = fits and values.is_cpu and team.add(values.to(self.dtype), self.sums, unit=_unit(values.dtype))
        slow = self.without if feed.dear else []
        if not finite:
            slow = [i for i in range(len(self.instruments)) if (feed.dear if self.dear(i) else feed.light)]
        if slow:
            self.exactly(as_rows(values), slow)
        return finite

    def exactly(
        self, rows: Tensor, fed: Sequence[int], weights: Tensor | None = None, targets: Tensor | None = None
    ) -> None:
        """Add (rows, neurons) by `Instrument.update` to the instruments ``fed``."""
        for i in fed:
            part, state = self.instruments[i], self.slow[i] or self.starts[i]
            self.slow[i] = (
                part.update(state, rows, weights, targets=targets)
                if isinstance(part, Labelled)
                else part.update(state, rows, weights)
            )
            self.slow_rows[i] += rows.shape[0]

    def rows(self, i: int) -> int:
        """Rows that instrument ``i`` was given since it was last taken."""
        kernel = self.kernels[i]
        return self.slow_rows[i] + (kernel.total + int(kernel.left_out) if kernel is not None else 0)

    def take(self, i: int) -> Taken:
        """The state of instrument ``i``, which starts again with no rows."""
        part, kernel, state, rows = self.instruments[i], self.kernels[i], self.slow[i], self.rows(i)
        if kernel is not None and rows > self.slow_rows[i]:
            import torch

            nothing = torch.zeros((), dtype=torch.int64, device=kernel.left_out.device)
            own = {**kernel.state(), "nonfinite rows": nothing + kernel.left_out}
            state = own if state is None else part.merge(state, own)
            kernel.reset()
        self.slow[i], self.slow_rows[i] = None, 0
        return Taken(self.starts[i] if state is None else state, rows)


@functools.cache
def _unit(dtype: torch.dtype) -> float:
    """The spacing of its numbers near 1."""
    import torch

    return torch.finfo(dtype).eps


def of_rows(given: Tensor, *, rows: int, what: str) -> Tensor:
    """Weights or targets of samples as those of rows, of which each sample has equally many, one after the other."""
    if len(given) == rows:
        return given
    if len(given) == 0 or rows % len(given):
        raise ShapeError(f"it gives {rows} rows for {len(given)} samples, so {what} of samples are no {what} of rows; "
                         f"leave out {what}=, or this site")  # fmt: skip
    return given.repeat_interleave(rows // len(given), dim=0)
