"""Planted units are what they say, and the grades of explainers are right, also those of bad ones."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurofn._errors import DataError, SettingError
from neurofn.explaining.planted import Planted, grade, plant, truth


@pytest.fixture(scope="module")
def problem() -> Planted:
    return plant(units=(30, 20), concepts=6, size=(150, 36), seed=1)


def said(*formulas: str, p: float | None = 0.01) -> list[SimpleNamespace]:
    return [SimpleNamespace(formula=formula, p=p) for formula in formulas]


def formulas_of_length_2(concepts: tuple[str, ...]) -> list[str]:
    pairs = itertools.permutations(concepts, 2)
    return [*concepts, *(f"{a} {op} {b}" for (a, b), op in itertools.product(pairs, ("OR", "AND", "AND NOT")))]


def brute(problem: Planted) -> list[Any]:
    """The best formula of up to two concepts, by looking at all."""
    texts = formulas_of_length_2(problem.concepts)
    masks = np.stack([truth(text, problem.by_name).ravel() for text in texts]).astype(float)
    units = problem.units.reshape(len(problem.units), -1).astype(float)
    both = units @ masks.T
    iou = both / (masks.sum(axis=1) + units.sum(axis=1)[:, None] - both)
    return said(*(texts[k] for k in iou.argmax(axis=1)), p=None)


def test_without_noise_a_unit_is_its_formula() -> None:
    problem = plant(units=(30, 0), noise=0.0, seed=2)
    for unit, text in zip(problem.units, problem.formulas, strict=True):
        np.testing.assert_array_equal(unit, truth(text, problem.by_name))


def test_noise_moves_its_share_of_the_hits(problem: Planted) -> None:
    for unit, text in zip(problem.units[:30], problem.formulas, strict=False):
        true = truth(text, problem.by_name)
        assert unit.sum() == true.sum()
        assert (unit & ~true).sum() == round(0.1 * true.sum())


def test_every_concept_of_a_formula_matters(problem: Planted) -> None:
    for text in problem.formulas[:30]:
        used = [name for name in problem.concepts if name in text.replace("(", " ").replace(")", " ").split()]
        whole = truth(text, problem.by_name)
        for name in used:
            masks = problem.masks.copy()
            masks[problem.concepts.index(name)] = False
            other = Planted(problem.concepts, masks, problem.units, problem.formulas, problem.noise)
            assert (truth(text, other.by_name) != whole).any()


def test_lengths_and_operators_are_mixed() -> None:
    formulas = plant(units=(200, 0), seed=3).formulas
    lengths = [text.count("concept") for text in formulas]
    assert min(lengths.count(k) for k in (1, 2, 3)) > 30
    assert all(sum(f" {operator} concept" in text for text in formulas) > 30 for operator in ("OR", "AND", "AND NOT"))


def test_noise_units_are_as_dense_as_concepts_and_unlike_them(problem: Planted) -> None:
    noise = problem.units[30:].reshape(20, -1).astype(float)
    concepts = problem.masks.reshape(6, -1).astype(float)
    assert concepts.mean() / 2 < noise.mean() < 2 * concepts.mean()
    both = noise @ concepts.T
    iou = both / (noise.sum(axis=1)[:, None] + concepts.sum(axis=1) - both)
    assert iou.max() < 0.3


def test_brute_force_recovers_formulas_of_its_language() -> None:
    result = grade(brute, plant(units=(30, 3), concepts=6, length=2, noise=0.1, seed=4))
    assert result.recovered == 1.0
    assert result.significant == 0.0
    assert math.isnan(result.false_discoveries)
    assert result.to_dict()["false_discoveries"] is None


def test_a_bad_explainer_is_seen(problem: Planted) -> None:
    result = grade(lambda problem: said(*["concept0 AND NOT concept1"] * 50), problem)
    assert result.recovered < 0.1
    assert result.false_alarms == 1.0
    assert result.false_discoveries == 20 / 50
    assert len(result.missed) >= 27


def test_another_way_of_writing_counts(problem: Planted) -> None:
    text = next(text for text in problem.formulas if " OR " in text and "(" not in text)
    a, b = text.split(" OR ")
    one = Planted(problem.concepts, problem.masks, problem.units[:1], (text,), 0.0)
    assert grade(lambda _: said(f"NOT (NOT {b} AND NOT {a})"), one).recovered == 1.0
    assert grade(lambda _: said(a), one).recovered == 0.0
    assert grade(lambda _: said(""), one).recovered == 0.0


def test_the_seed_decides() -> None:
    one, same, other = (plant(units=(3, 3), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.units, same.units)
    assert one.formulas == same.formulas
    assert not np.array_equal(one.units, other.units)


@pytest.mark.parametrize(
    "text", ["", "a", "concept0 AND", "(concept0", "concept0 concept1", "concept0)", "AND concept0"]
)
def test_what_is_no_formula_is_told(problem: Planted, text: str) -> None:
    with pytest.raises(DataError, match=r"cannot read .* in a formula"):
        truth(text, problem.by_name)


def test_concepts_may_have_spaces_and_brackets() -> None:
    masks = {"x > 3": np.array([True, True, False]), "NEIGHBORS(dog)": np.array([True, False, False])}
    np.testing.assert_array_equal(truth("(x > 3 AND NOT NEIGHBORS(dog)) OR NEIGHBORS(dog)", masks), [True, True, False])
    np.testing.assert_array_equal(truth("NOT (x > 3)", masks), [False, False, True])
    np.testing.assert_array_equal(truth("NEIGHBORS(dog) OR x > 3 AND NOT NEIGHBORS(dog)", masks), [False, True, False])


def test_wrong_settings_are_told(problem: Planted) -> None:
    wrong: list[dict[str, Any]] = [
        {"size": (200, 63)},
        {"noise": 1.5},
        {"concepts": 1},
        {"length": 0},
        {"units": (-1, 2)},
    ]
    for settings in wrong:
        with pytest.raises(SettingError, match="square number"):
            plant(**settings)
    with pytest.raises(DataError, match="2 results for 50 units"):
        grade(lambda _: said("concept0", "concept1"), problem)
    with pytest.raises(DataError, match="no formula"):
        plant(units=(1, 0), size=(2, 1))
