"""The command explain: what it prints and writes, and one message for everything that can be given wrongly."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

import _toy_explain as toy
from _mask_files import write_broden, write_coco
from _page import Elements
from neurofn.cli import main
from neurofn.tasks.scenes import CONCEPTS, draw_scenes

NET, DATA, SOURCE = "_toy_explain:net", "_toy_explain:loader", "_toy_explain:concepts"
WORDS = ["--at", "1", "--length", "1", "--threshold", "0", "--null", "20"]


def explain(*more: str, net: str = NET, data: str = DATA, concepts: str = SOURCE) -> int:
    return main(["explain", net, "--data", data, "--concepts", concepts, *more])


def found(path: Path) -> dict[int, str]:
    return {entry["unit"]: entry["formula"] for entry in json.loads(path.read_text())["explanations"]}


def test_it_prints_a_table_and_writes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*WORDS, "--report", str(tmp_path / "out.html")) == 0
    out, err = capsys.readouterr()
    for unit, formula in toy.FORMULAS.items():
        assert any(line.split()[:2] == [str(unit), formula] for line in out.splitlines())
    assert "4 of 4 units" in out
    assert "1 not explained" in out
    assert f"Report: {tmp_path / 'out.html'}" in out
    assert "explain: 4 units over 40 samples, 24 concepts" in err
    assert "4 of 4 units done" in err
    page = Elements((tmp_path / "out.html").read_text())
    assert "3 of 3 units fit a formula better than chance" in page.text
    pictures = [attributes for tag, attributes in page.tags if tag == "use"]
    assert len(pictures) >= 3 * 5


def test_units_before_training_and_shifted_firing_are_chance_too(tmp_path: Path) -> None:
    report = tmp_path / "a.json"
    assert explain(*WORDS, "--shifted", "10", "--untrained", NET, "--report", str(report)) == 0
    data = json.loads(report.read_text())
    for entry in data["explanations"][:3]:
        assert [null["null"].partition("(")[0] for null in entry["nulls"]] == ["Shuffled", "Shifted", "Untrained"]
    assert data["explanations"][0]["p"] > 0.2  # the same units, so no better than those
    assert "--shifted 10 --untrained _toy_explain:net" in data["command"]


def test_the_printed_command_repeats_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*WORDS, "--no-exact", "--beam", "3", "--report", str(tmp_path / "a.json")) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Again:"))
    first = json.loads((tmp_path / "a.json").read_text())
    assert main(shlex.split(line)[2:]) == 0
    assert json.loads((tmp_path / "a.json").read_text()) == first
    assert found(tmp_path / "a.json") == {**toy.FORMULAS, 3: ""}


def test_images_that_units_prefer_stand_beside_their_controls(tmp_path: Path) -> None:
    assert explain(*WORDS, "--preferred", "2", "--report", str(tmp_path / "a.json")) == 0
    entries = json.loads((tmp_path / "a.json").read_text())["explanations"]
    made = [[one["sample"] for one in entry["examples"] if one["kind"] == "made"] for entry in entries]
    assert sorted(map(len, made)) == [0, 0, 1, 1]
    assert all("best real" in label and "random" in label for labels in made for label in labels)
    assert explain(*WORDS, "--preferred", "1", "--report", str(tmp_path / "a.html")) == 0
    assert "Made to be preferred" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize("data", ["_toy_explain:scenes", "_toy_explain:once"])
def test_data_may_be_a_tensor_or_read_once(tmp_path: Path, data: str) -> None:
    assert explain(*WORDS, "--report", str(tmp_path / "a.json"), data=data) == 0
    assert found(tmp_path / "a.json")[0] == "red"


def test_concepts_from_a_file_of_masks(tmp_path: Path) -> None:
    scenes = draw_scenes(toy.SCENES, seed=9)
    masks = np.stack([scenes.masks(index) for index in range(len(scenes))], axis=1)
    np.savez(tmp_path / "masks.npz", **{name: masks[CONCEPTS.index(name)] for name in ("red", "green", "ring")})
    report = str(tmp_path / "a.json")
    assert explain(*WORDS, "--report", report, concepts=str(tmp_path / "masks.npz")) == 0
    assert found(tmp_path / "a.json")[1] == "green"


def test_concepts_from_annotations_and_from_a_folder(tmp_path: Path) -> None:
    scenes = draw_scenes(toy.SCENES, seed=9)
    masks = np.stack([scenes.masks(index) for index in range(len(scenes))], axis=1)
    chosen = {name: masks[CONCEPTS.index(name)] for name in ("red", "green", "ring")}
    write_coco(tmp_path / "a.json", chosen)
    write_broden(tmp_path / "folder", chosen)
    for source in ("a.json", "folder"):
        report = tmp_path / f"{source}.report.json"
        assert explain(*WORDS, "--report", str(report), concepts=str(tmp_path / source)) == 0
        assert found(report)[1] == "green"


def test_concepts_from_a_table(tmp_path: Path) -> None:
    lines = ["kind,size", *(f"{'ab'[i % 2]},{i}" for i in range(toy.SCENES))]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    assert explain(*WORDS, "--report", str(tmp_path / "a.json"), concepts=str(tmp_path / "table.csv")) == 0
    names = {"size < q25", "size > q50", "size > q75", "kind=a", "kind=b", ""}
    assert set(found(tmp_path / "a.json").values()) <= names


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"net": "_toy_explain:number"}, "_toy_explain:number is 3, no torch.nn.Module"),
        ({"net": "_toy_explain:nit"}, "module _toy_explain has no 'nit'; did you mean 'net'"),
        ({"net": "no_such_module:net"}, "No module named 'no_such_module'"),
        ({"data": "_toy_explain:number"}, "_toy_explain:number is 3"),
        ({"concepts": "_toy_explain:number"}, "_toy_explain:number is 3, no Concepts"),
        ({"concepts": "_toy_explain:fewer"}, "the units saw 40 samples, the concepts describe 39"),
        ({"concepts": "concepts"}, "give a file .npz of masks, .csv of rows or .json of COCO annotations, a folder"),
        ({"concepts": "nowhere.npz"}, "there is no file nowhere.npz"),
    ],
)
def test_what_is_given_wrongly_is_told_in_one_message(
    given: dict[str, str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(*WORDS, **given) in (1, 2)  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert says in err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--at", "conv"], "at='conv'"),
        (["--at", "1", "--length", "9"], "length"),
        (["--at", "1", "--threshold", "2"], "Quantile(2.0)"),
        (["--at", "1", "--holdout", "1"], "holdout=1.0"),
    ],
)
def test_settings_out_of_range_are_told(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*words) in (1, 2)
    assert says in capsys.readouterr().err


def test_a_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.npz").write_text("nothing")
    assert explain(*WORDS, concepts=str(tmp_path / "a.npz")) == 1
    assert "cannot read" in capsys.readouterr().err
    (tmp_path / "a.csv").write_text("a,b\n1\n")
    assert explain(*WORDS, concepts=str(tmp_path / "a.csv")) == 1
    assert "is no table" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from neurofn import _explain_command

    class Stop:
        def __enter__(self) -> object:
            def tell(done: int, total: int) -> None:
                if done == 2:
                    raise KeyboardInterrupt

            return tell

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(_explain_command, "_progress", Stop)
    assert explain(*WORDS, "--report", str(tmp_path / "a.json")) == 130
    assert "Stopped" in capsys.readouterr().err
    formulas = found(tmp_path / "a.json")
    assert sum(bool(text) for text in formulas.values()) in (1, 2)
    assert len(formulas) == 4
