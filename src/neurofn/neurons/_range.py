"""Where the inputs of a layer live: raw units in, the place in a fitted range out, and a count of what was outside."""

from __future__ import annotations

import warnings
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError, ShapeError
from ..edges import Basis

__all__ = ["Range", "RangeWarning", "place"]

BOUND = 0.1
"""The fraction of inputs outside that is worth a warning."""

ENOUGH = 100
"""So many inputs are seen before anything is said about a fraction of them."""

_STATE = ("low", "high", "left")


class RangeWarning(UserWarning):
    """More than a tenth of the inputs lie outside the range that a layer was fitted to, or outside the interval of its edges.

    >>> from neurofn.neurons.ranges import RangeWarning
    >>> issubclass(RangeWarning, UserWarning)
    True
    """


class Range(nn.Module):
    """``low`` and ``high`` (n_in) in raw units, None until fitted; ``left``, how many batches may still widen them, or None."""

    low: Tensor | None
    high: Tensor | None
    left: Tensor | None

    def __init__(self, n_in: int, name: str) -> None:
        super().__init__()
        self.n_in, self.name = n_in, name
        for state in _STATE:
            self.register_buffer(state, None)
        self.learning = False
        self._forget()

    def _forget(self) -> None:
        self.calls, self.seen, self.warned = 0, 0, False
        self.beyond: Tensor | None = None

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in _STATE:
            value = state.get(prefix + name)
            setattr(self, name, None if value is None else torch.empty_like(value))
        super()._load_from_state_dict(state, prefix, *rest)
        self.learning = self.left is not None and int(self.left) > 0

    def fit(self, x: Tensor, *, margin: float, quantile: float | None) -> None:
        """Take the range of ``x`` (..., n_in), or that from ``quantile`` to 1 - ``quantile``, and ``margin`` of it more."""
        rows = x.detach().reshape(-1, x.shape[-1])
        if margin < 0 or not (quantile is None or 0 <= quantile < 0.5):
            raise SettingError(
                f"margin must be at least 0, quantile from 0 to below 0.5, got {margin!r} and {quantile!r}"
            )
        if rows.shape[-1] != self.n_in:
            raise ShapeError(
                f"{self.name} has {self.n_in} inputs: a range needs (..., {self.n_in}), got {tuple(x.shape)}"
            )
        if not len(rows):
            raise DataError(f"{self.name}: a range cannot be fitted to no inputs; give at least one row")
        wrong = (~rows.isfinite()).any(0).nonzero().flatten().tolist()
        if wrong:
            raise DataError(
                f"{self.name}: inputs {wrong[:5]} hold NaN or infinity; a range needs finite rows, x[x.isfinite().all(-1)]"
            )
        at = 0 if quantile is None else int(quantile * (len(rows) - 1))
        ordered = rows.sort(0).values
        low, high = ordered[at], ordered[len(rows) - 1 - at]
        more = margin * (high - low)
        self.low, self.high, self.left = low - more, high + more, None
        self.learning = False
        self._forget()

    def learn(self, batches: int, like: Tensor) -> None:
        """Let the next ``batches`` training batches widen a range that is empty so far."""
        if isinstance(batches, bool) or not isinstance(batches, int) or batches < 1:
            raise SettingError(f"batches must be a whole number of at least 1, got {batches!r}")
        empty = torch.full((self.n_in,), torch.inf, dtype=like.dtype, device=like.device)
        self.low, self.high, self.left = empty, -empty, torch.tensor(batches, device=like.device)
        self.learning = True
        self._forget()

    def _widen(self, x: Tensor) -> None:
        assert self.low is not None
        assert self.high is not None
        assert self.left is not None
        with torch.no_grad():
            rows = x.reshape(-1, x.shape[-1]).to(self.low.dtype)
            if not len(rows):
                return
            # Not as a branch: a compiled layer, or a stack of layers, goes on to run this when nothing is left.
            fine = rows.isfinite() & (self.left > 0)
            self.low.copy_(torch.minimum(self.low, rows.where(fine, torch.inf).amin(0)))
            self.high.copy_(torch.maximum(self.high, rows.where(fine, -torch.inf).amax(0)))
            self.left.copy_((self.left - 1).clamp_min(0))
        if _alone() and int(self.left) == 0:
            self.learning = False

    def forward(self, x: Tensor) -> Tensor | None:
        """``place``, after a training batch has widened a range that is being learned."""
        if self.learning and self.training:
            self._widen(x)
        return self.place(x)

    def place(self, x: Tensor) -> Tensor | None:
        """The place of x in the range, exactly -1 at its low end and 1 at its high end; None where there is no range.

        A constant column has no width, and a range that no batch has widened yet has no ends: there it is the distance.
        """
        if self.low is None or self.high is None:
            return None
        wide, known = self.high > self.low, self.high >= self.low
        width = torch.where(wide, self.high - self.low, 1.0)
        share = (x - torch.where(known, self.low, 0.0)) / width
        return torch.where(wide, 2 * share - 1, share)

    def watch(self, placed: Tensor, low: Tensor | float, high: Tensor | float, *, does: str | None) -> None:
        """Count the inputs that are not within [low, high], NaN among them, and warn once where they are too many."""
        if not _alone() or not placed.numel():
            return
        with torch.no_grad():
            within = torch.count_nonzero((placed >= low) & (placed <= high))
            beyond = placed.numel() - within
            self.beyond = beyond if self.beyond is None else self.beyond.to(beyond.device) + beyond
        self.seen += placed.numel()
        self.calls += 1
        # Looking at the number makes a device wait: it is looked at in calls 1, 2, 4, 8, ... only.
        if self.warned or self.seen < ENOUGH or self.calls & (self.calls - 1):
            return
        fraction = int(self.beyond) / self.seen
        if fraction > BOUND:
            self.warned = True
            where = "the interval of its edges" if self.low is None else "the range it was fitted to"
            warnings.warn(
                f"{self.name}: {fraction:.0%} of {self.seen} inputs lie outside {where}"
                f"{f', where edges are declared {does}' if does else ''}; call layer.fit_range(x), or fit_ranges(model, x)",
                RangeWarning,
                stacklevel=2,
            )

    def counts(self) -> tuple[int, int]:
        """How many inputs were outside, of how many, since this was last asked."""
        found = (0 if self.beyond is None else int(self.beyond), self.seen)
        self.beyond, self.seen, self.calls = None, 0, 0
        return found


def place(basis: Basis, x: Tensor, u: Tensor | None) -> Tensor:
    """What a basis is given: x itself without a range; else its interval, or unit variance if u is uniform on [-1, 1]."""
    if u is None:
        return x
    if basis.interval is None:
        return u * sqrt(3)
    low, high = basis.interval
    return (low + high) / 2 + u * ((high - low) / 2)


def _alone() -> bool:
    """Whether this runs as written, neither in a compiler nor under vmap or a functional gradient."""
    return not (torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active())
