"""The benchmark of functions: ratios within rounds, void runs, bars, and what a resumed run keeps."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))  # which the helper adds to
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    spec = importlib.util.spec_from_file_location("bench_functions", BENCH / "functions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_functions", module)
    monkeypatch.delitem(sys.modules, "_bench", raising=False)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "_bench")
    return module


def seconds(script: ModuleType, *, limit: list[float], compiled: list[float]) -> dict[str, list[float]]:
    return {"limit": limit, "compiled": compiled, "few-bit": [0.5] * len(limit), "torch.nn": [9.0] * len(limit),
            "native silu": [1.0] * len(limit), "native gelu": [1.0] * len(limit)}  # fmt: skip


def test_ratios_are_taken_within_rounds_and_bars_judged(script: ModuleType) -> None:
    steady = script.rows(
        "mish", seconds(script, limit=[1, 1.1, 1, 1, 1], compiled=[3, 3.3, 3, 4, 3]), {"few-bit": 0.25}
    )
    told = {row.alternative: (pytest.approx(row.value), row.bar, row.holds) for row in steady}
    assert told["compiled / limit"] == (3.0, None, None)
    assert told["compiled / torch.nn"] == (1 / 3, 0.35, True)
    assert told["few-bit / native gelu"] == (0.5, 1.0, True)
    assert told["few-bit keeps"] == (0.25, None, None)
    assert not script.is_void(steady)
    slow = script.rows("mish", seconds(script, limit=[1] * 5, compiled=[6.0] * 5), {})
    assert [row.holds for row in slow if row.alternative == "compiled / torch.nn"] == [False]


def test_a_void_entry_holds_no_bar(script: ModuleType) -> None:
    void = script.rows("mish", seconds(script, limit=[1, 2, 1, 2, 1], compiled=[3] * 5), {})
    assert script.is_void(void)
    assert {row.holds for row in void} == {None}


def test_a_resumed_run_measures_void_and_failed_entries_again(script: ModuleType, tmp_path: Path) -> None:
    fine = script.rows("mish", seconds(script, limit=[1] * 5, compiled=[3] * 5), {})
    void = script.rows("gelu", seconds(script, limit=[1, 2] * 3, compiled=[3] * 6), {})
    failed = [script.Row("relu", "fails", 1.0, "", 0.0, False)]
    overall = [script.Row("median", "compiled / limit", 1.0, "times", 1.5, True)]
    script.write(tmp_path / "rows.json", [*fine, *void, *failed, *overall])
    assert script.read(tmp_path / "rows.json") == {"mish": fine}
    assert json.loads((tmp_path / "rows.json").read_text())[0]["case"] == "mish"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]


def test_the_sample_holds_every_bar(script: ModuleType) -> None:
    assert len(script.SAMPLE) == 12
    assert {entry for entry, _, _ in script.BARS} <= set(script.SAMPLE) <= set(script.catalogue)


def test_the_median_is_judged_where_all_was_measured_and_half_is_not_void(script: ModuleType) -> None:
    fine = script.rows("mish", seconds(script, limit=[1] * 5, compiled=[3] * 5), {})
    void = script.rows("gelu", seconds(script, limit=[1, 2] * 3, compiled=[1] * 6), {})
    for done, complete, holds in (({"mish": fine}, True, False), ({"mish": fine}, False, None),
                                  ({"mish": fine, "gelu": void}, True, None)):  # fmt: skip
        bench = script.Bench("doc", arguments=["--quick"])
        script.summary(bench, done, complete=complete)
        assert [(row.value, row.bar, row.holds) for row in bench.rows] == [(3.0, 1.5, holds)]
