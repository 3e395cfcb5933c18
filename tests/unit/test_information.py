"""Mutual information: exact on small alphabets, scale-free, and useless where every row is its own pattern."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from neurofn._errors import SettingError
from neurofn.instruments import BinnedInformation, KernelInformation, Labelled

BOTH = [BinnedInformation(bins=4), KernelInformation()]


def read(
    part: Labelled, rows: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> dict[str, Any]:
    return part.compute(part.update(part.start(rows.shape[1]), rows, weights, targets=labels))


def noise(rows: int, neurons: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, neurons, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("part", BOTH, ids=str)
def test_a_code_of_the_labels_tells_all_of_them(part: Labelled) -> None:
    labels = torch.arange(4).repeat(50)
    seen = read(part, torch.eye(4)[labels], labels)
    assert (seen["I(X;T)"], seen["I(T;Y)"]) == (pytest.approx(2), pytest.approx(2))
    assert seen["H(Y)"] == pytest.approx(2)


def test_a_noisy_channel_is_measured() -> None:
    labels = torch.arange(2).repeat(4000)
    flipped = torch.rand(8000, generator=torch.Generator().manual_seed(0)) < 0.11
    sent = (labels ^ flipped.long()).double()
    rows = torch.stack([sent + 1e-3 * noise(8000, 1)[:, 0], torch.zeros(8000)], dim=1)
    capacity = 1 + 0.11 * math.log2(0.11) + 0.89 * math.log2(0.89)
    for part in (BinnedInformation(bins=2, kept=8000), KernelInformation(kept=1500)):
        seen = read(part, rows[:, :1] if isinstance(part, BinnedInformation) else rows, labels)
        assert seen["I(T;Y)"] == pytest.approx(capacity, abs=0.06)
        assert seen["I(T;Y), shuffled"] < 0.01
        assert seen["too few rows"] == 0.0


@pytest.mark.parametrize("part", BOTH, ids=str)
def test_the_size_of_activations_tells_nothing(part: Labelled) -> None:
    rows, labels = noise(200, 5), torch.arange(200) % 2
    small, large = read(part, rows, labels), read(part, rows * 1e3, labels)
    fixed = [name for name in small if "shuffled" not in name]  # which shuffles are drawn hangs on the content of rows
    assert {name: small[name] for name in fixed} == pytest.approx({name: large[name] for name in fixed})


def test_where_rows_are_their_own_patterns_shuffled_labels_are_told_too() -> None:
    labels = torch.arange(300) % 3
    seen = read(BinnedInformation(bins=30), noise(300, 40), labels)
    assert seen["I(T;Y)"] == pytest.approx(seen["I(T;Y), shuffled"])
    assert seen["I(X;T)"] == pytest.approx(seen["ceiling"])
    assert seen["too few rows"] == 1.0
    assert seen["neuron I(T;Y)"] == pytest.approx(
        seen["neuron I(T;Y), shuffled"], rel=0.1
    )  # the bias, and nothing else


def test_kernel_bounds_hold_the_truth_of_separate_clusters() -> None:
    centres = torch.tensor([[0.0], [1.0], [2.0], [4.0]]).double()
    seen = read(KernelInformation(noise=0.1), centres.repeat(50, 1), torch.zeros(200, dtype=torch.int64))
    assert seen["I(X;T), lower"] < 2.0 + 1e-9
    assert seen["I(X;T), lower"] <= seen["I(X;T)"] <= 2.0
    assert seen["I(T;Y)"] == pytest.approx(0, abs=1e-9)  # one label


@pytest.mark.parametrize("part", [BinnedInformation(bins=4, kept=50), KernelInformation(kept=50)], ids=str)
def test_a_bounded_part_stands_for_many_rows(part: Labelled) -> None:
    labels = torch.arange(2).repeat(2000)
    rows = labels[:, None].double() + 0.01 * noise(4000, 1)
    seen = read(part, rows, labels)
    assert (seen["rows"], seen["rows used"]) == (4000.0, 50.0)
    assert seen["I(T;Y)"] == pytest.approx(1, abs=0.3)  # a bin may hold rows of both labels


def test_the_same_row_counts_once_with_the_weight_of_all() -> None:
    rows, labels = torch.tensor([[0.0], [0.0], [1.0]]), torch.tensor([0, 0, 1])
    thrice = read(BinnedInformation(bins=2), rows, labels)
    weighed = read(BinnedInformation(bins=2), rows[1:], labels[1:], torch.tensor([2.0, 1.0]))
    assert thrice["I(X;T)"] == pytest.approx(weighed["I(X;T)"]) == pytest.approx(math.log2(3) - 2 / 3)
    assert (thrice["rows used"], thrice["rows"], weighed["rows"]) == (2.0, 3.0, 2.0)


def test_what_cannot_be_measured() -> None:
    assert math.isnan(read(BOTH[0], torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64))["I(X;T)"])
    with pytest.raises(SettingError, match="whole number per row"):
        read(BOTH[0], noise(3, 2), noise(3, 1))
    for wrong in (
        lambda: BinnedInformation(bins=1),
        lambda: BinnedInformation(kept=1),
        lambda: KernelInformation(noise=0.0),
    ):
        with pytest.raises(SettingError):
            wrong()
    assert np.isfinite(read(BOTH[1], torch.zeros(5, 2), torch.arange(5))["I(X;T)"])
