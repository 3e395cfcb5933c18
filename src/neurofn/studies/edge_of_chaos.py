"""Do deep networks learn faster when they start at the edge of chaos?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ._base import Cells, Claim, Evidence, study
from ._contrast import all_of, contrast, made_up, no_better
from ._deep import Deep, run_deep

PHASES = ("ordered", "edge", "chaotic")
BIAS = 0.2
DEEP, SHALLOW = 30, 3
SMALLEST = 5.0


@lru_cache(maxsize=8)
def edge_weight(activation: str, bias: float) -> float:
    """The deviation of weights at which, with this deviation of biases, small differences neither grow nor shrink.

    The fixed point q of the mean square of pre-activations, q = w**2 E f(sqrt(q) Z)**2 + b**2, together with
    w**2 E f'(sqrt(q) Z)**2 = 1 (arXiv:1902.06853). Solved for q by a root in w.
    """
    import numpy as np
    from scipy.optimize import brentq

    from ..functions import catalogue

    nodes, weights = np.polynomial.hermite_e.hermegauss(201)
    weights = weights / weights.sum()
    function = catalogue[activation]

    def moments(q: float) -> tuple[float, float]:
        z = np.sqrt(q) * nodes
        step = 1e-5
        value = function.definition(z, **function.defaults)
        slope = (
            function.definition(z + step, **function.defaults) - function.definition(z - step, **function.defaults)
        ) / (2 * step)
        return float(weights @ value**2), float(weights @ slope**2)

    def gap(q: float) -> float:  # with w from the slope, how far q is from its own image
        value, slope = moments(q)
        return value / slope + bias**2 - q

    q = float(brentq(gap, 1e-6, 20.0))
    return float(moments(q)[1] ** -0.5)


def _better(depth: int) -> Any:
    def test(cells: Cells) -> Evidence:
        def where(phase: str) -> dict[str, Any]:
            return {"activation": "tanh", "depth": depth, "phase": phase}

        return all_of([
            contrast(cells, "train accuracy", ("the edge", where("edge")), (f"the {phase} phase", where(phase)),
                     smallest=SMALLEST)
            for phase in ("ordered", "chaotic")
        ])  # fmt: skip

    return test


def _smooth(depth: int) -> Any:
    def test(cells: Cells) -> Evidence:
        where = {"depth": depth, "phase": "edge"}
        return contrast(cells, "train accuracy", ("tanh", {**where, "activation": "tanh"}),
                        ("ReLU", {**where, "activation": "relu"}), smallest=SMALLEST)  # fmt: skip

    return test


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """The edge is best for tanh at depth; and smooth functions gain more from it than ReLU."""
    factors = ("activation", "depth", "phase")
    deep, shallow = max(settings["depth"]), min(settings["depth"])
    return [
        Claim(
            f"tanh networks of {deep} layers learn more in the same time from the edge of chaos than from either side of it",
            test=_better(deep),
            control=no_better(_better(deep), _better(shallow)),
            counterexample=lambda: made_up(
                settings, factors, lambda c: {"train accuracy": 0.8 - 0.3 * (c["phase"] == "edge")}
            ),
            smallest_effect=SMALLEST,
        ),
        Claim(
            f"at the edge, {deep} layers of tanh learn more than {deep} layers of ReLU",
            test=_smooth(deep),
            control=no_better(_smooth(deep), _smooth(shallow)),
            counterexample=lambda: made_up(
                settings, factors, lambda c: {"train accuracy": 0.8 - 0.3 * (c["activation"] == "tanh")}
            ),
            smallest_effect=SMALLEST,
        ),
    ]


def cells(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """tanh in all phases; ReLU at its edge, which is He's initialisation without biases."""
    found = []
    for depth in settings["depth"]:
        found += [{"activation": "tanh", "depth": depth, "phase": phase} for phase in settings["phase"]]
        found.append({"activation": "relu", "depth": depth, "phase": "edge"})
    return found


@study(
    question="Do deep networks learn faster when they start at the edge of chaos?",
    source="arXiv:1902.06853",
    factors={"activation": ["tanh", "relu"], "depth": [SHALLOW, DEEP], "phase": list(PHASES)},
    sizes={
        "smoke": {"depth": [2, 4], "steps": 10, "seeds": 2, "width": 8},
        "small": {},
        "full": {"steps": 3000, "seeds": 20},
    },
    cells=cells,
    claims=claims,
    notes=(
        f"Digits, 32 neurons a layer, Adam 0.001, batches of 64, 600 steps; biases of deviation {BIAS:g}. The edge is found "
        "by quadrature; the ordered phase has 0.8 of its deviation of weights, the chaotic one 1.6 of it. ReLU has its "
        "edge at sqrt(2)/sqrt(n) for weights and biases 0 alone.",
        f"Networks of {SHALLOW} layers are the control: what differs there as well is not a matter of depth.",
    ),
)
def edge_of_chaos(
    activation: str, depth: int, phase: str, *, seeds: tuple[int, ...], steps: int = 600, width: int = 32
) -> list[dict[str, Any]]:
    """Train one network from one phase; see `run_deep`."""
    if activation == "relu":
        deep = Deep("relu", depth, width, weight=2**0.5, bias=0.0)
    else:
        share = {"ordered": 0.8, "edge": 1.0, "chaotic": 1.6}[phase]
        deep = Deep(activation, depth, width, weight=share * edge_weight(activation, BIAS), bias=BIAS)
    return run_deep(deep, seeds, steps=steps, learning_rate=1e-3)
