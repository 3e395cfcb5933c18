"""COCO annotations and folders in the layout of Broden: known masks come back; what is wrong is told with its place."""

from __future__ import annotations

import contextlib
import copy
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _mask_files import coco_of, held, write_broden
from neurofn._errors import DataError, SettingError
from neurofn.explaining.concepts import Concepts

Array = np.ndarray[Any, Any]
NAMES = ("dog", "hot dog", "sky")


def masks(*, samples: int = 5, grid: tuple[int, int] = (6, 9)) -> Array:
    """bool (concepts, samples, *grid); the last sample has none."""
    found = np.random.default_rng(4).random((len(NAMES), samples, *grid)) < 0.4
    found[:, -1] = False
    return found


def coco(given: Array) -> dict[str, Any]:
    """Annotations of these masks."""
    return coco_of(dict(zip(NAMES, given, strict=True)))


def written(data: object, folder: Path) -> Path:
    path = folder / "annotations.json"
    path.write_text(json.dumps(data))
    return path


# --- COCO -------------------------------------------------------------------------------------------------------------


def test_coco_gives_the_masks_back(tmp_path: Path) -> None:
    known = masks()
    concepts = Concepts.from_coco(written(coco(known), tmp_path))
    assert concepts.names == NAMES
    assert (held(concepts, 5) == known).all()
    assert (held(concepts, 5) == known).all()


def test_images_may_be_chosen_and_ordered_and_read_on_a_coarser_grid(tmp_path: Path) -> None:
    known = masks()
    concepts = Concepts.from_coco(written(coco(known), tmp_path), size=(2, 3), images=["3.jpg", "0.jpg"])
    assert (held(concepts, 2) == known[:, [3, 0], 1::3, 1::3]).all()
    with pytest.raises(DataError, match=r"no image '3\.jpeg'; did you mean '3\.jpg'"):
        Concepts.from_coco(tmp_path / "annotations.json", images=["3.jpeg"])
    with pytest.raises(SettingError, match="size=\\(0, 3\\)"):
        Concepts.from_coco(tmp_path / "annotations.json", size=(0, 3))


def test_polygons_equal_names_and_unequal_images(tmp_path: Path) -> None:
    data = coco(masks(samples=2))
    data["images"][1] |= {"height": 4, "width": 2}
    data["categories"][2]["name"] = "dog"
    data["annotations"] = [
        {"image_id": 11, "category_id": 3, "segmentation": [[0, 0, 2, 0, 2, 1, 0, 1]]},
        {"image_id": 11, "category_id": 5, "segmentation": [[0, 2, 2, 2, 2, 4, 0, 4]]},
    ]
    concepts = Concepts.from_coco(written(data, tmp_path))
    assert concepts.names == ("dog", "hot dog")
    found = held(concepts, 2)
    assert found.shape == (2, 2, 112, 112)
    assert (found[0, 1].mean(axis=1) == np.repeat([1, 0, 1, 1], 28)).all()
    assert not found[:, 0].any()


def changed(at: list[Any], value: Any) -> dict[str, Any]:
    """The annotations with one value replaced."""
    data: Any = copy.deepcopy(coco(masks()))
    inner = data
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return data


REGION = ["annotations", 2, "segmentation"]


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        (["images"], {}, "expected an object with lists"),
        (["images"], [], "annotations\\[0\\]: there is no image 10"),
        (["images", 1], 3, "images\\[1\\] is '3'"),
        (["images", 1, "id"], 10, "images\\[1\\]: id 10 or file_name '1.jpg' was given before"),
        (["images", 1, "height"], 10**9, "images\\[1\\]: an image of 1000000000 x 9"),
        (["images", 1, "width"], 2.5, "images\\[1\\]: width is '2.5', expected a whole number"),
        (["categories", 0, "name"], "a AND b", "annotations.json: a concept cannot be called 'a AND b'"),
        (["categories", 0, "name"], None, "categories\\[0\\]: name is 'None', expected a text"),
        (["categories", 1, "id"], 3, "categories\\[1\\]: id 3 was given before"),
        (["categories"], [], "no category"),
        (["annotations", 2, "image_id"], 99, "annotations\\[2\\]: there is no image 99"),
        (["annotations", 2, "image_id"], True, "annotations\\[2\\]: image_id is 'True'"),
        (REGION, None, "annotations\\[2\\]: its segmentation must be"),
        ([*REGION, "size"], [9, 6], "annotations\\[2\\]: its segmentation must be"),
        ([*REGION, "size"], [10**9, 10**9], "annotations\\[2\\]: its segmentation must be"),
        ([*REGION, "counts"], [1, 2], "annotations\\[2\\]: its counts add up to 3 pixels, expected 54"),
        ([*REGION, "counts"], [-1, 54, 1], "annotations\\[2\\]: its counts hold -1"),
        ([*REGION, "counts"], [10**30], "annotations\\[2\\]: its counts must be"),
        ([*REGION, "counts"], [54.0], "annotations\\[2\\]: its counts must be"),
        ([*REGION, "counts"], "\ud800é ", "annotations\\[2\\]: character 0 of its packed counts"),
        ([*REGION, "counts"], "PPPPPPPPP0", "annotations\\[2\\]: its packed counts are cut off"),
        ([*REGION, "counts"], "P", "annotations\\[2\\]: its packed counts are cut off"),
        ([*REGION, "counts"], "ooooo?", "annotations\\[2\\]: its counts hold 536870911"),
        (REGION, [[0, 0, 1, 1]], "annotations\\[2\\]: polygon 0 must be"),
        (REGION, [[0, 0, 1, 1, 2, float("nan")]], "annotations\\[2\\]: polygon 0 must be"),
        (REGION, [[0, 0, 1, 1, 2, 10**400]], "annotations\\[2\\]: polygon 0 must be"),
        (REGION, ["text"], "annotations\\[2\\]: polygon 0 must be"),
    ],
)
def test_what_is_wrong_in_annotations_is_told_with_its_place(
    at: list[Any], value: Any, says: str, tmp_path: Path
) -> None:
    path = written(changed(at, value), tmp_path)
    with pytest.raises(DataError, match=says) as told:
        Concepts.from_coco(path)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("text", ["", "[", "[1]", "[" * 100_000, '{"images": ' + "9" * 10_000 + "}", "\ud800"])
def test_what_is_no_json_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=r"a\.json"):
        Concepts.from_coco(path)
    with pytest.raises(DataError, match=r"none\.json cannot be read"):
        Concepts.from_coco(tmp_path / "none.json")


def test_a_forged_size_costs_no_memory(tmp_path: Path) -> None:
    data = changed(["images", 0, "height"], 2**16)
    data["images"][0]["width"] = 2**16
    data["annotations"] = [
        {"image_id": 10, "category_id": 3, "segmentation": {"size": [2**16, 2**16], "counts": [2**31, 2**31]}}
    ]
    path = written(data, tmp_path)
    tracemalloc.start()
    try:
        found = held(Concepts.from_coco(path, size=(8, 8)), 5)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
    assert found[0, 0, :, 4:].all()
    assert not found[0, 0, :, :4].any()
    data["images"] = data["images"][:1]
    with pytest.raises(DataError, match="65536 x 65536 pixels; give a coarser grid"):
        Concepts.from_coco(written(data, tmp_path))


@settings(max_examples=300, deadline=None)
@given(counts=st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=20) | st.lists(st.integers()))
def test_no_counts_whatever_give_anything_but_a_mask_or_a_data_error(
    counts: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(changed([*REGION, "counts"], counts), tmp_path_factory.mktemp("any"))
    with contextlib.suppress(DataError):
        held(Concepts.from_coco(path), 5)


# --- Broden -----------------------------------------------------------------------------------------------------------


def broden(folder: Path, known: Array) -> Path:
    """One plane for each concept of the masks, the street on every second image."""
    return write_broden(folder, dict(zip(NAMES, known, strict=True)), scene="street")


def test_broden_gives_the_masks_back(tmp_path: Path) -> None:
    known = masks()
    concepts = Concepts.from_broden(broden(tmp_path, known))
    assert concepts.names == (*NAMES, "street")
    found = held(concepts, 5)
    assert (found[:3] == known).all()
    assert (found[3] == (np.arange(5) % 2 == 1)[:, None, None]).all()
    chosen = held(Concepts.from_broden(tmp_path, size=(2, 3), images=["x/3.jpg"]), 1)
    assert (chosen[:3, 0] == known[:, 3, 1::3, 1::3]).all()


def test_planes_are_read_one_image_at_a_time(tmp_path: Path) -> None:
    broden(tmp_path, masks())
    (tmp_path / "images" / "x" / "4_0.png").write_bytes(b"")
    concepts = Concepts.from_broden(tmp_path)
    batches = iter(concepts._read(np.ones(5, bool)))
    assert [next(batches).ids.shape for _ in range(4)] == [(1, 6, 9)] * 4
    with pytest.raises(DataError, match=r"4_0\.png, named in .*index\.csv, line 6: it is no PNG file"):
        next(batches)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("label.csv", "number,name", "id,name", r"label\.csv has no column number"),
        ("label.csv", "2,hot dog", "300,hot dog", r"label\.csv, line 4: number 300 was given before"),
        ("label.csv", "2,hot dog", "-2,hot dog", r"label\.csv, line 4: number is '-2'"),
        ("label.csv", "7,sky,object(1)", "7", r"label\.csv, line 5: it has not as many values"),
        ("label.csv", "sky", "sky OR sea", "a concept cannot be called 'sky OR sea'"),
        ("label.csv", "7,sky", "8,sky", r"0_2\.png: label 7 is not in label\.csv"),
        ("label.csv", "5,street", "6,street", r"index\.csv, line 3: label 5 is not in label\.csv"),
        ("index.csv", "6,9,x/0_0", "0,9,x/0_0", r"index\.csv, line 2: planes of 0 x 9"),
        ("index.csv", "6,9,x/0_0", "6,9,x/../../../0_0", r"index\.csv, line 2: .* is outside the folder"),
        ("index.csv", "6,9,x/0_0", "6,9,/etc/0_0", r"index\.csv, line 2: .* is outside the folder"),
        ("index.csv", "6,9,x/0_0", "6,9,nowhere", r"index\.csv, line 2: .* cannot be read|nowhere\.png, named in"),
        ("index.csv", "60,90,6,9,x/1_0", "60,90,4096,4096,x/1_0", r"expected 4096 x 4096"),
        ("index.csv", "x/1.jpg", "x/0.jpg", r"index\.csv, line 3: image 'x/0\.jpg' was given before"),
        ("index.csv", ",5", ",street", r"index\.csv, line 3: a label is 'street'"),
        ("index.csv", "image,", "image,image,", r"it has not as many values"),
        ("index.csv", "x/0.jpg", "\udcff", r"index\.csv cannot be read"),
    ],
)
def test_what_is_wrong_in_a_folder_is_told_with_its_place(
    file: str, old: str, new: str, says: str, tmp_path: Path
) -> None:
    path = broden(tmp_path, masks()) / file
    path.write_text(path.read_text().replace(old, new, 1), errors="surrogateescape")
    with pytest.raises(DataError, match=says) as told:
        held(Concepts.from_broden(tmp_path), 5)
    assert str(tmp_path) in str(told.value)


def test_a_folder_without_images_or_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"label\.csv cannot be read"):
        Concepts.from_broden(tmp_path)
    broden(tmp_path, masks())
    (tmp_path / "index.csv").write_text("image,sh,sw\n")
    with pytest.raises(DataError, match=r"index\.csv has no images"):
        Concepts.from_broden(tmp_path)
