"""watch: steps, sites, exceptions, in-place activations, checkpointing, shared modules, compiled models."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import SettingError, ShapeError, SiteError
from neurofn.instruments import ActivatedNeurons, EpsilonRank, Moments, top_k
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import Record, watch

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

SILENT = r"torch\._dynamo\.reset\(\)"


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def steps(record: object) -> list[int]:
    return sorted(set(record.columns["step"].tolist()))  # type: ignore[attr-defined]


def train_and_fail(model: nn.Module) -> None:
    model(torch.randn(5, 4))
    raise ZeroDivisionError


class Twice(nn.Module):
    """One activation for two layers of different width."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.act = nn.Linear(4, 8), nn.Linear(8, 3), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.second(self.act(self.first(x))))


def test_it_reads_the_activations_of_each_step() -> None:
    model, inputs = mlp(), torch.randn(3, 16, 4)
    with watch(model, Moments(), at="1", every=1) as record:
        outputs = [model[:2](x).detach() for x in inputs]
        for x in inputs:
            model(x)
    for step, output in enumerate(outputs):
        seen = record.where(step=step, reading="mean")
        np.testing.assert_allclose(seen.columns["value"], output.double().mean(0), rtol=1e-12)
        assert seen.columns["unit"].tolist() == list(range(8))
        assert set(seen.columns["instrument"].tolist()) == {"Moments"}
    assert record.where(reading="average mean").columns["unit"].tolist() == pytest.approx([np.nan] * 3, nan_ok=True)


def test_steps_are_training_passes_with_gradients() -> None:
    model, x = mlp(), torch.randn(5, 4)
    with watch(model, Moments(), at="1", every=2, seed=7) as record:
        for _ in range(5):
            model(x)
            with torch.no_grad():
                model(x)
            model.eval()
            model(x)
            model.train()
            model[0](x)
    assert record.steps == 5
    assert steps(record) == [0, 2, 4]
    assert set(record.columns["seed"].tolist()) == {7}


def test_the_record_grows_and_what_was_taken_from_it_does_not() -> None:
    model, x = mlp(), torch.randn(5, 4)
    with watch(model, Moments(), at=["0", "1"], every=1) as record:
        model(x)
        first = record.record
        length = len(record)
        assert len(first) == length > 0
        model(x)
        assert len(record) == 2 * length
    assert isinstance(first, Record)
    assert len(first) == length
    assert Record.join([record]).where(step=0) == first
    assert record + first == Record.join([record.record, first])


def test_it_saves_and_goes_to_json(tmp_path: object) -> None:
    model = mlp()
    with watch(model, ActivatedNeurons(active=top_k(2)), at="1", every=1) as record:
        model(torch.randn(20, 4))
    assert Record.load(record.save(f"{tmp_path}/rows.npz")) == record.record
    assert Record.from_dict(record.to_dict()) == record.record
    curve = record.where(reading="curve")
    assert curve.columns["unit"][[0, -1]].tolist() == [1, 20]


def test_an_exception_leaves_no_hook_and_keeps_the_readings() -> None:
    model = mlp()
    record = watch(model, Moments(), every=1)
    with pytest.raises(ZeroDivisionError), record:
        train_and_fail(model)
    assert hooks(model) == 0
    assert steps(record) == [0]
    model(torch.randn(5, 4))
    assert steps(record) == [0]


def test_a_pass_that_fails_is_no_step() -> None:
    model = mlp()
    with watch(model, Moments(), at="0", every=1) as record:
        with pytest.raises(RuntimeError, match="shapes"):
            model(torch.randn(5, 3))
        model(torch.randn(6, 4))
    assert record.steps == 1
    assert steps(record) == [0]


def test_a_recorder_can_be_entered_again() -> None:
    model = mlp()
    record = watch(model, Moments(), at="1", every=3)
    for _ in range(2):
        with record:
            for _ in range(2):
                model(torch.randn(5, 4))
    assert steps(record) == [0, 3]


def test_in_place_activations_do_not_reach_the_readings() -> None:
    x = torch.randn(16, 4)
    readings = []
    for inplace in (False, True):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=inplace)).double()
        with watch(model, Moments(), EpsilonRank(eps=1e-6), ActivatedNeurons(), every=1) as record:
            model(x.double())
        readings.append(record.record)
    assert readings[0] == readings[1]
    assert (readings[0].where(site="0", reading="mean").columns["value"] < 0).any()


def test_calls_of_a_shared_module_are_told_apart() -> None:
    model = Twice()
    with watch(model, Moments(), at="act", every=1) as record:
        model(torch.randn(10, 4))
    assert [len(record.where(site=site, reading="mean")) for site in ("act", "act#2")] == [8, 3]


def test_convolutions_are_read_by_channel() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU())
    with watch(model, ActivatedNeurons(), every=1) as record:
        model(torch.randn(2, 1, 5, 5))
    for site in ("0", "1"):
        assert len(record.where(site=site, reading="count")) == 3
        assert record.where(site=site, reading="curve").columns["unit"].max() == 2 * 4 * 4


def test_bfloat16_models_and_autocast() -> None:
    with watch(mlp().bfloat16(), Moments(), at="1", every=1) as record:
        record._model(torch.randn(5, 4).bfloat16())
    assert np.isfinite(record.columns["value"]).all()
    model = mlp()
    with watch(model, EpsilonRank(), at="1", every=1) as record, torch.autocast("cpu", dtype=torch.bfloat16):
        model(torch.randn(5, 4))
    assert record.where(reading="noise floor").columns["value"][0] > 0


def test_a_copy_of_a_watched_model_is_not_watched() -> None:
    model = mlp()
    with watch(model, Moments(), at="1", every=1) as record:
        model(torch.randn(5, 4))
        copy.deepcopy(model)(torch.randn(5, 4))
        assert not record._sampler.on
    assert record.steps == 1


def test_diverged_activations_are_reported() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
    nn.init.constant_(model[0].bias, torch.nan)
    with watch(model, Moments(), EpsilonRank(), ActivatedNeurons(), at="1", every=1) as record:
        model(torch.randn(5, 4))
    assert record.where(reading="nonfinite rows").columns["value"].tolist() == [5, 5, 5]
    assert record.where(reading="rank").columns["value"].tolist() == [0]


def test_gradients_are_the_same_and_nothing_is_kept() -> None:
    x = torch.randn(9, 4)
    gradients = []
    for watched in (False, True):
        torch.manual_seed(2)
        model = mlp()
        if watched:
            with watch(model, EpsilonRank(), Moments(), every=1) as record:
                model(x).square().sum().backward()
            assert record._sampler.places == {}
        else:
            model(x).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize(
    ("arguments", "settings", "hint"),
    [
        ((), {"budget": 0}, "budget=0"),
        ((Moments,), {}, "Moments"),
        ((Moments(), Moments()), {}, "twice"),
        ((Moments(),), {"every": 0}, "every=0"),
        ((Moments(),), {"every": 1.5}, "every=1.5"),
        ((Moments(),), {"every": True}, "every=True"),
    ],
)
def test_bad_settings(arguments: tuple[object, ...], settings: dict[str, object], hint: str) -> None:
    with pytest.raises(SettingError, match=hint):
        watch(mlp(), *arguments, **settings)  # type: ignore[arg-type]


def test_errors_name_the_site() -> None:
    with pytest.raises(SiteError, match="did you mean"):
        watch(Twice(), Moments(), at="secnd", every=1)
    model = mlp()
    with (
        pytest.raises(ShapeError, match=r"at the site '2': top_k\(4\)"),
        watch(model, ActivatedNeurons(active=top_k(4)), every=1),
    ):
        model(torch.randn(5, 4))
    assert hooks(model) == 0


def test_no_training_pass_is_an_error() -> None:
    model = mlp().eval()
    with pytest.raises(SiteError, match="no training forward pass"), watch(model, Moments(), every=1):
        model(torch.randn(5, 4))
    assert hooks(model) == 0


def test_modules_that_are_never_called() -> None:
    model = Twice()
    model.extra = nn.Linear(1, 1)
    x = torch.randn(5, 4)
    with (
        pytest.warns(UserWarning, match="never called have no readings: extra"),
        watch(model, Moments(), every=1) as record,
    ):
        model(x)
    assert "extra" not in record.columns["site"]
    with (
        pytest.raises(SiteError, match="no output of 'extra' was seen in 1 training"),
        watch(model, Moments(), at=["act", "extra"], every=1),
    ):
        model(x)
    with pytest.raises(SiteError, match=SILENT), watch(model, Moments(), at="ext*", every=1):
        model(x)
