"""How an estimator learns: layers from texts, then the plain loop in a few stages, each from the best weights yet."""

from __future__ import annotations

import contextlib
import copy
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .._errors import DataError, SettingError
from .._stack import Loss
from ..neurons import Neuron, neuron
from ..neurons.layer import NeuronLayer
from ..neurons.penalties import smoothness, sparsity
from ..neurons.ranges import RangeWarning, fit_ranges
from ..train import Recipe, build_seeded, train_alone

__all__ = ["Best", "Hidden", "fit_to", "layers", "learn", "penalised", "quiet"]

Hidden = Sequence[int | tuple[int, str | Neuron]]
Data = tuple[Tensor, Tensor]

RATES = (1.0, 0.3, 0.1)
"""The learning rate of each stage, in parts of that of the recipe."""
LOOK = 10
"""So many updates lie between two looks at the held-out part."""
PATIENCE = 20
"""After so many looks without a better one a stage ends."""
MARGIN = 0.5
"""Layers behind the first get so much of their range more at either end: what reaches them grows while they are trained."""


def layers(text: str | Neuron, hidden: Hidden, *, n_in: int, n_out: int, seed: int) -> nn.Sequential:
    """A layer for each width in ``hidden``, of the neuron given with it or else of ``text``, and the last layer."""
    widths: list[tuple[int, Neuron]] = []
    for entry in hidden:
        width, own = entry if isinstance(entry, tuple) else (entry, text)
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise SettingError(
                f"hidden={hidden!r}: give widths such as (8,) or (8, (4, 'sum(bspline)')), got {entry!r}"
            )
        widths.append((width, neuron(own)))
    widths.append((n_out, neuron(text)))

    def build(_: int) -> nn.Sequential:
        sizes = [n_in, *(width for width, _ in widths)]
        return nn.Sequential(*(part.dense(size, width) for size, (width, part) in zip(sizes[:-1], widths, strict=True)))

    network = build_seeded(build, seed)
    assert isinstance(network, nn.Sequential)
    return network


def penalised(loss: Loss, network: nn.Sequential, weight: float) -> tuple[Loss, list[RemovableHandle]]:
    """The loss and ``weight`` times sparsity and smoothness of every layer, on the batch that the network saw last.

    With it the hooks that see the batch; raises SettingError for a weight that is no number of at least 0.
    """
    if not (math.isfinite(weight) and weight >= 0):
        raise SettingError(f"penalty={weight!r}: give a number of at least 0, such as 0.01")
    if weight == 0:
        return loss, []
    seen: dict[NeuronLayer, Tensor] = {}

    def hear(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen[module] = given[0]  # type: ignore[index]

    handles = [part.register_forward_pre_hook(hear) for part in network]

    def total(outputs: Tensor, target: Tensor) -> Tensor:
        added = [sparsity(layer, x) + smoothness(layer) for layer, x in seen.items()]
        return loss(outputs, target) + weight * torch.stack(added).sum()

    return total, handles


def fit_to(network: nn.Sequential, x: Tensor) -> None:
    """Fit the first layer to the range of the data, and each other one to what reaches it now, with room for training."""
    first = network[0]
    assert isinstance(first, NeuronLayer)
    first.fit_range(x)
    if len(network) > 1:
        with torch.no_grad():
            fit_ranges(network[1:], first(x), margin=MARGIN)


def learn(network: nn.Module, data: Data, *, best: Best, recipe: Recipe, loss: Loss, seed: int) -> int:
    """Train in place and leave the weights that were ``best``; gives the number of updates.

    Raises DataError where the loss is not finite from the start.
    """
    done = 0
    for stage, rate in enumerate(RATES):
        steps = recipe.steps // len(RATES) + (stage < recipe.steps % len(RATES))
        part = replace(recipe, steps=steps, learning_rate=recipe.learning_rate * rate)
        best.waited = 0
        with quiet():
            history = train_alone(network, data, seed=seed + stage, recipe=part, loss=loss, read=best.look)
        done += int(history.losses.isfinite().sum())
        best.restore()
    return done


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of layers inside: what is between layers is no business of whoever fits or predicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        yield


class Best:
    """The weights with the lowest loss on the held-out part, and for how many looks none was lower."""

    def __init__(self, network: nn.Module, held: Data, loss: Loss) -> None:
        self.network, self.held, self.criterion = network, held, loss
        self.loss, self.waited = math.inf, 0
        self.state = copy.deepcopy(network.state_dict())

    def look(self, step: int, network: nn.Module) -> bool:
        """Whether to stop."""
        if step % LOOK:
            return False
        network.eval()
        with torch.no_grad():
            loss = float(self.criterion(network(self.held[0]), self.held[1]))
        network.train()
        if loss < self.loss:
            self.loss, self.waited = loss, 0
            self.state = copy.deepcopy(network.state_dict())
        else:
            self.waited += 1
        return self.waited >= PATIENCE

    def restore(self) -> None:
        if not math.isfinite(self.loss):
            raise DataError("the loss is not finite from the start; give smaller numbers, or another neuron")
        self.network.load_state_dict(self.state)
