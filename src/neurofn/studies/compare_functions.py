"""Which neuron function should I use here, and is it really better?

Every neuron is trained on one task under the same budget; its learning rate is chosen on the validation part with seeds of
their own; the test part is scored once. Three controls stand beside the comparison: a network of linear neurons, the same
neurons at matched scale, and the same neurons with hidden layers that do not learn.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import SettingError, did_you_mean
from ..neurons import neuron as read_neuron
from ..tasks import catalogue as tasks
from ._base import Cells, Claim, Evidence, study
from ._statistics import Comparison, compare, describe, holm, mean_interval
from ._trial import Trial, metric_of, run_trial

LINEAR = "sum(linear)"
CONDITIONS = ("trained", "matched", "readout")
NEURONS = (
    "relu(sum(linear))", "gelu(sum(linear))", "silu(sum(linear))", "tanh(sum(linear))", "snake(sum(linear))",
    "sum(rational)", "sum(bspline)", "mean(bspline)",
)  # fmt: skip
SMALLEST = 0.5
LEVEL = 0.05


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical texts of the neurons; raises for wrong names, conditions and numbers before anything is trained."""
    task = tasks[settings["task"]]
    for condition in settings["condition"]:
        if condition not in CONDITIONS:
            raise SettingError(f"no condition is called {condition!r}; {did_you_mean(condition, CONDITIONS)}")
    for name in ("width", "depth", "steps", "batch", "readings"):
        if settings[name] < 1:
            raise SettingError(f"{name}={settings[name]}: give 1 or more")
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


def _short(text: str) -> str:
    return text.removesuffix("(sum(linear))")


def _score(cells: Cells, neuron: str, condition: str) -> np.ndarray[Any, Any]:
    """Test scores in percent, one per seed; NaN where a seed diverged."""
    return 100 * cells.values(_metric(cells), neuron=neuron, condition=condition)


def _metric(cells: Cells) -> str:
    return f"test {metric_of(tasks[cells.settings['task']])[0]}"


def _against(cells: Cells, a: tuple[str, str], b: tuple[str, str]) -> Comparison:
    """Two (neuron, condition) over the same seeds, in points."""
    names = (_short(a[0]), "a linear network" if b[0] == LINEAR else _short(b[0]))
    return compare(_score(cells, *a), _score(cells, *b), names=names, unit="points")


def _family(cells: Cells, condition: str) -> dict[str, tuple[Comparison, float]]:
    """Every neuron against the first one, with p-values after Holm's correction over this family."""
    first, *others = cells.settings["neuron"]
    found = {
        name: _against(cells, (name, condition), (first, condition))
        for name in others
        if cells.where(neuron=name, condition=condition).table
    }
    found = {name: comparison for name, comparison in found.items() if comparison.n >= 2}
    adjusted = holm([comparison.p for comparison in found.values()])
    return {name: (comparison, p) for (name, comparison), p in zip(found.items(), adjusted, strict=True)}


def _difference(cells: Cells, name: str, condition: str) -> Evidence:
    """Whether a neuron is better than the first one: a difference in favour, significant after correction."""
    if name not in (family := _family(cells, condition)):
        return Evidence(sentence="too few seeds finished to compare", holds=None)
    comparison, p = family[name]
    better = p < LEVEL and comparison.difference > 0
    worse = (p < LEVEL and comparison.difference < 0) or comparison.high < SMALLEST
    return Evidence(
        sentence=describe(comparison, p=p), holds=True if better else False if worse else None,
        effect=comparison.difference, low=comparison.low, high=comparison.high, p=p, n=comparison.n, unit="points",
    )  # fmt: skip


def _controls(cells: Cells, name: str) -> Evidence:
    """Whether something other than what the neuron learned explains the difference."""
    trained, said, explained = _difference(cells, name, "trained"), [], []
    if "matched" in cells.settings["condition"]:
        matched = _difference(cells, name, "matched")
        said.append(f"at matched scale: {matched.sentence}")
        explained.append(matched.holds is not True and (matched.effect or 0) < (trained.effect or 0) / 2)
    if "readout" in cells.settings["condition"]:
        readout = _difference(cells, name, "readout")
        said.append(f"with hidden layers that do not learn: {readout.sentence}")
        explained.append(readout.holds is True and (readout.low or 0) >= (trained.effect or 0))
    if name != LINEAR:
        linear = _against(cells, (name, "trained"), (LINEAR, "trained"))
        if linear.n >= 2:
            said.append(f"against a linear network: {describe(linear)}")
            explained.append(linear.difference <= 0)
    if not said:
        return Evidence(sentence="no control was run", holds=True)
    return Evidence(sentence="; ".join(said), holds=any(explained))


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """One claim per neuron: it is better than the first."""
    first, *others = settings["neuron"]
    return [_claim(name, first, settings) for name in others]


def _claim(name: str, first: str, settings: Mapping[str, Any]) -> Claim:
    def counterexample() -> Cells:
        """The neuron scores below the first with every seed, under every condition."""
        metric = f"test {metric_of(tasks[settings['task']])[0]}"
        rows = [
            {
                "neuron": which,
                "condition": condition,
                "seed": seed,
                metric: 0.9 + 0.001 * (seed % 3) - 0.02 * (which == name),
            }
            for which in (first, name)
            for condition in CONDITIONS
            for seed in range(10)
        ]
        return Cells.of(rows, settings={**settings, "neuron": [first, name]})

    return Claim(
        f"{_short(name)} is better than {_short(first)} on {settings['task']}",
        test=lambda cells: _difference(cells, name, "trained"),
        control=lambda cells: _controls(cells, name),
        counterexample=counterexample,
        smallest_effect=SMALLEST,
    )


def summarise(cells: Cells) -> list[dict[str, Any]]:
    """The leaderboard, the controls beside it, and all pairs."""
    return [_leaderboard(cells), _control_table(cells), _pairs(cells)]


def _column(name: str, label: str, unit: str = "", form: str = "") -> dict[str, str]:
    return {"name": name, "label": label, "unit": unit, "format": form}


def _leaderboard(cells: Cells) -> dict[str, Any]:
    rows = []
    for name in [*dict.fromkeys([*cells.settings["neuron"], LINEAR])]:
        own = cells.where(neuron=name, condition="trained")
        if not own.table:
            continue
        interval = mean_interval(_score(cells, name, "trained"))
        control = name == LINEAR and name not in cells.settings["neuron"]
        rows.append({
            "neuron": f"{name} (linear control)" if control else name,
            "score": interval.mean, "low": interval.low, "high": interval.high, "seeds": interval.n,
            "parameters": _mean(own, "parameters"), "seconds": _mean(own, "seconds"),
            "diverged": sum(bool(row["diverged"]) for row in own.table),
            "dead": _mean(own, "dead"), "rate": _mean(own, "learning rate"),
        })  # fmt: skip
    rows.sort(key=lambda row: -np.nan_to_num(row["score"], nan=-np.inf))
    metric, unit = _metric(cells), "%"
    return {
        "name": "leaderboard",
        "title": f"Test {metric_of(tasks[cells.settings['task']])[0]} on {cells.settings['task']}",
        "caption": f"Mean {metric} of the networks kept by validation, with 95 % intervals over seeds. Seeds change initial "
        "weights and the order of samples; the split of the data is fixed.",
        "columns": [
            _column("neuron", "Neuron"), _column("score", "Score", unit, ".2f"), _column("low", "Low", unit, ".2f"),
            _column("high", "High", unit, ".2f"), _column("seeds", "Seeds"), _column("parameters", "Parameters", "", ",d"),
            _column("seconds", "Seconds", "s per seed", ".2f"), _column("diverged", "Diverged", "seeds"),
            _column("dead", "Dead", "share", ".1%"), _column("rate", "Learning rate", "", "g"),
        ],
        "rows": rows,
    }  # fmt: skip


def _mean(cells: Cells, metric: str) -> float:
    values = cells.values(metric)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def _control_table(cells: Cells) -> dict[str, Any]:
    conditions = [condition for condition in CONDITIONS if condition in cells.settings["condition"]]
    rows = []
    for name in cells.settings["neuron"]:
        row: dict[str, Any] = {"neuron": name}
        for condition in conditions:
            row[condition] = mean_interval(_score(cells, name, condition)).mean
        rows.append(row)
    labels = {"trained": "Trained", "matched": "Matched scale", "readout": "Hidden layers not trained"}
    return {
        "name": "controls",
        "title": "The same neurons under the controls",
        "caption": "Mean test score. Matched scale: every hidden layer scaled to unit forward variance and step. Hidden layers "
        "not trained: they stay as they were drawn, only the last layer learns.",
        "columns": [_column("neuron", "Neuron"), *(_column(c, labels[c], "%", ".2f") for c in conditions)],
        "rows": rows,
    }


def _pairs(cells: Cells) -> dict[str, Any]:
    pairs = list(itertools.combinations(cells.settings["neuron"], 2))
    found = [_against(cells, (a, "trained"), (b, "trained")) for a, b in pairs]
    adjusted = holm([comparison.p for comparison in found])
    rows = [
        {
            "a": a,
            "b": b,
            "difference": c.difference,
            "low": c.low,
            "high": c.high,
            "p": p,
            "seeds": c.n,
            "words": describe(c, p=p),
        }
        for (a, b), c, p in zip(pairs, found, adjusted, strict=True)
    ]
    return {
        "name": "pairs",
        "title": "All pairs",
        "caption": f"Paired differences over the same seeds, p by Wilcoxon's signed-rank test with Holm's correction over the "
        f"{len(pairs)} pairs.",
        "columns": [
            _column("words", "In words"), _column("difference", "Difference", "points", ".2f"),
            _column("low", "Low", "", ".2f"), _column("high", "High", "", ".2f"), _column("p", "p", "", ".3g"),
            _column("seeds", "Seeds"),
        ],
        "rows": rows,
    }  # fmt: skip


_SMALL = {
    "task": "digits", "width": 32, "depth": 2, "steps": 400, "batch": 64, "readings": 9, "learning_rates": [0.002, 0.01, 0.05]
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
_FULL = {"seeds": 30, "steps": 3000, "width": 64, "readings": 25, "learning_rates": [0.0005, 0.002, 0.01, 0.05]}


@study(
    question="Which neuron function should I use here, and is it really better?",
    factors={"neuron": list(NEURONS), "condition": list(CONDITIONS)},
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
