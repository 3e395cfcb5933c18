"""From units and concepts to explanations: what is printed is true of the data, and a bad unit loses only itself."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import DataError, SettingError, ShapeError
from neurofn.explaining import (
    Above,
    Beam,
    Concepts,
    Exact,
    Explanation,
    Holdout,
    Quantile,
    Shuffled,
    Units,
    explain,
    table,
)
from neurofn.explaining._chance import benjamini_hochberg
from neurofn.explaining.planted import grade, plant, truth

Array = np.ndarray[Any, Any]


def masks(samples: int = 80, places: int = 25, concepts: int = 4, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((concepts, samples, places)) < 0.3


def named(found: Array) -> Concepts:
    return Concepts.from_masks({f"c{i}": mask for i, mask in enumerate(found)})


def iou(a: Array, b: Array) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("search", [Exact(length=2), Beam(length=2)])
def test_every_number_is_true_of_the_data(search: Any) -> None:
    given = masks()
    unit = (given[0] & ~given[2]) ^ (np.random.default_rng(1).random(given[0].shape) < 0.05)
    row = explain(Units.from_masks(unit[None]), named(given), search=search, null=Shuffled(100))[0]
    out = Holdout(0.3).of(80)
    holds = truth(row.formula, {f"c{i}": mask for i, mask in enumerate(given)})
    assert row.formula == "c0 AND NOT c2"
    assert row.score == pytest.approx(iou(holds[~out], unit[~out]))
    assert row.holdout_score == pytest.approx(iou(holds[out], unit[out]))
    assert row.coverage == pytest.approx((holds & unit)[~out].sum() / unit[~out].sum())
    assert row.fires == pytest.approx(unit[~out].mean())
    assert row.null_score is not None
    assert row.null_score < 0.3 < row.score
    assert row.p == pytest.approx(1 / 101)


def test_a_planted_formula_is_recovered_and_noise_is_not_called_a_finding() -> None:
    problem = plant(units=(20, 20), noise=0.1)

    def explainer(planted: Any) -> list[Explanation]:
        return explain(Units.from_masks(planted.units), Concepts.from_masks(planted.by_name))

    result = grade(explainer, problem)
    assert result.recovered >= 0.95
    assert result.false_alarms <= 0.05
    assert result.significant >= 0.9


def test_the_default_is_exact_with_held_out_samples_and_a_null() -> None:
    given = masks()
    row = explain(Units.from_masks((given[0] | given[1])[None]), named(given))[0]
    assert row.optimal is True
    assert "left-deep" in row.language
    assert row.p is not None
    assert row.holdout_score == 1
    json.dumps(row.to_dict(), allow_nan=False)


def test_the_same_call_gives_the_same_rows_and_batches_do_not_matter() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    x = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    concepts = Concepts.from_masks({f"c{i}": (x[:, 0] > 0.4 * i).numpy() for i in range(-1, 3)})
    rows = [
        explain(Units.from_model(model, x.split(size), at="1", threshold=Quantile(0.9)), concepts, null=Shuffled(20))
        for size in (40, 7, 40)
    ]
    assert rows[0] == rows[2]
    assert [row.formula for row in rows[0]] == [row.formula for row in rows[1]]


def test_bad_units_say_why_and_no_other_loses_its_result() -> None:
    values = np.random.default_rng(0).normal(size=(60, 6, 25)).astype(np.float32)
    given = masks(60)
    values[:, 0] = np.where(given[0], 9, 0)
    values[:, 1], values[:, 2] = 0, 5
    values[4, 3, 2] = math.nan
    values[:, 4] = -1 - np.abs(values[:, 4])
    rows = explain(Units.from_activations(values, threshold=Above(0.5)), named(given), null=Shuffled(20))
    assert rows[0].formula == "c0"
    assert rows[0].problem == ""
    assert [row.problem.split(":")[0] for row in rows[1:5]] == [
        "never fires in the samples searched", "fires at every position", "1 activations are NaN or infinite",
        "never fires in the samples searched",
    ]  # fmt: skip
    assert rows[5].problem == ""
    assert rows[5].formula
    alone = explain(Units.from_activations(values[:, :1], threshold=Above(0.5)), named(given), null=Shuffled(20))
    assert alone[0].score == rows[0].score
    assert len(table(rows)) == 6


def test_an_empty_concept_is_told_and_changes_nothing() -> None:
    given = masks()
    units = Units.from_masks((given[0] & given[1])[None])
    without = explain(units, named(given), null=Shuffled(20))
    wide = np.concatenate([given, np.zeros_like(given[:1])])
    with pytest.warns(UserWarning, match="1 concepts are true nowhere in the samples searched: c4"):
        found = explain(units, named(wide), null=Shuffled(20))
    assert (found[0].formula, found[0].score) == (without[0].formula, without[0].score)
    with pytest.raises(DataError, match="no concept is true anywhere"):
        explain(units, named(wide[4:]))


def test_one_sample_and_one_concept_are_enough_for_a_row() -> None:
    mask = np.array([[True, False, True, False]])
    row = explain(Units.from_masks(mask[None]), Concepts.from_masks({"only": mask}))[0]
    assert (row.formula, row.score, row.holdout_score, row.p) == ("only", 1, None, None)
    assert row.problem == "no samples are held out: not tested"
    assert explain(Units.from_masks(mask[None]), Concepts.from_masks({"only": mask}), holdout=0)[0].problem == ""


def test_a_class_absent_from_the_held_out_part_is_told_and_others_are_tested() -> None:
    given = masks()
    out = Holdout(0.3).of(80)
    given[0][out] = False
    units = Units.from_masks(np.stack([given[0], given[1]]))
    rows = explain(units, named(given), search=Exact(length=1), null=Shuffled(20))
    assert rows[0].formula == "c0"
    assert rows[0].problem == "the formula is true nowhere in the held-out samples: not tested"
    assert rows[0].p is None
    assert (rows[1].problem, rows[1].holdout_score) == ("", 1)


def test_predicates_over_a_table_learn_from_searched_rows_alone() -> None:
    ages = np.arange(200.0)
    out = Holdout(0.3).of(200)
    row = explain(
        Units.from_activations(ages[:, None], threshold=Quantile(0.75)),
        Concepts.from_predicates({"age": ages}), null=Shuffled(50),
    )[0]  # fmt: skip
    assert row.formula == "age > q75"
    assert row.score == pytest.approx(1, abs=0.05)
    assert row.fires == pytest.approx((ages[~out] > np.quantile(ages[~out], 0.75, method="inverted_cdf")).mean())


def test_samples_that_do_not_match_and_bad_settings_are_refused() -> None:
    given = masks()
    with pytest.raises(ShapeError, match="the units saw 70 samples"):
        explain(Units.from_masks(given[:, :70]), named(given))
    with pytest.raises(SettingError, match="holdout"):
        explain(Units.from_masks(given), named(given), holdout=1)
    with pytest.raises(ShapeError, match="places"):
        explain(Units.from_masks(given[:, :, :20]), named(given))


def test_the_correction_keeps_order_and_holes() -> None:
    assert benjamini_hochberg([0.01, None, 0.02, 0.9]) == pytest.approx([0.03, None, 0.03, 0.9])
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([None]) == [None]


def test_several_modules_and_thresholds_are_several_units_in_order() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = torch.randn(120, 3, generator=torch.Generator().manual_seed(0))
    concepts = Concepts.from_predicates({"x": x[:, 0].numpy(), "y": x[:, 1].numpy(), "z": x[:, 2].numpy()})
    units = Units.from_model(model, x, at=["0", "2"], threshold=[Quantile(0.5), Above(0)])
    rows = explain(units, concepts, null=Shuffled(20))
    assert tuple(row.unit for row in rows) == units.names
    assert len(rows) == 12
    for at, count in (("0", 4), ("2", 2)):
        for threshold in (Quantile(0.5), Above(0)):
            alone = explain(Units.from_model(model, x, at=at, threshold=threshold), concepts, null=Shuffled(20))
            for j in range(count):
                row = next(row for row in rows if row.unit == f"{at}[{j}] {threshold}")
                assert (row.formula, row.score, row.holdout_score) == (
                    alone[j].formula, alone[j].score, alone[j].holdout_score,
                )  # fmt: skip


def test_tokens_and_whole_texts_are_explained_past_padding() -> None:
    words = np.random.default_rng(7).choice(["dog", "cat", "runs", "a"], size=(100, 6))
    lengths = np.random.default_rng(8).integers(2, 7, size=100)
    texts = [row[:length].tolist() for row, length in zip(words, lengths, strict=True)]
    values = (words == "dog").astype(np.float32)[:, None]  # fires on the padding too
    concepts = Concepts.from_tokens(texts)
    row = explain(Units.from_activations(values, threshold=Above(0)), concepts, null=Shuffled(50))[0]
    assert (row.formula, row.score, row.holdout_score) == ("word:dog", 1, 1)
    pooled = np.array([["dog" in text] for text in texts], dtype=np.float32)
    whole = explain(Units.from_activations(pooled, threshold=Above(0)), concepts.per_sample(), null=Shuffled(50))[0]
    assert (whole.formula, whole.score, whole.holdout_score) == ("word:dog", 1, 1)
