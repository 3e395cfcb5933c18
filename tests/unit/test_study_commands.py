"""The commands about studies beside run: workers, claims, export, new; and studies in files of one's own."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from _toy_studies import CALLS, altered, measure, toy
from neurofn._errors import SettingError, StoreError
from neurofn._studies_command import Where
from neurofn.cli import main
from neurofn.studies import Dask, Limits, Local, Result, _reference, catalogue, run
from neurofn.studies._claims_table import claims
from neurofn.studies._export import export

TOY = "_toy_studies:toy"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    CALLS.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("first_study", "faulty_study"):
        sys.modules.pop(name, None)
        _reference.LOADED.pop(name, None)
        if name in catalogue:
            catalogue.remove(name)


# --- Where cells are computed -------------------------------------------------------------------------------------------


def test_options_become_an_executor() -> None:
    assert Where().executor() is None
    assert Where(workers=3, cell_seconds=2.0).executor() == Local(3, limits=Limits(seconds=2.0))
    assert Where(cluster="tcp://a:1", cell_bytes=9).executor() == Dask("tcp://a:1", limits=Limits(bytes=9))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--workers 2 --cluster tcp://a:1", "exclude each other"),
        ("--cell-seconds 3", "add --workers 1"),
        ("--workers 0", "whole number from 1"),
        ("--workers 1.5", "whole number"),
        ("--workers 1 --cell-seconds -1", "above 0"),
    ],
)
def test_options_that_make_no_sense(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", TOY, *words.split()]) == 2
    assert said in capsys.readouterr().err
    assert CALLS == []


def test_a_study_runs_on_workers_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", TOY, "--size", "smoke", "--workers", "1", "--out", "there", "--format", "json"]) == 0
    assert CALLS == []
    assert main(["run", TOY, "--size", "smoke", "--out", "here", "--format", "json"]) == 0
    here, there = (Result.load(f"{folder}/result.json").cells() for folder in ("here", "there"))
    assert [here.values("score").tolist(), here.levels("seed")] == [
        there.values("score").tolist(),
        there.levels("seed"),
    ]


# --- Claims -------------------------------------------------------------------------------------------------------------


def test_claims_of_all_results_with_the_largest_and_newest_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    for size, folder in (("smoke", "neurofn-results/a"), ("small", "docs/results"), ("smoke", "neurofn-results/b")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        run(toy, size=size).save(Path(folder) / ("toy-small.json" if "docs" in folder else "result.json"))
    Path("docs/results/other.json").write_text('{"schema": 9}')
    Path("docs/results/text.json").write_text("no json")
    assert main(["claims"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    header, _, row = out.strip().splitlines()
    assert header.startswith(
        "| paper | study | claim | verdict | effect | interval | control | seeds | size | core hours"
    )
    assert "| arXiv:0000.00000 | toy | good is better | holds |" in row
    assert "| without training there is no difference | 10 | small |" in row
    assert main(["claims", "docs", "--paper", "0000.00000", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "holds"
    assert found["core hours"] >= 0
    assert found["versions"]["neurofn"]


def test_claims_that_are_not_there_and_results_that_are_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims"]) == 1
    assert "no result with a claim in neurofn-results and docs/results; run a study first" in capsys.readouterr().err
    assert main(["claims", "nowhere"]) == 1
    run(toy, size="smoke").save("mine.json")
    Path("result.json").write_text("{}")
    assert main(["claims", ".", "--paper", "9999"]) == 1
    assert "of paper '9999'" in capsys.readouterr().err
    rows, problems = claims([Path()])
    assert len(rows) == 1
    assert "result.json: this is no result" in problems[0]


# --- Export -------------------------------------------------------------------------------------------------------------


def stored(folder: str) -> None:
    def cell(neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 1, bias: float = 0.0) -> Any:
        if width == 2 and neuron == "bad":
            raise ValueError("too wide")
        return [
            {**answer, "metrics": {**answer["metrics"], "steps": 1.0}} for answer in measure(neuron, width, seeds=seeds)
        ]

    assert len(run(altered(cell=cell), seeds=5, out=folder).missing) == 1


def test_cells_as_csv_failures_with_their_reason_among_them() -> None:
    stored("out")
    assert main(["export", "out", "--to", "table.csv"]) == 0
    rows = list(csv.DictReader(Path("table.csv").read_text().splitlines()))
    assert len(rows) == 20
    failed = [row for row in rows if row["status"] == "failed"]
    assert [row["seed"] for row in failed] == list("01234")
    assert all("ValueError: too wide" in row["reason"] and row["score"] == "" for row in failed)
    good = next(row for row in rows if row["neuron"] == "good" and row["seed"] == "1")
    assert (good["study"], good["steps"], good["metric.steps"], good["gap"]) == ("toy", "20", "1.0", "")
    assert sorted(os.listdir()) == ["out", "table.csv"]
    export("out", "readings.csv", table="readings")
    readings = list(csv.DictReader(Path("readings.csv").read_text().splitlines()))
    assert len(readings) == 30
    assert {row["reading"] for row in readings} == {"loss"}


def test_cells_as_parquet() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    stored("out")
    table = parquet.read_table(export("out", "table.parquet")).to_pylist()
    assert len(table) == 20
    assert {type(row["score"]) for row in table} == {float, type(None)}
    assert table[0]["diverged"] is False


def test_exports_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="give the folder of a run"):
        export("nowhere", "table.csv")
    assert not Path("nowhere").exists()
    stored("out")
    with pytest.raises(SettingError, match=r"\.csv or \.parquet"):
        export("out", "table.xlsx")
    with pytest.raises(StoreError, match="another place"):
        export("out", "no/table.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"neurofn\[export\]"):
        export("out", "table.parquet")


# --- Studies of one's own -----------------------------------------------------------------------------------------------


def test_a_new_study_runs_from_its_file_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "study", "first_study"]) == 0
    assert "neurofn run ./first_study.py:first_study --size smoke" in capsys.readouterr().out
    command = ["run", "./first_study.py:first_study", "--size", "smoke", "--set", "steps=2", "--format", "json"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "Again:  neurofn run first_study.py:first_study --size smoke --set steps=2 --format json" in out
    assert "silu fits better than relu" in out
    assert main(["check", "first_study:first_study"]) == 0


@pytest.mark.parametrize("name", ["math", "a-b", "class", "torch", "there"])
def test_names_that_a_new_study_cannot_have(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there.py").write_text("kept")
    assert main(["new", "study", name]) in (1, 2)
    assert "another" in (err := capsys.readouterr().err) or "use letters" in err
    assert os.listdir() == ["there.py"]
    assert Path("there.py").read_text() == "kept"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ny = zz + 1\n", "line 2: NameError: name 'zz' is not defined\n    y = zz + 1"),
        ("def f(:\n", "line 1: invalid syntax"),
        ("import no_such_module_here\n", "line 1: ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("raise ValueError('of mine')\n", "line 1: ValueError: of mine"),
        ("from neurofn.studies import run\nrun('staircase')\n", "if __name__ == '__main__'"),
        ("x = 3\n", "has no 'part'"),
        ("part = 3\n", "no study"),
    ],
)
@pytest.mark.parametrize("by", ["faulty_study:part", "./faulty_study.py:part"])
def test_a_file_that_fails_to_import_says_where(
    text: str, said: str, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("faulty_study.py").write_text(text)
    shutil.rmtree("__pycache__", ignore_errors=True)
    assert main(["run", by]) == 2
    assert said in capsys.readouterr().err
