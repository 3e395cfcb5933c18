"""The callback in real runs of Hugging Face's Trainer: a tiny transformer with random weights, nothing downloaded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from neurofn.instruments import EpsilonRank, Moments
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import Record

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("random_state_of_its_own")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that transformers loads
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from neurofn.integrations.transformers import WatchCallback

AT = "transformer.h.*.mlp.act"


def language_model() -> Any:
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 8, "n_positions": 12, "vocab_size": 20}
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))


class Texts(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __init__(self) -> None:
        self.tokens = torch.randint(0, 20, (24, 12), generator=torch.Generator().manual_seed(1))

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.tokens[index], "labels": self.tokens[index]}


def trained(model: Any, folder: Path, *callbacks: Any, resume: bool = False, **settings: Any) -> Any:
    quiet = {"report_to": [], "disable_tqdm": True, "use_cpu": True, "dataloader_pin_memory": False}
    given = {"num_train_epochs": 2, "save_strategy": "no", "logging_steps": 3, **quiet, **settings}
    with transformers_quiet():
        arguments = transformers.TrainingArguments(str(folder), per_device_train_batch_size=4, **given)
        trainer = transformers.Trainer(model, arguments, train_dataset=Texts(), callbacks=list(callbacks))
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train(resume_from_checkpoint=resume)
    return trainer


class transformers_quiet(warnings.catch_warnings):  # noqa: N801
    """Their warnings among themselves are not ours."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.filterwarnings("ignore", module="(transformers|accelerate|torch|huggingface_hub)")
        return entered


def steps(record: Record) -> list[int]:
    """Of the readings, without the loss."""
    columns = record.columns
    return sorted(set(columns["step"][columns["instrument"] != "Training"].tolist()))


@pytest.fixture(autouse=True)
def numbers_of_python_and_numpy_put_back() -> Any:
    """The Trainer seeds everything."""
    import random

    import numpy as np

    states = random.getstate(), np.random.get_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])


def test_a_training(tmp_path: Path) -> None:
    plain, model, sent = language_model(), language_model(), []
    trained(plain, tmp_path)
    callback = WatchCallback(Moments(), EpsilonRank(eps=1e-3), at=AT, every=4, to=sent.append)
    trainer = trained(model, tmp_path, callback)
    assert trainer.state.global_step == 12
    assert steps(callback.record) == [0, 4, 8]
    assert set(callback.record.columns["site"].tolist()) == {"", "transformer.h.0.mlp.act", "transformer.h.1.mlp.act"}
    losses = callback.record.where(instrument="Training", reading="loss").columns
    assert losses["step"].tolist() == [2, 5, 8, 11]
    assert losses["value"].tolist() == [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert len(callback.record.where(step=0, site="transformer.h.0.mlp.act", reading="mean")) == 32
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))
    assert hooks(model) == hooks(plain)
    assert Record.join(sent) == callback.record
    assert len(sent) > 1
    name = "transformer.h.1.mlp.act/EpsilonRank(eps=0.001)/rank"
    logged = [(row["step"], row[name]) for row in trainer.state.log_history if name in row]
    seen = callback.record.where(site="transformer.h.1.mlp.act", reading="rank").columns
    assert logged == list(zip(seen["step"].tolist(), seen["value"].tolist(), strict=True))


def test_accumulated_gradients_and_a_checkpoint(tmp_path: Path) -> None:
    accumulate: dict[str, Any] = {"gradient_accumulation_steps": 2, "save_strategy": "steps", "save_steps": 3}
    whole = WatchCallback(Moments(), at=AT, every=1)
    model = language_model()
    trained(model, tmp_path / "whole", whole, **accumulate)
    assert steps(whole.record) == list(range(6))
    again = language_model()
    (tmp_path / "part").mkdir()
    (tmp_path / "whole" / "checkpoint-3").rename(tmp_path / "part" / "checkpoint-3")
    second = WatchCallback(Moments(), at=AT, every=1)
    trained(again, tmp_path / "part", second, resume=True, **accumulate)
    assert steps(second.record) == [3, 4, 5]
    for step in (3, 4, 5):
        assert second.record.where(step=step) == whole.record.where(step=step)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_an_exception_takes_the_hooks_off_at_the_end_of_the_block(tmp_path: Path) -> None:
    class Failing(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == 2:
                raise ZeroDivisionError

    model = language_model()
    before = hooks(model)
    with pytest.raises(ZeroDivisionError), WatchCallback(Moments(), at=AT, every=1) as callback:
        trained(model, tmp_path, callback, Failing())
    assert hooks(model) == before
    assert steps(callback.record) == [0, 1]
