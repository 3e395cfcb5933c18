"""Bad input to the command line, of every kind: one clear message, the right exit code, nothing computed, no traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from _toy_studies import CALLS
from neurofn import _about
from neurofn.cli import main

TESTS = Path(__file__).resolve().parent.parent
TOY = "_toy_studies:toy"


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])}


BAD = [
    ("", "", 0, "Usage"),
    ("nonsense", "", 2, 'Unknown command "nonsense"'),
    ("list birds", "", 2, "functions"),
    ("list --all", "", 2, "Unknown option"),
    ("run", "", 2, "STUDY requires an argument"),
    ("run compare_function", "", 2, "no study is called 'compare_function'; did you mean"),
    ("run no_such_module:toy", "", 2, "No module named 'no_such_module'"),
    ("run _toy_studies:toi", "", 2, "did you mean 'toy'"),
    ("run _toy_studies:CALLS", "", 2, "no study"),
    ("run :", "", 2, "MODULE:NAME"),
    (f"run {TOY} --neurons goood", "", 2, "did you mean 'good'"),
    (f"run {TOY} --size huge", "", 2, "smoke"),
    (f"run {TOY} --seeds 0", "", 2, "give 1 or more"),
    (f"run {TOY} --seeds many", "", 2, "many"),
    (f"run {TOY} --seeds 1.5", "", 2, "1.5"),
    (f"run {TOY} --seeds 99999999999", "", 2, "at most"),
    ("run staircase --set steps=0", "", 2, "40 to"),
    ("run staircase --set records=-5", "", 2, "9 to"),
    ("run staircase --set width=0", "", 2, "1 to"),
    ("run staircase --set start=step", "", 2, "did you mean 'steep'"),
    ("run compare_functions --set readings=1000000000", "", 2, "at most 1000"),
    ("run compare_functions --set depth=100000", "", 2, "at most 100"),
    ("run compare_functions --set condition=matched", "", 2, "give 'trained' too"),
    (f"run {TOY} --task digits", "", 2, "no setting 'task'"),
    (f"run {TOY} --set widht=3", "", 2, "did you mean 'width'"),
    (f"run {TOY} --set width", "", 2, "NAME=VALUE"),
    (f"run {TOY} --set width=wide", "", 2, "'wide' is no number"),
    (f"run {TOY} --set steps=1 --set steps=2", "", 2, "takes one value"),
    (f"run {TOY} --set seeds=1 --seeds 2", "", 2, "given twice"),
    (f"run {TOY} --format pdf", "", 2, "html"),
    (f"run {TOY} --out FOLDER/file/below", "file", 1, "cannot use the folder"),
    (f"run {TOY} --out FOLDER", "results.sqlite", 1, "move it away"),
    ("show relo", "", 2, "did you mean 'relu'"),
    ("show relu(sum(linea))", "", 2, "column 10"),
    ("show relu(sum(linear)", "", 2, "column"),
    ("check relo", "", 2, "did you mean 'relu'"),
    ("check _toy_studies:CALLS", "", 2, "has no suite"),
    ("report FOLDER", "", 1, "give the folder of a finished run"),
    ("report FOLDER/result.json", "result.json", 1, "is no JSON"),
    ("report FOLDER/none.json", "", 1, "there is no"),
]


@pytest.mark.parametrize(("line", "spoilt", "code", "words"), BAD, ids=[case[0] or "nothing" for case in BAD])
def test_bad_input_is_one_message(
    line: str, spoilt: str, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if spoilt:
        (tmp_path / spoilt).write_text("this is neither a store nor a result" * 100)
    assert main(line.replace("FOLDER", str(tmp_path)).split()) == code
    out, err = capsys.readouterr()
    assert words in (err if code else out)
    assert "Traceback" not in out + err
    if code:
        assert err.startswith("neurofn: ")
    assert CALLS == []


def test_an_unexpected_error_says_how_to_see_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: str) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(_about, "catalogue_of", broken)
    assert main(["list"]) == 1
    assert capsys.readouterr().err == "neurofn: RuntimeError: a defect\nto see where: NEUROFN_TRACEBACK=1 neurofn ...\n"
    monkeypatch.setenv("NEUROFN_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="a defect"):
        main(["list"])


def test_ctrl_c_elsewhere_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(_: str) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(_about, "catalogue_of", stop)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "neurofn: stopped\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    line = f"{shlex.quote(sys.executable)} -m neurofn list | head -n 1"
    done = subprocess.run(["bash", "-c", line], env=environment(), capture_output=True, text=True)
    assert done.stdout.startswith("functions (")
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_output_that_is_full_is_an_error() -> None:
    line = f"{shlex.quote(sys.executable)} -m neurofn list > /dev/full"
    done = subprocess.run(["bash", "-c", line], env=environment(), capture_output=True, text=True)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
