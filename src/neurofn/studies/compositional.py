"""What do the units of a network detect, and what do formulas over concepts tell that chance and an untrained network do not?

A small network learns drawn scenes; its units are explained by exact search before and after training. Each statistic of
the paper stands beside the same statistic of the untrained network, and of one trained on labels dealt out at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import SettingError, did_you_mean
from ._base import study
from ._compositional import NETWORKS, Setup
from ._compositional_cell import measured
from ._compositional_claims import claims
from ._compositional_explained import Layer
from ._compositional_tables import summarise


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Raises SettingError for unknown networks and numbers outside their range, before anything is trained."""
    for kind in settings["network"]:
        if kind not in NETWORKS:
            raise SettingError(f"no network is called {kind!r}; {did_you_mean(kind, NETWORKS)}")
    for name in ("scenes", "probes", "tests", "steps", "width"):
        if settings[name] < 8:
            raise SettingError(f"{name}={settings[name]}: give 8 or more")
    if not 1 <= settings["length"] <= 3:
        raise SettingError(
            f"length={settings['length']}: give 1 to 3 concepts, for which the best formula can be proved"
        )
    if not settings["length"] <= settings["longest"] <= 20:
        raise SettingError(
            f"longest={settings['longest']}: give from length={settings['length']} up to 20 concepts, such as 10"
        )
    if not 0 < settings["share"] < 0.5:
        raise SettingError(
            f"share={settings['share']}: give a share of activations that count as firing, such as 0.005"
        )
    return {}


_SMALL = {"scenes": 3000, "probes": 600, "tests": 600, "steps": 500, "width": 48, "learning_rate": 0.003}
_SMOKE = {"scenes": 400, "probes": 80, "tests": 64, "steps": 60, "width": 16, "seeds": 2, "length": 2, "longest": 4}
_FULL = {
    "scenes": 12000,
    "probes": 2000,
    "tests": 2000,
    "steps": 4000,
    "width": 96,
    "seeds": 20,
    "learning_rate": 0.002,
}


@study(
    question="What do the units of a network detect, and how far can formulas over concepts be trusted?",
    factors={"network": list(NETWORKS)},
    source="arXiv:2006.14032",
    seeds=10,
    stack=1,
    sizes={"smoke": {**_SMALL, **_SMOKE}, "small": _SMALL, "full": {**_SMALL, **_FULL}},
    check=check,
    claims=claims,
    summarise=summarise,
    notes=[
        "Drawn scenes stand in for the paper's photographs: every pixel has labels, and the three objects that cause each "
        "class are known. Seeds change initial weights and the order of scenes; the scenes are fixed.",
        "A unit fires at the highest activations of its map, 0.5 % unless set otherwise. Formulas are left-deep ones with "
        "AND, OR and AND NOT, sought on 70 % of the probe scenes and scored on the others. Up to the setting length (3 "
        "concepts, 2 in smoke) they are the best of all; longer ones, up to the setting longest, are what a beam of 5 finds. "
        "Objects to paste, correlations with accuracy and contributions are read from those up to length.",
        "A claim holds where the effect is there in the trained network and clearly larger than in the control; where it is "
        "there but not clearly larger, it is uncontrolled. Every p-value is of the exact signed-rank test over seeds, and "
        "stands alone: claims are not corrected for their number.",
        "The untrained network's units are correlated with the accuracy of the trained network.",
    ],
)
def compositional(
    network: str,
    *,
    seeds: tuple[int, ...],
    settings: Mapping[str, Any],
    length: int = 3,
    longest: int = 10,
    share: float = 0.005,
) -> list[dict[str, Any]]:
    """Explain the units of one kind of network, one seed after the other."""
    sizes = {name: int(settings[name]) for name in ("scenes", "probes", "tests", "steps", "width")}
    setup = Setup(**sizes, learning_rate=float(settings["learning_rate"]))
    layers = [Layer(setup, network, seed, share) for seed in seeds]
    return [
        {"metrics": measured(layer, proved=length, longest=longest), "record": None, "diverged": False}
        for layer in layers
    ]
