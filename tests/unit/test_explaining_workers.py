"""Units side by side give the same rows; who stops or fails keeps and loses the same, with workers and without."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurofn.explaining import Above, Concepts, Exact, OnWorkers, Quantile, Shuffled, Units, explain
from neurofn.explaining.formula import Formula

Array = np.ndarray[Any, Any]


def masks(samples: int = 80, places: int = 25, concepts: int = 4, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((concepts, samples, places)) < 0.3


def named(found: Array) -> Concepts:
    return Concepts.from_masks({f"c{i}": mask for i, mask in enumerate(found)})


def in_turn(calls: Any) -> Iterator[Any]:
    """The least that can stand for joblib.Parallel."""
    for function, arguments, keywords in calls:
        yield function(*arguments, **keywords)


@pytest.mark.parametrize("search", [Exact(), OnWorkers(Exact(), in_turn), OnWorkers(Exact(), in_turn, units=1)])
def test_stopping_keeps_what_was_computed(search: Any) -> None:
    given = masks()

    def stop(done: int, of: int) -> None:
        assert of == 4
        if done == 2:
            raise KeyboardInterrupt

    rows = explain(Units.from_masks(given), named(given), search=search, null=Shuffled(20), progress=stop)
    assert [row.formula for row in rows] == ["c0", "c1", "", ""]
    assert [bool(row.problem) for row in rows] == [False, False, True, True]
    assert rows[0].p is not None


def test_workers_that_are_stopped_keep_what_was_handed_over_before() -> None:
    given = masks()
    seen: list[int] = []

    def stopped(calls: Any) -> list[Any]:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return list(in_turn(calls))

    rows = explain(Units.from_masks(given), named(given), search=OnWorkers(Exact(), stopped, units=1))
    assert [row.formula for row in rows] == ["c0", "c1", "", ""]
    assert [bool(row.problem) for row in rows] == [False, False, True, True]


class Failing:
    """Finds no formula for the unit that fires where the second concept is true."""

    def find(self, signatures: Any, hits: Any, unit: int) -> Any:
        found = Exact(length=1).find(signatures, hits, unit)
        if found.formula == Formula(1):
            raise ZeroDivisionError("no luck")
        return found


@pytest.mark.parametrize("search", [Failing(), OnWorkers(Failing(), in_turn)])
def test_a_search_that_fails_for_one_unit_loses_only_that_one(search: Any) -> None:
    given = masks()
    rows = explain(Units.from_masks(given), named(given), search=search, null=Shuffled(20))
    assert [row.formula for row in rows] == ["c0", "", "c2", "c3"]
    assert rows[1].problem == "ZeroDivisionError: no luck"


def several() -> tuple[Units, Concepts]:
    """Units of two modules with two thresholds, one of them never firing."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(90, 5, 3, generator=generator)
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    values[..., 1] = -1
    units = Units.from_model(model, values, at=["0", "1"], threshold=[Above(0), Quantile(0.7)])
    return units, Concepts.from_masks({f"c{k}": (values[..., k % 3] > 0.3 * k).numpy() for k in (0, 2, 3)})


@pytest.mark.parametrize("settings", [{"n_jobs": 1}, {"n_jobs": 2, "backend": "loky"}])
def test_workers_give_the_same_rows(settings: dict[str, Any]) -> None:
    joblib = pytest.importorskip("joblib")
    units, concepts = several()
    told: list[tuple[int, int]] = []
    search = OnWorkers(Exact(length=2), joblib.Parallel(**settings), units=2)
    rows = explain(units, concepts, search=search, null=Shuffled(20), progress=lambda *now: told.append(now))
    assert rows == explain(units, concepts, search=Exact(length=2), null=Shuffled(20))
    assert told == [(done, 12) for done in range(1, 13)]
    assert sum(bool(row.formula) for row in rows) == 8


CLUSTER = """
import dataclasses, os
import joblib
from dask.distributed import Client, LocalCluster

class Where(Exact):
    def find(self, signatures, hits, unit):
        return dataclasses.replace(super().find(signatures, hits, unit), language=str(os.getpid()))

if __name__ == "__main__":
    with LocalCluster(**local) as cluster, Client(cluster), joblib.parallel_config("dask"):
        found = explain(units, concepts, search=OnWorkers(Where(length=3), joblib.Parallel()))
    assert [dataclasses.replace(row, language=rows[0].language) for row in found] == rows
    print(*{row.language for row in found} - {str(os.getpid())})
"""


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_gives_the_same_rows(tmp_path: Path) -> None:
    """The program of the page, in a process of its own; and then the same search telling where it ran."""
    pytest.importorskip("distributed")
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cluster.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    program = tmp_path / "program.py"
    program.write_text(snippet + CLUSTER, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 1 <= len(done.stdout.split()) <= 2
