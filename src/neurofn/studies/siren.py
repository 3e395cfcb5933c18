"""Do sine networks with their own initialisation represent a picture better, also between the points they saw?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._base import Cells, Claim, Evidence, study
from ._contrast import all_of, contrast, made_up, no_better

if TYPE_CHECKING:
    from torch import Tensor, nn

SPEED = 30.0
"""w0 of the paper: the first layer's inputs are multiplied by it."""

NETWORKS = ("siren", "relu", "tanh", "tanh, fast start", "relu on waves")
RIVALS, FAST = ("relu", "tanh"), ("tanh, fast start", "relu on waves")
SMALLEST = 5.0
SIDE = 48


def picture(points: Tensor) -> Tensor:
    """A drawn picture on [-1, 1]**2: four discs with soft edges before stripes of two widths. (n, 2) -> (n, 1)."""
    import torch

    x, y = points[:, :1], points[:, 1:]
    value = 0.3 * torch.sin(9 * x + 4 * y) + 0.2 * torch.sin(-5 * x + 14 * y)
    for cx, cy, radius, height in (
        (-0.5, 0.4, 0.25, 1.0),
        (0.4, 0.5, 0.18, -0.8),
        (0.1, -0.4, 0.35, 0.7),
        (0.7, -0.6, 0.15, 0.9),
    ):
        value = value + height * torch.sigmoid(40 * (radius - ((x - cx) ** 2 + (y - cy) ** 2).sqrt()))
    return value


def build(network: str, width: int) -> nn.Sequential:
    """2-width-width-width-1, started as each kind is."""
    import torch
    from torch import nn

    from ._fitting import plain

    def sines(layer: nn.Linear, place: int) -> None:
        n = layer.in_features
        bound = SPEED / n if place == 0 else math.sqrt(6 / n)
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.uniform_(layer.bias, -1 / math.sqrt(n), 1 / math.sqrt(n))

    def fast(layer: nn.Linear, place: int) -> None:
        if place == 0:
            with torch.no_grad():
                layer.weight.mul_(SPEED)
                layer.bias.mul_(SPEED)

    widths = (2, width, width, width, 1)
    if network == "siren":
        return plain(widths, "sine", sines)
    if network == "relu on waves":
        return nn.Sequential(_Waves(width), *plain((2 * width, width, width, 1), "relu"))
    return plain(widths, "tanh" if network.startswith("tanh") else "relu", fast if "fast" in network else None)


def _Waves(count: int) -> nn.Module:  # noqa: N802
    import torch
    from torch import nn

    class Waves(nn.Module):
        """Sines and cosines of fixed random directions (arXiv:2006.10739): as fast as the sine network's first layer."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("directions", (2 * torch.rand(2, count) - 1) * SPEED / 2)

        def forward(self, x: Tensor) -> Tensor:
            angles = x @ self.get_buffer("directions")
            return torch.cat([angles.sin(), angles.cos()], dim=-1)

    return Waves()


def _better(metric: str, first: str, others: tuple[str, ...]) -> Any:
    def test(cells: Cells) -> Evidence:
        there = [name for name in others if name in cells.settings["network"]]
        return all_of([
            contrast(cells, metric, (first, {"network": first}), (name, {"network": name}), smallest=SMALLEST, lower=True)
            for name in there
        ])  # fmt: skip

    return test


def _spread(cells: Cells) -> Evidence:
    import numpy as np

    values = {name: cells.values("spread", network=name) for name in ("siren", "tanh")}
    n = min(len(each) for each in values.values())
    if n < 5:
        return Evidence(sentence=f"{n} seeds are too few: give at least 5", holds=None, n=n)
    low, high = float(values["siren"].min()), float(values["siren"].max())
    sentence = (
        f"from the second layer on, the deviation of what goes into a sine is {low:.2f} to {high:.2f}; of what goes into "
        f"PyTorch's tanh {np.median(values['tanh']):.2f}"
    )
    near = low > 0.7 and high < 1.4
    return Evidence(sentence=sentence, holds=near, n=n, effect=float(values["siren"].mean()))


def _spread_of_tanh(cells: Cells) -> Evidence:
    values = cells.values("spread", network="tanh")
    median = float(sorted(values)[len(values) // 2]) if len(values) else math.nan
    return Evidence(
        sentence=f"with tanh as PyTorch starts it, the deviation is {median:.2f}", holds=bool(0.7 < median < 1.4)
    )


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """The fit, the error between the points, and the start."""

    def example(metric: str) -> Any:
        return lambda: made_up(
            settings, ("network",), lambda c: {metric: 0.2 + 0.3 * (c["network"] == "siren"), "spread": 0.1}
        )

    return [
        Claim(
            "a sine network fits a picture better than networks of relu and tanh",
            test=_better("error", "siren", RIVALS),
            control=no_better(_better("error", "siren", RIVALS), _better("error", "tanh, fast start", RIVALS)),
            counterexample=example("error"),
            smallest_effect=SMALLEST,
        ),
        Claim(
            "and its error between the points that it saw is smaller too",
            test=_better("held-out error", "siren", RIVALS),
            control=no_better(
                _better("held-out error", "siren", RIVALS), _better("held-out error", "relu on waves", RIVALS)
            ),
            counterexample=example("held-out error"),
            smallest_effect=SMALLEST,
        ),
        Claim(
            "started as the paper says, what goes into the sines has a deviation near 1 at every depth",
            test=_spread,
            control=_spread_of_tanh,
            counterexample=example("error"),
        ),
    ]


@study(
    question="Do sine networks represent a picture better, also between the points that they saw, and is it the sine?",
    source="arXiv:2006.09661",
    factors={"network": list(NETWORKS)},
    sizes={"smoke": {"steps": 5, "seeds": 2, "width": 8}, "small": {}, "full": {"steps": 5000, "seeds": 20}},
    claims=claims,
    notes=(
        f"A drawn picture of {SIDE} by {SIDE} points; every second point trains, the others are held out. Networks "
        "2-64-64-64-1, the whole picture in every step, Adam 0.001, 1,000 steps. Errors are over its deviation.",
        f"Controls: tanh whose first layer starts {SPEED:g} times larger, and relu on fixed random waves as fast. What "
        "they reach as well is not due to sines in every layer.",
    ),
)
def siren(network: str, *, seeds: tuple[int, ...], steps: int = 1000, width: int = 64) -> list[dict[str, Any]]:
    """Fit the picture with one kind of network."""
    import torch
    from torch.nn.functional import mse_loss

    from ..train import build_seeded
    from ._fitting import errors, fit

    line = torch.linspace(-1, 1, SIDE)
    points = torch.cartesian_prod(line, line)
    odd = (torch.arange(SIDE)[:, None] + torch.arange(SIDE)[None, :]).flatten() % 2 == 1
    values = picture(points)
    spreads = [_deepest(build_seeded(lambda _: build(network, width), seed), points) for seed in seeds]
    stack, history = fit(lambda seed: build(network, width), seeds, (points[~odd], values[~odd]), loss=mse_loss, steps=steps,
                         learning_rate=1e-3)  # fmt: skip
    seen, held = errors(stack, points[~odd], values[~odd]), errors(stack, points[odd], values[odd])
    return [
        {"metrics": {"spread": spread, **({"error": a, "held-out error": b} if lost is None else {})}, "record": None,
         "diverged": lost is not None}
        for spread, a, b, lost in zip(spreads, seen, held, history.diverged, strict=True)
    ]  # fmt: skip


def _deepest(network: nn.Module, points: Tensor) -> float:
    """The deviation of what goes into the functions after the first, of that layer where it is furthest from 1."""
    import torch
    from torch import nn

    found = []
    with torch.no_grad():
        signal = points
        for place, layer in enumerate(network.children()):
            signal = layer(signal)
            if isinstance(layer, nn.Linear) and 0 < place < len(list(network.children())) - 1:
                found.append(float(signal.std()))
    return max(found, key=lambda value: abs(math.log(max(value, 1e-12))))
