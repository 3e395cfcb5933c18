"""The report of explanations: complete, safe, and drawn from plain data alone."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from _page import HOSTILE, Elements
from neurofn._errors import DataError, ShapeError
from neurofn.explaining._png import read_png
from neurofn.reporting import pictured, report, rowed, worded
from neurofn.reporting._explanations_pictures import area, outline, png


def explanation(unit: int | str = 0, **other: Any) -> dict[str, Any]:
    given = {
        "unit": unit, "formula": "(red AND ring) AND NOT top", "score": 0.4, "holdout_score": 0.3, "null_score": 0.1,
        "p": 0.01, "optimal": True, "language": "left-deep, length at most 3", "runners_up": [["red AND ring", 0.39]],
        "coverage": 0.6, "problem": "",
    }  # fmt: skip
    return {**given, **other}


def example(sample: int = 3) -> dict[str, Any]:
    fires, formula = np.zeros((4, 6), dtype=bool), np.zeros((4, 6), dtype=bool)
    fires[1:3, 1:4] = True
    formula[1:3, 2:6] = True
    return pictured(np.arange(72.0).reshape(4, 6, 3), fires, formula=formula, sample=sample)


def run() -> dict[str, Any]:
    bad = explanation(2, formula="", score=None, holdout_score=None, null_score=None, p=None, coverage=None,
                      optimal=None, runners_up=[], problem="never fires")  # fmt: skip
    words = worded(["the", "red", "ring"], [False, True, False], formula=[False, True, True], sample="sentence 1")
    return {
        "explanations": [explanation(0, examples=[example()]), explanation(1, p=0.3, score=0.2, examples=[words]), bad],
        "command": "neurofn explain net:net --at conv", "settings": {"length": 3}, "notes": ["by sample"], "measure": "IoU",
    }  # fmt: skip


def written(result: object, folder: Path, name: str = "out.html") -> str:
    return report(result, folder / name).read_text(encoding="utf-8")


def test_the_page_says_what_was_found(tmp_path: Path) -> None:
    text = Elements(written(run(), tmp_path)).text
    assert (
        "1 of 2 units fits a formula better than chance (p < 0.05 after correction): IoU 0.30 at best and 0.30 in the "
        "middle on held-out samples, where chance gives 0.10; 1 unit could not be explained."
    ) in text
    for words in ("( red AND ring ) AND NOT top", "IoU 0.400", "held out 0.300", "by chance 0.100", "p = 0.01", "60% of its",
                  "never fires", "Almost as good: 1", "fires outside the formula", "unit 0", "by sample"):  # fmt: skip
        assert words.replace("( ", "(").replace(" )", ")") in text, words


def test_nothing_is_loaded_and_only_its_own_script_may_run(tmp_path: Path) -> None:
    elements = Elements(written(run(), tmp_path))
    for tag, attributes in elements.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "img"}
        assert not [name for name in attributes if name == "src" or name.startswith("on") or name == "style"]
        href = str(attributes.get("href") or "#")
        assert href.startswith("#") or (tag == "image" and href.startswith("data:image/png;base64,"))
    policy = next(str(a["content"]) for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy")
    wanted = {
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in [*elements.raw["script"], *elements.raw["style"]]
    }
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == wanted
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_no_text_becomes_markup(tmp_path: Path, suffix: str) -> None:
    entries = [
        explanation(text, formula=text, language=text, runners_up=[text], problem=text,
                    examples=[worded([text], [True], formula=[False], sample=text)])
        for text in HOSTILE
    ]  # fmt: skip
    made = {
        "explanations": entries,
        "question": HOSTILE[0],
        "command": HOSTILE[1],
        "notes": HOSTILE,
        "measure": HOSTILE[4],
    }
    page = written(made, tmp_path, f"out.{suffix}")
    if suffix == "md":
        assert not re.search(r"<(script|img|!--)", page.replace("```text\n" + HOSTILE[1], ""))
        return
    elements = Elements(page)
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert not [a for tag, a in elements.tags if tag == "img" or any(name.startswith("on") for name in a)]
    for text in HOSTILE[:5]:
        assert " ".join(text.split()) in elements.text


def test_pictures_and_paths_from_a_file_are_not_trusted(tmp_path: Path) -> None:
    wrong = {**example(), "picture": "https://example.org/a.png"}
    path = {**example(), "fires": 'M0"><script>'}
    page = written([explanation(0, examples=[wrong, path, "no dict"])], tmp_path)
    assert "example.org" not in page
    assert '"&gt;' not in page
    assert page.count("<image ") == 1


def test_every_card_carries_what_the_page_sorts_and_filters_by(tmp_path: Path) -> None:
    elements = Elements(written(run(), tmp_path))
    cards = [a for tag, a in elements.tags if tag == "li" and a.get("class") == "unit"]
    assert [card.get("data-score") for card in cards] == ["0.4", "0.2", None]
    assert [card.get("data-gain") for card in cards] == ["0.3", "0.1", None]
    assert [(card.get("data-rank"), card.get("data-order")) for card in cards] == [("0", "0"), ("1", "1"), ("2", "2")]
    assert ["data-chance" in card for card in cards] == [True, False, False]
    assert ["data-explained" in card for card in cards] == [True, True, False]
    ids = {a.get("id") for _, a in elements.tags}
    assert {"find", "least", "least-said", "sort", "chance", "explained", "count", "none", "units", "controls"} <= ids
    script = elements.raw["script"][0]
    assert set(re.findall(r'at\("([\w-]+)"\)', script)) <= ids


def test_the_best_units_come_first_in_the_picture_and_in_the_list(tmp_path: Path) -> None:
    chance = explanation(0, holdout_score=0.9, p=0.5)
    many = [explanation(i, formula=f"c{i}", holdout_score=i / 20, p=0.01) for i in range(1, 12)]
    elements = Elements(written([chance, *many], tmp_path))
    links = [str(a["href"]) for tag, a in elements.tags if tag == "a" and a.get("class") == "name"]
    assert links == [*(f"#unit-{i}" for i in range(11, 3, -1)), "#all"]
    cards = [a.get("data-order") for tag, a in elements.tags if tag == "li" and a.get("class") == "unit"]
    assert cards == [str(i) for i in [*range(11, 0, -1), 0]]
    assert "4 more units, each a dot" in elements.text
    assert sum(str(a.get("class")).startswith("other") for tag, a in elements.tags if tag == "circle") == 4
    assert {str(a["href"])[1:] for tag, a in elements.tags if tag == "a" and a.get("class") == "name"} <= {
        str(a.get("id")) for _, a in elements.tags
    }


def test_several_kinds_of_chance_are_named_and_small_ones_are_not_zero(tmp_path: Path) -> None:
    nulls = [{"null": "Shuffled(n=200, seed=0)", "mean": 0.004}, {"null": HOSTILE[0], "mean": "high"}]
    elements = Elements(written([explanation(nulls=nulls, null_score=0.004)], tmp_path))
    assert f"by chance 0.004 (shuffled 0.004, {HOSTILE[0].partition('(')[0]} –)" in elements.text
    assert "where chance gives less than 0.01" in elements.text
    assert "0.30 chance < 0.01" in elements.text


def test_rows_stand_in_a_table_by_what_they_show(tmp_path: Path) -> None:
    rows = [
        {**rowed({"age > 30": (True, "41"), "sex=f": (False, "")}, fires=fires, formula=formula, activation=1.5,
                 sample=f"row {i}", text="<b>a person</b>"), "kind": kind}
        for i, (fires, formula, kind) in enumerate(
            [(True, True, "highest"), (True, False, "outside"), (False, True, "missed")])
    ]  # fmt: skip
    elements = Elements(written([explanation(examples=rows)], tmp_path))
    for words in ("Where it fires most", "Fires though the formula does not hold", "Silent though the formula holds",
                  "row 2 0 silent ✓ true ✓ true 41 ✗ false", "activation unit formula age > 30 sex=f text",
                  "<b>a person</b>"):  # fmt: skip
        assert words.replace(" 0 ", " 1.5 ") in elements.text, words
    assert [tag for tag, _ in elements.tags].count("tr") == 1 + 3 + 3


def test_rows_from_a_file_are_not_trusted(tmp_path: Path) -> None:
    wrong: list[Any] = [
        {"row": {"activation": "high", "concepts": "many"}, "kind": HOSTILE[0]},
        {"row": {"activation": True, "fires": 1, "concepts": [3, {"text": HOSTILE[0]}]}, "kind": "highest"},
        {"row": [1]},
    ]
    elements = Elements(written([explanation(examples=wrong)], tmp_path))
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert HOSTILE[0] in elements.text


def test_a_picture_that_many_units_share_is_there_once(tmp_path: Path) -> None:
    elements = Elements(written([explanation(i, examples=[example(), example(4)]) for i in range(3)], tmp_path))
    images = [a for tag, a in elements.tags if tag == "image"]
    uses = [a for tag, a in elements.tags if tag == "use"]
    assert [image["id"] for image in images] == ["picture-0"]
    assert [use["href"] for use in uses] == ["#picture-0"] * 6


def test_without_a_null_the_page_says_so_and_offers_no_filter_for_it(tmp_path: Path) -> None:
    elements = Elements(written([explanation(p=None, null_score=None)], tmp_path))
    assert "1 unit explained; chance was not tested, so no score is a finding." in elements.text
    assert "chance" not in {a.get("id") for _, a in elements.tags}


def test_explanations_are_read_from_objects_too(tmp_path: Path) -> None:
    class Explanation:
        def to_dict(self) -> dict[str, Any]:
            return explanation("conv[3]", optimal=(False, "beam"), runners_up=[{"formula": "a", "score": float("nan")}])

    page = written([Explanation()], tmp_path, "out.md")
    assert "conv\\[3\\]" in page
    assert "| no |" in page


def test_json_gives_the_explanations_back(tmp_path: Path) -> None:
    data = json.loads(written(run(), tmp_path, "out.json"))
    assert data["explanations"][0]["formula"] == "(red AND ring) AND NOT top"
    assert report(data, tmp_path / "again.html").exists()


def test_what_is_no_explanation_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no explanations to report"):
        report([], tmp_path / "out.html")
    with pytest.raises(DataError, match="entry 1 of a list"):
        report([explanation(), 3], tmp_path / "out.html")
    with pytest.raises(DataError, match="score must be a number"):
        report([explanation(score="high")], tmp_path / "out.html")
    assert not list(tmp_path.iterdir())


# --- Pictures ---------------------------------------------------------------------------------------------------------


def decoded(address: str) -> np.ndarray[Any, Any]:
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    width, height = struct.unpack(">II", content[16:24])
    return read_png(content, (height, width))


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_picture_with_little_change_along_an_axis_is_small_and_the_same(axis: int | None) -> None:
    steps = np.random.default_rng(0).integers(-2, 3, size=(40, 40, 3))
    pixels = (steps if axis is None else steps.cumsum(axis=axis)).astype(np.uint8)
    address = png(pixels)
    np.testing.assert_array_equal(decoded(address), pixels)
    assert len(address) < (2600 if axis is None else 2700)


@pytest.mark.parametrize("order", ["last", "first"])
def test_a_picture_is_the_image(order: str) -> None:
    image = np.random.default_rng(0).integers(256, size=(5, 7, 3), dtype=np.uint8)
    given = image if order == "last" else image.transpose(2, 0, 1)
    made = pictured(given, np.zeros((5, 7), dtype=bool))
    np.testing.assert_array_equal(decoded(made["picture"]), image)
    assert (made["width"], made["height"]) == (7, 5)


def test_grey_and_constant_images_and_large_ones() -> None:
    assert decoded(pictured(np.array([[0.0, 1.0]]), np.zeros((1, 2), dtype=bool))["picture"]).tolist() == [
        [[0] * 3, [255] * 3]
    ]
    assert decoded(pictured(np.full((2, 2), np.nan), np.zeros((2, 2), dtype=bool))["picture"]).max() == 0
    large = pictured(np.zeros((500, 300)), np.ones((500, 300), dtype=bool))
    assert (large["width"], large["height"]) == (75, 125)


def test_hits_and_misses_are_shares() -> None:
    made = example()
    assert made["hits"] == pytest.approx(4 / 6)
    assert made["misses"] == pytest.approx(4 / 8)
    empty = pictured(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool), formula=np.zeros((2, 2), dtype=bool))
    assert empty["hits"] is None


def test_the_outline_has_the_length_of_the_border() -> None:
    mask = np.zeros((6, 6), dtype=bool)
    mask[1:4, 2:5] = True
    mask[2, 3] = False  # a hole
    lengths = [abs(int(n)) for n in re.findall(r"[hv](-?\d+)", outline(mask))]
    assert sum(lengths) == 12 + 4
    assert sum(int(n) for n in re.findall(r"M\d+ \d+h(\d+)", area(mask))) == mask.sum()


def test_wrong_shapes_are_told() -> None:
    with pytest.raises(ShapeError, match="an image of shape"):
        pictured(np.zeros((2, 2, 2, 2)), np.zeros((2, 2), dtype=bool))
    with pytest.raises(ShapeError, match="fires has shape"):
        pictured(np.zeros((2, 2)), np.zeros((3, 2), dtype=bool))
    with pytest.raises(ShapeError, match="2 words"):
        worded(["a", "b"], [True], formula=[True])
