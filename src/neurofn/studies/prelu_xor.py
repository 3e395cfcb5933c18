"""Does a single neuron with a learned slope learn XOR, and over more learning rates than others?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._base import Cells, Claim, Evidence, study
from ._contrast import all_of, contrast, made_up, no_better

NETWORKS = ("prelu neuron", "growing cosine neuron", "relu network", "leaky relu neuron")
SMALLEST = 10.0
SURE = 95.0
"""The share of seeds, in percent, that "learns XOR" asks for: of 50 seeds all but two."""


def _build(network: str) -> Any:
    """XOR has a single neuron's solution where its function bends downwards on one side, as |x1 - x2| does."""
    import torch

    from ..functions import catalogue

    if network == "relu network":
        return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    name = {"prelu neuron": "prelu", "growing cosine neuron": "gcu", "leaky relu neuron": "leaky_relu"}[network]
    function = catalogue[name]
    bias = name != "prelu"  # the paper's neuron has three parameters: two weights and the slope
    return torch.nn.Sequential(
        torch.nn.Linear(2, 1, bias=bias), function.module(a=0.25) if name == "leaky_relu" else function.module()
    )


def _solved(network: str) -> Any:
    def test(cells: Cells) -> Evidence:
        import numpy as np

        rates = cells.settings["learning_rate"]
        shares = {rate: 100 * cells.values("solved", network=network, learning_rate=rate) for rate in rates}
        n = min(len(values) for values in shares.values())
        if n < 20:
            return Evidence(sentence=f"{n} seeds are too few: give at least 20", holds=None, n=n)
        means = {rate: float(np.nanmean(values)) for rate, values in shares.items()}
        best = max(means, key=lambda rate: means[rate])
        said = ", ".join(f"{share:.0f} % at {rate:g}" for rate, share in means.items())
        return Evidence(
            sentence=f"{network}: {said}", holds=means[best] >= SURE, effect=means[best], n=n, unit="points"
        )

    return test


def _wider(rival: str) -> Any:
    """More successes over all learning rates together."""

    def test(cells: Cells) -> Evidence:
        rows = _over_rates(cells)
        return contrast(rows, "solved", ("the prelu neuron", {"network": "prelu neuron"}), (f"the {rival}", {"network": rival}),
                        smallest=SMALLEST)  # fmt: skip

    return test


def _over_rates(cells: Cells) -> Cells:
    """One row per network and seed: the share of learning rates with which it learned."""
    found: dict[tuple[str, int], list[float]] = {}
    for row in cells.table:
        found.setdefault((row["network"], row["seed"]), []).append(float(row.get("solved") or 0.0))
    rows = [
        {"network": network, "seed": seed, "solved": sum(values) / len(values)}
        for (network, seed), values in found.items()
    ]
    return Cells.of(rows, settings=dict(cells.settings))


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """It learns XOR; and so over more learning rates than the others."""
    factors = ("network", "learning_rate")
    rivals = [name for name in ("growing cosine neuron", "relu network") if name in settings["network"]]
    return [
        Claim(
            "a single neuron with PReLU learns XOR from any start",
            test=_solved("prelu neuron"),
            control=no_better(_solved("prelu neuron"), _solved("leaky relu neuron")),
            counterexample=lambda: _many(settings, factors),
        ),
        Claim(
            "it does so over more learning rates than a growing cosine neuron and a network of two hidden ReLU",
            test=lambda cells: all_of([_wider(rival)(cells) for rival in rivals]),
            control=no_better(lambda cells: all_of([_wider(rival)(cells) for rival in rivals]), _fixed_slope),
            counterexample=lambda: made_up(
                settings, factors, lambda c: {"solved": 0.9 - 0.5 * c["network"].startswith("prelu")}
            ),
            smallest_effect=SMALLEST,
        ),
    ]


def _fixed_slope(cells: Cells) -> Evidence:
    """A neuron whose slope stays positive, in place of the one that learns it."""
    rivals = ("growing cosine neuron", "relu network")
    rows = _over_rates(cells)
    return all_of([
        contrast(rows, "solved", ("the leaky relu neuron", {"network": "leaky relu neuron"}),
                 (f"the {rival}", {"network": rival}), smallest=SMALLEST)
        for rival in rivals
    ])  # fmt: skip


def _many(settings: Mapping[str, Any], factors: tuple[str, ...]) -> Cells:
    ten = made_up(settings, factors, lambda c: {"solved": 0.5})
    rows = [{**row, "seed": row["seed"] + 10 * block} for block in range(3) for row in ten.table]
    return Cells.of(rows, settings=dict(settings))


@study(
    question="Does a single PReLU neuron learn XOR, and is it the negative slope that it learns?",
    source="arXiv:2409.10821",
    factors={"network": list(NETWORKS), "learning_rate": [0.001, 0.01, 0.1, 1.0]},
    sizes={"smoke": {"steps": 20, "seeds": 2}, "small": {"seeds": 50}, "full": {"seeds": 200}},
    stack=50,
    claims=claims,
    notes=(
        "Four points, the whole of them in every step, squared error, Adam, 2,000 steps; learned means that every output is on "
        "its side of 1/2. Weights begin as PyTorch draws them, the slope of PReLU at 0.25. How the paper starts we could not "
        "read: a start that gives the two weights opposite signs would leave out what fails here.",
        "The control is a neuron whose slope is fixed at 0.25: a monotone function of a weighted sum cannot tell XOR.",
    ),
)
def prelu_xor(network: str, learning_rate: float, *, seeds: tuple[int, ...], steps: int = 2000) -> list[dict[str, Any]]:
    """Train one network with one learning rate; "solved" is 1 where all four points are right at the end."""
    import torch
    from torch.nn.functional import mse_loss

    from ._fitting import fit

    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    stack, history = fit(
        lambda seed: _build(network), seeds, (x, y), loss=mse_loss, steps=steps, learning_rate=learning_rate
    )
    right = [bool(((outputs > 0.5) == (y > 0.5)).all()) for outputs in stack(x)]
    losses = [float(mse_loss(outputs, y)) for outputs in stack(x)]
    return [
        {"metrics": {"solved": float(solved and lost is None), "loss": value}, "record": None, "diverged": False}
        for solved, value, lost in zip(right, losses, history.diverged, strict=True)
    ]
