"""A sum of three sines on an interval: the small target on which the staircase of the epsilon-rank shows in seconds."""

from __future__ import annotations

import numpy as np

from . import catalogue
from ._base import Array, Split, Splits, Task

POINTS = 256


def _target(x: Array) -> Array:
    return np.sin(2 * np.pi * x) + 0.5 * np.sin(6 * np.pi * x) + 0.25 * np.sin(10 * np.pi * x)


def _read() -> Splits:
    # One grid three times as fine as the training points. Every third point trains; the two between, a third of a
    # step to either side, validate and test. So training keeps an equidistant grid with both ends, no point used twice.
    grid = np.linspace(-1.0, 1.0, 3 * (POINTS - 1) + 1)[:, None]
    rows = np.arange(len(grid))
    x, y = grid.astype(np.float32), _target(grid).astype(np.float32)
    return Splits(*(Split(x[first::3], y[first::3], rows=rows[first::3]) for first in range(3)))


catalogue.add(
    "function-1d",
    Task(
        name="function-1d",
        kind="regression",
        inputs=1,
        outputs=1,
        source="arXiv:2412.05144",
        licence="none needed: generated from a formula",
        description="f(x) = sin 2πx + 0.5 sin 6πx + 0.25 sin 10πx on [-1, 1]: 256 equidistant points to train, "
        "255 + 255 points between them to validate and test; generated in the style of the source's experiments, "
        "not standardised",
        read=_read,
        locate=lambda: "generated from a formula",
        measure=2.0,
    ),
)
