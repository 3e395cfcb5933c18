"""The identity of a cell: everything that its numbers may depend on, and nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from _toy_studies import CALLS, altered, toy, without_times
from neurofn.studies import Study, _code, catalogue, run
from neurofn.studies._cells import cut


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def test_identity_is_everything_that_numbers_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(**given: object) -> set[str]:
        return {item.key for item in cut(toy, toy.settings("small", **given))}

    assert len(keys()) == 8
    assert keys(seeds=7) == keys()
    assert keys(seeds=5) < keys()
    assert keys(neuron=["bad"]) < keys()
    assert not keys(steps=3) & keys()
    before = keys()
    monkeypatch.setattr("neurofn.studies._code._package_code", lambda studies: "other code")
    assert not keys() & before
    assert {item.key for item in cut(altered(name="other"), toy.settings("small"))} == keys()  # the same function


def test_studies_share_what_the_same_function_gave_and_closures_do_not(tmp_path: Path) -> None:
    def made(bias: float) -> Any:
        def cell(neuron: str, width: int, *, seeds: tuple[int, ...]) -> Any:
            return [{"metrics": {"score": bias}} for _ in seeds]

        return cell

    run(toy, seeds=5, out=tmp_path)
    CALLS.clear()
    assert run(altered(name="other"), seeds=5, out=tmp_path).complete
    assert CALLS == []
    sizes = {size: {} for size in ("smoke", "small", "full")}
    for bias in (0.1, 0.2):
        part = altered(name=f"bias{bias}", cell=made(bias), sizes=sizes, claims=(), summarise=None)
        assert {row["score"] for row in without_times(run(part, seeds=5, out=tmp_path).table)} == {bias}


def test_code_is_what_the_cell_reaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beside it that it imports counts, however deep; one that it does not import, and another study, do not."""
    (tmp_path / "near_cell.py").write_text("import near_help\ndef cell(*, seeds): return near_help.answers(seeds)\n")
    (tmp_path / "near_help.py").write_text("from near_deep import one\ndef answers(seeds): return [one] * len(seeds)\n")
    (tmp_path / "near_deep.py").write_text("one = {'metrics': {}}\n")
    (tmp_path / "near_other.py").write_text("two = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    part = Study(name="near", cell=importlib.import_module("near_cell").cell, question="?")
    before = _code.code_version(part)
    (tmp_path / "near_other.py").write_text("two = 3\n")
    assert _code.code_version(part) == before
    (tmp_path / "near_deep.py").write_text("one = {'metrics': {'a': 1}}\n")
    assert _code.code_version(part) != before
    for name in ("near_cell", "near_help", "near_deep"):
        sys.modules.pop(name, None)


def test_code_of_one_study_leaves_the_others_alone() -> None:
    reached = {
        name: {path.name for path in _code._reached(_code._file(catalogue[name].cell))}
        for name in ("staircase", "kan_aggregation")
    }
    assert "_staircase.py" in reached["staircase"]
    assert not {"_staircase.py", "staircase.py", "_executor.py"} & reached["kan_aggregation"]
    assert {"kan_aggregation.py", "_kan_aggregation.py", "_data.py"} <= reached["kan_aggregation"]


def test_a_cell_without_a_file_is_told_from_another() -> None:
    def typed(score: float) -> set[str]:
        names: dict[str, Any] = {}
        exec(
            f"def cell(neuron, width, *, seeds): return [{{'metrics': {{'score': {score}}}}} for seed in seeds]", names
        )
        part = altered(cell=names["cell"], sizes={size: {} for size in ("smoke", "small", "full")})
        return {item.key for item in cut(part, part.settings())}

    assert typed(0.5) == typed(0.5)
    assert not typed(0.5) & typed(0.6)


def test_the_data_of_the_task_are_part_of_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_task(neuron: str, width: int, *, seeds: tuple[int, ...], task: str = "function-1d") -> object:
        raise AssertionError

    part = altered(cell=on_a_task, sizes={size: {} for size in ("smoke", "small", "full")})
    before = {item.key for item in cut(part, part.settings())}
    comparison = catalogue["compare_functions"]  # its cell takes the task with all other settings at once
    compared = {item.key for item in cut(comparison, comparison.settings("smoke"))}
    monkeypatch.setattr("neurofn.studies._cells._checksum", lambda task: f"other data of {task}")
    assert not {item.key for item in cut(part, part.settings())} & before
    assert not {item.key for item in cut(comparison, comparison.settings("smoke"))} & compared


@pytest.mark.parametrize("name", ["task", "tasks", "nested"])
def test_data_count_wherever_a_setting_names_a_task(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def cell(*, seeds: tuple[int, ...], settings: Any) -> object:
        raise AssertionError

    value = {"task": "function-1d", "tasks": ["function-1d"], "nested": {"train": ["function-1d", 3]}}[name]
    part = Study(
        name="named", cell=cell, question="?", sizes={size: {name: value} for size in ("smoke", "small", "full")}
    )
    before = cut(part, part.settings())[0]
    assert list(before.made["data"]) == ["function-1d"]
    monkeypatch.setattr("neurofn.studies._cells._checksum", lambda task: "other data")
    assert cut(part, part.settings())[0].key != before.key
