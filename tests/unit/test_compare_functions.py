"""The comparison of neuron functions: what it refuses, what it scores, and what its verdicts say on made-up numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from neurofn import watching
from neurofn._errors import LanguageError, SettingError, UnknownNameError
from neurofn.studies import Cells, _trial, catalogue, run
from neurofn.studies._base import MOST_SEEDS
from neurofn.studies._comparison import CONDITIONS, claims, metric
from neurofn.studies._trial import Trial, _build, _Run, best_learning_rate
from neurofn.tasks import catalogue as tasks
from neurofn.train import build_seeded
from neurofn.watching import measure

STUDY = catalogue["compare_functions"]
WILD = "square(square(square(sum(square))))"
SMALL = {"steps": 30, "width": 6, "depth": 1, "readings": 2, "learning_rates": [0.01]}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"neuron": ["relo(sum(linear))"]}, LanguageError, "did you mean 'relu'"),
        ({"neuron": ["sum(bspline(grid=0))"]}, LanguageError, "whole number from 1"),
        ({"condition": ["matchd"]}, SettingError, "did you mean 'matched'"),
        ({"task": "digit"}, UnknownNameError, "did you mean 'digits'"),
        ({"steps": 0}, SettingError, "give 1 or more"),
        ({"learning_rates": [0.0]}, SettingError, "between 0 and 10"),
        ({"learning_rates": []}, SettingError, "give at least one value"),
        ({"seeds": 0}, SettingError, "give 1 or more"),
        ({"widht": 3}, SettingError, "did you mean 'width'"),
    ],
)
def test_wrong_settings_are_refused_before_training(given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        STUDY.settings("small", **given)
    assert words in str(caught.value)


def test_neurons_are_named_by_their_canonical_text() -> None:
    settings = STUDY.settings("smoke", neuron=["sum(rational(5, 4))", "sum(rational)", "relu( sum(linear) )"])
    assert settings["neuron"] == ["sum(rational)", "relu(sum(linear))"]


def scores(settings: dict[str, Any], values: dict[tuple[str, str], np.ndarray]) -> Cells:
    rows = []
    for (neuron, condition), tests in values.items():
        for seed, value in enumerate(tests):
            found = {metric(settings): value, metric(settings, "validation"): value}
            rows.append({"neuron": neuron, "condition": condition, "seed": seed, **found})
    return Cells.of(rows, settings=settings)


def judged(shift: dict[str, float], *, seeds: int = 10) -> Any:
    """The verdict on b against a, where b is better by shift[condition] points."""
    settings = STUDY.settings("small", neuron=["relu(sum(linear))", "gelu(sum(linear))"], seeds=seeds)
    a, b = settings["neuron"]
    base = 0.9 + 0.001 * np.random.default_rng(0).standard_normal(seeds)
    noise = 0.0005 * np.random.default_rng(1).standard_normal(seeds)
    values = {("sum(linear)", "trained"): base - 0.2}
    for condition in CONDITIONS:
        values[a, condition] = base
        values[b, condition] = base + noise + shift[condition] / 100
    return claims(settings)[1].judge(scores(settings, values))


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [
        ({"trained": 2.0, "matched": 2.0, "readout": 0.0}, "holds"),
        ({"trained": 2.0, "matched": 0.0, "readout": 0.0}, "uncontrolled"),
        ({"trained": 2.0, "matched": 2.0, "readout": 3.0}, "uncontrolled"),
        ({"trained": -2.0, "matched": -2.0, "readout": 0.0}, "fails"),
        ({"trained": 0.0, "matched": 0.0, "readout": 0.0}, "fails"),
        ({"trained": 0.2, "matched": 0.2, "readout": 0.0}, "undecided"),
    ],
)
def test_verdicts_on_made_up_scores(shift: dict[str, float], verdict: str) -> None:
    assert judged(shift).verdict == verdict


def test_two_seeds_decide_nothing() -> None:
    for shift in (2.0, 0.0, -2.0):
        found = judged({"trained": shift, "matched": shift, "readout": 0.0}, seeds=2)
        assert found.verdict == "undecided"
        assert "too few for any" in found.sentence


def test_the_best_is_chosen_by_validation_not_by_test() -> None:
    settings = STUDY.settings("small", neuron=["relu(sum(linear))", "gelu(sum(linear))"])
    a, b = settings["neuron"]
    rows = []
    for seed in range(10):
        for name, test, validation in ((a, 0.9, 0.95), (b, 0.95 + 0.001 * seed, 0.9)):
            found = {metric(settings): test, metric(settings, "validation"): validation}
            rows += [{"neuron": name, "condition": condition, "seed": seed, **found} for condition in CONDITIONS]
    verdict = claims(settings)[0].judge(Cells.of(rows, settings=settings))
    assert verdict.verdict == "fails"
    assert verdict.sentence.startswith("relu, which validation chooses, is worse than gelu")


def test_a_neuron_that_diverges_is_reported_and_the_others_go_on() -> None:
    with torch.random.fork_rng(devices=[]):
        result = run(
            STUDY, size="smoke", neuron=[WILD, "relu(sum(linear))"], **{**SMALL, "depth": 3, "learning_rates": [9.0]}
        )
    columns = result.table["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in result.table["rows"]]
    lost = {row["neuron"] for row in rows if row["diverged"]}
    assert WILD in lost
    assert all(row["test accuracy"] is None for row in rows if row["diverged"])
    assert any(row["test accuracy"] is not None for row in rows if row["neuron"] == "relu(sum(linear))")
    board = next(summary for summary in result.summaries if summary["name"] == "leaderboard")
    assert board["rows"][-1]["neuron"] == WILD


def test_regression_is_scored_by_the_share_of_variance() -> None:
    with torch.random.fork_rng(devices=[]):
        result = run(STUDY, size="smoke", task="function-1d", neuron=["tanh(sum(linear))"], **{**SMALL, "steps": 5})
    assert "test R2" in result.table["columns"]


def test_hidden_layers_of_the_readout_condition_do_not_learn() -> None:
    trial = Trial("digits", "relu(sum(linear))", "readout", 6, 2, 20, 64, 2, (0.01,))
    with torch.random.fork_rng(devices=[]):
        trained = _Run(trial, (0, 1), 0.01, detailed=False).stack.network(1)
        drawn = build_seeded(lambda seed: _build(trial, tasks["digits"]), 1)
    for (name, after), before in zip(trained.named_parameters(), drawn.parameters(), strict=True):
        assert torch.equal(after, before) == name.startswith("hidden."), name


def test_the_learning_rate_is_the_best_on_validation() -> None:
    trial = Trial("digits", "relu(sum(linear))", "trained", 8, 1, 60, 64, 2, (1e-6, 0.01))
    with torch.random.fork_rng(devices=[]):
        assert best_learning_rate(trial) == 0.01


@pytest.fixture(scope="module")
def wandering() -> tuple[_Run, list[dict[str, Any]]]:
    """A training whose last network is not its best one, and what the study is told of it."""
    trial = Trial("digits", "relu(sum(linear))", "trained", 6, 2, 60, 16, 12, (0.2,))
    with torch.random.fork_rng(devices=[]):
        training = _Run(trial, (0, 1, 2), 0.2, detailed=True)
        return training, training.results()


def curve(found: dict[str, Any], reading: str) -> dict[int, float]:
    rows = (dict(zip(found["record"].columns, row, strict=True)) for row in found["record"].rows())
    return {row["step"]: row["value"] for row in rows if row["reading"] == reading}


def test_each_seed_keeps_its_best_network_on_validation(wandering: Any) -> None:
    best = [max(curve(found, "validation accuracy").items(), key=lambda item: item[1]) for found in wandering[1]]
    assert [(found["metrics"]["kept step"], found["metrics"]["validation accuracy"]) for found in wandering[1]] == best
    assert any(0 < step < 60 for step, _ in best)


def test_the_kept_network_is_scored_on_the_part_that_is_named(wandering: Any) -> None:
    training, results = wandering
    data = tasks["digits"].load()
    for index, found in enumerate(results):
        network = training.stack.network(index)
        for part in ("validation", "test"):
            split = getattr(data, part)
            right = network(torch.from_numpy(split.x)).argmax(-1).numpy() == split.y
            assert found["metrics"][f"{part} accuracy"] == pytest.approx(right.mean(), abs=1e-9), part


def test_a_loss_is_the_mean_since_the_reading_before(wandering: Any) -> None:
    training, results = wandering
    steps = [0, *curve(results[1], "loss")]
    expected = [training.history.losses[1, a:b].double().mean() for a, b in itertools.pairwise(steps)]
    assert list(curve(results[1], "loss").values()) == pytest.approx([float(value) for value in expected])


def test_dead_is_the_share_of_all_hidden_neurons() -> None:
    trial = Trial("digits", "relu(sum(linear))", "trained", 6, 2, 1, 16, 2, (0.01,))
    with torch.random.fork_rng(devices=[]):
        training = _Run(trial, (0,), 0.01, detailed=False)
    network = training.stack.network(0)
    with torch.no_grad():
        network.hidden[0].body.inside.bias.fill_(-100.0)  # the first of two layers dies; the second lives on its biases
        network.hidden[1].body.inside.bias.fill_(1.0)
    assert training._dead(network) == 0.5


def test_neurons_are_read_only_where_the_record_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing a learning rate reads none; a control counts its dead neurons; the numbers of the table are the same."""
    read: list[tuple[int, ...]] = []

    def spy(network: Any, data: torch.Tensor, *rest: Any, **labels: Any) -> Any:
        read.append(tuple(data.shape))
        return measure(network, data, *rest, **labels)

    monkeypatch.setattr(watching, "measure", spy)
    trial = Trial("digits", "relu(sum(linear))", "trained", 6, 2, 8, 64, 3, (0.01, 0.02))
    sizes = {part: tuple(getattr(tasks["digits"].load(), part).x.shape) for part in ("train", "validation")}
    with torch.random.fork_rng(devices=[]):
        best_learning_rate(trial)
        assert read == []
        control, detailed = (_Run(trial, (0, 1), 0.02, detailed=detailed) for detailed in (False, True))
    found = control.results()
    assert read[-2:] == [sizes["validation"]] * 2
    assert read.count(sizes["train"]) == 2  # once for each seed of the detailed run
    for one, other in zip(found, detailed.results(), strict=True):
        assert {**one["metrics"], "seconds": 0} == {**other["metrics"], "seconds": 0}


def test_matched_layers_give_a_mean_square_of_one() -> None:
    inputs = torch.randn(2000, 64, generator=torch.Generator().manual_seed(0))
    power = {}
    for condition in ("trained", "matched"):
        trial = Trial("digits", "relu(sum(linear))", condition, 200, 2, 1, 64, 2, (0.01,))
        network = build_seeded(lambda seed, trial=trial: _build(trial, tasks["digits"]), 0)  # type: ignore[misc]
        with torch.no_grad():
            power[condition] = [float(network.hidden[: depth + 1](inputs).square().mean()) for depth in (0, 1)]
    assert power["matched"] == pytest.approx([1.0, 1.0], rel=0.25)
    assert power["trained"] == pytest.approx([0.5, 0.25], rel=0.25)  # half the power is lost in every layer


def test_the_seeds_that_choose_are_never_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []

    class Spy(_Run):
        def __init__(self, trial: Trial, seeds: tuple[int, ...], rate: float, *, detailed: bool) -> None:
            used.extend(seeds)
            super().__init__(trial, seeds, rate, detailed=detailed)

    monkeypatch.setattr(_trial, "_Run", Spy)
    trial = Trial("digits", "tanh(sum(linear))", "trained", 3, 1, 2, 64, 2, (0.01, 0.02))
    with torch.random.fork_rng(devices=[]):
        best_learning_rate(trial)
    assert used
    assert min(used) >= MOST_SEEDS


def test_a_seed_that_diverged_has_no_score_though_it_had_a_best_network() -> None:
    trial = Trial("digits", "relu(sum(linear))", "trained", 4, 1, 4, 64, 2, (0.01,))
    with torch.random.fork_rng(devices=[]):
        training = _Run(trial, (0, 1), 0.01, detailed=False)
    training.lost = [True, False]
    lost, fine = training.results()
    assert lost["diverged"]
    assert np.isnan(lost["metrics"]["test accuracy"])
    assert not fine["diverged"]
    assert fine["metrics"]["test accuracy"] > 0


def better_than_relu(points: list[float], *, linear: float = -20.0) -> Cells:
    """Six seeds; neuron k is better than relu by points[k] with every seed, also at matched scale."""
    names = ["relu", "gelu", "silu", "tanh"][: 1 + len(points)]
    settings = STUDY.settings("small", neuron=[f"{name}(sum(linear))" for name in names], seeds=6)
    base = 0.7 + 0.001 * np.arange(6)
    values = {("sum(linear)", "trained"): base + linear / 100}
    for neuron, shift in zip(settings["neuron"], [0.0, *points], strict=True):
        for condition in CONDITIONS:
            moved = 0.0 if condition == "readout" else shift
            values[neuron, condition] = base + moved / 100 * (1 + 0.01 * np.arange(6))
    return scores(dict(settings), values)


def test_verdicts_are_corrected_for_the_number_of_neurons() -> None:
    alone, three = better_than_relu([2.0]), better_than_relu([2.0, 2.0, 2.0])
    one = claims(alone.settings)[1].judge(alone)
    assert (one.verdict, one.p) == ("holds", pytest.approx(2 / 64))
    for claim in claims(three.settings)[1:]:
        verdict = claim.judge(three)
        assert (verdict.verdict, verdict.p) == ("undecided", pytest.approx(6 / 64))


def test_all_pairs_are_corrected_together() -> None:
    pairs = next(table for table in STUDY.summarise(better_than_relu([2.0, 4.0])) if table["name"] == "pairs")  # type: ignore[misc]
    assert [row["p"] for row in pairs["rows"]] == pytest.approx([6 / 64] * 3)
    assert "no p can fall below 0.094" in pairs["caption"]


def test_what_a_linear_network_does_as_well_is_no_merit_of_the_neuron() -> None:
    cells = better_than_relu([2.0], linear=3.0)
    assert claims(cells.settings)[1].judge(cells).verdict == "uncontrolled"


def test_a_neuron_without_a_score_has_no_interval() -> None:
    cells = better_than_relu([float("nan")])
    board = STUDY.summarise(cells)[0]["rows"]  # type: ignore[misc]
    assert all(np.isnan(board[-1][name]) for name in ("score", "low", "high"))
