"""Loops over sparse rows, to be compiled. Each has a twin in NumPy or SciPy in `_tally`, with equal results."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._compiled import compiled

__all__ = ["pair_sums", "sums"]

Array = np.ndarray[Any, Any]


@compiled
def sums(indptr: Array, indices: Array, rows: Array, weights: Array, size: int) -> Array:
    """For each concept the sum of weights over the rows that have it; weights[k] belongs to rows[k]."""
    found = np.zeros(size, np.int64)
    for k in range(len(rows)):
        weight = weights[k]
        for entry in range(indptr[rows[k]], indptr[rows[k] + 1]):
            found[indices[entry]] += weight
    return found


@compiled
def pair_sums(indptr: Array, indices: Array, rows: Array, weights: Array, size: int) -> Array:
    """For each pair of concepts the sum of weights over the rows that have both: (size, size), symmetric."""
    found = np.zeros((size, size), np.int64)
    for k in range(len(rows)):
        weight = weights[k]
        low, high = indptr[rows[k]], indptr[rows[k] + 1]
        for one in range(low, high):
            for other in range(low, one + 1):
                found[indices[one], indices[other]] += weight  # indices rise, so this is the lower half
    for one in range(size):
        for other in range(one):
            found[other, one] = found[one, other]
    return found
