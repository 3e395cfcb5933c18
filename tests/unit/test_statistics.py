"""Intervals, paired tests, corrections and coinciding jumps, against scipy, known values and simulations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from neurofn._errors import DataError
from neurofn.instruments.stairs import plateaus, pooled, shifted_jumps
from neurofn.studies import _statistics
from neurofn.studies._statistics import compare, describe, holm, mean_interval, signed_rank_p, simultaneous

STEPS = np.geomspace(10, 10_000, 200)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 20])
def test_signed_rank_equals_scipy_without_ties(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.4, size=n)
    assert signed_rank_p(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_signed_rank_with_ties_equals_all_signs() -> None:
    """Every assignment of signs, counted one by one."""
    differences = np.array([1.0, 1.0, -1.0, 2.0, 2.0, 3.0, 0.0])
    kept = differences[differences != 0]
    ranks = stats.rankdata(np.abs(kept))
    observed = ranks[kept > 0].sum()
    sums = np.array([ranks @ np.array(signs) for signs in itertools.product((0, 1), repeat=len(kept))])
    expected = min(1.0, 2 * min((sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean()))
    assert signed_rank_p(differences) == pytest.approx(expected)


def test_signed_rank_at_the_edges() -> None:
    assert signed_rank_p([0.0, 0.0, 0.0]) == 1.0
    assert signed_rank_p([]) == 1.0
    assert signed_rank_p([2.0]) == 1.0
    assert signed_rank_p(np.arange(1.0, 11.0)) == pytest.approx(2 / 2**10)


def test_intervals_of_few_values() -> None:
    one, two = mean_interval([3.0]), mean_interval([1.0, 2.0])
    assert (one.mean, one.n) == (3.0, 1)
    assert math.isnan(one.low)
    expected = stats.t.interval(0.95, 1, loc=1.5, scale=stats.sem([1.0, 2.0]))
    assert (two.low, two.high) == pytest.approx(expected)
    none = mean_interval([math.nan, math.inf])
    assert (none.n, none.dropped) == (0, 2)
    assert math.isnan(none.mean)
    same = mean_interval([2.0] * 8)
    assert (same.mean, same.low, same.high) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("n", [5, 10])
def test_bootstrap_interval_covers_as_often_as_it_says(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_statistics, "DRAWS", 1000)
    generator = np.random.default_rng(0)
    intervals = [mean_interval(generator.normal(size=n)) for _ in range(600)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert 0.90 < covered < 0.98
    plain = np.mean([abs(interval.mean) <= (interval.high - interval.low) / 2 for interval in intervals])
    assert covered == pytest.approx(plain, abs=0.03)


def test_bootstrap_is_near_students_t_for_normal_data() -> None:
    values = np.random.default_rng(3).normal(size=30)
    interval = mean_interval(values)
    low, high = stats.t.interval(0.95, 29, loc=values.mean(), scale=stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.05)
    assert mean_interval(values) == interval


def test_holm_equals_its_definition() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    corrected = holm([0.01, math.nan, 0.02])
    assert corrected[::2] == pytest.approx([0.02, 0.02])
    assert math.isnan(corrected[1])
    p = np.random.default_rng(0).random(20)
    several = np.array(holm(p.tolist()))
    assert (several >= p).all()
    assert (np.diff(several[np.argsort(p)]) >= 0).all()


def test_simultaneous_intervals_are_those_of_students_t() -> None:
    first, second = np.random.default_rng(1).normal(size=(2, 9))
    one = compare(first, second)
    for of in (1, 6):
        expected = stats.t.interval(1 - 0.05 / of, 8, loc=one.difference, scale=stats.sem(first - second))
        assert simultaneous(one, of=of) == pytest.approx(expected)
    assert all(math.isnan(end) for end in simultaneous(compare([1.0], [2.0]), of=2))


def test_comparison_drops_diverged_pairs_and_says_so() -> None:
    first = [0.95, 0.96, math.nan, 0.97, 0.95, 0.98, 0.96, 0.97]
    second = [0.94, 0.94, 0.93, 0.94, 0.93, math.inf, 0.92, 0.95]
    result = compare(first, second, names=("gelu", "relu"), unit="points", scale=100)
    assert (result.n, result.dropped) == (6, 2)
    assert result.difference == pytest.approx(np.mean([1, 2, 3, 2, 4, 2]))
    assert result.p == pytest.approx(2 / 2**6)
    assert describe(result).startswith("gelu better than relu by 2.3 ± ")
    assert describe(result).endswith("points (p = 0.031); 2 seeds dropped, diverged")
    assert describe(result, higher="worse").startswith("relu better than gelu by 2.3")
    with pytest.raises(DataError, match="same seeds"):
        compare([1.0], [1.0, 2.0])


def test_nothing_but_zeros_on_both_sides_is_no_difference() -> None:
    found = compare([0.0] * 4, [0.0] * 4)
    assert (found.difference, found.p) == (0.0, 1.0)


def test_differences_that_are_equal_up_to_rounding_are_ties() -> None:
    """Accuracies are multiples of one sample; 0.3 - 0.2 and 0.2 - 0.1 differ in the last bit only."""
    result = compare([0.3, 0.2, 0.9], [0.2, 0.1, 1.0])
    assert result.p == pytest.approx(signed_rank_p([1.0, 1.0, -1.0]))
    assert compare([0.1 + 0.2], [0.3]).difference == 0


def test_words_without_a_difference() -> None:
    scores = np.linspace(0.9, 0.95, 10)
    same = compare(scores, scores, names=("gelu", "relu"))
    assert (same.p, same.difference) == (1.0, 0.0)
    assert describe(same) == "gelu and relu: no difference seen with 10 seeds (p = 1)"
    few = compare([2.0, 3.0, 4.0], [1.0, 1.5, 2.0])
    assert "too few for any: p is 0.25 at best" in describe(few)
    assert "no difference seen with 1 seed " in describe(compare([2.0], [1.0]))
    assert describe(compare([math.nan], [1.0])) == "first and second: nothing to compare; 1 seed dropped, diverged"


def independent(generator: np.random.Generator, *, first: int) -> tuple[np.ndarray, np.ndarray]:
    """A loss and a rank that jump at times of their own, not before the place ``first``."""
    places = np.arange(first, len(STEPS) - 1)
    rises, drops = (np.sort(generator.choice(places, size, replace=False)) for size in (15, 8))
    sizes = np.concatenate([[0.0], np.cumsum(generator.exponential(0.5, len(drops)))])
    records = np.arange(len(STEPS))
    loss = np.exp(-1e-3 * records - sizes[np.searchsorted(drops, records, side="right")])
    return loss, 1.0 + np.searchsorted(rises, records, side="right")


@pytest.mark.parametrize(("first", "highest"), [(1, 0.02), (122, 0.05)])
def test_independent_jumps_are_seldom_taken_for_coincident(first: int, highest: float) -> None:
    """Also where both curves rest until the same time; there, shifting in a circle is fooled most of the time."""
    generator = np.random.default_rng(5)
    near, circle = [], []
    for _ in range(100):
        pairs = [independent(generator, first=first) for _ in range(5)]
        near.append(pooled([shifted_jumps(*pair, STEPS) for pair in pairs], draws=500)[2])
        circle.append(pooled([shifted_jumps(*pair, STEPS, reach=None) for pair in pairs], draws=500)[2])
    assert np.mean(np.array(near) < 0.01) <= highest
    assert (np.mean(np.array(circle) < 0.01) > 0.5) == (first > 1)


def test_coincident_jumps_are_found() -> None:
    generator = np.random.default_rng(6)
    jumps = []
    for _ in range(5):
        _, ranks = independent(generator, first=60)
        loss = np.exp(-0.3 * ranks - 1e-3 * np.arange(len(STEPS)))
        jumps.append(shifted_jumps(loss, ranks, STEPS, within=1))
    observed, median, p = pooled(jumps)
    assert observed > 0.9 > median
    assert p < 1e-3
    assert all(each.observed > each.null_median for each in jumps)


def test_share_of_the_fall_counted_by_hand() -> None:
    steps = np.geomspace(10, 10 * 2**9, 10)
    loss = np.exp(-np.array([0, 0, 0, 2, 2, 2, 2, 3, 3, 3.0]))
    ranks = np.array([1, 1, 1, 2, 1, 2, 2, 2, 2, 2.0])
    jumps = shifted_jumps(loss, ranks, steps, within=0)
    assert jumps.observed == pytest.approx(2 / 3)
    assert jumps.rises == 1  # the second rise is no new highest rank
    assert shifted_jumps(loss, ranks, steps, within=4).observed == pytest.approx(1.0)
    assert shifted_jumps(loss, np.ones(10), steps) == shifted_jumps(loss, np.ones(10), steps, within=4)
    flat = shifted_jumps(loss, np.ones(10), steps)
    assert (flat.observed, flat.p, flat.rises) == (0.0, 1.0, 0)
    assert shifted_jumps(np.ones(10), ranks, steps).observed == 0.0


def test_plateaus_counted_by_hand() -> None:
    steps = [0, 10, 20, 30, 35, 40, 60, 90, 200]
    ranks = [9, 1, 1, 2, 3, 2, 3, 4, 4]
    assert [(each.level, each.start, each.end) for each in plateaus(ranks, steps)] == [(1, 10, 30), (3, 35, 90)]
    assert [each.level for each in plateaus(ranks, steps, lasting=1.1)] == [1, 2, 3]
    assert plateaus(np.arange(1.0, 201.0), STEPS) == []
    assert plateaus(np.ones(200), STEPS) == []


def test_curves_that_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="rising step"):
        plateaus([1.0, 2.0], [10, 10])
    with pytest.raises(DataError, match="at least 8"):
        shifted_jumps([1.0, 0.5], [1, 2], [10, 20])
    with pytest.raises(DataError, match="above 0"):
        shifted_jumps(np.zeros(200), np.ones(200), STEPS)
    with pytest.raises(DataError, match="no seeds"):
        pooled([])
