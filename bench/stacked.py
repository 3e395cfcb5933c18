"""Microseconds per seed and step: ten seeds stacked into one batched network, against the same ten one after the other.

    python bench/stacked.py [--quick] [--out FILE]

Both sides train the same network with the same fused Adam and the same minibatches: a classifier of the digits' size, and the
tanh network of the staircase. They take turns in one process, and the ratio is the median over the turns. Recording the
stacked network, paid once per training, is a row of its own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from _bench import QUICK_SECONDS, Bench, Row
from neurofn.train import Recipe, Stack, build_seeded, train, train_alone

SEEDS = tuple(range(10))
BAR = 3.0


@dataclass(frozen=True)
class Case:
    """What both sides train, and the least ratio on one thread."""

    name: str
    build: Callable[[int], nn.Module]
    data: tuple[Tensor, Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]
    batch: int | None
    bar: float | None


def classifier(seed: int) -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def fitter(seed: int) -> nn.Module:
    return nn.Sequential(nn.Linear(1, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1))


def cases() -> list[Case]:
    generator = torch.Generator().manual_seed(0)
    digits = torch.rand(1078, 64, generator=generator), torch.randint(0, 10, (1078,), generator=generator)
    points = torch.linspace(-1, 1, 256)[:, None]
    return [
        Case("64-64-64-10 relu, batch 64", classifier, digits, functional.cross_entropy, 64, BAR),
        Case("1-50-50-1 tanh, 256 points", fitter, (points, points.sin()), functional.mse_loss, None, None),
    ]


def turn(case: Case, steps: int) -> tuple[float, float, float]:
    """Microseconds per seed and step, stacked and alone; seconds that the stacked training takes besides its steps."""
    recipe = Recipe(steps=steps, batch=case.batch)
    stack = Stack(case.build, SEEDS)
    start = time.perf_counter()
    stacked = train(stack, case.data, recipe=recipe, loss=case.loss).seconds
    once = time.perf_counter() - start - stacked
    alone = 0.0
    for seed in SEEDS:
        network = build_seeded(case.build, seed)
        alone += train_alone(network, case.data, seed=seed, recipe=recipe, loss=case.loss).seconds
    share = 1e6 / (steps * len(SEEDS))
    return stacked * share, alone * share, once


def compare(bench: Bench, case: Case, *, threads: int, until: float) -> None:
    """The rows of one case; in a quick run the turns end at the time ``until``."""
    torch.set_num_threads(threads)
    steps = 200 if bench.quick else 300
    turn(case, steps)  # the first turn loads what later turns find loaded
    taken = [turn(case, steps)]
    while len(taken) < (5 if bench.quick else 11) and not (bench.quick and time.perf_counter() > until):
        taken.append(turn(case, steps))
    name = f"{case.name}, {threads} thread{'s' * (threads > 1)}"
    stacked, alone, once = (statistics.median(values) for values in zip(*taken, strict=True))
    bench.add(Row(name, "stacked", stacked, "µs per seed and step"))
    bench.add(Row(name, "one after the other", alone, "µs per seed and step"))
    bench.add(Row(name, "recording, once per training", once, "s"))
    ratio = statistics.median(one / other for other, one, _ in taken)
    # On more threads both sides wait for whatever else the machine does, so the bar is for one.
    bar = case.bar if threads == 1 else None
    bench.add(Row(name, "one after the other / stacked", ratio, "times", bar, None if bar is None else ratio >= bar))


def main() -> None:
    start = time.perf_counter()
    bench = Bench(__doc__)
    runs = [(case, threads) for threads in (1, 2) for case in cases()]
    for done, (case, threads) in enumerate(runs, start=1):
        compare(bench, case, threads=threads, until=start + 0.8 * QUICK_SECONDS * done / len(runs))
    bench.finish()


if __name__ == "__main__":
    main()
