"""Matching: correlations equal their definition, partners are found, and neither noise nor a rotation passes for a match."""

from __future__ import annotations

import numpy as np
import pytest

from neurofn._errors import SettingError, ShapeError
from neurofn.explaining import Concepts, Exact, Shuffled, compare_meanings, explain
from neurofn.explaining.matching import correlations, match
from neurofn.explaining.meaning import Meanings
from neurofn.explaining.thresholds import Above
from neurofn.explaining.top_examples import find_top_examples
from neurofn.explaining.units import Units


def test_correlations_equal_their_definition_over_samples_and_places() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(90, 4, 3, 2)) + 1e3, generator.normal(size=(90, 5, 3, 2)) * 1e-3
    x, y = x.astype(np.float32), y.astype(np.float32)
    rows = [values.swapaxes(0, 1).reshape(values.shape[1], -1).astype(float) for values in (x, y)]
    expected = np.corrcoef(*rows)[:4, 4:]
    found = correlations(Units.from_activations(x), Units.from_activations(y))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_other_places_are_averaged_and_constant_units_correlate_with_nothing() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(50, 3, 4, 4)).astype(np.float32)
    x[:, 1] = 7
    y = x.mean(axis=(2, 3))
    found = correlations(Units.from_activations(x), Units.from_activations(y))
    np.testing.assert_allclose(np.diag(found), [1, 0, 1], atol=1e-6)
    assert (found[1] == 0).all()


def test_partners_are_found_and_chance_says_so() -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(400, 6))
    order = generator.permutation(6)
    y = x[:, order] * generator.uniform(1, 9, size=6) + 0.1 * generator.normal(size=(400, 6))
    found = match(Units.from_activations(x), Units.from_activations(y), draws=100)
    assert [order[int(one.partner)] for one in found] == list(range(6))
    assert all(one.p <= 0.05 and one.correlation > 0.9 and one.excess > 0.1 for one in found)
    assert found[0].to_dict()["unit"] == 0


def test_noise_is_no_match_and_a_rotation_has_no_excess() -> None:
    generator = np.random.default_rng(3)
    x = generator.normal(size=(300, 8))
    noise = match(Units.from_activations(x), Units.from_activations(generator.normal(size=(300, 8))), draws=100)
    assert all(one.p > 0.05 for one in noise)
    turn = np.linalg.qr(generator.normal(size=(8, 8)))[0]
    turned = match(Units.from_activations(x), Units.from_activations(x @ turn), draws=100)
    assert np.mean([one.p <= 0.05 for one in turned]) > 0.9  # related they are
    assert abs(np.mean([one.excess for one in turned])) < 0.1  # but not unit by unit


def test_bad_input_says_what_is_wrong() -> None:
    first, second = Units.from_activations(np.zeros((5, 2))), Units.from_activations(np.zeros((4, 2)))
    with pytest.raises(ShapeError, match="5 and 4 samples"):
        correlations(first, second)
    with pytest.raises(SettingError, match="draws"):
        match(first, first, draws=0)


def test_top_examples_are_the_highest_samples_and_say_where() -> None:
    values = np.random.default_rng(4).normal(size=(300, 3, 4, 5)).astype(np.float32)
    values[7, 1] = values[3, 1] = 9
    block = Units.from_activations(values).blocks[0]
    found = find_top_examples(Units([block], [Above(0)]), k=4)
    for unit in range(3):
        order = np.argsort(-values[:, unit].max(axis=(1, 2)), kind="stable")[:4]
        assert [example.sample for example in found[unit]] == order.tolist()
        assert all(values[(one.sample, unit, *one.place)] == one.value for one in found[unit])
    assert [example.sample for example in found[1][:2]] == [3, 7]
    with pytest.raises(SettingError, match="k=0"):
        find_top_examples(Units([block], [Above(0)]), k=0)


def test_networks_share_the_meanings_that_both_detect_better_than_chance() -> None:
    masks = np.random.default_rng(5).random((5, 90, 20)) < 0.3
    names = "abcde"
    concepts = Concepts.from_masks(dict(zip(names, masks, strict=True)))
    noise = np.random.default_rng(6).random((90, 20)) < 0.3
    first = Units.from_masks(np.stack([masks[0] & ~masks[1], masks[2], noise]))
    second = Units.from_masks(np.stack([masks[0] | masks[3], noise]))
    rows = [explain(units, concepts, search=Exact(length=2), null=Shuffled(100)) for units in (first, second)]
    found = compare_meanings(*rows, concepts=concepts)
    assert found == Meanings(both=("a",), first=("c",), second=("d",), neither=("b", "e"))
    assert found.to_dict()["both"] == ["a"]
    with pytest.raises(SettingError, match="level"):
        compare_meanings(*rows, concepts=concepts, level=5)
