"""Which neuron function should I use here, and is it really better?

Every neuron is trained on one task under the same budget; its learning rate is chosen on the validation part with seeds of
their own; the test part is scored once. Three controls stand beside the comparison: a network of linear neurons, the same
neurons at matched scale, and the same neurons with hidden layers that do not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import SettingError, did_you_mean
from ..neurons import neuron as read_neuron
from ..tasks import catalogue as tasks
from ._base import study
from ._comparison import CONDITIONS, LINEAR, claims
from ._comparison_tables import summarise
from ._trial import Trial, run_trial

NEURONS = (
    "relu(sum(linear))", "gelu(sum(linear))", "silu(sum(linear))", "tanh(sum(linear))", "snake(sum(linear))",
    "sum(rational)", "sum(bspline)", "mean(bspline)",
)  # fmt: skip

MOST = {"width": 100_000, "depth": 100, "steps": 10_000_000, "batch": 10_000_000, "readings": 1000}
"""Beyond these a number is a slip, not a question."""


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical texts of the neurons; raises for wrong names, conditions and numbers before anything is trained."""
    task = tasks[settings["task"]]
    for condition in settings["condition"]:
        if condition not in CONDITIONS:
            raise SettingError(f"no condition is called {condition!r}; {did_you_mean(condition, CONDITIONS)}")
    if "trained" not in settings["condition"]:
        raise SettingError(f"condition={settings['condition']}: give 'trained' too; the others are its controls")
    for name, most in MOST.items():
        if not 1 <= settings[name] <= most:
            raise SettingError(f"{name}={settings[name]}: give 1 or more, at most {most}")
    if not settings["learning_rates"] or not all(0 < rate < 10 for rate in settings["learning_rates"]):
        raise SettingError(f"learning_rates={settings['learning_rates']}: give numbers between 0 and 10")
    task.locate()
    return {"neuron": [str(read_neuron(text)) for text in settings["neuron"]]}


def cells(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every neuron under every condition, and the linear network, trained."""
    asked = [
        {"neuron": name, "condition": condition} for condition in settings["condition"] for name in settings["neuron"]
    ]
    return [*asked, {"neuron": LINEAR, "condition": "trained"}]


_SMALL = {
    "task": "digits", "width": 32, "depth": 2, "steps": 400, "batch": 64, "readings": 9,
    "learning_rates": [0.002, 0.01, 0.05, 0.25],
}  # fmt: skip
_SMOKE = {
    "neuron": list(NEURONS[:2]),
    "condition": ["trained"],
    "seeds": 2,
    "steps": 40,
    "width": 8,
    "depth": 1,
    "readings": 2,
}
_FULL = {"seeds": 30, "steps": 3000, "width": 64, "readings": 25, "learning_rates": [0.0005, 0.002, 0.01, 0.05, 0.25]}


@study(
    question="Which neuron function should I use here, and is it really better?",
    factors={"neuron": list(NEURONS), "condition": list(CONDITIONS)},
    source="own",
    seeds=10,
    stack=5,
    sizes={"smoke": {**_SMALL, **_SMOKE, "learning_rates": [0.01]}, "small": _SMALL, "full": {**_SMALL, **_FULL}},
    cells=cells,
    check=check,
    claims=claims,
    summarise=summarise,
    notes=[
        "The learning rate of every neuron and condition is the one with the best validation score over three seeds that are "
        "never scored; each seed keeps its network at the step of its best validation score.",
        "p-values and intervals of verdicts hold together for all neurons that are compared with the first: signed-rank test "
        "with Holm's correction, Student's t with Bonferroni's.",
        "Networks have the same width and depth, so neurons with more weights per edge have more parameters.",
    ],
)
def compare_functions(
    neuron: str, condition: str, *, seeds: tuple[int, ...], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Train one neuron under one condition with one stack of seeds."""
    numbers = {name: int(settings[name]) for name in ("width", "depth", "steps", "batch", "readings")}
    rates = tuple(settings["learning_rates"])
    return run_trial(Trial(settings["task"], neuron, condition, learning_rates=rates, **numbers), seeds)
