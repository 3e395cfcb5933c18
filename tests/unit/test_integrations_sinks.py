"""The sinks write what was read, as the tools themselves read it back."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurofn._errors import SettingError
from neurofn.integrations import Stream, send
from neurofn.watching import Record

ROW = {"site": "0", "instrument": "EpsilonRank(eps=0.001)"}
ROWS = Record.from_rows(
    [
        {**ROW, "step": 0, "reading": "rank", "value": 3.0},
        *({**ROW, "step": 0, "reading": "spectrum", "unit": unit, "value": float(unit)} for unit in range(4)),
        {**ROW, "step": 5, "reading": "rank", "value": np.nan},
        {**ROW, "step": 5, "reading": "spectrum", "unit": 0, "value": np.inf},
        {**ROW, "step": 7, "reading": "rank", "value": 5.0},
    ]
)
pytestmark = pytest.mark.slow  # the tools take seconds to load
RANK = "0/EpsilonRank(eps=0.001)/rank"


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from neurofn.integrations.tensorboard import TensorBoard

    with TensorBoard(tmp_path) as to:
        send(ROWS, to)
    events = EventAccumulator(str(tmp_path)).Reload()
    scalars = events.Scalars(RANK)
    assert [event.step for event in scalars] == [0, 5, 7]
    np.testing.assert_equal([event.value for event in scalars], [3.0, np.nan, 5.0])
    (histogram,) = events.Histograms("0/EpsilonRank(eps=0.001)/spectrum")
    assert (histogram.step, histogram.histogram_value.num, histogram.histogram_value.sum) == (0, 4, 6)


def test_tensorboard_with_a_writer_of_yours(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    from neurofn.integrations.tensorboard import TensorBoard

    with SummaryWriter(str(tmp_path)) as writer:
        with TensorBoard(writer) as to:
            send(ROWS, to)
        writer.add_scalar("mine", 1.0, 8)
    assert set(EventAccumulator(str(tmp_path)).Reload().Tags()["scalars"]) == {RANK, "mine"}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow over a store of files, which it calls old and wants a word for; without word to its makers."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tmp_path.as_uri())
    mlflow = pytest.importorskip("mlflow")
    state = random.getstate()  # it draws the names of runs
    mlflow.MlflowClient().create_experiment("ranks")
    mlflow.set_experiment("ranks")
    yield mlflow
    random.setstate(state)


def test_mlflow(runs: Any) -> None:
    from neurofn.integrations.mlflow import MLflow

    client = runs.MlflowClient()
    run = client.create_run(client.get_experiment_by_name("ranks").experiment_id).info.run_id
    send(ROWS, MLflow(run))
    history = client.get_metric_history(run, "0/EpsilonRank_eps_0.001/rank")
    assert [metric.step for metric in history] == [0, 5, 7]
    np.testing.assert_equal([metric.value for metric in history], [3.0, np.nan, 5.0])
    assert len(client.get_run(run).data.metrics) == 1


def test_mlflow_takes_the_run_that_is_active(runs: Any) -> None:
    from neurofn.integrations.mlflow import MLflow

    to = MLflow()
    with pytest.raises(SettingError, match=r"inside `with mlflow.start_run\(\)"):
        send(ROWS, to)
    stream = Stream(to)
    with pytest.warns(UserWarning, match="training goes on"):
        stream.send(ROWS)
    with runs.start_run() as run:
        assert stream.finish(ROWS) == len(ROWS)
    assert runs.get_run(run.info.run_id).data.metrics == {"0/EpsilonRank_eps_0.001/rank": 5.0}


def test_wandb(tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb")
    from neurofn.integrations.wandb import WandB

    quiet = wandb.Settings(silent=True, disable_git=True, console="off", x_disable_stats=True)
    with wandb.init(mode="offline", dir=str(tmp_path), project="ranks", settings=quiet) as run:
        run.log({"loss": 1.0})
        send(ROWS, WandB(run))
        run.log({"loss": 0.5})
        seen = run.summary
        assert (seen["neurofn/step"], seen[f"neurofn/{RANK}"], seen["loss"]) == (7, 5.0, 0.5)
        histogram = seen["neurofn/0/EpsilonRank(eps=0.001)/spectrum"]
        assert sum(histogram["values"]) == 4
    (log,) = tmp_path.rglob("*.wandb")
    for _ in range(300):  # another process writes it, and may be at it still
        if RANK.encode() in log.read_bytes():
            break
        time.sleep(0.1)
    else:
        pytest.fail("the log of the run does not hold the rows")
