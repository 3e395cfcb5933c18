"""The callback in real fits of Lightning: rows, loggers, accumulation, checkpoints, exceptions, untouched weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from neurofn._errors import SiteError
from neurofn.instruments import EpsilonRank, Moments
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import Record

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("random_state_of_its_own")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that Lightning loads
    lightning = pytest.importorskip("lightning.pytorch")
    from neurofn.integrations.lightning import WatchCallback

BATCHES, ROWS = 8, 16


class Regression(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self, *, fails_at: int | None = None) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
        self.fails_at = fails_at
        self.seen: list[tuple[int, torch.Tensor]] = []
        self.losses: list[float] = []

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        if self.global_step == self.fails_at:
            raise ZeroDivisionError
        self.seen.append((self.global_step, self.net[:2](batch[0]).detach()))
        loss = nn.functional.mse_loss(self.net(batch[0]), batch[1])
        self.losses.append(float(loss.detach()))
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.net(batch[0])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Called(Regression):
    """Its training step calls the module itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)  # type: ignore[no-any-return]

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return nn.functional.mse_loss(self(batch[0]), batch[1])


class Logger(lightning.loggers.logger.DummyLogger):  # type: ignore[misc, name-defined]
    """Keeps what it is given; a name makes Lightning take it for a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics: list[tuple[int, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.metrics.append((step, metrics))


def fitted(model: Any, folder: Path, *callbacks: Any, checkpoint: Any = None, **settings: Any) -> Any:
    torch.manual_seed(1)
    data = torch.utils.data.TensorDataset(torch.randn(BATCHES * ROWS, 4), torch.randn(BATCHES * ROWS, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=ROWS)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "devices": 1}
    given = {
        "max_epochs": 2,
        "logger": False,
        "enable_checkpointing": False,
        "log_every_n_steps": 3,
        **quiet,
        **settings,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="(lightning|torch)")  # few workers, loggers without folders
        trainer = lightning.Trainer(default_root_dir=folder, callbacks=list(callbacks), **given)
        trainer.fit(model, loader, loader, ckpt_path=checkpoint, weights_only=checkpoint is not None)
    return trainer


def steps(record: Record) -> list[int]:
    """Of the readings, without the loss."""
    columns = record.columns
    return sorted(set(columns["step"][columns["instrument"] != "Training"].tolist()))


def network(kind: Any = Regression, **settings: Any) -> Any:
    torch.manual_seed(0)
    return kind(**settings)


def test_two_epochs(tmp_path: Path) -> None:
    plain, model, logger, sent = network(), network(), Logger(), []
    fitted(plain, tmp_path)
    callback = WatchCallback(Moments(), EpsilonRank(eps=1e-3), at="1", every=5, module="net", seed=3, to=sent.append)
    trainer = fitted(model, tmp_path, callback, logger=logger)
    assert trainer.global_step == 2 * BATCHES
    training = callback.record.where(instrument="Training", reading="loss").columns
    assert training["step"].tolist() == [2, 5, 8, 11, 14]
    assert training["value"].tolist() == pytest.approx([model.losses[step] for step in training["step"].tolist()])
    assert not any("Training" in name for _, metrics in logger.metrics for name in metrics)
    assert steps(callback.record) == [0, 5, 10, 15]
    for step, values in model.seen:
        found = callback.record.where(step=step, reading="mean").columns["value"]
        assert found.tolist() == (pytest.approx(values.double().mean(0).tolist()) if step % 5 == 0 else [])
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))
    assert hooks(model.net) == hooks(plain.net)
    assert Record.join(sent) == callback.record
    assert len(sent) > 1
    name = "seed3/1/EpsilonRank(eps=0.001)/rank"
    ranks = [(step, metrics[name]) for step, metrics in logger.metrics if name in metrics]
    seen = callback.record.where(reading="rank").columns
    assert ranks == list(zip(seen["step"].tolist(), seen["value"].tolist(), strict=True))


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    callback = WatchCallback(Moments(), at="1", every=1, module="net")
    model = network()
    trainer = fitted(model, tmp_path, callback, accumulate_grad_batches=3, max_epochs=1)
    assert trainer.global_step == 3  # of 3, 3 and 2 batches
    assert steps(callback.record) == [0, 1, 2]
    assert len(callback.record.where(reading="average mean")) == 3
    loss = callback.record.where(reading="loss").columns
    assert loss["value"].tolist() == pytest.approx([model.losses[-1]])
    assert loss["step"].tolist() == [2]


def test_a_fit_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    plain = network()
    fitted(plain, tmp_path)
    model = network()
    first = WatchCallback(Moments(), at="1", every=4, module="net")
    trainer = fitted(model, tmp_path, first, max_epochs=1)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    second = WatchCallback(Moments(), at="1", every=4, module="net")
    resumed = network()
    fitted(resumed, tmp_path, second, checkpoint=tmp_path / "half.ckpt")
    assert steps(first.record) == [0, 4]
    assert steps(second.record) == [8, 12]
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), resumed.parameters(), strict=True))
    whole = WatchCallback(Moments(), at="1", every=4, module="net")
    fitted(network(), tmp_path, whole)
    assert first.record + second.record == whole.record


def test_an_exception_keeps_the_rows_and_takes_the_hooks_off(tmp_path: Path) -> None:
    model = network(fails_at=3)
    callback = WatchCallback(Moments(), at="1", every=1, module="net")
    with pytest.raises(ZeroDivisionError):
        fitted(model, tmp_path, callback)
    assert steps(callback.record) == [0, 1, 2]
    assert hooks(model.net) == 0


def test_the_module_that_is_called_is_asked_for(tmp_path: Path) -> None:
    callback = WatchCallback(Moments(), every=1)
    fitted(network(Called), tmp_path, callback, max_epochs=1)
    assert steps(callback.record) == list(range(BATCHES))
    for wrong in (WatchCallback(Moments()), WatchCallback(Moments(), module="nets")):
        model = network()
        with pytest.raises(SiteError, match=r"WatchCallback\(\.\.\., module='net'\)"):
            fitted(model, tmp_path, wrong)
        assert hooks(model) == 0


def test_without_settings_it_watches_by_the_budget(tmp_path: Path) -> None:
    plain, model, logger = network(), network(), Logger()
    fitted(plain, tmp_path)
    callback = WatchCallback(module="net")
    fitted(model, tmp_path, callback, logger=logger)
    assert {"0", "1", "2"} <= set(callback.record.columns["site"].tolist())
    assert max(steps(callback.record)) == 2 * BATCHES - 1
    assert any("cost share" in name for _, metrics in logger.metrics for name in metrics)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))


def test_a_sink_that_fails_costs_no_training(tmp_path: Path) -> None:
    def full(rows: Record) -> None:
        raise OSError("the disk is full")

    callback = WatchCallback(Moments(), at="1", every=1, module="net", to=full)
    with pytest.warns(UserWarning, match="the disk is full|did not reach") as caught:
        trainer = fitted(network(), tmp_path, callback)
    assert trainer.global_step == 2 * BATCHES
    texts = [str(warning.message) for warning in caught]
    assert len([text for text in texts if "the disk is full" in text]) == 1
    assert len([text for text in texts if "did not reach" in text]) == 1
    assert steps(callback.record) == list(range(16))
