"""A watch that writes into a folder: nothing kept in memory, readable meanwhile and after a kill, no stop for a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from neurofn._errors import StoreError
from neurofn.instruments import Moments
from neurofn.watching import Record, _log, watch

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


def train(model: nn.Module, steps: int, *, record: Any = None) -> None:
    for step in range(steps):
        loss = model(torch.full((4, 2), float(step))).square().mean()
        loss.backward()
        if record is not None:
            record.log(loss=float(loss.detach()))


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh())


def test_the_folder_holds_what_memory_would(tmp_path: Path) -> None:
    with watch(net(), Moments(), every=2) as kept:
        train(kept._model, 6, record=kept)
    with watch(net(), Moments(), every=2).to(tmp_path / "run") as record:
        train(record._model, 3, record=record)
        assert sorted(set(Record.load(tmp_path / "run").columns["step"].tolist())) == [0, 1, 2]
        train(record._model, 0)
        assert record._chunks == []
    with watch(net(), Moments(), every=2).to(tmp_path / "whole") as record:
        train(record._model, 6, record=record)
    same = Record.load(tmp_path / "whole")
    for one in (same, record.record):
        assert one.where(instrument="Moments") == kept.where(instrument="Moments")
    assert len(record) == len(same)
    assert len(record.where(reading="loss")) == 6


def test_two_runs_in_one_folder_know_their_own_rows(tmp_path: Path) -> None:
    for _ in range(2):
        with watch(net(), Moments(), at="1", every=1).to(tmp_path) as record:
            train(record._model, 2)
    assert len(Record.load(tmp_path)) == 2 * len(record)


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watched = watch(net(), Moments()).to(tmp_path / "file")
    with pytest.raises(StoreError, match="give a folder"):
        watched.__enter__()
    assert not watched._model._forward_hooks


def test_a_full_disk_does_not_stop_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with watch(net(), Moments(), every=1).to(tmp_path) as record:
        train(record._model, 1)
        with monkeypatch.context() as patched:
            patched.setattr(_log.os, "write", full)
            with pytest.warns(UserWarning, match="No space left.*kept in memory"):
                train(record._model, 2)
        assert set(record.columns["step"].tolist()) == {0, 1, 2}
        train(record._model, 1)
    assert set(Record.load(tmp_path).columns["step"].tolist()) == {0, 1, 2, 3}


KILLED = """
import sys, torch
from neurofn.instruments import Moments
from neurofn.watching import watch
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
with watch(model, Moments(), every=1).to(sys.argv[1]):
    for step in range(10**9):
        model(torch.ones(4, 2)).sum().backward()
        if step == 20:
            print("go", flush=True)
"""


def test_a_killed_training_leaves_its_readings(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    steps = sorted(set(Record.load(tmp_path).where(instrument="Moments").columns["step"].tolist()))
    assert steps == list(range(len(steps)))
    assert len(steps) >= 20
