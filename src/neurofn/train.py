"""The one training loop: several seeds of one network, trained as one batched network.

`train_alone` is the definition, a loop that anybody can check: one network, one seed, Adam. `train` does the same for all
seeds of a `Stack` at once with `torch.func`, several times faster per seed on small networks, and tests hold the two equal
to 1e-10 in float64 over 100 steps. Each seed has its own initial weights and its own order of minibatches.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ._errors import DataError, SettingError
from ._stack import Loss, Stack, build_seeded, cast, floating_dtype

__all__ = ["History", "Recipe", "Stack", "build_seeded", "train", "train_alone"]


@dataclass(frozen=True)
class Recipe:
    """How to train: Adam (arXiv:1412.6980) with its usual settings for ``steps`` updates.

    ``batch`` is the number of samples per update, None for all of them; a batch larger than the data is all of them too.
    An epoch is a fresh permutation; the samples left over when ``batch`` does not divide it sit this epoch out. Raises
    SettingError for steps < 0, batch < 1 or a learning rate that is not a positive number.

    >>> Recipe(steps=100, batch=64)
    Recipe(steps=100, learning_rate=0.001, batch=64)
    """

    steps: int
    learning_rate: float = 1e-3
    batch: int | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise SettingError(f"steps={self.steps}: give 0 or more updates, for example Recipe(steps=1000)")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise SettingError(f"learning_rate={self.learning_rate}: give a positive number, for example 1e-3")
        if self.batch is not None and self.batch < 1:
            raise SettingError(f"batch={self.batch}: give at least 1 sample, or None for all samples at once")


@dataclass(frozen=True)
class History:
    """What a training run leaves besides the trained weights.

    losses:   (seeds, steps), on the CPU; column t is the training loss at the weights after t updates, on the minibatch of
              update t + 1. A diverged seed has its non-finite loss at the step of divergence and NaN after it.
    diverged: per seed the step of the first loss that was not finite, None where there was none.
    seconds:  wall time of the updates, readings not included.

    >>> History((0,), torch.tensor([[1.5, float("nan")]]), (1,), 0.0).to_dict()["losses"]
    [[1.5, None]]
    """

    seeds: tuple[int, ...]
    losses: Tensor
    diverged: tuple[int | None, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers for JSON; losses that are not finite become None."""
        rows = [[value if math.isfinite(value) else None for value in row] for row in self.losses.tolist()]
        return {"seeds": list(self.seeds), "losses": rows, "diverged": list(self.diverged), "seconds": self.seconds}


def train(
    stack: Stack,
    data: tuple[Tensor, Tensor],
    *,
    recipe: Recipe,
    loss: Loss,
    read: Callable[[int, Stack], None] | None = None,
    at: Sequence[int] = (),
) -> History:
    """Train all seeds of ``stack`` in place; equal to `train_alone` on each of them.

    data: inputs (n, ...) and targets (n, ...), shared by the seeds; floating-point data take the network's dtype.
    loss: (prediction, target) of one network -> one number; it and the network must work under `torch.func.vmap`, and do
          the same at each call (see `Stack.gradients`).
    read: called as ``read(step, stack)`` after ``step`` updates for each step in ``at`` (0: before training, recipe.steps:
          after it), outside vmap. What it reads does not change the training.

    A seed whose loss is not finite is frozen at the weights of that step and reported in ``History.diverged``; the others go
    on as if it were not there. Raises DataError for empty or unequal data, SettingError for steps outside the recipe or a
    network with nothing to train.

    >>> x = torch.linspace(-1, 1, 20)[:, None]
    >>> stack = Stack(lambda seed: nn.Linear(1, 1), seeds=range(4))
    >>> history = train(stack, (x, 2 * x), recipe=Recipe(steps=50, learning_rate=0.1), loss=nn.functional.mse_loss)
    >>> history.losses.shape, history.diverged
    (torch.Size([4, 50]), (None, None, None, None))
    """
    x, y = _checked(data, stack.dtype)
    due = _checked_schedule(at, recipe.steps) if read is not None else set()
    batches = _batches(x, y, recipe, stack.seeds)
    update = _Update(stack, recipe, loss, example=next(batches)) if recipe.steps else None
    batches = _batches(x, y, recipe, stack.seeds)
    losses = torch.full((len(stack.seeds), recipe.steps), math.nan, dtype=stack.dtype)
    seconds, start = 0.0, time.perf_counter()
    for step in range(recipe.steps + 1):
        if step in due and read is not None:
            seconds += time.perf_counter() - start
            read(step, stack)
            start = time.perf_counter()
        if update is not None and step < recipe.steps:
            losses[:, step] = update(step, *next(batches))
    diverged = tuple(update.diverged) if update is not None else (None,) * len(stack.seeds)
    return History(stack.seeds, losses, diverged, seconds + time.perf_counter() - start)


def train_alone(
    network: nn.Module,
    data: tuple[Tensor, Tensor],
    *,
    seed: int,
    recipe: Recipe,
    loss: Loss,
    read: Callable[[int, nn.Module], bool | None] | None = None,
) -> History:
    """The definition of training: one plain loop for one network, in place. ``seed`` fixes the order of minibatches.

    The loop ends where the loss is not finite, or where ``read(step, network)`` gives True; it is called before each update and
    after the last one, with the number of updates done. Data, recipe, loss and errors as in `train`; losses of updates that
    were not made are NaN.

    >>> x = torch.linspace(-1, 1, 20)[:, None]
    >>> network = build_seeded(lambda seed: nn.Linear(1, 1), 0)
    >>> history = train_alone(network, (x, 2 * x), seed=0, recipe=Recipe(steps=50), loss=nn.functional.mse_loss)
    >>> history.losses.shape
    torch.Size([1, 50])
    """
    dtype = floating_dtype(network.parameters())
    x, y = _checked(data, dtype)
    optimizer = _optimizer([parameter for parameter in network.parameters() if parameter.requires_grad], recipe)
    network.train()
    losses = torch.full((1, recipe.steps), math.nan, dtype=dtype)
    diverged, start = None, time.perf_counter()
    stopped = False
    for step, (inputs, targets) in enumerate(itertools.islice(_batches(x, y, recipe, (seed,)), recipe.steps)):
        stopped = read is not None and bool(read(step, network))
        if stopped:
            break
        if recipe.batch is not None:
            inputs, targets = inputs[0], targets[0]
        value = loss(network(inputs), targets)
        losses[0, step] = value.detach()
        if not math.isfinite(value.detach().item()):
            diverged = step
            break
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]  # torch declares no types for it
        optimizer.step()
    if read is not None and not stopped and diverged is None:
        read(recipe.steps, network)
    return History((seed,), losses, (diverged,), time.perf_counter() - start)


class _Update:
    """One update of all seeds, and the memory of which diverged."""

    def __init__(self, stack: Stack, recipe: Recipe, loss: Loss, *, example: tuple[Tensor, Tensor]) -> None:
        # Adam works element by element, so one optimizer on the stacked weights is one optimizer per seed.
        self.optimizer = _optimizer([stack.weights] if stack.learned else [], recipe)
        self.gradients = stack.gradients(loss, example, shared=recipe.batch is None)
        self.stack = stack
        self.diverged: list[int | None] = [None] * len(stack.seeds)
        self.frozen: dict[int, dict[str, Tensor]] = {}

    def __call__(self, step: int, x: Tensor, y: Tensor) -> Tensor:
        gradient, losses = self.gradients(x, y)
        # One look at the sum, which is not finite where any loss is not, tells whether to look at each seed.
        if self.frozen or not math.isfinite(losses.sum().item()):
            losses = self._freeze(step, losses)
        self.stack.weights.grad = gradient
        self.optimizer.step()
        for index, state in self.frozen.items():
            self.stack.restore(index, state)
        return losses

    def _freeze(self, step: int, losses: Tensor) -> Tensor:
        kept = losses.clone()
        for index, value in enumerate(losses.tolist()):
            if index in self.frozen:
                kept[index] = math.nan
            elif not math.isfinite(value):
                self.diverged[index] = step
                self.frozen[index] = self.stack.snapshot(index)
        return kept


def _optimizer(learned: list[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    if not learned:
        raise SettingError("nothing to train: every parameter has requires_grad=False; let at least one be learned")
    return torch.optim.Adam(learned, lr=recipe.learning_rate, fused=True)


def _batches(x: Tensor, y: Tensor, recipe: Recipe, seeds: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches. All data: (n, ...) for everybody. Minibatches: (seeds, batch, ...), one gather for all seeds.

    Each seed has a generator of its own, so the order of its samples does not depend on which seeds are beside it.
    """
    while recipe.batch is None:
        yield x, y
    count, size, shape = len(x), min(recipe.batch, len(x)), (len(seeds), min(recipe.batch, len(x)))
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        orders = torch.stack([torch.randperm(count, generator=generator) for generator in generators]).to(x.device)
        for first in range(0, count - size + 1, size):
            rows = orders[:, first : first + size].flatten()
            yield x.index_select(0, rows).view(*shape, *x.shape[1:]), y.index_select(0, rows).view(*shape, *y.shape[1:])


def _checked(data: tuple[Tensor, Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    x, y = data
    if len(x) == 0 or len(x) != len(y):
        raise DataError(f"{len(x)} inputs and {len(y)} targets: give the same number of both, at least one")
    return cast(x, dtype), cast(y, dtype)


def _checked_schedule(at: Sequence[int], steps: int) -> set[int]:
    outside = sorted(step for step in at if not 0 <= step <= steps)
    if outside:
        raise SettingError(f"cannot read at step {outside[0]}: steps go from 0 (before) to {steps} (after training)")
    return set(at)
