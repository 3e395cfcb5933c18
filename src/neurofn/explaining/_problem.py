"""What all units of a call of `explain` share: label sets, the samples that are searched and held out, and where units fire."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import DataError
from ._block import Block
from ._chance import Firing
from ._counting import count
from ._labels import Grouped
from ._signatures import Hits, Signatures
from ._split import Holdout
from .concepts import Concepts
from .thresholds import Threshold
from .units import Units

__all__ = ["Problem"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """Label sets with their numbers of positions, and the samples that are searched and held out."""

    grouped: Grouped
    searched: Array
    held: Array
    signatures: Signatures  # of the searched samples: sets that occur there
    kept: Array  # which label sets these are
    everywhere: Signatures  # all label sets
    wants: bool  # whether samples were to be held out

    @classmethod
    def of(cls, units: Units, concepts: Concepts, holdout: Holdout) -> Problem:
        """Read the concepts once. Warns of concepts that are true nowhere in the samples searched."""
        out = holdout.of(units.samples)
        if out.all():
            out[0] = False  # something must be searched
        grouped = concepts.collect(~out)
        searched, held = np.flatnonzero(~out), np.flatnonzero(out)
        weights = grouped.weights(searched)
        kept = np.flatnonzero(weights)
        present = _signatures(concepts, grouped, kept, weights[kept])
        nowhere = np.setdiff1d(np.arange(len(concepts.names)), present.indices)
        if len(nowhere) == len(concepts.names):
            raise DataError("no concept is true anywhere in the samples that are searched")
        if len(nowhere):
            names = ", ".join(concepts.names[i] for i in nowhere[:5]) + (", ..." if len(nowhere) > 5 else "")
            warnings.warn(f"{len(nowhere)} concepts are true nowhere in the samples searched: {names}", stacklevel=3)
        everything = _signatures(concepts, grouped, np.arange(grouped.sets), grouped.weights(np.arange(units.samples)))
        return cls(grouped, searched, held, present, kept, everything, holdout.share > 0)

    def read(self, units: Units) -> Iterator[tuple[list[Firing], Hits]]:
        """For each threshold and module its units, in the order of their names, and where they fire in the searched samples."""
        for threshold in units.thresholds:
            for block in units.blocks:
                low, high = self._ranges(threshold, block)
                firing = count(block, (low, high), self.grouped, self.searched)
                own = [Firing(block, unit, float(low[unit]), float(high[unit])) for unit in range(block.units)]
                yield own, self._restricted(firing.csr())

    def _ranges(self, threshold: Threshold, block: Block) -> tuple[Array, Array]:
        ids = self.grouped.ids
        text = ids if len(ids.shape) == 1 == len(block.store.shape) - 1 else None  # tokens may be padded
        low, high = threshold.bounds(lambda q: block.quantile(q, self.searched, text))
        full = (block.units,)
        return np.broadcast_to(np.asarray(low, float), full), np.broadcast_to(np.asarray(high, float), full)

    def _restricted(self, csr: tuple[Array, Array, Array]) -> Hits:
        """Hits at the label sets that occur in the searched samples; the units fire nowhere else there."""
        indptr, indices, counts = csr
        position = np.full(self.grouped.sets, -1, np.int32)
        position[self.kept] = np.arange(len(self.kept))
        totals = np.add.reduceat(np.append(counts, 0), indptr[:-1]) * (np.diff(indptr) > 0)
        return Hits(indptr, position[indices], counts, totals)


def _signatures(concepts: Concepts, grouped: Grouped, sets: Array, weights: Array) -> Signatures:
    lengths = np.diff(grouped.indptr)[sets]
    indptr = np.concatenate([[0], lengths.cumsum()]).astype(np.int64)
    chosen = np.repeat(grouped.indptr[sets] - indptr[:-1], lengths) + np.arange(indptr[-1])
    neighbors = tuple((name, tuple(map(concepts.names.index, joined))) for name, joined in concepts.neighbors)
    return Signatures(concepts.names, indptr, grouped.indices[chosen], weights, neighbors)
