"""Chance: draws keep what they must, p-values of noise are not small, planted formulas are found and are no chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurofn._errors import SettingError, ShapeError
from neurofn.explaining import Concepts, Units
from neurofn.explaining._chance import Firing, Overlaps, benjamini_hochberg, overlaps
from neurofn.explaining._signatures import grouped, hits_of
from neurofn.explaining.null import Null, Shifted, Shuffled, by_chance, moved
from neurofn.explaining.planted import Planted, plant, truth
from neurofn.explaining.score import score
from neurofn.explaining.search import Exact

Array = np.ndarray[Any, Any]
NULLS: list[Null] = [Shuffled(60), Shifted(60)]


def blobs(samples: int, seed: int) -> Array:
    """A rectangle in most samples, anywhere, also around the edges: bool (samples, 8, 8)."""
    generator = np.random.default_rng(seed)
    found = np.zeros((samples, 8, 8), bool)
    for sample in np.flatnonzero(generator.random(samples) < 0.7):
        found[sample, :4, :3] = True
        found[sample] = np.roll(found[sample], generator.integers(0, 8, 2), axis=(0, 1))
    return found


def draws(null: Null, fires: Array) -> list[Array]:
    return [moved(fires, move) for move in null.moves(len(fires), fires.ndim - 1)]


@pytest.mark.parametrize("null", NULLS, ids=str)
def test_a_draw_keeps_how_much_each_sample_fires(null: Null) -> None:
    fires = blobs(40, seed=1)
    first, second, *_ = draws(null, fires)
    assert sorted(first.sum(axis=(1, 2))) == sorted(fires.sum(axis=(1, 2)))
    assert np.array_equal(draws(null, fires)[0], first)
    assert not np.array_equal(first, second)


def test_whole_samples_are_shuffled() -> None:
    fires = blobs(40, seed=2)
    assert {sample.tobytes() for sample in draws(Shuffled(1), fires)[0]} == {sample.tobytes() for sample in fires}
    assert [sorted(order) for order, _ in Shuffled(3).moves(5, 2)] == [list(range(5))] * 3


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 1000))
def test_a_shift_goes_around_the_edges(grid: list[int], seed: int) -> None:
    """A single sample comes back as itself, rolled along each axis."""
    fires = np.random.default_rng(seed).random((1, *grid)) < 0.5
    drawn = draws(Shifted(1, seed), fires)[0][0]
    axes = tuple(range(len(grid)))
    assert any(np.array_equal(drawn, np.roll(fires[0], step, axis=axes)) for step in np.ndindex(*grid))


def counted(fires: Array, concepts: Concepts, *, null: Null, samples: Array) -> tuple[Overlaps, Array]:
    """What the fast way counts for the formula "a", and its scores."""
    grouped_ = concepts.collect(np.ones(len(fires), bool))
    member = np.array([0 in row for row in np.split(grouped_.indices, grouped_.indptr[1:-1])])
    firing = Firing(Units.from_masks(fires[None]).blocks[0], 0, 0.5, np.inf)
    moves = null.moves(len(samples), len(grouped_.ids.shape))
    found = overlaps(firing, member, grouped_, samples=samples, moves=moves)
    return found, score("iou", (found.both, found.formula, found.unit, found.positions))


GRIDS = st.lists(st.integers(1, 19), min_size=0, max_size=2) | st.lists(st.integers(1, 4), min_size=3, max_size=3)


@settings(max_examples=150, deadline=None)
@given(GRIDS, st.integers(1, 9), st.integers(0, 1000), st.booleans(), st.booleans())
def test_packed_bits_count_what_masks_count(
    grid: list[int], samples: int, seed: int, shifted: bool, table: bool
) -> None:
    generator = np.random.default_rng(seed)
    fires, true = generator.random((2, samples, *grid)) < generator.uniform(0, 0.8, (2, samples, *(1 for _ in grid)))
    null: Null = (Shifted if shifted else Shuffled)(4, seed)
    some = np.flatnonzero(generator.random(samples) < 0.8)
    if len(some) == 0:
        return
    with pytest.MonkeyPatch.context() as patch:
        if table:  # as before NumPy 2
            patch.delattr(np, "bitwise_count", raising=False)
        found, scores = counted(fires, Concepts.from_masks({"a": true, "b": fires}), null=null, samples=some)
    slow = by_chance(fires[some], true[some], null=null)
    assert scores[0] == slow.score
    assert np.array_equal(scores[1:], slow.by_chance)
    anywhere = [mask[some].reshape(len(some), -1).any(axis=1).sum() for mask in (fires & true, true, fires)]
    assert found.samples == tuple(anywhere)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 1000), st.booleans())
def test_texts_are_moved_within_their_own_words(lengths: list[int], seed: int, shifted: bool) -> None:
    """Firing on padding is none; what comes to lie beyond the end of a shorter text does not count."""
    generator = np.random.default_rng(seed)
    texts = [generator.choice(["a", "b"], size=length).tolist() for length in lengths]
    width = max(lengths)
    fires = generator.random((len(lengths), width)) < 0.5
    exists = np.arange(width) < np.array(lengths)[:, None]
    true = np.array([[word == "a" for word in text] + [False] * (width - len(text)) for text in texts])
    null: Null = (Shifted if shifted else Shuffled)(3, seed)
    concepts = Concepts.from_masks({"a": true}) if len(set(lengths)) == 1 else Concepts.from_tokens(texts)
    first = concepts.names[0].endswith("a")
    found, _ = counted(fires, concepts, null=null, samples=np.arange(len(lengths)))
    expected = [(fires & true).sum() if first else (fires & exists & ~true).sum()]
    totals = [(fires & exists).sum()]
    wanted = true if first else exists & ~true
    for order, steps in null.moves(len(lengths), 1):
        drawn = np.zeros_like(fires)
        for i, length in enumerate(lengths):
            by = 0 if steps is None else int(steps[i, 0] * length)
            drawn[order[i], :length] = np.roll(fires[i, :length], by)
        expected.append((drawn & wanted).sum())
        totals.append((drawn & exists).sum())
    assert found.both.tolist() == expected
    assert found.unit.tolist() == totals


@pytest.mark.parametrize("null", [Shuffled(19), Shifted(19)], ids=str)
def test_p_is_no_smaller_than_chance_allows(null: Null) -> None:
    """Of units that have nothing to do with the formula a share of 5 % or less has p <= 0.05, within three deviations."""
    p = [by_chance(blobs(30, seed=2 * k), blobs(30, seed=2 * k + 1), null=null).p for k in range(200)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert 0.4 < np.mean(p) < 0.65


def test_a_usual_place_is_chance_to_shuffled_samples_alone() -> None:
    """Concept and unit lie in the same place in all samples: samples that are exchanged change nothing at all."""
    fires, true = np.zeros((2, 50, 8, 8), bool)
    fires[:, :3], true[:, :4] = True, True
    assert by_chance(fires, true, null=Shuffled(60)).p == 1.0
    assert by_chance(fires, true, null=Shifted(60)).p < 0.05


def searched_and_tested(problem: Planted, part: int) -> list[tuple[str, float]]:
    """Formulas found on the first samples, and their p-values on the others."""
    signatures, place = grouped(problem.concepts, problem.masks[:, :part].reshape(len(problem.concepts), -1))
    units = problem.units[:, :part].reshape(len(problem.units), -1)
    hits = hits_of(units, place, len(signatures))
    rows = []
    for unit, fires in enumerate(problem.units):
        found = Exact(3).find(signatures, hits, unit)
        assert found.formula is not None
        text = found.formula.text(problem.concepts)
        true = truth(text, problem.by_name)
        rows.append((text, by_chance(fires[part:], true[part:], null=Shuffled(99)).p))
    return rows


def test_planted_formulas_are_recovered_and_noise_is_not_called_real() -> None:
    """With a tenth of the hits moved at least 95 % are found; at most 5 % of the noise units are significant."""
    problem = plant(units=(40, 60), noise=0.1, size=(200, 64), seed=7)
    rows = searched_and_tested(problem, part=140)
    planted = [
        np.array_equal(truth(found, problem.by_name), truth(text, problem.by_name))
        for (found, _), text in zip(rows, problem.formulas, strict=True)
        if text
    ]
    assert np.mean(planted) >= 0.95
    corrected = np.array(benjamini_hochberg([p for _, p in rows]), float)
    noise = np.array([not text for text in problem.formulas])
    assert (corrected[noise] < 0.05).mean() <= 0.05
    raw = np.array([p for _, p in rows])
    assert (raw[~noise] <= 0.01).mean() >= 0.95


def test_wrong_settings_and_shapes_are_refused() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        Shuffled(0)
    with pytest.raises(SettingError, match="at least 1"):
        Shifted(0)
    with pytest.raises(ShapeError, match="give both"):
        by_chance(np.zeros((3, 2), bool), np.zeros((3, 4), bool))
