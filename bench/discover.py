"""Formulas found from samples: how many seeds, in how much processor time, with controls that must find nothing.

The bar is that of the library's promise: exp(sin(pi x) + y^2) is found exactly in at least 9 of 10 seeds, each within 15 s of
processor time and with a root mean square of at most 1e-9. Further rows read one curve, 30 functions each.

    python bench/discover.py [--quick] [--out FILE]
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from _bench import Bench, Row
from neurofn.neurons.symbolic import Discovery, discover, read_curve, read_expression

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """A function of the columns of x with its truth as text, and where x lies; ``truth`` None: no formula may be found."""

    name: str
    function: Function
    truth: str | None
    low: float = -1.0
    high: float = 1.0
    inputs: int = 2
    verdict: str = "formula"


def _spline(x: Any) -> Any:
    from scipy.interpolate import make_interp_spline

    curve = make_interp_spline(np.linspace(-1, 1, 9), np.random.default_rng(5).normal(size=9))
    return curve(x[:, 0]) + x[:, 1]


def _normal(x: Any) -> Any:
    return np.exp(-(x[:, 0] ** 2) / 2) / np.sqrt(2 * np.pi)


MAIN = Case("exp(sin(pi x) + y^2)", lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2), "exp(sin(pi*x0) + x1**2)")
OTHERS = (
    Case("sqrt(x^2 + y^2)", lambda x: np.hypot(x[:, 0], x[:, 1]), "sqrt(x0**2 + x1**2)"),
    Case("x y", lambda x: x[:, 0] * x[:, 1], "x0*x1"),
    Case("sin(x) + log(y)", lambda x: np.sin(x[:, 0]) + np.log(x[:, 1]), "sin(x0) + log(x1)", low=0.2, high=3.0),
    Case("exp(-t^2/2)/sqrt(2 pi)", _normal, "exp(-x0**2/2)/sqrt(2*pi)", low=-3.0, high=3.0, inputs=1),
    Case("tanh(5x - 1) y", lambda x: np.tanh(5 * x[:, 0] - 1) * x[:, 1], "tanh(5*x0 - 1)*x1"),
)  # fmt: skip
CONTROLS = (
    Case("control: noise alone", lambda x: np.random.default_rng(len(x)).normal(size=len(x)), None, verdict="constant"),
    Case("control: a random spline of x, + y", _spline, None, verdict="approximation"),
)


def samples(case: Case, seed: int, count: int = 1000) -> tuple[Any, Any]:
    """Noise-free samples of a case."""
    x = np.random.default_rng(1000 + seed).uniform(case.low, case.high, (count, case.inputs))
    return x, case.function(x)


def right(case: Case, found: Discovery) -> bool:
    """The true formula after simplification, its error on fresh samples at most 1e-9; or the verdict of a control."""
    if case.truth is None:
        return found.verdict == case.verdict
    x, y = samples(case, 10**6)
    error = float(np.sqrt(np.mean((found.network()(_tensor(x)).detach().numpy()[:, 0] - y) ** 2)))
    return error <= 1e-9 and sympy.simplify(found.expression - read_expression(case.truth)) == 0


def _tensor(x: Any) -> Any:
    import torch

    return torch.as_tensor(x)


def measure(bench: Bench, case: Case, *, seeds: int, bars: tuple[float | None, float | None]) -> None:
    """Two rows: seeds in which the answer was right, and the most processor seconds of one."""
    good, seconds = 0, []
    for seed in range(seeds):
        x, y = samples(case, seed)
        found = discover(x, y, seed=seed)
        good += right(case, found)
        seconds.append(found.seconds)
    least, most = bars
    holds = None if least is None else good >= least * seeds
    bench.add(Row(case.name, f"right in {seeds} seeds", good, "seeds", None if least is None else least * seeds, holds))
    slowest = max(seconds)
    bench.add(Row(case.name, "slowest seed", slowest, "CPU-s", most, None if most is None else slowest <= most))
    bench.add(Row(case.name, "median seed", statistics.median(seconds), "CPU-s"))


def edges(bench: Bench, rounds: int) -> None:
    """Processor time of reading one curve with the default library, which has tanh(20x - 3) to find."""
    x = np.random.default_rng(0).uniform(-1, 1, 500)
    seconds, good = [], True
    read_curve(x, x)  # what is made once
    for _ in range(rounds):
        begin = time.process_time()
        reading = read_curve(x, np.tanh(20 * x - 3))
        seconds.append(time.process_time() - begin)
        good = good and reading.best.function == "tanh" and abs(reading.best.b - 20) < 1e-6
    value = statistics.median(seconds)
    bench.add(Row("one edge, default library", "tanh(20x - 3) read", value, "CPU-s", 0.3, value <= 0.3 and good))


def main() -> None:
    bench = Bench(__doc__)
    edges(bench, 5 if bench.quick else 15)
    measure(bench, MAIN, seeds=3 if bench.quick else 10, bars=(0.9, 15.0))
    for case in OTHERS:
        measure(bench, case, seeds=1 if bench.quick else 10, bars=(None, None))
    for case in CONTROLS[:1] if bench.quick else CONTROLS:
        measure(bench, case, seeds=1 if bench.quick else 3, bars=(1.0, None))
    bench.finish()


if __name__ == "__main__":
    main()
