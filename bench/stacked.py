"""Seconds per seed and step: ten seeds stacked into one batched network, against the same ten one after the other.

    python bench/stacked.py [--quick] [--out FILE]

Both sides train the same perceptron (64-64-64-10, relu) with the same fused Adam and minibatches of 64 on data of the size of
the digits; they take turns in one process, and the ratio is the median over the turns. The cost of recording the stacked
network, paid once per training, is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn.train import Recipe, Stack, build_seeded, train, train_alone

SEEDS = tuple(range(10))
BAR = 3.0
Data = tuple[Tensor, Tensor]


def perceptron(seed: int) -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def small_tanh(seed: int) -> nn.Module:
    return nn.Sequential(nn.Linear(1, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1))


def cases() -> list[tuple[str, Callable[[int], nn.Module], Data, Recipe, Callable[[Tensor, Tensor], Tensor]]]:
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(1078, 64, generator=generator), torch.randint(0, 10, (1078,), generator=generator)
    points = torch.linspace(-1, 1, 256)[:, None]
    return [
        ("64-64-64-10 relu, batch 64", perceptron, (images, labels), Recipe(300, batch=64), functional.cross_entropy),
        ("1-50-50-1 tanh, 256 points", small_tanh, (points, points.sin()), Recipe(300), functional.mse_loss),
    ]


def turn(
    build: Callable[[int], nn.Module], data: Data, recipe: Recipe, loss: Callable[[Tensor, Tensor], Tensor]
) -> tuple[float, float, float]:
    """Seconds per seed and step stacked and alone, and the seconds around the steps of the stacked run."""
    stack = Stack(build, SEEDS)
    start = time.perf_counter()
    stacked = train(stack, data, recipe=recipe, loss=loss).seconds
    once = time.perf_counter() - start - stacked
    networks = [build_seeded(build, seed) for seed in SEEDS]
    alone = sum(
        train_alone(network, data, seed=seed, recipe=recipe, loss=loss).seconds
        for seed, network in zip(SEEDS, networks, strict=True)
    )
    return stacked / recipe.steps / len(SEEDS), alone / recipe.steps / len(SEEDS), once


def measure(threads: int, turns: int) -> list[dict[str, Any]]:
    torch.set_num_threads(threads)
    rows = []
    for name, build, data, recipe, loss in cases():
        turn(build, data, recipe, loss)  # the first turn loads what later turns find loaded
        taken = [turn(build, data, recipe, loss) for _ in range(turns)]
        ratio = statistics.median(alone / stacked for stacked, alone, _ in taken)
        case = f"{name}, {len(SEEDS)} seeds, {threads} thread{'s' * (threads > 1)}"
        # The bar is for the classifier on one thread; more threads share the machine with whatever else runs on it.
        bar = BAR if build is perceptron and threads == 1 else None
        for alternative, index in (("stacked", 0), ("one after the other", 1)):
            value = statistics.median(each[index] for each in taken) * 1e6
            rows.append(row(case, alternative, value, "microseconds per seed and step"))
        rows.append(row(case, "recording, once per training", statistics.median(t[2] for t in taken), "seconds"))
        rows.append(row(case, "one after the other / stacked", ratio, "ratio", bar))
    return rows


def row(case: str, alternative: str, value: float, unit: str, bar: float | None = None) -> dict[str, Any]:
    holds = None if bar is None else value >= bar
    return {"case": case, "alternative": alternative, "value": value, "unit": unit, "bar": bar, "holds": holds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer turns, under 50 seconds")
    parser.add_argument("--out", type=Path, help="write the rows here as JSON")
    arguments = parser.parse_args()
    rows = [entry for threads in (1, 2) for entry in measure(threads, 3 if arguments.quick else 11)]
    for entry in rows:
        mark = {None: "", True: "  holds", False: "  FAILS"}[entry["holds"]]
        print(f"{entry['case']:55s} {entry['alternative']:30s} {entry['value']:10.3f} {entry['unit']}{mark}")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
