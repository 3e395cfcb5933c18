"""The command run: the line that repeats it, and what it says of a run in which everything diverged."""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import _toy_studies
from _toy_studies import CALLS, altered, leaderboard
from neurofn.cli import main
from neurofn.studies import Cells, Result, run

TOY = "_toy_studies:toy"
CONTROL = {"neuron": "control", "width": 1}


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


@pytest.mark.parametrize("format", ["markdown", "json"])
def test_the_printed_line_repeats_the_run(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into the same folder, where everything is there already, and in the same format."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "of mine; 'quoted'"
    assert main(["run", TOY, "--size", "smoke", "--out", str(folder), "--format", format]) == 0
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Again:"))
    CALLS.clear()
    assert main(shlex.split(line.removeprefix("Again:"))[1:]) == 0
    assert CALLS == []
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


def test_the_usual_folder_and_format_are_not_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "vl_convert", None)  # a page would take longer to draw than all the rest
    assert main(["run", TOY, "--size", "smoke"]) == 0
    assert "Again:  neurofn run _toy_studies:toy --size smoke\n" in capsys.readouterr().out


def diverging(lost: set[tuple[str, int]], **parts: Any) -> Any:
    """The toy study, where these neurons of these widths diverge, and with a control of the study's own."""

    def cell(neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 1, bias: float = 0.0) -> Any:
        gone = (neuron, width) in lost
        return [{"metrics": {"score": math.nan if gone else 1.0}, "diverged": gone} for _ in seeds]

    def cells(settings: Any) -> list[dict[str, Any]]:
        return [*({"neuron": n, "width": w} for n in settings["neuron"] for w in settings["width"]), CONTROL]

    return altered(cell=cell, cells=cells, claims=(), **{"summarise": None, **parts})


ALL = {(neuron, width) for neuron in ("good", "bad") for width in (1, 2)}


def test_a_run_in_which_everything_diverged_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_toy_studies, "toy", diverging(ALL))
    assert main(["run", TOY, "--seeds", "2", "--out", str(tmp_path), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert "Problem: no neuron has a score: every one diverged, with every seed" in err
    assert "control" in out
    found = Result.load(tmp_path / "result.json")
    assert found.complete
    assert len(found.table["rows"]) == 10


@pytest.mark.parametrize("lost", [ALL - {("good", 2)}, {("bad", 1), ("bad", 2)}, set()])
def test_one_that_did_not_diverge_is_enough(lost: set[tuple[str, int]]) -> None:
    found = run(diverging(lost), seeds=2)
    assert found.complete
    assert found.problems == ()


def test_controls_alone_are_nothing_to_rank() -> None:
    """Where the leaderboard has no score, networks of width 2, its controls, do not help."""

    def ranked(cells: Cells) -> Any:
        return leaderboard(cells.where(width=1))

    lost = {("good", 1), ("bad", 1)}
    assert "no neuron has a score" in run(diverging(lost, summarise=ranked), seeds=2).problems[0]
    assert run(diverging({("good", 1)}, summarise=ranked), seeds=2).problems == ()
