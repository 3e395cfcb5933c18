"""Held-out readings: several nulls at once, units before training, how much of each other unit and formula cover."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from neurofn._errors import SettingError, ShapeError
from neurofn.explaining import Concepts, Exact, Holdout, Shifted, Shuffled, Units, Untrained, by_chance, explain

Array = np.ndarray[Any, Any]


def masks(samples: int = 80, places: int = 25, concepts: int = 4, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((concepts, samples, places)) < 0.3


def named(found: Array) -> Concepts:
    return Concepts.from_masks({f"c{i}": mask for i, mask in enumerate(found)})


def test_several_nulls_and_the_hardest_counts() -> None:
    """The unit fires above in every sample, as the concept does: by its place alone."""
    fires, true = np.zeros((2, 80, 6, 6), bool)
    fires[:, :2], true[:, :3] = True, True
    fires[::7, 0] = False
    other = np.random.default_rng(0).random(fires.shape) < 0.3
    concepts = Concepts.from_masks({"sky": true, "other": other})
    units = Units.from_masks({"place": fires, "meaning": other})
    nulls = [Shuffled(60), Shifted(60)]
    rows = explain(units, concepts, search=Exact(length=1), null=nulls)
    shuffled, shifted = rows[0].nulls
    assert shuffled.p > 0.05 > shifted.p
    assert (rows[0].p, rows[0].null_score) == (shuffled.p, shuffled.mean)
    assert [one.null for one in rows[1].nulls] == ["Shuffled(n=60, seed=0)", "Shifted(n=60, seed=0)"]
    assert rows[1].p == pytest.approx(2 / 61)
    for null, mine in zip(nulls, rows[0].nulls, strict=True):
        alone = explain(units, concepts, search=Exact(length=1), null=null)[0]
        assert alone.nulls == (mine,)
        held = Holdout(0.3).of(80)
        slow = by_chance(fires[held], true[held], null=null)
        assert mine.p == slow.p
        assert (mine.mean, mine.highest) == pytest.approx((slow.by_chance.mean(), slow.by_chance.max()))
    assert json.loads(json.dumps(rows[0].to_dict()))["nulls"][1]["null"] == "Shifted(n=60, seed=0)"


def test_units_before_training_are_a_null() -> None:
    given = masks()
    noise = np.random.default_rng(5).random((19, 80, 25)) < 0.3
    noise[3] = False
    before = Untrained(Units.from_masks(noise))
    units = Units.from_masks(np.stack([given[0] & ~given[2], np.random.default_rng(6).random((80, 25)) < 0.3]))
    told: list[tuple[int, int]] = []
    rows = explain(units, named(given), search=Exact(length=2), null=before, progress=lambda *now: told.append(now))
    untrained = explain(before.units, named(given), search=Exact(length=2))
    scores = [row.holdout_score for row in untrained if row.holdout_score is not None]
    assert len(scores) == 18
    assert told[-1] == (21, 21)
    for row in rows:
        assert row.holdout_score is not None
        one = row.nulls[0]
        assert one.null == "Untrained(19 units)"
        assert (one.mean, one.highest) == pytest.approx((np.mean(scores), max(scores)))
        assert one.p == (1 + sum(score >= row.holdout_score for score in scores)) / 19
    assert rows[0].nulls[0].p == 1 / 19
    assert rows[0].p == 2 / 19
    assert rows[1].nulls[0].p > 0.2
    with pytest.raises(ShapeError, match="untrained units saw 70 samples"):
        explain(units, named(given), null=Untrained(Units.from_masks(noise[:, :70])))
    with pytest.raises(SettingError, match="null=\\[\\]"):
        explain(units, named(given), null=[])


def test_stopping_among_untrained_units_keeps_all_others() -> None:
    given = masks()

    def stop(done: int, of: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    rows = explain(Units.from_masks(given), named(given), null=Untrained(Units.from_masks(~given)), progress=stop)
    assert [row.formula for row in rows] == ["c0", "c1", "c2", "c3"]
    assert {row.nulls[0].p for row in rows} == {1 / 3}  # two of them were reached


def test_coverage_on_held_out_samples_by_hand() -> None:
    """Of the samples the formula is true in some, the unit fires in others, both in a few."""
    true, fires = np.random.default_rng(3).random((2, 90, 4, 4)) < np.random.default_rng(4).random((2, 90, 1, 1)) - 0.5
    fires[::2] |= true[::2]
    row = explain(Units.from_masks(fires[None]), Concepts.from_masks({"a": true}))[0]
    held = Holdout(0.3).of(90)
    f, u = true[held], fires[held]
    both, formula, unit = ((mask.any(axis=(1, 2))).sum() for mask in (f & u, f, u))
    assert row.formula == "a"
    assert 0 < both < min(formula, unit)
    assert row.activation_coverage == pytest.approx((f & u).sum() / u.sum())
    assert row.detection_accuracy == pytest.approx((f & u).sum() / f.sum())
    assert row.sample_coverage == pytest.approx(both / formula)
    assert row.explanation_coverage == pytest.approx(both / unit)
