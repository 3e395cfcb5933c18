"""One unit from few, and groups of units: what was planted is found, and noise is not; sums equal their definitions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurofn._errors import DataError, SettingError, ShapeError
from neurofn.explaining._covariances import Paired
from neurofn.explaining.grouping import clusters, match_groups
from neurofn.explaining.matching import correlations
from neurofn.explaining.predicting import predict_units, pursue
from neurofn.explaining.thresholds import Above
from neurofn.explaining.units import Units


def units(values: np.ndarray) -> Units:
    return Units.from_activations(values, threshold=Above(0))


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# --- One from few -----------------------------------------------------------------------------------------------------


def test_a_planted_permutation_is_one_partner_for_each() -> None:
    values, order = normal(0, 300, 6), np.random.default_rng(1).permutation(6)
    found = predict_units(units(values), units(3 * values[:, order] + 0.1 * normal(2, 300, 6)), draws=40)
    assert [[order[int(k)] for k in one.partners] for one in found] == [[k] for k in range(6)]
    assert all(one.r2[0] > 0.95 and one.excess[0] > 0.2 and one.p < 0.05 for one in found)


def test_a_sum_of_two_is_predicted_from_both_and_from_neither_alone() -> None:
    values = normal(3, 400, 7)
    made = np.stack([values[:, 1] - 2 * values[:, 4], values[:, 0] + values[:, 5]], axis=1) + 0.1 * normal(4, 400, 2)
    found = predict_units(units(made), units(values), draws=40)
    assert [set(one.partners) for one in found] == [{1, 4}, {0, 5}]
    assert found[0].partners[0] == 4  # the larger part comes first
    np.testing.assert_allclose(found[0].weights, [-2 / np.sqrt(5), 1 / np.sqrt(5)], atol=0.1)
    assert all(one.r2[0] < 0.9 and one.r2[1] > 0.98 and one.excess[1] > 0.2 for one in found)
    assert all(abs(one.excess[6]) < 0.01 for one in found)  # all units tell as much in any direction


def test_noise_has_no_partners_no_excess_and_uniform_p() -> None:
    found = [
        predict_units(units(normal(seed, 60, 1)), units(normal(seed + 999, 60, 5)), most=3, draws=19)[0]
        for seed in range(120)
    ]
    p = np.array([one.p for one in found])
    assert abs(p.mean() - 0.5) < 0.1
    assert (p <= 0.05).sum() <= 13  # 6 are expected; more than 13 come once in 200 times
    assert (p > 0.5).sum() > 40
    assert np.mean([one.partners == () for one in found]) > 0.9
    assert abs(np.mean([one.excess for one in found])) < 0.05


def test_turned_units_are_predicted_no_better_than_by_any_directions() -> None:
    values = normal(5, 500, 8)
    turned = values @ np.linalg.qr(normal(6, 8, 8))[0]
    found = predict_units(units(values), units(turned), draws=60)
    assert all(one.r2[-1] > 0.999 and one.p < 0.05 for one in found)
    assert abs(np.mean([one.excess for one in found])) < 0.05


def test_pursuit_equals_that_of_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    values = normal(7, 200, 9) @ normal(8, 9, 9)
    table = np.corrcoef(values.T)
    inside, across = table[:6, :6], table[6:, :6]
    order, weights = pursue(inside, across, most=4)
    for step in range(4):
        expected = linear_model.orthogonal_mp_gram(inside, across.T, n_nonzero_coefs=step + 1)
        np.testing.assert_allclose(weights[step], expected.T, atol=1e-8)
        assert [set(order[: step + 1, k]) for k in range(3)] == [set(np.flatnonzero(row)) for row in expected.T]


def test_r2_is_that_of_least_squares_on_samples_not_learned_from() -> None:
    first, second = normal(9, 80, 3) + 5, normal(10, 80, 4) * [1, 10, 0.1, 3] + 100
    first[:, 0] += second[:, 1]
    learned, held = Paired(units(first), units(second)).split(0.3)
    found = predict_units(units(first), units(second), most=4, draws=1)
    design = np.column_stack([np.ones(80), second])
    for k, one in enumerate(found):
        fit = np.linalg.lstsq(design[learned], first[learned, k], rcond=None)[0]
        missed = ((first[held, k] - design[held] @ fit) ** 2).sum()
        spread = ((first[held, k] - first[held, k].mean()) ** 2).sum()
        assert one.r2[3] == pytest.approx(1 - missed / spread, abs=1e-4)


def test_copies_of_a_unit_add_nothing_and_break_nothing() -> None:
    values = normal(11, 100, 2)
    found = predict_units(units(values[:, :1]), units(values[:, [0, 0, 1, 0]]), draws=5)[0]
    assert found.partners == (0,)
    np.testing.assert_allclose(found.r2, 1.0, atol=1e-6)


# --- Groups -----------------------------------------------------------------------------------------------------------


def test_turned_subspaces_are_groups_though_no_unit_has_a_partner() -> None:
    spaces = normal(12, 3, 600, 3)  # three subspaces of three dimensions, in directions of its own in each network
    turns = np.linalg.qr(normal(20, 2, 3, 3, 3))[0]
    first, second = (np.concatenate(list(spaces @ turn), axis=1) for turn in turns)
    order = np.random.default_rng(13).permutation(9)
    found = match_groups(units(first), units(second[:, order]), groups=3, draws=40)
    assert sorted(group.first for group in found.groups) == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
    for group in found.groups:
        assert {order[int(k)] for k in group.second} == {int(k) for k in group.first}
        assert group.shared == pytest.approx(1 / 3, abs=0.03)
        assert group.p < 0.05
    assert found.excess > 0.1
    assert found.p < 0.05


def test_the_number_of_groups_is_found() -> None:
    values = normal(26, 400, 4)[:, [0, 0, 0, 1, 1, 2, 2, 2, 3, 3] * 2] + normal(27, 400, 20)
    found = match_groups(units(values[:, :10]), units(values[:, 10:]), draws=40)
    assert sorted(group.first for group in found.groups) == [(0, 1, 2), (3, 4), (5, 6, 7), (8, 9)]
    assert all(group.first == group.second for group in found.groups)


def test_a_permutation_is_as_many_groups_as_units() -> None:
    values = normal(14, 300, 12)
    found = match_groups(units(values), units(values[:, ::-1]), draws=20)
    assert sorted((group.first, group.second) for group in found.groups) == [((k,), (11 - k,)) for k in range(12)]


def test_noise_is_grouped_without_excess_and_with_uniform_p() -> None:
    found = [
        match_groups(units(normal(seed, 50, 4)), units(normal(seed + 999, 50, 6)), groups=2, draws=19)
        for seed in range(120)
    ]
    p = np.array([one.p for one in found])
    assert abs(p.mean() - 0.5) < 0.1
    assert (p <= 0.05).sum() <= 13
    assert abs(np.mean([one.excess for one in found])) < 0.01


def test_unrelated_networks_are_one_group() -> None:
    found = match_groups(units(normal(15, 300, 20)), units(normal(16, 300, 30)), draws=5)
    assert len(found.groups) == 1
    assert (found.contrast, found.excess, found.p) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("strengths", [(1.0, 1.0, 1.0), (1.0, 0.1, 0.03)])
@pytest.mark.parametrize("count", [None, 3])
def test_clusters_of_a_block_table_are_its_blocks_however_strong(
    strengths: tuple[float, ...], count: int | None
) -> None:
    table = np.kron(np.diag(strengths), np.ones((2, 4))) + 1e-4
    rows, columns = clusters(table, count)
    assert len(set(rows)) == 3
    np.testing.assert_array_equal(rows.repeat(2), columns)  # two rows and four columns each


# --- Edges ------------------------------------------------------------------------------------------------------------


def test_constant_and_nan_units_have_no_partner_and_are_in_no_group() -> None:
    values = normal(17, 100, 4)
    first, second = values.copy(), values.copy()
    first[:, 1], second[3, 2] = 7, np.nan
    predicted = predict_units(units(first), units(second), draws=10)
    assert predicted[0].partners == (0,)
    for k in (1, 2):
        assert predicted[k].partners == ()
        assert predicted[k].p > 0.2
    assert predicted[1].r2 == (0.0,) * 4
    grouped = match_groups(units(first), units(second), draws=10)
    assert {name for group in grouped.groups for name in group.first} == {0, 2, 3}
    assert {name for group in grouped.groups for name in group.second} == {0, 1, 3}
    assert (correlations(units(first), units(second))[:, 2] == 0).all()
    nothing = match_groups(units(np.ones((20, 2))), units(np.ones((20, 3))), draws=3)
    assert (nothing.groups, nothing.contrast, nothing.p) == ((), 0.0, 1.0)


def test_fewer_samples_than_units_and_one_unit_each() -> None:
    few = predict_units(units(normal(18, 20, 40)), units(normal(19, 20, 50)), draws=5)
    assert len(few) == 40
    assert {len(one.r2) for one in few} == {len(few[0].r2)} <= {2, 3, 4}
    assert np.isfinite([value for one in few for value in (*one.r2, *one.excess, one.p)]).all()
    assert match_groups(units(normal(18, 20, 40)), units(normal(19, 20, 50)), draws=5).groups
    one = normal(20, 30, 1)
    assert predict_units(units(one), units(-one), draws=5)[0].weights == pytest.approx((-1.0,))
    alone = match_groups(units(one), units(-one), draws=5)
    assert (alone.groups[0].first, alone.groups[0].second) == ((0,), (0,))
    assert alone.groups[0].shared == pytest.approx(1.0)


def test_texts_of_unequal_lengths_are_averaged_over_their_own_places() -> None:
    long, short = normal(21, 6, 2, 5).astype(np.float32), normal(22, 6, 2, 3).astype(np.float32)
    texts = Units.from_activations(long)
    texts.blocks[0].append(short)
    means = np.concatenate([long.mean(axis=2), short.mean(axis=2)])
    same = Units.from_activations(long)
    same.blocks[0].append(short)
    both = Units(texts.blocks, [Above(0)]), Units(same.blocks, [Above(0)])
    np.testing.assert_allclose(correlations(*both), np.corrcoef(means.T.astype(float)), atol=1e-6)
    assert len(predict_units(*both, draws=2)) == 2


def test_results_are_plain_values() -> None:
    values = units(normal(23, 40, 3))
    rows = [row.to_dict() for row in predict_units(values, values, draws=2)]
    rows.append(match_groups(values, values, draws=2).to_dict())
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_bad_input_says_what_is_wrong() -> None:
    values = units(normal(24, 30, 3))
    for function in (predict_units, match_groups):
        with pytest.raises(SettingError, match="draws=0"):
            function(values, values, draws=0)
        with pytest.raises(DataError, match="of 5 samples"):
            function(units(normal(25, 5, 3)), units(normal(25, 5, 3)))
        with pytest.raises(DataError, match="0 are held out"):
            function(values, values, holdout=0)
        with pytest.raises(ShapeError, match="30 and 29 samples"):
            function(values, units(normal(24, 29, 3)))
    with pytest.raises(SettingError, match="most=0"):
        predict_units(values, values, most=0)
    with pytest.raises(SettingError, match="groups=4"):
        match_groups(values, values, groups=4)
