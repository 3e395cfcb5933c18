"""Drawn scenes: labels say what the pixels show, causes are what they are said to be, pasting changes one thing."""

from __future__ import annotations

import numpy as np
import pytest

from neurofn._errors import DataError, DefinitionError, SettingError, UnknownNameError
from neurofn.tasks import catalogue
from neurofn.tasks._drawing import COLOURS, GRID, GROUNDS, SHAPES, SIDE
from neurofn.tasks.scenes import CAUSES, CONCEPTS, Scenes, Thing, draw_scenes, paste


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(80, seed=3)


def pairs(things: tuple[Thing, ...]) -> set[tuple[str, str]]:
    return {(thing.colour, thing.shape) for thing in things}


def test_no_pair_causes_two_classes_and_no_label_alone_tells_a_class() -> None:
    every = [pair for causes in CAUSES for pair in causes]
    assert len(set(every)) == len(every) == 24
    assert {colour: sum(c == colour for c, _ in every) for colour in COLOURS} == dict.fromkeys(COLOURS, 4)
    assert {shape: sum(s == shape for _, s in every) for shape in SHAPES} == dict.fromkeys(SHAPES, 4)


def test_the_causes_tell_the_class_and_only_one(scenes: Scenes) -> None:
    for label, things in zip(scenes.labels, scenes.things, strict=True):
        counts = [len(pairs(things) & set(causes)) for causes in CAUSES]
        assert counts[label] >= 2
        assert max(count for k, count in enumerate(counts) if k != label) <= 1


def test_no_thing_hides_another(scenes: Scenes) -> None:
    for things in scenes.things:
        assert len({thing.cell for thing in things}) == len(things)


def test_every_pixel_of_a_thing_has_its_three_labels_and_its_colour(scenes: Scenes) -> None:
    at = {name: row for row, name in enumerate(CONCEPTS)}
    means = []
    for index in range(20):
        masks = scenes.masks(index)
        shapes, colours = masks[[at[s] for s in SHAPES]], masks[[at[c] for c in COLOURS]]
        np.testing.assert_array_equal(shapes.sum(axis=0), colours.sum(axis=0))
        assert shapes.sum(axis=0).max() <= 1
        assert masks[[at[g] for g in GROUNDS]].all(axis=(1, 2)).sum() == 1
        red = masks[at["red"]]
        means.append(scenes.images[index][:, red].mean(axis=1) if red.any() else None)
    seen = np.mean([mean for mean in means if mean is not None], axis=0)
    assert seen[0] > 0.7
    assert max(seen[1:]) < 0.35


def test_every_pixel_has_one_row_and_one_column(scenes: Scenes) -> None:
    masks = scenes.masks(0)
    places = masks[[CONCEPTS.index(name) for name in ("top", "middle", "bottom")]]
    np.testing.assert_array_equal(places.sum(axis=0), np.ones((SIDE, SIDE)))
    assert places[0, : SIDE // GRID].all()


def test_planes_say_the_same_as_masks(scenes: Scenes) -> None:
    few = draw_scenes(3, seed=4)
    for numbers, names in few.planes().values():
        assert numbers.dtype == np.uint8
        for k, name in enumerate(names, start=1):
            expected = np.stack([few.masks(index)[CONCEPTS.index(name)] for index in range(3)])
            np.testing.assert_array_equal(numbers == k, expected)


def test_the_seed_decides() -> None:
    one, same, other = draw_scenes(4, seed=1), draw_scenes(4, seed=1), draw_scenes(4, seed=2)
    np.testing.assert_array_equal(one.images, same.images)
    assert one.things == same.things
    assert not np.array_equal(one.images, other.images)


def test_values_are_from_0_to_1_and_classes_in_equal_numbers(scenes: Scenes) -> None:
    assert scenes.images.dtype == np.float32
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1
    assert np.bincount(scenes.labels).tolist() == [10] * 8


def test_pasting_changes_one_free_cell(scenes: Scenes) -> None:
    things = [Thing("cyan", "ring", "small")] * len(scenes)
    changed = paste(scenes, things, seed=5)
    for index in range(len(scenes)):
        rows, columns = np.nonzero((changed[index] != scenes.images[index]).any(axis=0))
        cells = set((rows // (SIDE // GRID) * GRID + columns // (SIDE // GRID)).tolist())
        assert len(cells) == 1
        assert cells.isdisjoint({thing.cell for thing in scenes.things[index]})


def test_the_task_has_no_scene_twice() -> None:
    data = catalogue["scenes"].load()
    rows = np.concatenate([split.x[:, :300] for split in (data.train, data.validation, data.test)])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_wrong_settings_are_told() -> None:
    with pytest.raises(SettingError, match="count=0"):
        draw_scenes(0)
    with pytest.raises(UnknownNameError, match="did you mean 'red'"):
        Thing("rad", "circle")
    with pytest.raises(DefinitionError, match="cell=9"):
        Thing("red", "circle", cell=9)
    with pytest.raises(DataError, match="1 things for 2 scenes"):
        paste(draw_scenes(2), [Thing("red", "circle")])


def test_a_full_scene_cannot_be_pasted_into(scenes: Scenes) -> None:
    full = Scenes(
        scenes.images[:1], scenes.labels[:1], (tuple(Thing("red", "ring", cell=k) for k in range(9)),), ("plain",)
    )
    with pytest.raises(DataError, match="no free cell"):
        paste(full, [Thing("red", "circle")])
