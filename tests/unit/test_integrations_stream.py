"""Streams to sinks: each row once, failures that cost no training, names; steps of a tool that accumulates gradients."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import MissingExtraError, SettingError, SiteError
from neurofn.instruments import Moments
from neurofn.integrations import Folder, Stream, send
from neurofn.integrations._fit import Following
from neurofn.integrations._stream import foreign, readings_of, scalars_of
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import Record

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


def losses(*values: float) -> Record:
    row = {"site": "0", "instrument": "Training", "reading": "loss"}
    return Record.from_rows([{**row, "step": step, "value": value} for step, value in enumerate(values)])


class Sink:
    """Takes rows, or fails as long as it is told to."""

    def __init__(self) -> None:
        self.rows = losses()
        self.calls = 0
        self.fails = False

    def __call__(self, rows: Record) -> None:
        self.calls += 1
        if self.fails:
            raise OSError("the disk is full")
        self.rows += rows


def test_each_row_is_sent_once() -> None:
    sink = Sink()
    stream = Stream(sink)
    assert [stream.send(losses(*range(n))) for n in (0, 2, 2, 5)] == [0, 2, 0, 3]
    assert sink.rows == losses(*range(5))
    assert sink.calls == 2
    assert send(losses(1.0, 2.0), sink) == 2


def test_a_failing_sink_warns_once_and_gets_its_rows_later() -> None:
    sink = Sink()
    sink.fails = True
    stream = Stream(sink)
    with pytest.warns(
        UserWarning, match="the sink Sink failed .OSError: the disk is full.; training goes on"
    ) as caught:
        assert [stream.send(losses(*range(n))) for n in range(1, 40)] == [0] * 39
    assert len(caught) == 1
    assert sink.calls == 6  # at the calls 1, 3, 6, 11, 20 and 37: the pause doubles
    sink.fails = False
    for n in range(40, 80):
        stream.send(losses(*range(n)))
    assert sink.rows == losses(*range(79))


def test_rows_that_never_arrived_are_counted_at_the_end() -> None:
    sink = Sink()
    stream = Stream(sink)
    stream.send(losses(1.0))
    sink.fails = True
    with pytest.warns(UserWarning, match="disk is full|did not reach") as caught:
        stream.finish(losses(1.0, 2.0, 3.0))
    assert any("2 of 3 rows did not reach the sink Sink" in str(warning.message) for warning in caught)


def test_a_whole_record_is_sent_with_its_errors() -> None:
    sink = Sink()
    sink.fails = True
    with pytest.raises(OSError, match="disk"):
        send(losses(1.0), sink)
    assert send(losses(), sink) == 0


def test_numbers_and_arrays_are_told_apart() -> None:
    row = {"step": 2, "seed": 7, "site": "act", "instrument": "Moments"}
    rows = Record.from_rows(
        [
            *({**row, "reading": "mean", "unit": unit, "value": unit / 2} for unit in range(3)),
            {**row, "reading": "average mean", "value": 0.5},
            {**row, "step": 4, "reading": "average mean", "value": np.nan},
        ]
    )
    array, *numbers = readings_of(rows)
    assert (array.step, array.name, array.values.tolist()) == (2, "seed7/act/Moments/mean", [0.0, 0.5, 1.0])
    assert [(one.step, len(one.values)) for one in numbers] == [(2, 1), (4, 1)]
    found = scalars_of(rows)
    assert list(found) == [2, 4]
    assert found[2] == {"seed7/act/Moments/average mean": 0.5}
    assert list(readings_of(losses())) == []


def test_a_folder_holds_what_was_sent(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    with Folder(tmp_path / "run") as to:
        fit = Following([Moments()], to, {"every": 1})
        trained(fit, model, steps=range(3), passes=2)
    assert Record.load(tmp_path / "run") == fit.record
    assert len(fit.record) > 20


def test_a_tool_that_is_not_there_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'neurofn\[wandb\]'"):
        foreign("no_such_module_at_all.inside", extra="wandb", purpose="the sink")
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "neurofn.integrations.lightning", raising=False)
    with pytest.raises(ImportError, match="the callback for Lightning"):
        importlib.import_module("neurofn.integrations.lightning")


def trained(fit: Following, model: nn.Module, *, steps: range, passes: int) -> None:
    fit.open(model, passes_per_step=passes)
    for step in steps:
        for _ in range(passes):
            fit.begins(step)
            model(torch.randn(4, 2))
        fit.send()
    fit.close()


def test_rows_carry_the_steps_of_the_tool() -> None:
    model, sink = nn.Sequential(nn.Linear(2, 3)), Sink()
    fit = Following([Moments()], sink, {"every": 2})
    trained(fit, model, steps=range(5), passes=3)
    assert sorted(set(fit.record.columns["step"].tolist())) == [0, 2, 4]
    assert sink.rows == fit.record
    trained(fit, model, steps=range(10, 13), passes=3)  # resumed
    assert sorted(set(fit.record.columns["step"].tolist())) == [10, 12]
    assert hooks(model) == 0


def test_a_failure_at_the_end_is_a_warning() -> None:
    fit = Following([Moments()], (), {"every": 1})
    fit.open(nn.Linear(2, 3), passes_per_step=1)
    with pytest.raises(SiteError, match="was not called; name it"):
        fit.check("name it")
    with pytest.warns(UserWarning, match="saw no training forward pass"):
        fit.close()
    assert not fit.watching


def test_a_sink_is_something_to_call() -> None:
    with pytest.raises(SettingError, match="give a sink"):
        Following([Moments()], ["runs"], {})  # type: ignore[list-item]
