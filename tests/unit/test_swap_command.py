"""The command swap-check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neurofn.cli import main

NETWORK = """
import torch
from torch import nn

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.act = nn.Linear(4, 4), nn.ReLU()

    def forward(self, x):
        return torch.relu(self.act(self.linear(x)) - 1)

def net():
    torch.manual_seed(0)
    return nn.Sequential(Own(), nn.LSTM(4, 4))

def batch():
    return torch.ones(2, 4)

only = nn.Sequential(Own())
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "swap_check_example.py").write_text(NETWORK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "swap_check_example", raising=False)
    return tmp_path


@pytest.mark.usefixtures("here", "random_state_of_its_own")
def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swap-check", "swap_check_example:only", "relu", "gelu"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "relu -> gelu: 2 places changed, 0 left",
        "  0.act        module ReLU",
        "  0.relu_call  call relu at swap_check_example.py:11",
    ]
    command = ["swap-check", "swap_check_example:only", "linear", "sum(bspline)", "--on", "swap_check_example:batch"]
    assert main([*command, "--at", "0.*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["linear -> sum(linear + bspline): 1 place changed, 0 left", "  0.linear  Linear 4 -> 4"]
    assert lines[2].startswith("  largest difference of outputs: ")


@pytest.mark.usefixtures("here", "random_state_of_its_own")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["swap_check_example:net", "relo", "gelu"], 2, "did you mean 'relu'"),
        (["swap_check_example:nets", "relu", "gelu"], 2, "has no 'nets'"),
        (["swap_check_example:net", "tanh", "gelu"], 1, "left are: 1: gates of LSTM"),
        (["swap_check_example:net", "relu", "gelu", "--at", "head"], 1, "has a path like 'head'"),
        (["swap_check_example:net", "linear", "sum(bsplin)"], 2, "did you mean 'bspline'"),
        (["swap_check_example:batch", "relu", "gelu"], 2, "no torch.nn.Module"),
        (["swap_check_example:net", "relu"], 2, "see: neurofn --help"),
    ],
)
def test_errors_are_one_message(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["swap-check", *arguments]) == code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_help_loads_no_torch() -> None:
    program = (
        "import sys; from neurofn.cli import main; main(['swap-check', '--help']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
