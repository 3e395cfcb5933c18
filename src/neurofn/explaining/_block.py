"""The activations of one module, and which of its units can be explained at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._errors import ShapeError
from ._store import Store

__all__ = ["Block"]

Array = np.ndarray[Any, Any]
_VALUES = 32 * 2**20  # how many activations are looked at together for quantiles


@dataclass(eq=False)
class Block:
    """The activations of one module: a store of (samples, units, *places), and what is known of each unit.

    low, high: the smallest and largest activation. bad: how many were NaN or infinite; these are kept as 0.
    """

    site: str
    store: Store = field(default_factory=Store)
    low: Array = field(default_factory=lambda: np.zeros(0))
    high: Array = field(default_factory=lambda: np.zeros(0))
    bad: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def units(self) -> int:
        """How many."""
        return len(self.low)

    def append(self, values: Array) -> None:
        """Add (samples, units, *places)."""
        if len(self.store) and values.shape[1] != self.units:
            raise ShapeError(f"a batch has {values.shape[1]} units at {self.site!r}, those before {self.units}")
        places = tuple(axis for axis in range(values.ndim) if axis != 1)
        finite = np.isfinite(values)
        known = values if finite.all() else np.where(finite, values, values.dtype.type(0))
        if values.size:
            low, high = known.min(axis=places), known.max(axis=places)
            first = not len(self.store)
            self.low = low if first else np.minimum(self.low, low)
            self.high = high if first else np.maximum(self.high, high)
            self.bad = (~finite).sum(axis=places) + (0 if first else self.bad)
            self.store.append(known)

    def quantile(self, q: float, samples: Array, ids: Store | None = None) -> Array:
        """The exact quantile of every unit: the smallest activation that at least a share ``q`` of them does not exceed.

        ids: a store (samples, places) with -1 at places that are padding, where activations are those of tokens.
        """
        places = int(np.prod(self.store.shape[1:], dtype=np.int64))
        together = max(1, _VALUES // max(1, len(samples) * places))
        found = [self._quantiles(q, samples, slice(u, u + together), ids) for u in range(0, self.units, together)]
        return np.concatenate(found)

    def _quantiles(self, q: float, samples: Array, units: slice, ids: Store | None) -> Array:
        parts = []
        for some in np.array_split(samples, max(1, len(samples) // 256)):
            values = self.store.take(some, fill=np.nan)[:, units]
            values = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
            if ids is not None:
                there = ids.take(some, fill=-1)
                wide = np.full((len(some), values.shape[1] // len(some)), False)
                shared = min(wide.shape[1], there.shape[1])
                wide[:, :shared] = there[:, :shared] >= 0
                values = values[:, wide.ravel()]
            parts.append(values)
        whole = np.concatenate(parts, axis=1)
        if whole.shape[1] == 0:
            return np.full(len(whole), np.inf)
        rank = max(0, int(np.ceil(q * whole.shape[1] - 1e-9)) - 1)
        return np.partition(whole, rank, axis=1)[:, rank]
