"""The claims of the study compositional, each with the control that could explain it away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ._base import Cells, Claim, Evidence
from ._claims import Test
from ._statistics import compare, mean_interval, signed_rank_p

__all__ = ["claims"]

LEVEL = 0.05
TRAINED, UNTRAINED, SHUFFLED = "trained", "untrained", "shuffled"
Sides = Callable[[Cells], tuple[Any, Any]]


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """The claims of the paper, and two of our own: that causes are named, and that training makes units describable."""
    longest = settings["length"]
    by_length = [_longer(longest), _unique(longest)] if longest > 1 else []
    return [_paste(), _causes(), *by_length, _accuracy(), _contributions(), _training(longest)]


def _paired(sides: Sides, names: tuple[str, str], *, unit: str = "", scale: float = 1.0) -> Test:
    """The test that the first side is larger than the second one, paired over seeds."""

    def test(cells: Cells) -> Evidence:
        first, second = sides(cells)
        if len(first) != len(second) or len(first) == 0:
            return Evidence(sentence=f"{names[0]} and {names[1]}: nothing to compare", holds=None)
        result = compare(first, second, names=names, unit=unit, scale=scale)
        if result.n < 2:
            return Evidence(sentence=f"{names[0]} and {names[1]}: too few seeds to compare", holds=None, n=result.n)
        means = [float(np.nanmean(np.asarray(side))) * scale for side in (first, second)]
        said = f"{names[0]} {means[0]:.3g}{_of(unit)}, {names[1]} {means[1]:.3g}{_of(unit)} (p = {result.p:.2g})"
        return Evidence(
            sentence=said, holds=_verdict(result.difference, result.p, result.smallest_p), effect=result.difference,
            low=result.low, high=result.high, p=result.p, n=result.n, unit=unit,
        )  # fmt: skip

    return test


def _of(unit: str) -> str:
    return " %" if unit == "points" else f" {unit}".rstrip()


def _verdict(difference: float, p: float, smallest: float) -> bool | None:
    """True where clearly above, False where clearly not above, None where it cannot be told."""
    if p < LEVEL:
        return difference > 0
    return False if smallest < LEVEL and difference <= 0 else None


def _of_network(kind: str, first: str, second: str) -> Sides:
    return lambda cells: (cells.values(first, network=kind), cells.values(second, network=kind))


def _example(
    better: Mapping[str, tuple[float, float]], kinds: tuple[str, ...] = (TRAINED, UNTRAINED, SHUFFLED)
) -> Cells:
    """Ten seeds of made-up metrics: name -> (mean, change per seed)."""
    rows = []
    for kind in kinds:
        for seed in range(10):
            made = {name: mean + step * (seed + 1) for name, (mean, step) in better.items()}
            rows.append({"network": kind, "seed": seed, **made})
    return Cells.of(rows)


def _longer(longest: int) -> Claim:
    short, long = "held-out IoU 1", f"held-out IoU {longest}"
    names = (f"with formulas of up to {longest} concepts the IoU on held-out scenes is", "with single concepts")
    return Claim(
        "longer formulas describe units better",
        test=_paired(_of_network(TRAINED, long, short), names),
        control=_prefixed("untrained", _paired(_of_network(UNTRAINED, long, short), names)),
        counterexample=lambda: _example({short: (0.2, 0.001), long: (0.15, 0.0005)}),
    )


def _unique(longest: int) -> Claim:
    short, long = "unique by mask 1", f"unique by mask {longest}"
    names = (f"with up to {longest} concepts the share of meanings that one unit has alone is", "with single concepts")
    return Claim(
        "with longer formulas more units have a meaning of their own",
        test=_paired(_of_network(TRAINED, long, short), names, unit="points", scale=100),
        control=_prefixed("untrained", _paired(_of_network(UNTRAINED, long, short), names, unit="points", scale=100)),
        counterexample=lambda: _example({short: (0.8, 0.001), long: (0.5, 0.0005)}),
    )


def _paste() -> Claim:
    names = ("objects chosen from the explanations turn the prediction to their class in", "random objects in")
    return Claim(
        "objects chosen from explanations turn the network to the class they were chosen for",
        test=_paired(_of_network(TRAINED, "flips explained", "flips random"), names, unit="points", scale=100),
        control=_prefixed(
            "explanations dealt out to other units",
            _paired(_of_network(TRAINED, "flips dealt out", "flips random"), names, unit="points", scale=100),
        ),
        counterexample=lambda: _example({"flips explained": (0.02, 0.0001), "flips random": (0.05, 0.0002)}),
    )


def _causes() -> Claim:
    names = ("the share of classes for which explanations name a true cause is", "by chance")

    def sides(metric: str, kind: str) -> Sides:
        return lambda cells: (found := cells.values(metric, network=kind), np.full(len(found), 3 / 36))

    return Claim(
        "explanations name true causes of the classes",
        test=_paired(sides("causes named", TRAINED), names, unit="points", scale=100),
        control=_prefixed(
            "trained on shuffled labels", _paired(sides("causes named", SHUFFLED), names, unit="points", scale=100)
        ),
        counterexample=lambda: _example({"causes named": (0.01, 0.001)}),
        source="own",
    )


def _accuracy() -> Claim:
    def correlation(kind: str) -> Test:
        def test(cells: Cells) -> Evidence:
            values = cells.values("r with accuracy", network=kind)
            values = values[np.isfinite(values)]
            if len(values) < 2:
                return Evidence(sentence="too few seeds to tell", holds=None)
            interval, p = mean_interval(values), signed_rank_p(values)
            said = f"the correlation of IoU with accuracy when the unit fires is {interval.mean:.2f} (p = {p:.2g})"
            holds = _verdict(interval.mean, p, signed_rank_p(np.arange(1.0, len(values) + 1)))
            return Evidence(sentence=said, holds=holds, effect=interval.mean, low=interval.low, high=interval.high, p=p,
                            n=len(values))  # fmt: skip

        return test

    return Claim(
        "the network is more accurate where units fire that a formula describes well",
        test=correlation(TRAINED),
        control=_prefixed("units of the untrained network, accuracy of the trained one", correlation(UNTRAINED)),
        counterexample=lambda: _example({"r with accuracy": (-0.5, 0.01)}),
    )


def _contributions() -> Claim:
    metrics = ("concepts shared with contributors", "concepts shared with any")
    names = ("the overlap of concepts with the units that contribute most is", "with any unit of the layer before")
    return Claim(
        "units are made of units whose explanations are like theirs",
        test=_paired(_of_network(TRAINED, *metrics), names),
        control=_prefixed("untrained", _paired(_of_network(UNTRAINED, *metrics), names)),
        counterexample=lambda: _example({metrics[0]: (0.1, 0.001), metrics[1]: (0.2, 0.002)}),
    )


def _training(longest: int) -> Claim:
    metric = f"held-out IoU {longest}"

    def sides(kind: str) -> Sides:
        return lambda cells: (cells.values(metric, network=kind), cells.values(metric, network=UNTRAINED))

    names = ("after training the IoU on held-out scenes is", "before it")
    return Claim(
        "training makes units more describable",
        test=_paired(sides(TRAINED), names),
        control=_prefixed("trained on shuffled labels", _paired(sides(SHUFFLED), names)),
        counterexample=lambda: Cells.of(
            {"network": kind, "seed": seed, metric: 0.2 + 0.001 * seed - 0.05 * (kind == TRAINED)}
            for kind in (TRAINED, UNTRAINED, SHUFFLED)
            for seed in range(10)
        ),
        source="own",
    )


def _prefixed(words: str, test: Test) -> Test:
    """The same test, its sentence after what it was done on."""

    def prefixed(cells: Cells) -> Evidence:
        evidence = test(cells)
        return Evidence(
            sentence=f"{words}: {evidence.sentence}", holds=evidence.holds, effect=evidence.effect, n=evidence.n
        )

    return prefixed
