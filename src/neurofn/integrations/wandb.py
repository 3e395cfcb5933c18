"""A sink for Weights & Biases: numbers as metrics, arrays as histograms. Extra: ``pip install 'neurofn[wandb]'``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..watching import Record
from ._stream import foreign, readings_of

__all__ = ["WandB"]


class WandB:
    """Logs rows to a run: ``to=WandB(wandb.init(mode="offline"))``.

    A number becomes a metric, an array (one value per neuron) a histogram of its finite values; both are named
    "neurofn/SITE/INSTRUMENT/READING" and are drawn over "neurofn/step", an axis of their own, so that they may come later
    than, and between, what the training logs itself.

    Raises MissingExtraError where wandb is not installed.
    """

    def __init__(self, run: Any) -> None:
        self._wandb = foreign("wandb", extra="wandb", purpose="the sink for Weights & Biases")
        self._run = run
        run.define_metric("neurofn/step")
        run.define_metric("neurofn/*", step_metric="neurofn/step")

    def __call__(self, rows: Record) -> None:
        """Log the rows, one call a step."""
        steps: dict[int, dict[str, Any]] = {}
        for curve in readings_of(rows):
            logged = steps.setdefault(curve.step, {"neurofn/step": curve.step})
            finite = curve.values[np.isfinite(curve.values)]
            if np.isnan(curve.units[0]):
                logged[f"neurofn/{curve.name}"] = float(curve.values[0])
            elif len(finite):
                logged[f"neurofn/{curve.name}"] = self._wandb.Histogram(finite)
        for logged in steps.values():
            self._run.log(logged)
