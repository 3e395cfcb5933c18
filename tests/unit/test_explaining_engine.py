"""Ways to find the same formulas: machine and plain code, the original search and its restatement, alone and side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurofn._errors import DataError, SettingError, ShapeError
from neurofn.explaining import _exact, _tally
from neurofn.explaining._beam import beam
from neurofn.explaining._exact import prove
from neurofn.explaining._original import Original
from neurofn.explaining._parallel import OnWorkers, find_each
from neurofn.explaining._signatures import Hits, Signatures, grouped, hits_of
from neurofn.explaining._tally import Tally
from neurofn.explaining.formula import Formula
from neurofn.explaining.score import score
from neurofn.explaining.search import Beam, Exact
from neurofn.testing._explaining import best_of_all

Array = np.ndarray[Any, Any]


def problem(masks: Array, unit: Array) -> tuple[Signatures, Hits, Array]:
    signatures, place = grouped([f"c{i}" for i in range(len(masks))], masks)
    return signatures, hits_of(unit[None], place, len(signatures)), place


@st.composite
def problems(draw: Any) -> tuple[Array, Array]:
    seed, concepts, positions = draw(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 60)))
    generator = np.random.default_rng(seed)
    masks = generator.random((concepts, positions)) < generator.uniform(0.05, 0.95, (concepts, 1))
    unit = generator.random(positions) < generator.uniform(0.05, 0.95)
    if draw(st.booleans()):  # a unit that is nearly a formula
        chosen = generator.integers(0, concepts, 3)
        chain = (masks[chosen[0]] | masks[chosen[1]]) & ~masks[chosen[2]]
        unit = chain ^ (generator.random(positions) < 0.1)
    unit[0] = True
    return masks, unit


@settings(max_examples=2000, deadline=None)
@given(problems())
def test_no_formula_of_three_concepts_is_better(given_: tuple[Array, Array]) -> None:
    masks, unit = given_
    signatures, hits, _ = problem(masks, unit)
    assert Exact().find(signatures, hits, 0).score == pytest.approx(best_of_all(masks, unit, 3), abs=1e-12)


@settings(max_examples=1500, deadline=None)
@given(problems())
def test_the_proof_needs_no_beam(given_: tuple[Array, Array]) -> None:
    """From the best concept alone, without a beam: the bounds must let every better formula through."""
    masks, unit = given_
    signatures, hits, _ = problem(masks, unit)
    tally = Tally(signatures, hits, 0)
    singles = beam(tally, length=1, width=1, measure="iou")[0]
    if singles:
        best = prove(tally, singles[0], length=3, measure="iou")
        assert best.value == pytest.approx(best_of_all(masks, unit, 3), abs=1e-12)


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from(["f1", "precision", "recall"]))
def test_exact_by_other_measures(given_: tuple[Array, Array], measure: str) -> None:
    masks, unit = given_
    signatures, hits, place = problem(masks, unit)
    found = Exact(3, measure).find(signatures, hits, 0)
    assert found.score == pytest.approx(best_of_all(masks, unit, 3, measure), abs=1e-12)
    if found.formula is not None:
        true = found.formula.holds(signatures)[place]
        counts = int((true & unit).sum()), int(true.sum()), int(unit.sum()), len(unit)
        assert float(score(measure, counts)) == pytest.approx(found.score, abs=1e-12)


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from(["iou", "f1", "precision", "recall"]), st.integers(2, 3))
def test_machine_code_and_plain_code_find_the_same(given_: tuple[Array, Array], measure: str, length: int) -> None:
    """The same formulas, ties and runners-up included, though the plain code has no bounds."""
    pytest.importorskip("numba")
    masks, unit = given_
    signatures, hits, _ = problem(masks, unit)
    fast = [search.find(signatures, hits, 0) for search in (Exact(length, measure), Beam(4, 3, measure), Original(4))]
    with pytest.MonkeyPatch.context() as patch:
        for module in (_tally, _exact):
            patch.setattr(module, "AVAILABLE", False)
        again = problem(masks, unit)[0]  # without what was counted before
        slow = [search.find(again, hits, 0) for search in (Exact(length, measure), Beam(4, 3, measure), Original(4))]
    assert fast == slow


def test_exact_on_many_concepts_is_the_plain_search() -> None:
    """Enough concepts for every kind of bound to say no; many labels at a position, and weights."""
    for seed in range(12):
        generator = np.random.default_rng(seed)
        masks = generator.random((25, 400)) < generator.choice([0.03, 0.1, 0.3, 0.6], (25, 1))
        a, b, c = generator.choice(25, 3, replace=False)
        shapes = [masks[a] | masks[b] | masks[c], (masks[a] | masks[b]) & ~masks[c], (masks[a] & ~masks[b]) | masks[c]]
        unit = shapes[seed % 3] & (generator.random(400) < 0.6) | (generator.random(400) < 0.05)
        signatures, hits, _ = problem(masks, unit)
        fast = Exact().find(signatures, hits, 0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_exact, "AVAILABLE", False)
            assert Exact().find(signatures, hits, 0) == fast


def restated(masks: Array, unit: Array, *, length: int, width: int, penalty: float, limit: int | None) -> Any:
    """The search of the original code, position by position: (text, IoU), or None where no concept has an IoU above 0.

    A formula is (text, mask, how many concepts and NOTs it has, IoU). Python's sort keeps equal ones in their order.
    """

    def scored(text: str, mask: Array, count: int) -> tuple[str, Array, int, float]:
        both = int((mask & unit).sum())
        value = both / (int(mask.sum()) + int(unit.sum()) - both + 1e-10)
        return text, mask, count, penalty ** (count - 1) * value if count > 1 else value

    def best(formulas: list[Any], few: int | None) -> list[Any]:
        return sorted(formulas, key=lambda one: one[3], reverse=True)[:few]

    singles = [scored(f"c{k}", mask, 1) for k, mask in enumerate(masks)]
    ranked = best([one for one in singles if one[3] > 0], None)
    if not ranked:
        return None
    beam, candidates = ranked[:width], singles if limit is None else ranked[:limit]
    for _ in range(length - 1):
        made = []
        for text, mask, count, _value in beam:
            left = f"({text})" if " " in text else text
            for name, other, _one, _value in candidates:
                made.append(scored(f"{left} OR {name}", mask | other, count + 1))
                made.append(scored(f"{left} AND {name}", mask & other, count + 1))
                made.append(scored(f"{left} AND NOT {name}", mask & ~other, count + 2))
        beam = best(beam + made, width)
    return beam[0][0], beam[0][3]


@settings(max_examples=1000, deadline=None)
@given(
    problems(), st.integers(1, 4), st.integers(1, 6), st.sampled_from([1.0, 0.95, 0.5]), st.sampled_from([None, 1, 3])
)
def test_the_original_search_is_restated(
    given_: tuple[Array, Array], length: int, width: int, penalty: float, limit: int | None
) -> None:
    """The same formula, as text, and bitwise the same IoU."""
    masks, unit = given_
    signatures, hits, _ = problem(masks, unit)
    found = Original(length, width, penalty, limit).find(signatures, hits, 0)
    expected = restated(masks, unit, length=length, width=width, penalty=penalty, limit=limit)
    text = None if found.formula is None else found.formula.text(signatures.concepts)
    assert (text, found.score) == (expected or (None, 0.0))


def test_the_original_beam_collapses() -> None:
    """Equal functions take its places: the best formula of the other beam is missed."""
    better = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        masks = generator.random((8, 120)) < 0.3
        unit = ((masks[0] & masks[1]) | (masks[2] & masks[3])) ^ (generator.random(120) < 0.1)
        signatures, hits, _ = problem(masks, unit)
        ours, theirs = (search.find(signatures, hits, 0).score for search in (Beam(6, 5), Original(6, 5)))
        assert ours >= theirs - 1e-6
        better += ours > theirs + 1e-6
    assert better > 0


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
@pytest.mark.parametrize("return_as", ["list", "generator", "generator_unordered"])
def test_units_side_by_side_are_as_one_after_another(backend: str, return_as: str) -> None:
    joblib = pytest.importorskip("joblib")
    generator = np.random.default_rng(0)
    signatures, place = grouped("abcdef", generator.random((6, 300)) < 0.4)
    hits = hits_of(generator.random((20, 300)) < 0.2, place, len(signatures))
    alone = list(find_each(Exact(), signatures, hits))
    with joblib.parallel_config(backend=backend, n_jobs=2):
        search = OnWorkers(Exact(), joblib.Parallel(return_as=return_as), units=12)
        assert list(find_each(search, signatures, hits)) == alone
        assert list(find_each(search, signatures, hits, units=[3, 1, 17])) == [alone[k] for k in (3, 1, 17)]
    assert len(alone) == 20
    assert search.find(signatures, hits, 5) == alone[5]
    assert search.measure == "iou"
    with pytest.raises(SettingError, match="at least 1"):
        OnWorkers(Exact(), joblib.Parallel(), units=0)


def test_workers_that_fail_lose_only_what_they_had() -> None:
    generator = np.random.default_rng(0)
    signatures, place = grouped("abc", generator.random((3, 100)) < 0.4)
    hits = hits_of(generator.random((10, 100)) < 0.2, place, len(signatures))
    alone = list(find_each(Exact(), signatures, hits))

    def dies(calls: Any) -> Any:
        """Gives the first result, then fails; of the last hand-over it gives none at all."""
        calls = list(calls)
        if len(calls) == 1:
            return
        function, arguments, keywords = calls[0]
        yield function(*arguments, **keywords)
        raise MemoryError("no room")

    found = list(find_each(OnWorkers(Exact(), dies, units=8), signatures, hits))
    assert found[:5] == alone[:5]
    assert {one.problem for one in found[5:9]} == {"the workers failed: MemoryError: no room"}
    assert found[9].problem == "the workers gave no result"


def test_merged_signatures_are_those_of_all_positions() -> None:
    masks = np.random.default_rng(2).random((5, 400)) < 0.3
    parts = [grouped("abcde", part) for part in np.split(masks, [150], axis=1)]
    merged, here, there = parts[0][0].merge(parts[1][0])
    whole, _ = grouped("abcde", masks)

    def sets(signatures: Signatures) -> dict[tuple[int, ...], int]:
        starts = signatures.indptr
        rows = (tuple(signatures.indices[starts[k] : starts[k + 1]].tolist()) for k in range(len(signatures)))
        return dict(zip(rows, signatures.weights.tolist(), strict=True))

    assert sets(merged) == sets(whole)
    place = np.concatenate([here[parts[0][1]], there[parts[1][1]]])
    assert np.array_equal(np.bincount(place), merged.weights)
    for concept in range(5):
        assert np.array_equal(np.isin(place, merged.where(concept)), masks[concept])
    with pytest.raises(ShapeError, match="unequal concepts"):
        merged.merge(Signatures.from_rows("ab", [{0}]))
    with pytest.raises(DataError, match="from 0 to 1"):
        Signatures.from_rows("ab", [{2}])


def test_too_many_positions_are_refused_by_the_exact_search() -> None:
    signatures = Signatures(("a", "b"), np.array([0, 1, 2]), np.array([0, 1], np.int32), np.array([2**31, 5]))
    hits = Hits(np.array([0, 1]), np.array([1], np.int32), np.array([3]), np.array([3]))
    with pytest.raises(SettingError, match="use Beam"):
        Exact().find(signatures, hits, 0)
    assert Beam().find(signatures, hits, 0).formula == Formula(1)


def test_wrong_settings_of_the_original_search_are_refused() -> None:
    with pytest.raises(SettingError, match="give 1 or more"):
        Original(0)
    with pytest.raises(SettingError, match="above 0"):
        Original(penalty=0.0)
    with pytest.raises(SettingError, match="knows iou"):
        Exact(3, "mcc")
