"""Levenberg-Marquardt for few parameters and many samples, in float64: steps by an orthogonal solve, columns scaled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._library import Array

__all__ = ["levenberg_marquardt"]


def levenberg_marquardt(
    residual: Callable[[Array], Array],
    jacobian: Callable[[Array], Array],
    start: Array,
    *,
    steps: int = 100,
    tolerance: float = 1e-12,
    floor: float = 0.0,
) -> tuple[Array, float]:
    """Parameters (p,) that make the mean square of ``residual`` (n,) least, and that mean square.

    ``jacobian`` gives (n, p). Steps that lead to numbers that are not finite are refused. It ends where a step gains less than
    ``tolerance`` of the mean square twice in a row, or at ``floor``.

    >>> import numpy as np
    >>> x = np.linspace(0, 1, 20)
    >>> best, left = levenberg_marquardt(
    ...     lambda p: p[0]*np.exp(p[1]*x) - 2*np.exp(3*x),
    ...     lambda p: np.stack([np.exp(p[1]*x), p[0]*x*np.exp(p[1]*x)], axis=1), np.array([1.0, 1.0]))
    >>> best.round(6).tolist()
    [2.0, 3.0]
    """
    place, values = start.copy(), residual(start)
    left = _mean_square(values)
    damping, idle = 1e-3, 0
    for _ in range(steps):
        if not np.isfinite(left) or left <= floor:
            break
        slopes = np.nan_to_num(jacobian(place), nan=0.0, posinf=0.0, neginf=0.0)
        scale = np.sqrt(np.square(slopes).sum(0))
        scale[scale == 0] = 1.0
        accepted = False
        for _ in range(12):
            step = _solve(slopes / scale, values, damping) / scale
            trial = residual(place - step)
            after = _mean_square(trial)
            if after < left:
                accepted = True
                break
            damping = max(damping * 6, 1e-12)
        if not accepted:
            break
        idle = idle + 1 if left - after <= tolerance * left else 0
        place, values, left, damping = place - step, trial, after, damping / 8
        if idle >= 2:
            break
    return place, left


def _mean_square(values: Array) -> float:
    with np.errstate(all="ignore"):
        mean = float(np.mean(np.square(values)))
    return mean if np.isfinite(mean) else float("inf")


def _solve(slopes: Array, values: Array, damping: float) -> Array:
    count = slopes.shape[1]
    stacked = np.concatenate([slopes, np.sqrt(damping) * np.eye(count)])
    target = np.concatenate([values, np.zeros(count)])
    return np.asarray(np.linalg.lstsq(stacked, target, rcond=None)[0])
