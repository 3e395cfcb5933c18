"""The helper of the benchmarks interleaves, warms up, forms ratios and judges bars."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "bench" / "_bench.py"


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The helper on a clock of its own, that a benchmark moves by hand."""
    spec = importlib.util.spec_from_file_location("bench_helper", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))  # which the helper adds to
    monkeypatch.setitem(__import__("sys").modules, "bench_helper", module)
    spec.loader.exec_module(module)
    return module


class Clock:
    """Seconds that pass only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def perf_counter(self) -> float:
        return self.now

    def work(self, name: str, seconds: itertools.cycle[float]) -> None:
        self.log.append(name)
        self.now += next(seconds)


def _run(
    helper: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ratio_bar: float
) -> tuple[Clock, list[dict[str, object]], int]:
    clock = Clock()
    monkeypatch.setattr(helper, "time", clock)
    bench = helper.Bench("doc", arguments=["--quick", "--out", str(tmp_path / "rows.json")])
    fast, slow = (
        itertools.cycle([9.0, 1.0, 2.0, 1.0]),
        itertools.cycle([9.0, 4.0, 6.0, 2.0]),
    )  # the first is the warm-up
    bench.compare(
        "case",
        {"fast": lambda: clock.work("fast", fast), "slow": lambda: clock.work("slow", slow)},
        bar=3,
        ratio_bar=ratio_bar,
    )
    with pytest.raises(SystemExit) as end:
        bench.finish()
    return clock, json.loads((tmp_path / "rows.json").read_text()), int(end.value.code or 0)


def test_alternatives_take_turns_and_medians_are_taken(
    helper: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, rows, _ = _run(helper, tmp_path, monkeypatch, ratio_bar=2)
    assert clock.log == ["fast", "slow"] * 4
    assert [(row["alternative"], row["value"], row["unit"], row["bar"], row["holds"]) for row in rows] == [
        ("fast", 1.0, "s", 3, True),
        ("slow", 4.0, "s", 3, False),
        ("slow / fast", 3.0, "times", 2, True),
    ]


def test_a_bar_that_does_not_hold_is_an_exit_code(
    helper: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(helper, tmp_path, monkeypatch, ratio_bar=2)[2] == 1
    monkeypatch.setattr(helper.Bench, "compare", lambda *args, **kwargs: None)
    assert _run(helper, tmp_path, monkeypatch, ratio_bar=2)[2] == 0
