"""Ranks, beliefs, power and looks: against scipy, scikit-posthocs, autorank and baycomp, and by simulation."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import stats

from neurofn._errors import DataError, SettingError
from neurofn.studies._statistics_bayes import believe
from neurofn.studies._statistics_ranks import cliffs_delta, friedman
from neurofn.studies._statistics_seeds import levels, seeds_needed, stop_early

Array = np.ndarray[Any, Any]


def scores(*, seed: int, ties: bool = False) -> Array:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(12, 5)) + np.array([0.0, 0.2, 0.8, 1.0, 2.0])
    return matrix.round(0) if ties else matrix


@pytest.mark.parametrize("ties", [False, True])
def test_friedman_is_scipys(ties: bool) -> None:
    matrix = scores(seed=1, ties=ties)
    theirs = stats.friedmanchisquare(*matrix.T)
    ours = friedman(matrix)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert sum(ours.mean_ranks) == pytest.approx(15)
    assert friedman(-matrix, higher="worse").mean_ranks == ours.mean_ranks
    assert friedman(np.vstack([matrix, np.full(5, np.nan)])) == ours


@pytest.mark.parametrize("ties", [False, True])
def test_nemenyi_is_that_of_scikit_posthocs(ties: bool) -> None:
    posthocs = pytest.importorskip("scikit_posthocs")
    matrix = scores(seed=2, ties=ties)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = posthocs.posthoc_nemenyi_friedman(matrix).to_numpy()
    ours = np.array(friedman(matrix).pairs)
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_critical_difference_and_ranks_are_autoranks() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        autorank = pytest.importorskip("autorank")
        pandas = pytest.importorskip("pandas")
        matrix = np.random.default_rng(3).exponential(size=(20, 4)) * np.array([1, 1.5, 3, 4])
        theirs = autorank.autorank(pandas.DataFrame(matrix, columns=list("abcd")), alpha=0.05, verbose=False)
    ours = friedman(matrix)
    assert theirs.omnibus == "friedman"
    assert theirs.cd == pytest.approx(ours.critical_difference, rel=1e-3)
    ranks = theirs.rankdf["meanrank"].to_dict()
    assert [ranks[name] for name in "abcd"] == pytest.approx(list(ours.mean_ranks))


def test_the_critical_difference_separates_what_nemenyi_separates() -> None:
    for seed in range(20):
        found = friedman(scores(seed=seed))
        for i in range(5):
            for j in range(5):
                together = any(i in group and j in group for group in found.groups)
                assert together == (found.pairs[i][j] >= 0.05) or i == j
    assert friedman(np.tile([1.0, 2.0, 3.0], (30, 1))).groups == ()


def test_cliffs_delta_is_the_share_of_wins() -> None:
    generator = np.random.default_rng(4)
    a, b = generator.normal(size=30) + 0.5, generator.normal(size=20)
    u = stats.mannwhitneyu(a, b).statistic
    found = cliffs_delta(a, b)
    assert found.delta == pytest.approx(2 * u / (30 * 20) - 1)
    assert found.low < found.delta < found.high
    assert cliffs_delta(a, a).size == "negligible"
    assert cliffs_delta([3.0, 4.0], [1.0, 2.0]).delta == 1.0
    assert cliffs_delta([1.0, math.nan], [2.0]).low == -1.0


def test_the_interval_of_cliffs_delta_covers() -> None:
    generator = np.random.default_rng(5)
    truth = 2 * stats.norm.cdf(0.8 / math.sqrt(2)) - 1
    inside = [
        found.low <= truth <= found.high
        for _ in range(400)
        for found in [cliffs_delta(generator.normal(0.8, size=15), generator.normal(size=15))]
    ]
    assert np.mean(inside) > 0.92


def test_beliefs_are_those_of_baycomp() -> None:
    baycomp = pytest.importorskip("baycomp")
    generator = np.random.default_rng(6)
    for shift in (0.0, 0.3, 1.0):
        z = generator.normal(shift, 0.5, size=12)
        ours = believe(z, rope=0.2)
        theirs = baycomp.SignedRankTest.probs(np.zeros(12), z, 0.2, nsamples=20_000, random_state=1)
        assert (ours.worse, ours.alike, ours.better) == pytest.approx(theirs, abs=0.02)
    assert believe(z, rope=0.2) == believe(z, rope=0.2)


def test_needed_seeds_give_the_power_they_promise() -> None:
    generator = np.random.default_rng(7)
    pilot = generator.normal(0.5, 1.0, size=200)
    n = seeds_needed(pilot, effect=0.8)
    runs = [stats.wilcoxon(generator.normal(0.8, pilot.std(), size=n)).pvalue < 0.05 for _ in range(600)]
    assert 0.78 < np.mean(runs) < 0.92
    assert seeds_needed(pilot, effect=0.8, family=10) > n
    assert seeds_needed(pilot, effect=1e-9) == 100_000
    assert seeds_needed([1.0, 1.0, 1.0], level=0.05) == 6  # 2 / 2**6 is the first below 0.05
    for bad in ([1.0, 2.0], [0.0, 0.0, 0.0]):
        with pytest.raises(DataError, match="three"):
            seeds_needed(bad)
    with pytest.raises(SettingError, match="power=2"):
        seeds_needed(pilot, power=2)


@pytest.mark.parametrize("draw", ["normal", "heavy", "skewless spikes"])
def test_looking_again_errs_no_more_often_than_the_level(draw: str) -> None:
    generator = np.random.default_rng(8)
    looks, runs = (8, 12, 20), 4000
    rejected = 0
    for _ in range(runs):
        z = generator.standard_t(1.5, 20) if draw == "heavy" else generator.normal(size=20)
        if draw == "skewless spikes":
            z = np.where(generator.random(20) < 0.2, z * 100, z)
        rejected += stop_early(z, looks=looks).decided is True
    assert rejected / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)
    naive = 1 - (1 - 0.05) ** 2  # what two independent looks at the full level would cost
    assert rejected / runs < naive


def test_the_levels_of_looks_spend_the_whole_error() -> None:
    looks = (8, 12, 20, 40)
    borders = [float(stats.norm.isf(level / 2)) for level in levels(looks)]
    steps = np.random.default_rng(9).normal(size=(100_000, 40)).cumsum(axis=1)
    beyond = np.zeros(len(steps), dtype=bool)
    for look, border in zip(looks, borders, strict=True):
        beyond |= np.abs(steps[:, look - 1] / math.sqrt(look)) > border
    assert beyond.mean() == pytest.approx(0.05, abs=0.003)
    assert levels((30,))[0] == pytest.approx(0.05, rel=0.02)
    for bad in ((), (5, 5), (8, 4), (0, 3)):
        with pytest.raises(SettingError, match="rising"):
            levels(bad)


def test_a_sequence_ends_at_the_first_look_that_decides() -> None:
    clear = np.linspace(1, 2, 40)
    assert stop_early(clear, looks=(10, 20, 40)).n == 10
    assert stop_early(clear[:5], looks=(10, 20)).decided is None
    none = stop_early(np.tile([1.0, -1.0], 20), looks=(10, 20, 40))
    assert (none.n, none.decided) == (40, False)
    assert stop_early([math.nan] * 10, looks=(10,)).decided is False


def test_bad_scores_are_refused() -> None:
    for bad in (np.ones((5, 2)), np.ones((1, 3)), np.ones(5)):
        with pytest.raises(DataError):
            friedman(bad)
    with pytest.raises(DataError, match="each side"):
        cliffs_delta([], [1.0])
    with pytest.raises(SettingError, match="rope"):
        believe([1.0], rope=-1)
    with pytest.raises(DataError, match="no finite"):
        believe([math.nan], rope=0.1)
