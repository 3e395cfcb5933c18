"""One cell of the study kan_aggregation: networks of spline edges [inputs, 10, 1] under one way to gather the edges."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..neurons import neuron
from ..tasks import Data, Task
from ..tasks import catalogue as tasks

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..train import Stack

__all__ = ["AGGREGATES", "ARMS", "EARLY", "Arm", "build", "run_arm"]

HIDDEN = 10
EARLY = 100
"""The steps over which the share of hidden outputs in [-1, 1] is averaged."""

EDGE = "silu + bspline(grid=3, low=-1, high=1)"
NOISE = 0.1 / 3  # width of the uniform noise that the splines start from: 0.1 over the number of intervals
AGGREGATES = ("sum", "mean", "min", "max", "product", "std", "var", "median", "norm")


@dataclass(frozen=True)
class Arm:
    """One way to gather: an aggregate, whether LayerNorm follows, and how the start is scaled: by n**``start``.

    An Adam step does not depend on the scale of a gradient, so to learn n times slower is to learn v = n*w: the sum of w with
    steps n times smaller is the mean of edges whose weights are v. "sum, step/n" is written so; to start n times smaller as
    well is, by the same identity, the mean itself.
    """

    aggregate: str
    start: int = 0
    norm: bool = False


ARMS = {
    **{name: Arm(name) for name in AGGREGATES},
    "sum + LayerNorm": Arm("sum", norm=True),
    "sum, start/n": Arm("sum", start=-1),
    "sum, step/n": Arm("mean", start=1),
}
"""What is compared, by the level of the factor ``arm``."""


def build(arm: Arm, inputs: int) -> nn.Module:
    """A network [inputs, 10, 1], started as in the paper's code: see the notes of the study."""
    import torch

    layers = []
    for n_in, n_out in ((inputs, HIDDEN), (HIDDEN, 1)):
        layer = neuron(f"{arm.aggregate}({EDGE})").dense(n_in, n_out)
        (_, gather), *_ = layer.gathers
        with torch.no_grad():
            base = (2 * torch.randn(n_in, 1, n_out) - 1) / math.sqrt(n_in)
            noise = (torch.rand(n_in, gather.weight.shape[1] - 1, n_out) - 0.5) * NOISE
            gather.weight.copy_(torch.cat([base, noise], dim=1) * float(n_in) ** arm.start)
            if gather.bias is not None:
                gather.bias.zero_()
        layers.append(layer)
    norm = [torch.nn.LayerNorm(HIDDEN)] if arm.norm else []
    return torch.nn.Sequential(layers[0], *norm, layers[1])


def run_arm(task: str, arm: str, seeds: Sequence[int], *, steps: int) -> list[dict[str, Any]]:
    """Train one stack of seeds: mean squared error on the label as a number, Adam 0.01, batches of 32; one dict per seed."""
    import torch

    from ..neurons.ranges import RangeWarning
    from ..train import Recipe, Stack, train
    from ..watching import Record

    part = tasks[task]
    data = _load(part)
    stack = Stack(lambda seed: build(ARMS[arm], part.inputs), seeds)
    reader = _Reader(data)
    recipe = Recipe(steps=steps, learning_rate=0.01, batch=32)
    points = torch.from_numpy(data.train.x), torch.from_numpy(data.train.y)
    with warnings.catch_warnings():  # inputs outside the splines are of the protocol, and said among the departures
        warnings.simplefilter("ignore", RangeWarning)
        history = train(stack, points, recipe=recipe, loss=_loss, read=reader, at=_schedule(steps))
        measured = [reader.metrics(index, stack) if lost is None else {} for index, lost in enumerate(history.diverged)]
    found = []
    for index, (seed, lost) in enumerate(zip(stack.seeds, history.diverged, strict=True)):
        shared = {"parameters": float(sum(p.numel() for p in stack.network(index).parameters()))}
        found.append({
            "metrics": {**measured[index], **shared, "seconds": history.seconds / len(stack.seeds)},
            "record": Record.from_rows([row for row in reader.rows if row["seed"] == seed]),
            "diverged": lost is not None,
        })  # fmt: skip
    return found


def _schedule(steps: int) -> list[int]:
    """Every tenth of the first hundred steps, then ten times evenly."""
    early = range(0, min(EARLY, steps) + 1, 10)
    return sorted({*early, *np.linspace(0, steps, 11, dtype=int).tolist(), steps})


def _loss(prediction: Tensor, target: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.mse_loss(prediction[..., 0], target.to(prediction.dtype))


@lru_cache(maxsize=4)
def _load(task: Task) -> Data:
    return task.load()


class _Reader:
    """Reads every network of a stack: accuracy after rounding, and the share of hidden outputs within [-1, 1]."""

    def __init__(self, data: Data) -> None:
        import torch

        parts = {"train": data.train, "validation": data.validation, "test": data.test}
        self.inputs = {name: torch.from_numpy(part.x) for name, part in parts.items()}
        self.targets = {name: torch.from_numpy(part.y) for name, part in parts.items()}
        self.rows: list[dict[str, Any]] = []

    def __call__(self, step: int, stack: Stack) -> None:
        for index, seed in enumerate(stack.seeds):
            network = stack.network(index)
            for reading, value in (
                ("in range", self.in_range(network)),
                ("validation accuracy", self.accuracy(network, "validation")),
            ):
                self.rows.append({"step": step, "seed": seed, "site": "network", "instrument": "Training",
                                  "reading": reading, "value": value})  # fmt: skip

    def in_range(self, network: Any) -> float:
        """Of what the hidden layer hands to the last one."""
        import torch

        with torch.no_grad():
            return float((network[:-1](self.inputs["train"]).abs() <= 1).double().mean())

    def accuracy(self, network: Any, part: str) -> float:
        """The share of samples whose output rounds to the label."""
        import torch

        with torch.no_grad():
            return float((network(self.inputs[part])[:, 0].round() == self.targets[part]).double().mean())

    def metrics(self, index: int, stack: Stack) -> dict[str, float]:
        """Of one network after the last step; the test part is scored here, once."""
        network, seed = stack.network(index), stack.seeds[index]
        seen = [row for row in self.rows if row["seed"] == seed and row["reading"] == "in range"]
        labels = self.targets["train"].bincount()
        return {
            "test accuracy": self.accuracy(network, "test"),
            "validation accuracy": self.accuracy(network, "validation"),
            "majority": float((self.targets["test"] == labels.argmax()).double().mean()),
            "early in range": float(np.mean([row["value"] for row in seen if row["step"] <= EARLY])),
            "last in range": float(seen[-1]["value"]),
        }
