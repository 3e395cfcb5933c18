"""One fair trial of a neuron function on a task: the network, the choice of step size, the training, the one test score.

Everything is chosen on the validation part: the learning rate with seeds that are used for nothing else, and for each seed
the step at which its network is kept. The test part is looked at once, for the kept networks.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from ..neurons import neuron
from ..tasks import Data, Task
from ..tasks import catalogue as tasks
from ._data import Readings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..train import Recipe, Stack

__all__ = ["SELECTION_SEEDS", "Trial", "best_learning_rate", "metric_of", "run_trial"]

SELECTION_SEEDS = (1_000_003, 1_000_033, 1_000_037)
"""Seeds that choose the learning rate and are never scored."""


@dataclass(frozen=True)
class Trial:
    """What is trained. ``condition`` is "trained", "matched" (every hidden layer scaled to unit forward variance and
    step) or "readout" (hidden layers stay as they were drawn, the last layer learns)."""

    task: str
    neuron: str
    condition: str
    width: int
    depth: int
    steps: int
    batch: int
    readings: int
    learning_rates: tuple[float, ...]

    @property
    def schedule(self) -> list[int]:
        """The steps at which networks are read: 0, about twice as far each time, then evenly, and the last."""
        even = np.linspace(0, self.steps, self.readings, dtype=int)
        early = [2**k for k in range(12) if 2**k < even[1]] if len(even) > 1 else []
        return sorted({*map(int, even), *early[::2], 0, self.steps})


def metric_of(task: Task) -> tuple[str, str]:
    """The name and the unit of a task's score; more is better."""
    return ("accuracy", "points") if task.kind == "classification" else ("R2", "points")


def run_trial(trial: Trial, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    """Train one stack of seeds with the learning rate that the selection seeds prefer; one dict per seed for the study."""
    rate = best_learning_rate(trial)
    return _Run(trial, seeds, rate, detailed=trial.condition == "trained").results()


def best_learning_rate(trial: Trial) -> float:
    """The learning rate with the best mean validation score over the selection seeds, each at its best step."""
    return _best_rate(trial, tasks[trial.task])


@lru_cache(maxsize=64)
def _best_rate(trial: Trial, _: Task) -> float:
    if len(trial.learning_rates) == 1:
        return trial.learning_rates[0]
    scores = {}
    for rate in trial.learning_rates:
        run = _Run(trial, SELECTION_SEEDS, rate, detailed=False)
        scores[rate] = float(
            np.mean([-np.inf if lost else kept.score for lost, kept in zip(run.lost, run.kept, strict=True)])
        )
    return max(scores, key=lambda rate: scores[rate])


@lru_cache(maxsize=4)
def _load(task: Task) -> Data:
    return task.load()


def _build(trial: Trial, task: Task) -> nn.Module:
    import torch

    hidden = torch.nn.Sequential()
    n_in = task.inputs
    for _ in range(trial.depth):
        init = "matched" if trial.condition == "matched" else "fan_in"
        hidden.append(neuron(trial.neuron).dense(n_in, trial.width, init=init))
        n_in = trial.width
    if trial.condition == "readout":
        hidden.requires_grad_(False)
    network = torch.nn.Sequential()
    network.add_module("hidden", hidden)
    network.add_module("readout", neuron("sum(linear)").dense(n_in, task.outputs))
    return network


@dataclass
class _Kept:
    """The best network of a seed so far, by validation score."""

    score: float = -np.inf
    step: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)


class _Run:
    """A training with its readings; ``kept``, ``lost`` (diverged) and the rows of the record are its results.

    ``detailed``: the neurons are read too, at every step of the schedule.
    """

    def __init__(self, trial: Trial, seeds: tuple[int, ...], rate: float, *, detailed: bool) -> None:
        import torch

        from ..train import Recipe, Stack, train

        self.trial, self.seeds, self.rate, self.detailed = trial, seeds, rate, detailed
        self.task = tasks[trial.task]
        self.data = _load(self.task)
        self.stack = Stack(lambda seed: _build(trial, self.task), seeds)
        self.kept = [_Kept() for _ in seeds]
        self.rows: list[dict[str, Any]] = []
        self.neurons: list[Readings] = []
        self.inputs = {name: torch.from_numpy(getattr(self.data, name).x) for name in ("train", "validation", "test")}
        self.targets = {name: torch.from_numpy(getattr(self.data, name).y) for name in ("train", "validation", "test")}
        recipe: Recipe = Recipe(steps=trial.steps, learning_rate=rate, batch=trial.batch)
        data = (self.inputs["train"], self.targets["train"])
        self.history = train(self.stack, data, recipe=recipe, loss=self._loss, read=self._read, at=trial.schedule)
        self.lost = [step is not None for step in self.history.diverged]
        self._training_rows()

    def _loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        from torch.nn import functional

        if self.task.kind == "classification":
            return functional.cross_entropy(prediction, target)
        return functional.mse_loss(prediction, target)

    def _score(self, part: str) -> tuple[list[float], list[float]]:
        """Score and loss of every seed on one part of the data."""
        outputs, target = self.stack(self.inputs[part]), self.targets[part]
        losses = [float(self._loss(output, target)) for output in outputs]
        if self.task.kind == "classification":
            return [float((output.argmax(-1) == target).double().mean()) for output in outputs], losses
        spread = float(((target - target.mean(0)) ** 2).mean())
        return [1 - loss / spread for loss in losses], losses

    def _read(self, step: int, stack: Stack) -> None:
        scores, losses = self._score("validation")
        for index, (seed, score, loss) in enumerate(zip(self.seeds, scores, losses, strict=True)):
            self._row(step, seed, f"validation {metric_of(self.task)[0]}", score)
            self._row(step, seed, "validation loss", loss)
            if np.isfinite(loss) and score > self.kept[index].score:
                self.kept[index] = _Kept(score, step, stack.snapshot(index))
            if self.detailed:
                self._read_neurons(step, index, stack.network(index))

    def _read_neurons(self, step: int, index: int, network: nn.Module) -> None:
        from ..instruments import ActivatedNeurons, EpsilonRank, Moments
        from ..instruments.activity import top_k
        from ..watching import measure

        labels: dict[str, Any] = {"at": "hidden.*", "step": step, "seed": self.seeds[index]}
        last = step == self.trial.steps
        record = measure(
            network, self.inputs["validation"], EpsilonRank(eps=1e-3, relative=True), ActivatedNeurons(), **labels
        )
        if last:  # one value per neuron is too much at every step; the curve K(D) is wanted at the end
            watched = (ActivatedNeurons(active=top_k(0.05)), Moments())
            record += measure(network, self.inputs["train"], *watched, **labels)
        self.neurons.append(
            Readings.of(row for row in record.table() if isnan(row["unit"]) or (last and row["reading"] == "curve"))
        )

    def _dead(self, network: nn.Module) -> float:
        """The share of all hidden neurons that no sample of the validation part activates."""
        from ..instruments import ActivatedNeurons
        from ..watching import measure

        record = measure(network, self.inputs["validation"], ActivatedNeurons(), at="hidden.*")
        return float(record.where(reading="dead").columns["value"].sum()) / (self.trial.depth * self.trial.width)

    def _row(self, step: int, seed: int, reading: str, value: float) -> None:
        self.rows.append(
            {
                "step": step,
                "seed": seed,
                "site": "network",
                "instrument": "Training",
                "reading": reading,
                "value": value,
            }
        )

    def _training_rows(self) -> None:
        """The training loss as the mean over the updates since the reading before."""
        edges = self.trial.schedule
        for seed, losses in zip(self.seeds, self.history.losses.double().numpy(), strict=True):
            for before, now in itertools.pairwise(edges):
                self._row(now, seed, "loss", float(np.mean(losses[before:now])))

    def results(self) -> list[dict[str, Any]]:
        """Look for dead neurons in the last networks, and score the kept ones on the test part, once."""
        dead = [self._dead(self.stack.network(index)) for index in range(len(self.seeds))]
        for index, kept in enumerate(self.kept):
            if kept.state:
                self.stack.restore(index, kept.state)
        name = metric_of(self.task)[0]
        scores, losses = self._score("test")
        record = Readings.joined([Readings.of(self.rows), *self.neurons])
        found = []
        for index, seed in enumerate(self.seeds):
            own = record.where(seed=seed)
            fine = bool(self.kept[index].state) and not self.lost[index]
            metrics = {
                f"test {name}": scores[index] if fine else np.nan,
                "test loss": losses[index] if fine else np.nan,
                f"validation {name}": self.kept[index].score if fine else np.nan,
                "kept step": self.kept[index].step,
                "learning rate": self.rate,
                "parameters": sum(parameter.numel() for parameter in self.stack.network(index).parameters()),
                "seconds": self.history.seconds / len(self.seeds),
                "dead": dead[index],
            }
            found.append({"metrics": metrics, "record": own, "diverged": not fine})
        return found
