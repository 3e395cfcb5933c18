"""Activation codes: counts that are exact, counts that are estimated within their error, and classifiers on bits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from neurofn._errors import DataError, SettingError, ShapeError
from neurofn.instruments import ActivationCodes
from neurofn.instruments._sketch import EMPTY, bit_keys, key_by_hand, keys_of, smallest, words_of
from neurofn.instruments.codes import _greedy, _votes, categorise


def rows(count: int, neurons: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, neurons, generator=torch.Generator().manual_seed(seed))


def read(values: torch.Tensor, kept: int = 4096) -> dict[str, float]:
    part = ActivationCodes(kept=kept)
    return part.compute(part.update(part.start(values.shape[1]), values))  # type: ignore[return-value]


def test_all_codes_of_four_neurons_three_times_each() -> None:
    codes = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=4))).repeat(3, 1)
    seen = read(codes)
    assert (seen["codes"], seen["redundancy"], seen["relative error"]) == (16.0, 32 / 48, 0.0)
    with_constant = read(torch.cat([codes, torch.ones(48, 2)], dim=1))
    assert (with_constant["codes"], with_constant["constant bits"]) == (16.0, 2.0)


def test_more_codes_than_are_kept_are_estimated_within_the_error_that_is_said() -> None:
    values = rows(20_000, 40)
    errors = []
    for seed in range(20):
        order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))  # another hash of the same codes
        seen = read(values[:, order], kept=402)
        assert seen["relative error"] == 1 / 20
        errors.append(seen["codes"] / 20_000 - 1)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(1 / 20, rel=0.5)
    assert abs(np.mean(errors)) < 3 / 20 / math.sqrt(20)
    assert read(values, kept=30_000)["codes"] == 20_000.0


def test_keys_are_those_of_whole_numbers_and_spread_evenly() -> None:
    values = rows(50, 3).double()
    assert keys_of(words_of(values)).tolist() == [key_by_hand(row) for row in values.numpy().view(np.int64).tolist()]
    bits = values > 0
    assert bit_keys(bits).tolist() == [key_by_hand(row, bits=True) for row in bits.int().tolist()]
    shares = np.sort(keys_of(torch.arange(4000)[:, None]).numpy() / EMPTY)
    assert np.abs(shares - np.arange(4000) / 4000).max() < 1.6 / math.sqrt(4000)  # Kolmogorov-Smirnov at 1 %
    assert torch.equal(words_of(torch.tensor([-0.0]).double()), words_of(torch.tensor([0.0]).double()))


def test_equal_keys_count_once() -> None:
    keys, place = smallest(torch.tensor([5, 3, 5, EMPTY, 3, 9]), 4)
    assert keys.tolist() == [3, 5, 9, EMPTY]
    assert place[:3].tolist() == [1, 0, 5]


def test_neighbours_are_those_of_a_loop() -> None:
    bits, new = ((rows(n, 9, seed=n) > 0).double().numpy() for n in (60, 25))
    labels = np.arange(60) % 3 * 10
    expected = []
    for row in new:
        ranked = sorted(range(60), key=lambda i, row=row: (int((bits[i] != row).sum()), i))[:9]  # type: ignore[misc]
        votes = {kind: sum(labels[i] == kind for i in ranked) for kind in (0, 10, 20)}
        expected.append(max(votes, key=lambda kind, votes=votes: (votes[kind], -kind)))  # type: ignore[misc]
    assert _votes(bits, labels, new, 9).tolist() == expected


def test_clusters_are_matched_greedily() -> None:
    clusters = np.array([0] * 5 + [1] * 4 + [2] * 2)
    labels = np.array([7, 7, 7, 8, 8, 7, 7, 7, 8, 9, 8])
    # 0-7 and 1-7 have three rows each: the first; of the others 1-8 has one, 2-8 one, 2-9 one
    assert _greedy(clusters, labels).tolist() == [7, 8, 9]


def test_codes_tell_planted_classes_and_not_shuffled_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(3).repeat(100)
    centres = torch.where(rows(3, 30) > 0, 1.0, -1.0)
    values = torch.cat([centres[labels] + 0.8 * rows(300, 30, seed=1), torch.ones(300, 2)], dim=1)
    order = torch.randperm(300, generator=generator)
    found = categorise(
        (values[order[:200]], labels[order[:200]]), (values[order[200:]], labels[order[200:]]), neighbours=9
    )
    assert min(found.k_means, found.neighbours, found.logistic) > 0.95
    assert max(found.shuffled) < 0.6
    assert found.bits == 30
    assert found.majority < 0.5
    assert found.to_dict()["bits"] == 30


def test_wrong_settings_and_data_are_refused() -> None:
    with pytest.raises(SettingError, match="3 or more"):
        ActivationCodes(kept=2)
    with pytest.raises(SettingError, match="finite"):
        ActivationCodes(above=math.inf)
    one = rows(4, 2), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(DataError, match=r"1 class\(es\)"):
        categorise(one, one)
    with pytest.raises(DataError, match="no rows"):
        categorise((rows(0, 2), torch.zeros(0)), one)
    with pytest.raises(ShapeError, match=r"\(rows, neurons\)"):
        categorise((rows(4, 2), torch.zeros(3)), one)
    with pytest.raises(ShapeError, match="same neurons"):
        categorise((rows(4, 3), torch.arange(4)), one)
    with pytest.raises(SettingError, match="the study takes 9"):
        categorise(one, one, neighbours=0)
