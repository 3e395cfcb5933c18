"""The command sites: what can be read of a network, with and without running it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neurofn.cli import main

NETS = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.up = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 8)

    def forward(self, x, scale=None):
        return torch.relu(self.up(x + self.attention(x, x, x)[0])).transpose(1, 2)

class Choice(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x):
        return torch.tanh(self.used(x)) if x.sum() < 1e9 else self.unused(x)

def block():
    return Block()

def recurrent():
    return nn.Sequential(nn.Embedding(9, 4), nn.LSTM(4, 3))

def hostile():
    made = nn.Sequential()
    made.add_module("\\x1b[31m<b>[bold]", nn.Linear(2, 2))
    return made

batch = torch.zeros(2, 2)
no_network = 3
"""


@pytest.fixture(autouse=True)
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_of_sites.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "nets_of_sites", raising=False)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["sites", *arguments]) == 0
    return capsys.readouterr().out


def places(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    return {one["path"]: one for one in json.loads(shown(capsys, *arguments, "--json"))["places"]}


@pytest.mark.usefixtures("random_state_of_its_own")
def test_it_lists_what_can_be_read_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "nets_of_sites:block")
    for word in ("attention:scores", ":relu", "up", "Not seen", "out_proj is computed inside one call", "--input"):
        assert word in text
    assert "shape" not in text.splitlines()[1]


@pytest.mark.usefixtures("random_state_of_its_own")
def test_with_an_input_it_shows_shapes_and_how_often_a_place_fires(capsys: pytest.CaptureFixture[str]) -> None:
    found = places(capsys, "nets_of_sites:block", "--input", "3,5,8")
    assert found["attention:heads"]["shape"] == [3, 5, 8]
    assert (found[":relu"]["axis"], found[":relu"]["shape"], found[":relu"]["fires"]) == (-1, [3, 5, 8], 1)
    assert (found[":transpose"]["axis"], found["attention[1]"]["axis"]) == (None, None)
    assert "Site(':transpose', 'transpose', AXIS)" in found[":transpose"]["note"]
    assert "3 × 5 × 8" in shown(capsys, "nets_of_sites:block", "--input", "3x5x8")


@pytest.mark.usefixtures("random_state_of_its_own")
def test_recurrent_layers_and_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    found = places(capsys, "nets_of_sites:recurrent", "--input", "int:5,2")
    assert found["1[1][1]"]["shape"] == [1, 2, 3]
    assert "gates" in shown(capsys, "nets_of_sites:recurrent", "--at", "1*")


@pytest.mark.usefixtures("random_state_of_its_own")
def test_what_is_not_reached_and_cannot_be_traced_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be traced" in shown(capsys, "nets_of_sites:Choice")
    text = shown(capsys, "nets_of_sites:Choice", "--input", "nets_of_sites:batch")
    assert "unused: was not called by this batch" in text
    assert ":tanh" in text


@pytest.mark.usefixtures("random_state_of_its_own")
def test_hostile_names_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "nets_of_sites:hostile", "--input", "1,2")
    assert "\x1b[31m" not in text
    assert "\\x1b[31m<b>[bold]" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nets_of_sites:block", "--input", "3,x"], 2, "give a shape such as 2,3,32,32"),
        (["nets_of_sites:block", "--input", "3,5,7"], 2, "does not run on the batch"),
        (["nets_of_sites:no_network"], 2, "no torch.nn.Module"),
        (["nets_of_sites:blok"], 2, "did you mean 'block'"),
        (["nets_of_sites:block", "--at", "upp"], 2, "no place of nets_of_sites:block matches"),
        (["nowhere_to_be:found"], 2, "No module named"),
    ],
)
@pytest.mark.usefixtures("random_state_of_its_own")
def test_errors_are_sentences(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sites", *arguments]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_help_loads_no_torch() -> None:
    code = "import sys; from neurofn.cli import main; main(['sites', '--help']); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
