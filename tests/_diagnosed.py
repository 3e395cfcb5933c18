"""Synthetic records for each rule of the diagnosis: one on which it must fire, and its control, on which nothing may."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurofn.watching import Record

Row = dict[str, Any]
STEPS = range(0, 100, 10)


def curve(
    site: str, instrument: str, reading: str, values: Sequence[float], *, steps: Iterable[int] = STEPS
) -> list[Row]:
    """A reading that is one number, over the steps."""
    return [
        {"step": step, "site": site, "instrument": instrument, "reading": reading, "value": float(value)}
        for step, value in zip(steps, values, strict=True)
    ]


def neurons(site: str, reading: str, values: Sequence[float], *, instrument: str = "Moments") -> list[Row]:
    """A reading of each neuron, the same at every step."""
    return [
        {"step": step, "site": site, "instrument": instrument, "reading": reading, "unit": unit, "value": float(value)}
        for step in STEPS
        for unit, value in enumerate(values)
    ]


def flat(value: float) -> list[float]:
    """The same value at every step."""
    return [value] * len(STEPS)


def late(before: float, after: float) -> list[float]:
    """A value that changes half-way."""
    return [before] * 5 + [after] * 5


def deep(values: Sequence[float], *, side: str = "") -> list[Row]:
    """The deviation of each of several sites, one behind the other."""
    return [row for i, value in enumerate(values) for row in curve(f"{i}{side}", "Moments", "average std", flat(value))]


def staircase(*, end: float, rises: Sequence[int] = (100, 1000)) -> list[Row]:
    """A loss that falls from plateau to plateau at steps 100 and 1000, and a rank that rises at ``rises``."""
    steps = np.unique(np.geomspace(10, 9000, 80).round().astype(int))
    loss = np.where(steps < 100, 1.0, np.where(steps < 1000, 0.3, end))
    rank = sum((steps >= rise).astype(float) for rise in rises)
    return [
        *curve("", "Training", "loss", loss, steps=steps.tolist()),
        *curve("1", "EpsilonRank(eps=0.001)", "rank", rank, steps=steps.tolist()),
    ]


def gliding() -> list[Row]:
    """A loss that falls all the time, and a rank that rises."""
    steps = np.unique(np.geomspace(10, 9000, 80).round().astype(int))
    loss = curve("", "Training", "loss", 10.0 / steps, steps=steps.tolist())
    return [*loss, *curve("1", "EpsilonRank(eps=0.001)", "rank", steps // 100, steps=steps.tolist())]


_SATURATED = [*neurons("1", "mean", [0.1, -0.1] * 4), *curve("1", "Saturated", "share", flat(0.9))]
_ACTIVE, _EPSILON = "ActivatedNeurons", "EpsilonRank(eps=0.001, relative=True)"

CASES: dict[str, list[tuple[list[Row], list[Row]]]] = {
    # rule: (it fires, its control), the control differing by what the rule is about
    "dead layer": [
        (curve("1", _ACTIVE, "share", late(0.8, 0.0)), curve("1", _ACTIVE, "share", [*flat(0.8)[:9], 0.0])),
        (  # a logarithm of a softmax is never above 0 and yet alive
            [*curve("1", _ACTIVE, "share", flat(0.0)), *curve("1", "Moments", "average std", flat(0.0)),
             *curve("0", "Moments", "average std", flat(1.0))],
            [*curve("1", _ACTIVE, "share", flat(0.0)), *curve("1", "Moments", "average std", flat(0.4))],
        ),
        (  # where nothing varies, batches have one row
            [*curve("0", "Moments", "average std", flat(1.0)), *curve("1", "Moments", "average std", late(1.0, 0.0))],
            [*curve("0", "Moments", "average std", flat(0.0)), *curve("1", "Moments", "average std", flat(0.0))],
        ),
    ],
    "dormant share": [
        (curve("1", "Dormant", "share", late(0.1, 0.7)), curve("1", "Dormant", "share", flat(0.3))),
        (curve("1", _ACTIVE, "share", flat(0.3)), curve("1", "ActivatedNeurons(active=top_k(0.01))", "share", flat(0.3))),
        (curve("1", "Dormant", "share", flat(0.7)), curve("1@gradient", "Dormant", "share", flat(0.7))),
    ],
    "saturation": [
        (curve("1", "Saturated", "share", flat(0.9)), curve("1", "Saturated", "share", flat(0.2))),
        (  # outputs that go beyond the ends are no outputs of tanh
            [*_SATURATED, *neurons("1", "std", [0.9] * 8)], [*_SATURATED, *neurons("1", "std", [3.0] * 8)],
        ),
    ],
    "rank collapse": [
        (curve("1", _EPSILON, "rank", late(40, 2)), curve("1", _EPSILON, "rank", late(40, 30))),
        (curve("1", _EPSILON, "rank", late(40, 2)), curve("1", _EPSILON, "rank", late(2, 40))),
        (
            [*neurons("1", "mean", [0.0] * 32), *curve("1", "Spectrum", "effective rank", flat(1.1))],
            [*neurons("1", "mean", [0.0] * 2), *curve("1", "Spectrum", "effective rank", flat(1.1))],
        ),
        (  # about a large mean, an uncentred rank is that of the mean
            [*neurons("1", "mean", [1.0] * 8), *neurons("1", "std", [1.0] * 8), *curve("1", _EPSILON, "rank", late(40, 2))],
            [*neurons("1", "mean", [99.0] * 8), *neurons("1", "std", [1.0] * 8), *curve("1", _EPSILON, "rank", late(40, 2))],
        ),
    ],
    "too few rows for a rank": [
        (
            [*neurons("1", "mean", [0.0] * 64), *curve("1", "Spectrum", "rows", flat(128)),
             *curve("1", "Spectrum", "too few rows", flat(1))],
            [*neurons("1", "mean", [0.0] * 64), *curve("1", "Spectrum", "rows", flat(256)),
             *curve("1", "Spectrum", "too few rows", flat(1))],
        ),
        (curve("1", "Spectrum", "too few rows", flat(1)), curve("1", "Spectrum", "too few rows", flat(0))),
    ],
    "first value that is not finite": [
        (curve("1", "Moments", "nonfinite rows", late(0, 3)), curve("1", "Moments", "nonfinite rows", flat(0))),
        (curve("", "Training", "loss", late(1.0, float("nan"))), curve("", "Training", "loss", flat(1.0))),
    ],
    "exploding variance": [
        (deep([1, 30, 900, 2e4, 5e5]), deep([1, 3, 2, 4, 8])),
        (curve("1", "Moments", "average std", late(1.0, 1e4)), curve("1", "Moments", "average std", late(1.0, 50.0))),
        (deep([1, 30, 900, 2e4, 5e5]), deep([1, 5e5, 1, 30, 2])),  # up and down is no depth
        (deep([5e5, 2e4, 900, 30, 1], side="@gradient"), deep([5, 2, 3, 2, 1], side="@gradient")),
    ],
    "vanishing variance": [
        (deep([1, 0.1, 0.01, 1e-3, 1e-4]), deep([1, 0.5, 0.4, 0.3, 0.2])),
        (deep([1e-4, 1e-3, 0.01, 0.1, 1], side="@gradient"), deep([0.2, 0.3, 0.4, 0.5, 1], side="@gradient")),
    ],
    "plateau with stairs": [
        (staircase(end=0.05), gliding()),
        (staircase(end=0.05), staircase(end=0.05, rises=(30, 300))),  # the loss did not fall where the rank rose
        (staircase(end=0.05), staircase(end=0.05, rises=(100, 1000, 8000))),  # the next rise has come
    ],
    "reading failed": [(curve("1", "Watch", "failed step", [50], steps=[50]), curve("1", "Watch", "rows", [50], steps=[50]))],
    "watching costs more than its budget": [
        (curve("", "Watch", "cost share", flat(0.05)), curve("", "Watch", "cost share", flat(0.035))),
        (
            curve("", "Watch", "cost share", flat(0.05)),
            [*curve("", "Watch", "cost share", flat(0.05)), *curve("", "Watch", "budget", flat(0.1))],
        ),
        (
            [*curve("", "Watch", "cost share", flat(0.05)), *curve("", "Watch", "seconds", flat(2.0))],
            [*curve("", "Watch", "cost share", flat(0.05)), *curve("", "Watch", "seconds", flat(0.2))],
        ),
    ],
}  # fmt: skip


def record(rows: list[Row]) -> Record:
    """The record of these rows."""
    return Record.from_rows(rows)


def grow(folder: Path, step: int) -> None:
    """One more process that writes one reading into a folder."""
    with Record.writer(folder) as writer:
        writer.write([((step, -1, "1", "Moments", "average std"), np.array([np.nan]), np.array([1.0]))])
