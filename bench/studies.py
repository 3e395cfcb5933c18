"""How long studies take, and what the engine costs.

python bench/studies.py [--quick] [--out FILE]

Cells per minute of one study on two workers, one worker and in this process, against a plain loop over the same trainings, and
on a local Dask cluster where it is installed. The trainings are the smallest that a study would have, so that what the engine
adds is seen at its worst; workers and clusters are started within the time that is measured. Without --quick also every study
at smoke size, bar 20 s, each in a process of its own, as `neurofn run` does, with nothing stored before; and the comparison of
the demo, bar 300 s.
"""

from __future__ import annotations

import contextlib
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from _bench import Bench, Row
from _bench_study import fits
from neurofn.studies import Dask, Local, catalogue, run

SMOKE_SECONDS = 20.0
DEMO_SECONDS = 300.0
ROUNDS = 3
RATIOS = (
    ("in this process", "a plain loop"),
    ("2 workers", "a plain loop"),
    ("2 workers", "1 worker"),
    ("Dask, 2 workers", "Dask, 1 worker"),
)


def _seconds(study: str, size: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "neurofn", "run", study, "--size", size, "--out", folder, "--format", "json"]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - begin


def _loop(steps: int) -> Callable[[], int]:
    """The trainings of the study, without an engine."""

    def work() -> int:
        import torch

        torch.set_num_threads(1)
        settings = fits.settings("small", steps=steps)
        cells = fits.combinations(settings)
        starts = range(0, settings["seeds"], fits.stack)
        for cell in cells:
            for start in starts:
                fits.cell(**cell, seeds=tuple(range(start, start + fits.stack)), steps=steps)
        return len(cells) * len(starts)

    return work


def _study(executor: Any, steps: int) -> Callable[[], int]:
    def work() -> int:
        with tempfile.TemporaryDirectory() as folder:
            result = run(fits, steps=steps, out=folder, executor=executor)
        if not result.complete:
            sys.exit(f"not all was computed: {result.missing}")
        return len(result.table["rows"]) // fits.stack

    return work


def _cells_per_minute(bench: Bench, steps: int) -> None:
    case = f"cells of {steps} steps"
    alternatives = {"a plain loop": _loop(steps), "in this process": _study(None, steps)}
    alternatives |= {"1 worker": _study(Local(1), steps), "2 workers": _study(Local(2), steps)}
    with contextlib.ExitStack() as stack:
        if importlib.util.find_spec("distributed") is not None:
            from distributed import Client, LocalCluster

            for count, name in ((1, "Dask, 1 worker"), (2, "Dask, 2 workers")):
                local = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": ":0"}
                cluster = stack.enter_context(LocalCluster(**local))
                client = stack.enter_context(Client(cluster, set_as_default=False))
                alternatives[name] = _study(Dask(client), steps)
        _study(None, 1)()  # imports count for nobody in this process
        rates: dict[str, list[float]] = {name: [] for name in alternatives}
        for _ in range(1 if bench.quick else ROUNDS):
            for name, work in alternatives.items():
                begin = time.perf_counter()
                cells = work()
                rates[name].append(60 * cells / (time.perf_counter() - begin))
    for name, values in rates.items():
        bench.add(Row(case, name, statistics.median(values), "cells a minute"))
    for many, few in RATIOS:
        if many in rates:
            ratio = statistics.median(a / b for a, b in zip(rates[many], rates[few], strict=True))
            bench.add(Row(case, f"{many} / {few}", ratio, "times"))


if __name__ == "__main__":
    bench = Bench(__doc__)
    _cells_per_minute(bench, 400 if bench.quick else 2000)
    if not bench.quick:
        for name in catalogue:
            value = _seconds(name, "smoke")
            bench.add(Row("a study at smoke size", name, value, "s", SMOKE_SECONDS, value <= SMOKE_SECONDS))
        value = _seconds("compare_functions", "small")
        bench.add(
            Row("the comparison of the demo", "compare_functions", value, "s", DEMO_SECONDS, value <= DEMO_SECONDS)
        )
    bench.finish()
