"""Concepts: whatever they come from, every position has exactly the labels that the source gives it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurofn._errors import DataError, SettingError, ShapeError
from neurofn.explaining import _store
from neurofn.explaining._labels import Grouped
from neurofn.explaining.concepts import Concepts

Array = np.ndarray[Any, Any]


def everything(concepts: Concepts, samples: int, part: Array | None = None) -> tuple[Grouped, Array]:
    """The grouped positions, and the table bool (concepts, samples, *grid) that they stand for."""
    grouped = concepts.collect(np.ones(samples, bool) if part is None else part)
    member = np.zeros((len(concepts.names), grouped.sets + 1), bool)
    for i in range(grouped.sets):
        member[grouped.indices[grouped.indptr[i] : grouped.indptr[i + 1]], i] = True
    return grouped, member[:, grouped.ids.take(np.arange(samples), fill=-1)]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shape=st.sampled_from([(3, 4), (9, 2, 3), (10, 5), (17,), (1, 2, 2)]), count=st.integers(1, 80))
def test_grouping_masks_loses_nothing(data: st.DataObject, shape: tuple[int, ...], count: int) -> None:
    masks = data.draw(arrays(bool, (count, *shape)))
    named = {f"c{i}": mask for i, mask in enumerate(masks)}
    grouped, table = everything(Concepts.from_masks(named), shape[0])
    assert (table == masks).all()
    assert grouped.weights(np.arange(shape[0])).sum() == masks[0].size
    assert len({grouped.indices[a:b].tobytes() for a, b in zip(grouped.indptr, grouped.indptr[1:], strict=False)}) == (
        grouped.sets
    )


def test_masks_sample_by_sample_equal_masks_at_once() -> None:
    masks = np.random.default_rng(0).random((70, 19, 5, 6)) < 0.2  # concepts, samples, grid
    streamed = Concepts.from_masks((masks[:, i] for i in range(19)), names=[f"c{i}" for i in range(70)])
    assert (everything(streamed, 19)[1] == masks).all()
    assert (everything(streamed, 19)[1] == masks).all()  # a generator is read once, the groups stay


def test_planes_are_masks_by_number_and_whole_samples_spread() -> None:
    generator = np.random.default_rng(1)
    colours, scenes = generator.integers(0, 3, size=(20, 4, 5)), generator.integers(0, 3, size=20)
    parts = generator.integers(0, 3, size=(20, 4, 5))
    concepts = Concepts.from_planes(
        {"scene": (scenes, ["in", "out"]), "colour": (colours, ["red", "blue"]), "part": (parts, ["red", "leg"])}
    )
    assert concepts.names == ("in", "out", "red", "blue", "leg")
    _, table = everything(concepts, 20)
    assert (table[0] == (scenes == 1)[:, None, None]).all()
    assert (table[2] == ((colours == 1) | (parts == 1))).all()
    assert (table[4] == (parts == 2)).all()


def test_columns_of_frames_structured_arrays_and_dicts_agree() -> None:
    structured = np.array([(True, "x", 1), (False, "y", 2)], dtype=[("flag", bool), ("kind", "U1"), ("level", int)])
    plain = {name: structured[name] for name in ("flag", "kind", "level")}
    tables = [structured, plain]
    pandas = pytest.importorskip("pandas")
    tables.append(pandas.DataFrame(plain))
    for table in tables:
        concepts = Concepts.from_table(table)
        assert concepts.names == ("flag", "kind=x", "kind=y", "level=1", "level=2")
        assert everything(concepts, 2)[1].tolist() == [[1, 0], [1, 0], [0, 1], [1, 0], [0, 1]]


def test_missing_values_have_no_label() -> None:
    concepts = Concepts.from_table({"kind": np.array(["a", None, "b"], object), "level": [1.0, np.nan, 2.0]})
    assert concepts.names == ("kind=a", "kind=b", "level=1", "level=2")
    assert not everything(concepts, 3)[1][:, 1].any()


def test_quantiles_come_from_the_samples_that_are_searched() -> None:
    ages = np.arange(100.0)
    part = ages < 50
    concepts = Concepts.from_predicates({"age": ages}, ["age > q50"])
    assert everything(concepts, 100, part)[1][0].argmax() == 25
    assert everything(concepts, 100)[1][0].argmax() == 50  # and again for another part


def test_samples_are_shown_by_what_their_concepts_are_about() -> None:
    table = {"age": [20.0, 30.123456], "kind": ["a", "b=c"], "kind=b": [True, False]}
    predicates = Concepts.from_predicates(table, {"old": "age >= 30", "odd": lambda data: data["age"] > 25})
    assert predicates.values(1) == {"old": "30.1235"}
    everything_about = Concepts.from_predicates(table).with_neighbors({"kind=a": []}).values(0)
    assert everything_about["age > q50"] == "20"
    assert everything_about["kind=a"] == "a"
    assert everything_about["kind=b"] == "True"
    labels = Concepts.from_table({"level": [1, 2]})
    assert labels.values(1) == {"level=1": "2", "level=2": "2"}
    assert labels.tokens(0) == ()
    texts = Concepts.from_tokens([["The", "dog"], ["a"]])
    assert texts.per_sample().tokens(1) == ("a",)
    assert texts.values(0) == {}


def test_predicates_in_words_and_in_code() -> None:
    table = {"petal length": np.array([1.0, 2.0, 3.0, np.nan]), "kind": np.array(["a", "b", "a", "c"])}
    concepts = Concepts.from_predicates(
        table,
        {"long": "petal length >= 2", "kind is a": "kind == a", "odd": lambda data: data["petal length"] % 2 == 1},
    )
    assert everything(concepts, 4)[1].tolist() == [[0, 1, 1, 0], [1, 0, 1, 0], [1, 0, 1, 0]]
    assert Concepts.from_predicates(table).names == (
        "petal length < q25", "petal length > q50", "petal length > q75", "kind=a", "kind=b", "kind=c",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["petal", "petal > ", "petal > qq", "petal > q100", "petal > big", "leaf > 2"])
def test_predicates_that_cannot_be_read_are_refused_at_once(text: str) -> None:
    with pytest.raises(DataError, match="predicate"):
        Concepts.from_predicates({"petal": [1.0, 2.0]}, [text])


def test_tokens_have_words_and_features_and_padding_is_no_position() -> None:
    texts = [["The", "dog", "barks"], ["a"], ["dog", "a", "dog", "a"]]
    features = {"pos": {"dog": "noun", "barks": "verb"}, "article": {"a", "the"}, "long": lambda word: len(word) > 3}
    concepts = Concepts.from_tokens(texts, words=2, features=features)
    assert concepts.names == ("word:a", "word:dog", "article", "long", "pos:noun", "pos:verb")
    grouped, table = everything(concepts, 3)
    assert grouped.weights(np.arange(3)).sum() == 8
    assert table[1].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]]
    assert table[2].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1]]
    assert table[3].tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    whole = everything(concepts.per_sample(), 3)[1]
    assert (whole == table.any(axis=2)).all()


def test_neighbours_are_the_union_of_a_concept_and_those_near_it() -> None:
    masks = np.random.default_rng(2).random((4, 6, 10)) < 0.3
    concepts = Concepts.from_masks(dict(zip("abcd", masks, strict=True)))
    near = concepts.with_neighbors({"a": ["b", "d"], "c": []})
    assert near.names == ("a", "b", "c", "d", "NEIGHBORS(a)", "NEIGHBORS(c)")
    assert near.neighbors[0] == ("NEIGHBORS(a)", ("a", "b", "d"))
    table = everything(near, 6)[1]
    assert (table[4] == masks[0] | masks[1] | masks[3]).all()
    assert (table[5] == masks[2]).all()
    assert concepts.names == ("a", "b", "c", "d")
    with pytest.raises(DataError, match="no concept 'x'"):
        concepts.with_neighbors({"a": ["x"]})


def test_what_does_not_fit_in_memory_goes_to_a_file_and_is_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.random.default_rng(3).random((5, 40, 6, 7)) < 0.3
    named = {f"c{i}": mask for i, mask in enumerate(masks)}
    monkeypatch.setattr(_store, "IN_MEMORY", 2000)
    grouped, table = everything(Concepts.from_masks(named), 40)
    assert (table == masks).all()
    assert any(isinstance(batch, np.memmap) for batch in grouped.ids._batches)


def bad_masks() -> list[tuple[Any, type[Exception], str]]:
    good = np.zeros((3, 4), bool)
    return [
        ({"a": good, "b": good[:2]}, ShapeError, "one shape"),
        ({"a": good.astype(float) + 0.5}, DataError, "give bools"),
        ({}, DataError, "no concepts"),
        ({"a AND b": good}, DataError, "cannot be called"),
        ({" a": good}, DataError, "cannot be called"),
    ]


@pytest.mark.parametrize(("masks", "error", "words"), bad_masks(), ids=["shapes", "floats", "none", "AND", "space"])
def test_bad_masks_say_what_is_wrong(masks: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Concepts.from_masks(masks).collect(np.ones(3, bool))


def test_other_bad_sources_say_what_is_wrong() -> None:
    with pytest.raises(ShapeError, match="units saw 5 samples"):
        Concepts.from_masks({"a": np.zeros((3, 4), bool)}).collect(np.ones(5, bool))
    with pytest.raises(ShapeError, match="sample 1"):
        Concepts.from_masks([np.zeros((1, 4), bool), np.zeros((2, 4), bool)], names=["a"]).collect(np.ones(2, bool))
    with pytest.raises(SettingError, match="names"):
        Concepts.from_masks([np.zeros((1, 4), bool)])
    with pytest.raises(DataError, match="from 0"):
        Concepts.from_planes({"colour": ([3], ["red"])})
    with pytest.raises(ShapeError, match="'b'"):
        Concepts.from_planes({"a": (np.zeros((2, 4), int), ["x"]), "b": (np.zeros((2, 3), int), ["y"])})
    with pytest.raises(DataError, match="fractions"):
        Concepts.from_table({"age": [1.5]})
    with pytest.raises(DataError, match="equal lengths"):
        Concepts.from_table({"a": [1], "b": [1, 2]})
    with pytest.raises(SettingError, match="between 0 and 1"):
        Concepts.from_predicates({"a": [1.0]}, quantiles=[2])
