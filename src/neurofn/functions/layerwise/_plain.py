"""Numpy words that several definitions and facts share."""

from __future__ import annotations

from typing import Any

__all__ = ["near", "sigma"]


def near(a: Any, b: Any, tolerance: float = 1e-9) -> bool:
    """Whether nothing in ``a`` is farther than the tolerance from ``b``."""
    return bool((abs(a - b) < tolerance).all())


def sigma(x: Any) -> Any:
    """The logistic function, by tanh: nothing overflows."""
    import numpy as np

    return 0.5 * (1 + np.tanh(x / 2))
