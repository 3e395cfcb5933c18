"""The examples that the command explain puts into its report: pictures, rows and words, and where unit and formula differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import _toy_explain as toy
from neurofn.cli import main
from neurofn.tasks.scenes import draw_scenes


def examples(folder: Path, net: str, data: str, concepts: str, *more: str) -> list[dict[str, Any]]:
    """Those of the first unit."""
    named = [f"_toy_explain:{net}", "--data", f"_toy_explain:{data}", "--concepts", f"_toy_explain:{concepts}"]
    words = [
        *named,
        "--at",
        "1",
        "--length",
        "1",
        "--null",
        "5",
        *(more if "--threshold" in more else ("--threshold", "0", *more)),
    ]
    out = folder / "out.json"
    assert main(["explain", *words, "--report", str(out)]) == 0
    entry = json.loads(out.read_text())["explanations"][0]
    return [{**example, "formula of the unit": entry["formula"]} for example in entry["examples"]]


def kinds(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(example["kind"], example["sample"].removeprefix("sample ")) for example in found]


def test_rows_show_the_highest_and_where_unit_and_formula_differ(tmp_path: Path) -> None:
    found = examples(tmp_path, "row_net", "rows", "row_concepts", "--examples", "2")
    assert found[0]["formula of the unit"] == "age > 39.5"
    assert kinds(found) == [("highest", "39"), ("highest", "38"), ("missed", "37"), ("outside", "3")]
    first, _, missed, outside = (example["row"] for example in found)
    assert first == {
        "activation": 19.5, "fires": True, "formula": True, "text": "",
        "concepts": [{"text": "age > 39.5", "true": True, "value": "59"}],
    }  # fmt: skip
    assert (missed["activation"], missed["fires"], missed["formula"]) == (0.0, False, True)
    assert (outside["activation"], outside["fires"], outside["formula"]) == (10.5, True, False)


def test_words_of_texts_are_marked_token_by_token(tmp_path: Path) -> None:
    found = examples(tmp_path, "text_net", "texts", "text_concepts", "--examples", "3")
    assert found[0]["formula of the unit"] == "animal"
    assert kinds(found) == [("highest", "0"), ("highest", "1"), ("highest", "3"), ("missed", "6")]
    for example in found[:3]:
        text = toy.TEXTS[int(example["sample"].removeprefix("sample "))]
        assert [word["text"] for word in example["words"]] == list(text)
        assert [word["fires"] for word in example["words"]] == [word in ("dog", "cat") for word in text]
        assert [word["formula"] for word in example["words"]] == [word in ("dog", "cat") for word in text]
    assert [(word["fires"], word["formula"]) for word in found[3]["words"]] == [
        (False, word in ("dog", "cat")) for word in toy.TEXTS[6]
    ]


def test_padding_of_texts_moves_no_threshold(tmp_path: Path) -> None:
    found = examples(tmp_path, "text_net", "texts", "text_concepts", "--threshold", "0.75", "--holdout", "0.01")
    marked = {word["text"] for example in found for word in example["words"] if word["fires"]}
    assert marked == {"dog"}  # with padding, a third of all places, cats would fire too


def test_whole_texts_are_rows_with_their_text(tmp_path: Path) -> None:
    found = examples(tmp_path, "text_net", "texts", "sentence_concepts", "--examples", "1")
    assert kinds(found) == [("highest", "0"), ("missed", "6")]
    assert found[0]["row"]["text"] == "a cat saw the dog"
    assert found[0]["row"]["fires"]


@pytest.mark.parametrize(("count", "expected"), [("0", 0), ("1", 1)])
def test_the_number_of_examples_is_what_was_asked(tmp_path: Path, count: str, expected: int) -> None:
    found = examples(tmp_path, "net", "scenes", "concepts", "--examples", count)
    assert [kind for kind, _ in kinds(found)].count("highest") == expected
    assert len(found) <= 3 * expected


def test_pictures_of_scenes_outline_what_the_labels_say(tmp_path: Path) -> None:
    found = examples(tmp_path, "net", "scenes", "concepts", "--examples", "4")
    scenes = draw_scenes(toy.SCENES, seed=9)
    assert found[0]["formula of the unit"] == "red"
    for example in found:
        number = int(example["sample"].removeprefix("sample "))
        red = scenes.masks(number)[scenes.concepts.index("red")]
        fires = (scenes.images[number, 0] - scenes.images[number, 1] - scenes.images[number, 2]) > 0
        if example["kind"] == "highest":
            assert example["hits"] == pytest.approx((fires & red).sum() / fires.sum(), abs=1e-6)
        else:
            assert not fires.any()
        assert np.isclose(example["misses"], (red & ~fires).sum() / red.sum(), atol=1e-6)
