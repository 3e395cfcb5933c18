"""The claims of the study compare_functions: which neuron is better, and whether something else explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..tasks import catalogue as tasks
from ._base import Cells, Claim, Evidence
from ._statistics import Comparison, compare, describe, holm, simultaneous
from ._trial import metric_of

__all__ = ["CONDITIONS", "LINEAR", "against", "claims", "metric", "score", "short"]

LINEAR = "sum(linear)"
CONDITIONS = ("trained", "matched", "readout")
SMALLEST = 0.5
LEVEL = 0.05
FEW = 5  # below this many seeds an interval cannot show that nothing is there


def short(text: str) -> str:
    """The neuron without what all activations have in common."""
    return text.removesuffix("(sum(linear))")


def metric(settings: Mapping[str, Any], part: str = "test") -> str:
    """The name of the score on a part of the task's data."""
    return f"{part} {metric_of(tasks[settings['task']])[0]}"


def score(cells: Cells, neuron: str, condition: str) -> np.ndarray[Any, Any]:
    """Test scores in percent, one per seed; NaN where a seed diverged."""
    return 100 * cells.values(metric(cells.settings), neuron=neuron, condition=condition)


def against(cells: Cells, a: tuple[str, str], b: tuple[str, str]) -> Comparison:
    """Two (neuron, condition) over the same seeds, in points."""
    names = (short(a[0]), "a linear network" if b[0] == LINEAR else short(b[0]))
    seeds = [{row["seed"] for row in cells.where(neuron=n, condition=c).table} for n, c in (a, b)]
    common = seeds[0] & seeds[1]  # a cell that failed has no rows
    kept = Cells(tuple(row for row in cells.table if row["seed"] in common), settings=cells.settings)
    return compare(score(kept, *a), score(kept, *b), names=names, unit="points")


def _family(cells: Cells, reference: str, condition: str) -> dict[str, tuple[Comparison, float]]:
    """Every neuron against the reference, with p-values after Holm's correction over this family."""
    others = [name for name in cells.settings["neuron"] if name != reference]
    found = {name: against(cells, (name, condition), (reference, condition)) for name in others}
    found = {name: comparison for name, comparison in found.items() if comparison.n >= 2}
    adjusted = holm([comparison.p for comparison in found.values()])
    return {name: (comparison, p) for (name, comparison), p in zip(found.items(), adjusted, strict=True)}


def _difference(cells: Cells, name: str, condition: str) -> Evidence:
    """Whether a neuron is better than the first one: a difference in favour, significant after correction.

    It is not where it is worse, or where its interval leaves less than what counts. That too is corrected for the number of
    neurons: of several that are better by just so much, one would else be called no better sooner or later.
    """
    family = _family(cells, cells.settings["neuron"][0], condition)
    if name not in family:
        return Evidence(sentence="too few seeds finished to compare", holds=None)
    comparison, p = family[name]
    low, high = simultaneous(comparison, of=len(family))
    comparison = replace(comparison, low=low, high=high)
    better = p < LEVEL and comparison.difference > 0
    worse = p < LEVEL and comparison.difference < 0
    negligible = not better and not worse and comparison.n >= FEW and comparison.high < SMALLEST
    remark = f"; if {comparison.first} is better, then by less than {SMALLEST:g} points" if negligible else ""
    return Evidence(
        sentence=describe(comparison, p=p) + remark, holds=True if better else False if worse or negligible else None,
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
        own = against(cells, (name, "readout"), (cells.settings["neuron"][0], "readout"))
        # Its interval for itself: a wider one would let a difference pass that another reason may explain.
        explained.append(readout.holds is True and own.low >= (trained.effect or 0))
    if name != LINEAR:
        linear = against(cells, (name, "trained"), (LINEAR, "trained"))
        if linear.n >= 2:
            said.append(f"against a linear network: {describe(linear)}")
            explained.append(linear.difference <= 0)
    if not said:
        return Evidence(sentence="no control was run", holds=True)
    return Evidence(sentence="; ".join(said), holds=any(explained))


def _chosen(cells: Cells) -> str:
    """The neuron with the best mean validation score: the choice that a user would make before seeing the test part."""
    name = metric(cells.settings, "validation")
    means: dict[str, float] = {}
    neurons: list[str] = cells.settings["neuron"]
    for neuron in neurons:
        values = cells.values(name, neuron=neuron, condition="trained")
        means[neuron] = float(np.nan_to_num(values, nan=-np.inf).mean()) if len(values) else -float("inf")
    return max(means, key=lambda neuron: means[neuron])


def _listed(names: list[str]) -> str:
    words = [short(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _best(cells: Cells, condition: str = "trained") -> Evidence:
    """Whether the neuron that validation chooses is better than every other one on the test part."""
    chosen = _chosen(cells)
    family = _family(cells, chosen, condition)
    beaten = [name for name, (comparison, p) in family.items() if p < LEVEL and comparison.difference < 0]
    better = [name for name, (comparison, p) in family.items() if p < LEVEL and comparison.difference > 0]
    open_ = [name for name in family if name not in beaten and name not in better]
    if not family:
        return Evidence(sentence="too few seeds finished to compare", holds=None)
    seeds = min(comparison.n for comparison, _ in family.values())
    said = [f"better than {_listed(beaten)}"] if beaten else []
    said += [f"worse than {_listed(better)}"] if better else []
    said += [f"not shown to differ from {_listed(open_)}"] if open_ else []
    verdict = True if not open_ and not better else False if better else None
    return Evidence(
        sentence=f"{short(chosen)}, which validation chooses, is {', '.join(said)}",
        holds=verdict,
        n=seeds,
    )


def _best_control(cells: Cells) -> Evidence:
    if "matched" not in cells.settings["condition"]:
        return Evidence(sentence="no control at matched scale was run", holds=True)
    matched = _best(cells, "matched")
    return Evidence(sentence=f"at matched scale: {matched.sentence}", holds=matched.holds is not True)


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """One neuron is better than all others; and each is better than the first."""
    first, *others = settings["neuron"]
    if not others:
        return []
    best = Claim(
        f"one of the {len(others) + 1} neurons is better than all others on {settings['task']}",
        test=_best,
        control=_best_control,
        counterexample=lambda: _example(settings, first, others[0], swapped=True),
    )
    return [best, *(_better_than_first(name, first, settings) for name in others)]


def _better_than_first(name: str, first: str, settings: Mapping[str, Any]) -> Claim:
    return Claim(
        f"{short(name)} is better than {short(first)} on {settings['task']}",
        test=lambda cells: _difference(cells, name, "trained"),
        control=lambda cells: _controls(cells, name),
        counterexample=lambda: _example(settings, first, name, swapped=False),
        smallest_effect=SMALLEST,
    )


def _example(settings: Mapping[str, Any], first: str, name: str, *, swapped: bool) -> Cells:
    """Test scores where ``name`` is below ``first`` with every seed; validation prefers it where ``swapped``."""
    rows: list[dict[str, Any]] = []
    for which in (first, name):
        for seed in range(10):
            test = 0.9 + 0.001 * (seed % 3) - 0.02 * (which == name)
            validation = 0.9 + 0.02 * ((which == name) == swapped)
            scores = {metric(settings): test, metric(settings, "validation"): validation}
            rows += [{"neuron": which, "condition": condition, "seed": seed, **scores} for condition in CONDITIONS]
    return Cells.of(rows, settings={**settings, "neuron": [first, name]})
