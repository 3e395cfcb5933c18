"""Instruments as metrics of torchmetrics: updates, reset, merging, data types, and the sync of two processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import _distributed_work as work
from _two_processes import in_two_processes
from neurofn._errors import SettingError
from neurofn.instruments import ActivatedNeurons, EpsilonRank, Instrument, Moments, NeuralCollapse

torchmetrics = pytest.importorskip("torchmetrics")

from neurofn.integrations.torchmetrics import InstrumentMetric  # noqa: E402

pytestmark = pytest.mark.slow  # torchmetrics takes seconds to load

PARTS = [Moments(), EpsilonRank(eps=0.1), ActivatedNeurons()]


def values(rows: int = 20, *, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((rows, 4)))


def same(given: Any, part: Instrument, rows: torch.Tensor) -> None:
    expected = part.compute(part.update(part.start(4), rows))
    assert given.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(given[name], value, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_it_gives_the_readings_of_the_instrument(part: Instrument) -> None:
    metric, rows = InstrumentMetric(part, neurons=4), values()
    assert isinstance(metric, torchmetrics.Metric)
    for block in rows.split(7):
        metric.update(block)
    same(metric.compute(), part, rows)
    copy = metric.clone()
    metric.reset()
    metric.update(rows[:5])
    same(metric.compute(), part, rows[:5])
    same(copy.compute(), part, rows)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_forward_and_merging(part: Instrument) -> None:
    metric, other = InstrumentMetric(part, neurons=4), InstrumentMetric(part, neurons=4)
    first, second, third = values().split((4, 9, 7))
    same(metric(first), part, first)
    same(metric(second), part, second)
    other.update(third)
    metric.merge_state(other)
    same(metric.compute(), part, torch.cat([first, second, third]))


def test_no_change_of_data_type_rounds_its_state() -> None:
    metric = InstrumentMetric(Moments(), neurons=4)
    metric.update(values())
    same(metric.half().set_dtype(torch.float16).to("cpu").compute(), Moments(), values())


def test_weights_and_targets() -> None:
    labels = torch.arange(20) % 2
    metric = InstrumentMetric(NeuralCollapse(classes=2), neurons=4)
    metric.update(values(), targets=labels)
    part = NeuralCollapse(classes=2)
    expected = part.compute(part.update(part.start(4), values(), targets=labels))
    np.testing.assert_equal(metric.compute(), expected)
    with pytest.raises(SettingError, match="targets"):
        metric.update(values())


def test_two_processes_agree_with_all_reduce(tmp_path: Path) -> None:
    for answer in in_two_processes(work.sync_metrics, tmp_path):
        assert len(answer) == 3
        for metric, instrument in answer:
            np.testing.assert_equal(metric, instrument)
