"""measure: one exact pass that leaves the model and the random state as they were."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurofn._errors import DataError, SettingError, ShapeError, SiteError
from neurofn.instruments import (
    ActivatedNeurons,
    Batch,
    EpsilonRank,
    Labelled,
    Moments,
    Readings,
    Sharpness,
    State,
    WeightSpectra,
)
from neurofn.testing._instrument_runs import hooks, network
from neurofn.watching import measure, watch

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


def values(record: object, **equal: object) -> list[float]:
    return record.where(**equal).columns["value"].tolist()  # type: ignore[attr-defined, no-any-return]


def test_batches_make_no_difference() -> None:
    model, x = nn.Sequential(nn.Linear(3, 5), nn.Tanh()).double(), torch.randn(20, 3, dtype=torch.float64)
    whole = measure(model, x, EpsilonRank(), ActivatedNeurons(), Moments(), step=4, seed=2)
    parts = measure(
        model, (x[i : i + 7] for i in range(0, 20, 7)), EpsilonRank(), ActivatedNeurons(), Moments(), step=4, seed=2
    )
    np.testing.assert_allclose(whole.columns["value"], parts.columns["value"], rtol=1e-9)
    assert whole.columns["unit"].tobytes() == parts.columns["unit"].tobytes()
    assert set(whole.columns["step"].tolist()) == {4}
    assert set(whole.columns["seed"].tolist()) == {2}
    expected = EpsilonRank().definition(model(x))["rank"]
    assert values(whole, site="1", reading="rank") == [expected]


def test_weights_are_of_samples() -> None:
    x, w = torch.randn(6, 3), torch.rand(6)
    model = nn.Linear(3, 2)
    seen = measure(model, x.split(4), Moments(), weights=w)
    np.testing.assert_allclose(
        values(seen, reading="mean"), np.average(model(x).detach(), axis=0, weights=w), rtol=1e-6
    )
    images = nn.Conv1d(1, 2, 1)
    several = measure(images, x[:, None], Moments(), weights=w)
    np.testing.assert_allclose(
        values(several, reading="mean"), np.average(images(x[:, None]).detach().mean(2), axis=0, weights=w), rtol=1e-5
    )


@pytest.mark.parametrize("weights", [torch.ones(5), torch.ones(7), torch.ones(6, 1), torch.tensor(1.0)])
def test_weights_that_do_not_fit(weights: torch.Tensor) -> None:
    with pytest.raises(ShapeError, match="one weight per sample"):
        measure(nn.Linear(3, 2), torch.randn(6, 3), Moments(), weights=weights)


def test_weights_need_rows_of_samples() -> None:
    model = nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (9, 2)))
    with pytest.raises(ShapeError, match="9 rows for 6 samples"):
        measure(model, torch.randn(6, 3), Moments(), at="1", weights=torch.ones(6))


def test_it_leaves_everything_as_it_was() -> None:
    model = network()
    model[3].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes, state = [module.training for module in model.modules()], torch.get_rng_state()
    loader = torch.utils.data.DataLoader(
        torch.randn(20, 6, generator=torch.Generator().manual_seed(0)), 5, shuffle=True
    )
    first, second = (measure(model, loader, Moments()) for _ in range(2))
    assert first == second
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert modes == [module.training for module in model.modules()]
    assert torch.equal(state, torch.get_rng_state())
    assert hooks(model) == 0


def test_it_leaves_everything_as_it_was_after_an_exception() -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()

    def batches() -> Iterator[torch.Tensor]:
        yield torch.randn(8, 6)
        model.eval()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure(model, batches(), Moments())
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert torch.is_grad_enabled()
    assert hooks(model) == 0


@pytest.mark.parametrize("training", [True, False])
def test_it_does_not_spoil_a_backward_pass_under_way(training: bool) -> None:
    model = network().train(training)
    x = torch.randn(8, 6)
    loss = model(x).square().sum()
    measure(model.eval(), x, Moments())
    loss.backward()


def test_measuring_while_watching_is_no_step() -> None:
    model, x = network(), torch.randn(8, 6)
    with watch(model, Moments(), at="4") as record:
        model(x)
        measure(model, x, Moments())
        model(x)
    assert sorted(set(record.columns["step"].tolist())) == [0, 1]
    assert record.steps == 2


def test_order_of_rows_in_the_record() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    record = measure(model, torch.randn(4, 3), EpsilonRank(), Moments(), at=["1", "0"])
    pairs = list(
        dict.fromkeys(zip(record.columns["site"].tolist(), record.columns["instrument"].tolist(), strict=True))
    )
    assert pairs == [
        ("0", "EpsilonRank(eps=0.001)"),
        ("0", "Moments"),
        ("1", "EpsilonRank(eps=0.001)"),
        ("1", "Moments"),
    ]


def test_one_sample_and_none() -> None:
    assert values(measure(nn.Linear(3, 2), torch.randn(1, 3), EpsilonRank(eps=0)), reading="rank") == [1]
    assert values(measure(nn.Linear(3, 2), torch.randn(0, 3), EpsilonRank()), reading="rank") == [0]


@pytest.mark.parametrize(
    ("batches", "hint"),
    [
        ([], "no batches"),
        ([[torch.ones(2, 3), torch.ones(2), torch.ones(2)]], "pairs of inputs and targets"),
        ([[torch.ones(2, 3), torch.ones(3)]], "one target per sample"),
        ([[torch.ones(2, 3), [1, 2]]], "one target per sample"),
        (["text"], "a batch is str"),
        (torch.tensor(1.0), "sample as first axis"),
    ],
)
def test_batches_that_are_none(batches: object, hint: str) -> None:
    with pytest.raises(DataError, match=hint):
        measure(nn.Linear(3, 2), batches, Moments())  # type: ignore[arg-type]


def test_widths_that_change_between_batches() -> None:
    with pytest.raises(ShapeError, match="at the site '0': Moments was started for 6"):
        measure(nn.Sequential(nn.Flatten()), [torch.ones(2, 3, 2), torch.ones(2, 3, 3)], Moments())


def test_modules_that_are_never_called() -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    model[0].extra = nn.Tanh()
    with pytest.raises(SiteError, match=r"'0\.extra'"):
        measure(model, torch.ones(2, 3), Moments(), at=["0", "0.extra"])


def test_one_feature_network_in_half_precision() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = measure(nn.Linear(3, 4).bfloat16(), torch.randn(5, 3).bfloat16(), EpsilonRank(), Moments())
    assert np.isfinite(record.where(reading="rank").columns["value"]).all()


def test_labels_have_names() -> None:
    with pytest.raises(TypeError, match="steps"):
        measure(nn.Linear(3, 2), torch.ones(2, 3), Moments(), steps=1)  # type: ignore[call-arg]


def test_targets_come_from_pairs_and_only_labelled_instruments_need_them() -> None:
    x, y = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 1, 0])
    with_pairs = measure(nn.Linear(3, 2), [(x[:4], y[:4]), (x[4:], y[4:])], Moments())
    assert len(with_pairs) > 0
    with pytest.raises(SettingError, match="reads targets"):
        measure(nn.Linear(3, 2), x, _Classes())
    record = measure(nn.Linear(3, 2), [(x[:4], y[:4]), (x[4:], y[4:])], _Classes())
    assert values(record, reading="rows of class 1") == [3]
    places = measure(nn.Conv1d(3, 2, 1), [(x.reshape(2, 3, 3), y[:2])], _Classes())
    assert values(places, reading="rows of class 1") == [3]  # one sample of class 1, three places
    with pytest.raises(SettingError, match="labels from 0 to 1"):
        measure(nn.Linear(3, 2), [(x, y + 1)], _Classes())
    with pytest.raises(SettingError, match="which a forward pass does not see"):
        watch(nn.Linear(3, 2), _Classes())


@dataclass(frozen=True)
class _Classes(Labelled):
    """How many rows belong to class 1."""

    classes: int = 2

    def _start(self, neurons: int) -> State:
        return {"ones": torch.zeros(neurons)}

    def _update(self, state: State, batch: Batch) -> State:
        assert batch.targets is not None
        return {"ones": state["ones"] + (batch.targets[batch.keep] == 1).sum()}

    def _compute(self, state: State) -> Readings:
        return {"rows of class 1": float(state["ones"][0])}

    def _labelled_definition(self, rows: Tensor, weights: Tensor | None, targets: Tensor) -> Readings:
        return {"rows of class 1": float((targets == 1).sum())}


def test_probes_are_measured_beside_instruments() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    pairs = [(torch.randn(8, 3), torch.randn(8, 1)), (torch.randn(4, 3), torch.randn(4, 1))]
    sharpness = Sharpness()
    both = measure(model, iter(pairs), Moments(), sharpness, at="1", step=3, loss=nn.functional.mse_loss)
    alone = measure(model, pairs, sharpness, step=3, loss=nn.functional.mse_loss)
    expected = sharpness.of(model, pairs, loss=nn.functional.mse_loss)
    (name,) = (name for name in sharpness.names if name == "sharpness")
    assert values(alone, reading=name) == values(both, reading=name) == [expected[name]]
    assert set(alone.columns["site"].tolist()) == {""}
    assert set(both.columns["site"].tolist()) == {"1", ""}
    assert set(both.columns["step"].tolist()) == {3}
    assert measure(model, pairs[0][0], WeightSpectra()).columns["value"].size > 0
    with pytest.raises(SettingError, match="loss"):
        measure(model, pairs, sharpness)
    with pytest.raises(SettingError, match="measure"):
        watch(model, sharpness)  # type: ignore[arg-type]
