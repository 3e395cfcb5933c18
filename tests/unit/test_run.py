"""Running a study: cells and stacks, settings, verdicts, failures, interruption, resume."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from _toy_studies import CALLS, altered, measure, toy, without_times
from neurofn._errors import DefinitionError, SettingError, UnknownNameError
from neurofn.studies import Progress, Study, run


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def test_a_run_measures_every_combination_and_seed() -> None:
    result = run(toy, seeds=10)
    assert result.table["columns"] == ["neuron", "width", "seed", "diverged", "score", "gap", "seconds"]
    assert [row[:3] for row in result.table["rows"]] == [
        [n, w, s] for n in ("good", "bad") for w in (1, 2) for s in range(10)
    ]
    assert result.settings == {"neuron": ["good", "bad"], "width": [1, 2], "seeds": 10, "steps": 20, "bias": 0.0}
    assert result.complete
    assert result.missing == result.problems == ()
    # All combinations with the first stack come first, so that an interrupted run is balanced.
    assert [seeds for _, seeds in CALLS] == [(0, 1, 2, 3, 4)] * 4 + [(5, 6, 7, 8, 9)] * 4


def test_nan_is_null_and_divergence_is_noted() -> None:
    result = run(toy, size="smoke")
    rows = without_times(result.table)
    assert rows[1]["gap"] is None
    assert rows[0]["gap"] == 0.5
    assert [row["diverged"] for row in rows[:5]] == [False, False, True, False, False]
    assert any("neuron=good, width=1: seed 2" in note for note in result.notes)
    json.dumps(result.to_dict(), allow_nan=False)


def test_readings_carry_factors_and_seeds() -> None:
    result = run(toy, size="smoke", seeds=2)
    assert result.readings["columns"][:4] == ["neuron", "width", "step", "seed"]
    assert [row[3] for row in result.readings["rows"]] == [0, 0, 1, 1] * 2
    assert {row[-1] is None for row in result.readings["rows"]} == {True, False}
    cells = result.cells()
    assert len(cells.readings.where(neuron="good", seed=1)) == 2


def test_a_record_is_taken_over_as_it_is() -> None:
    from neurofn.watching import Record

    def cell(neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 1) -> Any:
        row = {"step": 4, "site": "act", "instrument": "EpsilonRank", "reading": "rank", "value": 3.0}
        return [{"metrics": {}, "record": Record.from_rows([row])} for _ in seeds]

    result = run(altered(cell=cell, claims=(), summarise=None), size="smoke", seeds=2, neuron="good")
    assert result.readings["columns"] == ["neuron", "width", *Record.from_rows([]).columns]
    assert result.readings["rows"] == [["good", 1, 4, seed, "act", "EpsilonRank", "rank", None, 3.0] for seed in (0, 1)]


def test_seven_seeds_compute_two_whole_stacks_and_report_seven(tmp_path: Path) -> None:
    seven = run(toy, size="smoke", seeds=7, out=tmp_path)
    assert [row["seed"] for row in without_times(seven.table)] == [*range(7)] * 2
    assert {row[3] for row in seven.readings["rows"]} == set(range(7))
    computed = len(CALLS)
    ten = run(toy, size="smoke", seeds=10, out=tmp_path)
    assert len(CALLS) == computed
    assert len(ten.table["rows"]) == 20


def test_levels_and_settings_can_be_given() -> None:
    result = run(toy, neuron="good", width=[2], steps=5, seeds=1)
    assert CALLS == [("good/2", (0, 1, 2, 3, 4))]
    assert (
        result.command
        == "neurofn run _toy_studies:toy --size small --neurons good --seeds 1 --set width=2 --set steps=5"
    )
    assert run(toy, seeds=None, size="smoke").settings["seeds"] == 5
    assert run(toy, seeds=1, neuron=["good", "good", "bad"]).settings["neuron"] == ["good", "bad"]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"size": "tiny"}, UnknownNameError, "full, small, smoke"),
        ({"stepz": 3}, SettingError, "did you mean 'steps'"),
        ({"steps": "many"}, SettingError, "a whole number"),
        ({"steps": True}, SettingError, "a whole number"),
        ({"steps": 2.5}, SettingError, "a whole number"),
        ({"bias": math.nan}, SettingError, "a finite number"),
        ({"bias": object()}, SettingError, "cannot be kept"),
        ({"seeds": 0}, SettingError, "1 or more"),
        ({"seeds": "ten"}, SettingError, "a whole number"),
        ({"neuron": []}, SettingError, "at least one"),
        ({"neuron": ["god"]}, SettingError, "did you mean 'good'"),
        ({"neuron": [3]}, SettingError, "a text"),
    ],
)
def test_wrong_settings_are_found_before_anything_is_computed(given: dict[str, Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        run(toy, **given)
    assert CALLS == []


def test_unknown_studies_and_tasks_are_named() -> None:
    with pytest.raises(UnknownNameError, match="no study is called 'compare_function'"):
        run("compare_function")

    def on_a_task(*, seeds: tuple[int, ...], task: str = "digits") -> list[dict[str, Any]]:
        raise AssertionError

    with pytest.raises(UnknownNameError, match="digits"):
        run(Study(name="on_a_task", cell=on_a_task, question="?"), task="digit")


def test_a_study_may_check_name_its_cells_and_give_a_canonical_form() -> None:
    def check(settings: Any) -> Any:
        if "worse" in settings["neuron"]:
            raise SettingError("worse is no neuron; use bad")
        return {"neuron": [neuron.strip() for neuron in settings["neuron"]]}

    def diagonal(settings: Any) -> list[dict[str, Any]]:
        return [{"neuron": neuron, "width": 1} for neuron in settings["neuron"]] + [{"neuron": "good", "width": 7}]

    part = altered(check=check, cells=diagonal)
    result = run(part, neuron=["good", " good ", "bad"], seeds=1)
    assert [row[:2] for row in result.table["rows"]] == [["good", 1], ["bad", 1], ["good", 7]]
    with pytest.raises(SettingError, match="worse is no neuron"):
        run(part, neuron="worse")
    with pytest.raises(DefinitionError, match="one level for each"):
        run(altered(cells=lambda settings: [{"neuron": "good"}]))


def test_a_cell_may_take_all_other_settings_at_once() -> None:
    seen: dict[str, Any] = {}

    def cell(neuron: str, *, seeds: tuple[int, ...], settings: Any) -> list[dict[str, Any]]:
        seen.update(settings)
        return [{"metrics": {}} for _ in seeds]

    sizes = {size: {"steps": 3, "rates": [0.1, 0.2]} for size in ("smoke", "small", "full")}
    part = Study(name="many", cell=cell, question="?", factors={"neuron": ["a"]}, sizes=sizes)
    result = run(part, seeds=1, rates=[0.5])
    assert seen == {"steps": 3, "rates": [0.5]}
    assert "--set rates=0.5" in result.command


def test_a_failing_cell_is_reported_and_the_others_go_on() -> None:
    def cell(neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 1, bias: float = 0.0) -> Any:
        if neuron == "bad" and width == 2:
            raise ValueError("too wide")
        return measure(neuron, width, seeds=seeds)

    result = run(altered(cell=cell), seeds=5)
    assert not result.complete
    assert not result.interrupted
    assert len(result.table["rows"]) == 15
    (missing,) = result.missing
    assert missing.startswith("neuron=bad, width=2, seeds 0-4: failed with ValueError: too wide (test_run.py:")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "returned 0"),
        (None, "NoneType"),
        ([{}] * 5, "'metrics'"),
        ([{"metrics": {"score": "high"}}] * 5, "expected a number"),
        ([{"metrics": {"seed": 1.0}}] * 5, "rename"),
    ],
)
def test_an_answer_that_is_none_is_a_failure_in_words(answer: Any, words: str) -> None:
    def cell(neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 1) -> Any:
        return answer

    result = run(altered(cell=cell, claims=(), summarise=None), seeds=1)
    assert len(result.missing) == 4
    assert words in result.missing[0]


# --- Interruption and progress --------------------------------------------------------------------------------------


def stop_after(cells: int) -> Any:
    def progress(state: Progress) -> None:
        if state.done == cells:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_ends_with_what_is_there(tmp_path: Path) -> None:
    part = run(toy, seeds=5, out=tmp_path, progress=stop_after(1))
    assert part.interrupted
    assert not part.complete
    assert len(part.table["rows"]) == 5
    assert part.missing == tuple(
        f"neuron={n}, width={w}, seeds 0-4: not computed" for n, w in [("good", 2), ("bad", 1), ("bad", 2)]
    )
    assert part.verdicts[0].verdict == "undecided"
    assert part.problems == ()
    CALLS.clear()
    resumed = run(toy, seeds=5, out=tmp_path)
    assert len(CALLS) == 3
    fresh = run(toy, seeds=5)
    assert without_times(resumed.table) == without_times(fresh.table)
    assert resumed.table["columns"] == fresh.table["columns"]
    assert resumed.readings == fresh.readings
    assert resumed.verdicts == fresh.verdicts
    assert resumed.summaries == fresh.summaries
    assert resumed.complete
    assert "1 of 4 cells" in resumed.notes[0]


def test_progress_counts_and_estimates() -> None:
    states: list[Progress] = []
    run(toy, seeds=5, progress=states.append)
    assert [state.done for state in states] == [0, 1, 2, 3, 4]
    assert states[0].seconds_left is None
    assert states[-1].seconds_left == 0
    assert states[1].label == "neuron=good, width=2, seeds 0-4"


def test_a_cell_computes_with_the_threads_of_its_study_and_the_caller_keeps_theirs() -> None:
    import torch

    seen = []

    def counting(neuron: str, width: int, *, seeds: tuple[int, ...]) -> Any:
        seen.append(torch.get_num_threads())
        return [{"metrics": {"score": 0.0}} for _ in seeds]

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(altered(cell=counting, sizes={size: {} for size in ("smoke", "small", "full")}, claims=()), seeds=1)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
