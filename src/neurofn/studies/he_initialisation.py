"""Do deep networks of rectifiers learn with He's initialisation and stall with Xavier's?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._base import Cells, Claim, Evidence, study
from ._contrast import contrast, made_up, no_better
from ._deep import Deep, run_deep

GAINS = {"he": math.sqrt(2.0), "xavier": 1.0}
"""Deviation of a weight times the square root of the fan-in; all hidden layers have the same width."""

DEEP, SHALLOW = 30, 4
SMALLEST = 10.0


def _better(activation: str, depth: int) -> Any:
    def test(cells: Cells) -> Evidence:
        where = {"activation": activation, "depth": depth}
        return contrast(cells, "train accuracy", ("He", {**where, "start": "he"}), ("Xavier", {**where, "start": "xavier"}),
                        smallest=SMALLEST)  # fmt: skip

    return test


def _signal(cells: Cells) -> Evidence:
    """The mean square of activations from the first to the last of the deep layers, before training."""
    import numpy as np

    deep = max(cells.settings["depth"])
    rows = {start: np.log10(cells.values("signal", activation="relu", depth=deep, start=start)) for start in GAINS}
    kept = {start: float(np.median(values)) for start, values in rows.items() if len(values)}
    n = min(len(values) for values in rows.values())
    if n < 5:
        return Evidence(sentence=f"{n} seeds are too few: give at least 5", holds=None, n=n)
    said = ", ".join(f"10**{value:.1f} with {start}" for start, value in kept.items())
    holds = bool(kept["he"] > -2 and kept["xavier"] < -4)
    sentence = f"the mean square after {deep} layers is that of the first times {said} (medians)"
    return Evidence(sentence=sentence, holds=holds,
                    effect=kept["he"] - kept["xavier"], n=n, unit="decades")  # fmt: skip


def _signal_of_shallow(cells: Cells) -> Evidence:
    import numpy as np

    shallow = min(cells.settings["depth"])
    values = [np.log10(cells.values("signal", activation="relu", depth=shallow, start=start)) for start in GAINS]
    medians = [float(np.median(each)) if len(each) else math.nan for each in values]
    sentence = f"after {shallow} layers: 10**{medians[0]:.1f} with he, 10**{medians[1]:.1f} with xavier"
    lost = bool(medians[0] > -2 and medians[1] < -4)
    return Evidence(sentence=sentence, holds=lost, effect=medians[0] - medians[1], unit="decades")


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """The signal, and the training."""
    factors = ("activation", "depth", "start")
    deep, shallow = max(settings["depth"]), min(settings["depth"])
    return [
        Claim(
            f"over {deep} layers of ReLU He's initialisation keeps the size of signals and Xavier's loses it",
            test=_signal,
            control=_signal_of_shallow,
            counterexample=lambda: made_up(settings, factors, lambda c: {"signal": 1.0}),
        ),
        Claim(
            f"networks of {deep} layers of ReLU learn with He's initialisation and not, or less, with Xavier's",
            test=_better("relu", deep),
            control=no_better(_better("relu", deep), _better("relu", shallow)),
            counterexample=lambda: made_up(
                settings, factors, lambda c: {"train accuracy": 0.5 + 0.3 * (c["start"] == "xavier")}
            ),
            smallest_effect=SMALLEST,
        ),
        Claim(
            f"and it is the rectifier that asks for it: with tanh, He's start is no better than Xavier's at {deep} layers",
            test=lambda cells: _not(_better("tanh", deep)(cells)),
            control=lambda cells: _not(_better("relu", deep)(cells)),
            counterexample=lambda: made_up(
                settings, factors, lambda c: {"train accuracy": 0.5 + 0.3 * (c["start"] == "he")}
            ),
        ),
    ]


def _not(evidence: Evidence) -> Evidence:
    return replace(evidence, holds=None if evidence.holds is None else not evidence.holds)


@study(
    question="Do deep networks of rectifiers need He's initialisation?",
    source="arXiv:1502.01852",
    factors={"activation": ["relu", "tanh"], "depth": [SHALLOW, DEEP], "start": list(GAINS)},
    sizes={
        "smoke": {"depth": [2, 4], "steps": 10, "seeds": 2, "width": 8},
        "small": {},
        "full": {"steps": 3000, "seeds": 20},
    },
    claims=claims,
    notes=(
        "Digits, 32 neurons a layer, biases 0, Adam 0.001 with batches of 64, 600 steps. The paper trained by gradient descent "
        "with momentum; Adam, whose steps do not depend on the size of the gradient, is kinder to a lost signal.",
        f"Networks of {SHALLOW} layers are the control: what differs there as well is not a matter of depth.",
    ),
)
def he_initialisation(
    activation: str, depth: int, start: str, *, seeds: tuple[int, ...], steps: int = 600, width: int = 32
) -> list[dict[str, Any]]:
    """Train one depth from one start; see `run_deep`."""
    deep = Deep(activation, depth, width, weight=GAINS[start], bias=0.0)
    return run_deep(deep, seeds, steps=steps, learning_rate=1e-3)
