"""watch over many steps: windows, the budget, pauses, views, schedules, what goes wrong in hooks."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import SettingError
from neurofn.instruments import DEFAULTS, ActivatedNeurons, EpsilonRank, Moments, Spectrum
from neurofn.instruments._blocks import sampled
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import AtLossChange, Every, LogSpaced, Windows, in_evaluation, in_gradient, measure, watch
from neurofn.watching._governor import Governor

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

ALL = Windows(1, 1, readings=Every(100))


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def steps(record: object) -> list[int]:
    return sorted(set(record.columns["step"].tolist()))  # type: ignore[attr-defined]


def value(record: object, **where: object) -> float:
    return float(record.where(**where).columns["value"][-1])  # type: ignore[attr-defined]


@dataclass(frozen=True)
class FailsLater(Moments):
    """Fails in the third batch of a run."""

    def kernel(self, neurons: int, like: torch.Tensor) -> None:
        return None

    def _update(self, state: object, batch: object) -> object:
        FAILURES.append(1)
        if len(FAILURES) == 3:
            raise ZeroDivisionError("three")
        return super()._update(state, batch)  # type: ignore[arg-type]


FAILURES: list[int] = []


def test_windows_stand_on_all_rows_since_the_reading_before() -> None:
    model, inputs = mlp(), torch.randn(7, 16, 4)
    windows = Windows(1, 1, readings=Every(3), spectra=1)
    with watch(model, Moments(), ActivatedNeurons(), EpsilonRank(), at="1", every=windows) as record:
        for x in inputs:
            model(x)
    assert steps(record) == [0, 3, 6]
    assert record.where(site="1", reading="rows").columns["value"].tolist() == [16, 48, 48]
    plain = measure(model[:2], inputs[4:].flatten(0, 1), Moments(), ActivatedNeurons(), EpsilonRank(), at="1")
    for reading in ("mean", "std", "count", "rank", "activated"):
        np.testing.assert_allclose(
            record.where(step=6, reading=reading).columns["value"],
            plain.where(reading=reading).columns["value"],
            rtol=2e-5,
            atol=1e-6,
        )


def test_windows_are_the_same_in_every_run_and_feed_as_they_say() -> None:
    records = []
    for _ in range(2):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU()).double()
        with watch(model, *DEFAULTS, Spectrum(), every=Windows(2, 4, readings=Every(5), spectra=1)) as record:
            for _ in range(11):
                model(torch.randn(6, 1, 4, 4, dtype=torch.float64))
        records.append(record.record)
    assert records[0] == records[1]
    rows = records[0].where(site="1", instrument="Watch", reading="rows").columns["value"].tolist()
    assert rows == [6 * 9, 6 * 9 * 2, 6 * 9 * 3]  # steps 0; 2, 4; 6, 8, 10
    dear = records[0].where(site="1", reading=f"rows of {Spectrum()}").columns["value"]
    assert dear.sum() == 6 * 9 * 3  # steps 0, 4, 8


def test_memory_does_not_grow_with_the_rows() -> None:
    model = mlp()
    sizes = []
    with watch(model, every=ALL) as record:
        for _ in range(3):
            for _ in range(5):
                model(torch.randn(32, 4))
            kernels = [kernel for place in record._sampler.places.values() for kernel in place.kernels]
            sizes.append(
                sum(t.nbytes for kernel in kernels for t in vars(kernel).values() if isinstance(t, torch.Tensor))
            )
    assert len(set(sizes)) == 1


def test_a_budget_reads_at_once_and_says_what_it_cost() -> None:
    model = mlp()
    with watch(model, budget=0.5) as record:
        for _ in range(30):
            model(torch.randn(64, 4)).sum().backward()
        assert record.cost.passes >= 1
    assert 0 in steps(record)
    for reading in ("cost share", "seconds", "steps"):
        assert math.isfinite(value(record, site="", instrument="Watch", reading=reading))
    assert value(record, site="", instrument="Watch", reading="budget") == 0.5
    assert set(record.where(instrument="Moments").columns["site"].tolist()) == {"0", "1", "2"}
    with pytest.raises(SettingError, match=r"budget=1\.5"):
        watch(model, budget=1.5)


def test_the_governor_keeps_its_share() -> None:
    now = itertools.count()
    time = [0.0]
    governor = Governor(0.03, clock=lambda: time[0])
    for _ in range(3000):
        next(now)
        governor.tick()
        time[0] += 0.01
        for kind, cost in (("light", 4e-4), ("dear", 2e-3), ("readings", 1.3e-2)):
            if governor.affords(kind, guess=cost):
                time[0] += cost
                governor.pay(kind, cost)
    assert 0.027 < governor.share <= 0.03
    governor.skip()
    time[0] += 1e6
    before = dict(governor.credit)
    governor.tick()
    assert governor.credit == before  # a pause buys nothing


def test_sampled_rows_all_have_their_turn() -> None:
    for shape in ((37, 2), (6, 2, 25)):
        values = torch.arange(math.prod(shape), dtype=torch.float32).view(shape)
        rows = [sampled(values, 8, turn) for turn in range(200)]
        assert max(map(len, rows)) <= 16
        assert len(set(torch.cat(rows)[:, 0].tolist())) == values.numel() // 2


def test_a_paused_watch_reads_nothing_and_counts_on() -> None:
    model = mlp()
    for settings in ({"every": 1}, {"every": Windows(1, 1, readings=Every(1), spectra=1)}, {"budget": 1.0}):
        with watch(model, Moments(), at="1", **settings) as record:  # type: ignore[arg-type]
            for step in range(6):
                record.pause() if step == 1 else record.resume() if step == 4 else None
                model(torch.randn(5, 4))
        assert record.steps == 6
        assert not {1, 2, 3} & set(record.where(site="1").columns["step"].tolist())
        assert 0 in steps(record)


def test_gradients_and_evaluation_are_kept_apart() -> None:
    model, x = mlp(), torch.randn(5, 4)
    at = ["1", in_gradient("1"), in_evaluation("1")]
    for every in (1, Windows(1, 1, readings=Every(1), spectra=1)):
        with watch(model, Moments(), at=at, every=every) as record:
            for scale in (1.0, 2.0):
                model.train()
                (scale * model(x)).sum().backward()
                model.eval()
                with torch.no_grad():
                    model(x[:2])
                    model(x[:3])
        assert set(record.where(reading="mean").columns["site"].tolist()) == {"1", "1@gradient", "1@evaluation"}
        slopes = record.where(site="1@gradient", reading="mean").columns["value"].reshape(2, 8)
        np.testing.assert_allclose(slopes[0], model[2].weight.detach().sum(0), rtol=1e-5)
        np.testing.assert_allclose(slopes[1], 2 * slopes[0], rtol=1e-5)
        seen = torch.cat([model[:2](x[:2]), model[:2](x[:3])]).detach().mean(0)
        means = record.where(site="1@evaluation", reading="mean").columns["value"].reshape(2, 8)
        np.testing.assert_allclose(means, np.stack([seen, seen]), rtol=1e-5)
    assert hooks(model) == 0


def test_accumulated_gradients_make_one_step() -> None:
    model = mlp()
    with watch(model, Moments(), ActivatedNeurons(), at="1", every=Every(2, passes=3)) as record:
        for _ in range(12):
            model(torch.randn(5, 4))
    assert record.steps == 4
    assert steps(record) == [0, 2]
    assert record.where(step=2, reading="curve").columns["unit"].max() == 15


def test_the_loss_that_is_told_moves_the_schedule() -> None:
    model = mlp()
    with watch(model, Moments(), at="1", every=AtLossChange(2.0)) as record:
        for loss in (8.0, 7.0, 3.0, 2.9, 1.0):
            model(torch.randn(5, 4))
            record.log(loss=loss)
        model(torch.randn(5, 4))
    assert sorted(set(record.where(site="1").columns["step"].tolist())) == [0, 1, 3, 5]
    assert record.where(instrument="Training", reading="loss").columns["value"].tolist() == [8, 7, 3, 2.9, 1]


@pytest.mark.parametrize("make", [lambda: Every(0), lambda: LogSpaced(1.0), lambda: AtLossChange(math.nan),
                                  lambda: Windows(0), lambda: Every(1, passes=0), lambda: Windows(readings=3)])  # fmt: skip
def test_bad_schedules(make: object) -> None:
    with pytest.raises(SettingError, match="give"):
        make()  # type: ignore[operator]


def test_a_failing_hook_is_marked_and_the_training_goes_on() -> None:
    FAILURES.clear()
    model = mlp()
    with (  # noqa: PT031
        pytest.warns(UserWarning, match=r"could not read '1' at step 2.*ZeroDivisionError: three.*goes on"),
        watch(model, FailsLater(), at="1", every=1) as record,
    ):
        for _ in range(5):
            model(torch.randn(5, 4)).sum().backward()
    assert sorted(set(record.where(reading="mean").columns["step"].tolist())) == [0, 1, 3, 4]
    assert value(record, site="1", reading="failed step") == 2


def test_shapes_that_change_within_a_window_are_marked() -> None:
    model = nn.Sequential(nn.Identity())
    with pytest.warns(UserWarning, match="3 neurons became 4"), watch(model, Moments(), at="0", every=ALL) as record:  # noqa: PT031
        for width in (3, 3, 4, 4):
            model(torch.randn(5, width))
    assert value(record, site="0", reading="failed step") == 2
    assert record.where(reading="mean").columns["unit"].max() == 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_what_is_not_finite_is_counted_and_located(bad: float) -> None:
    model = nn.Sequential(nn.Identity())
    for every, counted in ((ALL, 30), (1, 5)):
        with watch(model, Moments(), EpsilonRank(), ActivatedNeurons(), every=every) as record:
            for step in range(6):
                x = torch.randn(5, 3)
                x[2, 1] = bad if step >= 4 else 0.0
                model(x)
        if bad == 1e30:  # its square has no float32: the slow route has room for it
            assert set(record.where(reading="nonfinite rows").columns["value"].tolist()) == {0}
        else:
            lost = record.where(instrument="Moments", reading="nonfinite rows").columns["value"]
            assert lost.sum() == 2
            assert value(record, reading="first nonfinite step") == 4
        assert np.isfinite(record.where(reading="mean").columns["value"]).all()
        assert record.where(reading="curve").columns["unit"].max() <= counted


def test_batches_of_no_rows() -> None:
    model = mlp()
    with watch(model, every=ALL) as record:
        for rows in (0, 5, 0):
            model(torch.randn(rows, 4))
    assert value(record, site="1", reading="rows") == 5


def test_float32_products_say_how_coarse_they_are() -> None:
    model, x = nn.Sequential(nn.Identity()), torch.randn(50, 6)
    with watch(model, EpsilonRank(eps=1e-3, relative=True), EpsilonRank(eps=1e-9, relative=True), every=ALL) as record:
        model(x)
    coarse, fine = (
        record.where(reading="noise floor").columns["value"]
        / record.where(reading="largest eigenvalue").columns["value"]
    )
    assert coarse == pytest.approx(4 * 2**-23)
    assert fine < 1e-12
