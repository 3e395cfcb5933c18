"""The search of formulas: the exact one against all formulas there are, the beam against the exact one, text against tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurofn._errors import LanguageError, SettingError, UnknownNameError
from neurofn.explaining._beam import beam
from neurofn.explaining._signatures import Hits, Signatures, grouped, hits_of
from neurofn.explaining._tally import Tally
from neurofn.explaining.formula import Formula, parse
from neurofn.explaining.score import SCORES, score
from neurofn.explaining.search import Beam, Exact, Found

Array = np.ndarray[Any, Any]


def iou(mask: Array, unit: Array) -> float:
    union = int((mask | unit).sum())
    return int((mask & unit).sum()) / union if union else 0.0


def best_of_all(masks: Array, unit: Array, length: int) -> float:
    """Every left-deep formula, position by position."""
    level = list(masks)
    best = max(iou(mask, unit) for mask in level)
    for _ in range(1, length):
        level = [new for mask in level for other in masks for new in (mask | other, mask & other, mask & ~other)]
        best = max(best, *(iou(mask, unit) for mask in level))
    return best


def problem(masks: Array, unit: Array) -> tuple[Signatures, Hits, Array]:
    signatures, place = grouped([f"c{i}" for i in range(len(masks))], masks)
    return signatures, hits_of(unit[None], place, len(signatures)), place


def checked(found: Found, signatures: Signatures, place: Array, unit: Array) -> None:
    """The score is that of the printed formula."""
    if found.formula is None:
        assert found.score == 0
        return
    again = parse(found.formula.text(signatures.concepts), signatures.concepts)
    assert again == found.formula
    assert iou(again.holds(signatures)[place], unit) == pytest.approx(found.score, abs=1e-12)


@st.composite
def problems(draw: Any) -> tuple[Array, Array]:
    seed, concepts, positions = draw(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 40)))
    generator = np.random.default_rng(seed)
    masks = generator.random((concepts, positions)) < generator.uniform(0.05, 0.95, (concepts, 1))
    unit = generator.random(positions) < generator.uniform(0.05, 0.95)
    if draw(st.booleans()):  # a unit that is nearly a formula
        chain = masks[0] | masks[-1] & ~masks[concepts // 2]
        unit = chain ^ (generator.random(positions) < 0.1)
    unit[0] = True
    return masks, unit


@settings(max_examples=1500, deadline=None)
@given(problems(), st.integers(1, 3))
def test_exact_is_the_best_of_all_formulas(given_: tuple[Array, Array], length: int) -> None:
    masks, unit = given_
    signatures, hits, place = problem(masks, unit)
    found = Exact(length).find(signatures, hits, 0)
    assert found.score == pytest.approx(best_of_all(masks, unit, length), abs=1e-12)
    assert found.optimal
    assert f"at most {length} concepts" in found.language
    checked(found, signatures, place, unit)


@settings(max_examples=200, deadline=None)
@given(problems(), st.integers(1, 5), st.integers(1, 6))
def test_a_beam_is_never_better_than_the_exact_search(given_: tuple[Array, Array], length: int, width: int) -> None:
    masks, unit = given_
    signatures, hits, place = problem(masks, unit)
    found = Beam(length, width).find(signatures, hits, 0)
    checked(found, signatures, place, unit)
    if length <= 3:
        assert found.score <= Exact(length).find(signatures, hits, 0).score + 1e-12


def test_the_order_of_concepts_does_not_matter() -> None:
    generator = np.random.default_rng(3)
    masks = generator.random((7, 300)) < 0.3
    unit = ((masks[1] | masks[4]) & ~masks[6]) ^ (generator.random(300) < 0.05)
    scores = set()
    for order in (np.arange(7), generator.permutation(7), generator.permutation(7)):
        signatures, hits, _ = problem(masks[order], unit)
        scores.add(round(Exact().find(signatures, hits, 0).score, 12))
    assert len(scores) == 1


def test_runners_up_are_within_one_per_cent() -> None:
    masks = np.random.default_rng(5).random((4, 200)) < 0.5
    masks[3] = masks[2]
    masks[3, :1] ^= True  # nearly another name for the same thing
    signatures, hits, _ = problem(masks, masks[2])
    found = Exact().find(signatures, hits, 0)
    assert (found.formula, found.score) == (Formula(2), 1.0)
    assert Formula(3) in [formula for formula, _ in found.runners_up]
    assert all(0.99 <= value <= 1 for _, value in found.runners_up)
    tables = {formula.holds(signatures).tobytes() for formula, _ in [(found.formula, 1.0), *found.runners_up]}
    assert len(tables) == 1 + len(found.runners_up)  # each function once


@given(st.integers(0, 4), st.lists(st.tuples(st.sampled_from(["OR", "AND", "AND NOT"]), st.integers(0, 4)), max_size=5))
def test_the_canonical_form_is_the_same_function(first: int, rest: list[tuple[str, int]]) -> None:
    signatures = grouped("abcde", np.random.default_rng(0).random((5, 200)) < 0.5)[0]
    formula = Formula(first, tuple(rest))
    assert np.array_equal(formula.holds(signatures), formula.canonical().holds(signatures))
    assert formula.canonical().canonical() == formula.canonical()


def test_the_beam_keeps_different_functions() -> None:
    """Without comparing truth tables a beam would hold "a", "a OR a", "a AND a" and so on."""
    generator = np.random.default_rng(11)
    masks = generator.random((6, 400)) < 0.3
    signatures, hits, _ = problem(masks, (masks[0] & masks[1]) | masks[2])
    for kept in beam(Tally(signatures, hits, 0), length=3, width=4, measure="iou"):
        assert len({node.formula.holds(signatures).tobytes() for node in kept}) == 4
        assert all(np.array_equal(node.member, node.formula.holds(signatures)) for node in kept)


def test_a_unit_that_no_concept_touches() -> None:
    masks = np.array([[True, False, False]])
    signatures, hits, _ = problem(masks, np.array([False, True, False]))
    for search in (Exact(), Beam()):
        found = search.find(signatures, hits, 0)
        assert found.formula is None
        assert found.score == 0


def test_scores_by_hand() -> None:
    counts = (2, 3, 4, 10)
    assert {name: round(float(score(name, counts)), 4) for name in SCORES} == {
        "iou": 0.4, "precision": 0.6667, "recall": 0.5, "f1": 0.5714, "mcc": 0.3563,
    }  # fmt: skip
    assert all(float(score(name, (0, 0, 0, 10))) == 0 for name in SCORES)
    with pytest.raises(UnknownNameError, match="did you mean 'iou'"):
        score("ious", counts)


@pytest.mark.parametrize(
    "text", ["a", "a OR b", "(a OR b) AND NOT c", "((a AND b) OR c) AND NOT a", "x (1) AND y OR z"]
)
def test_formulas_are_read_as_they_are_printed(text: str) -> None:
    names = ("a", "b", "c", "x (1)", "y OR z")
    assert parse(text, names).text(names) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [("d", UnknownNameError), ("a OR d", LanguageError), ("a OR (b AND c)", LanguageError), ("", UnknownNameError)],
)
def test_formulas_that_cannot_be_read(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse(text, ("a", "b", "c"))


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(SettingError, match=r"use Beam\(length=4\)"):
        Exact(4)
    with pytest.raises(SettingError, match="must be 1 or more"):
        Beam(0)
    with pytest.raises(UnknownNameError, match="no score"):
        Beam(measure="jaccard")
    assert len(Formula(0, (("OR", 1),))) == 2
