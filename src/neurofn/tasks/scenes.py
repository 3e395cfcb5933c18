"""Drawn scenes: coloured shapes on textured grounds, where every pixel has labels and the cause of every class is known.

A class is caused by three objects, each a colour with a shape. No colour and no shape alone tells a class, so that a
network has to bind them, and whoever explains its units can be told right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from .._errors import DataError, SettingError
from . import catalogue
from ._base import Array, Split, Splits, Task, one_unit, standardised
from ._drawing import (
    COLOURS,
    COLUMNS,
    GRID,
    GROUNDS,
    ROWS,
    SHAPES,
    SIDE,
    SIZES,
    Thing,
    grain,
    ground,
    paint,
    place,
    stamp,
)

__all__ = ["CAUSES", "CONCEPTS", "Scenes", "Thing", "draw_scenes", "paste"]

CLASSES = 8
CAUSES: tuple[tuple[tuple[str, str], ...], ...] = tuple(
    tuple((COLOURS[k % 2 + 2 * j], SHAPES[(k % 2 + 2 * j + k // 2) % 6]) for j in range(3)) for k in range(CLASSES)
)
"""For each class the three (colour, shape) that cause it; no pair causes two, every colour and shape is in four."""
CONCEPTS = (*SHAPES, *COLOURS, *SIZES, *GROUNDS, *ROWS, *COLUMNS)
"""The names of all labels that a pixel can have."""

_WHOLE = 0.6  # the chance that no cause of the class is absent from the scene
_COUNTS = (3000, 600, 1200)
_SEEDS = (20261122, 20261123, 20261124)


@dataclass(frozen=True, eq=False)
class Scenes:
    """Drawn scenes. ``images`` is (n, 3, 36, 36) float32 from 0 to 1, ``labels`` (n,) int64 from 0 to 7, ``things`` what
    lies in each scene, ``grounds`` the texture below it.

    >>> scenes = draw_scenes(4, seed=0)
    >>> scenes.images.shape, len(scenes.things), scenes.masks(0).shape
    ((4, 3, 36, 36), 4, (24, 36, 36))
    """

    images: Array
    labels: Array
    things: tuple[tuple[Thing, ...], ...]
    grounds: tuple[str, ...]
    concepts: tuple[str, ...] = field(default=CONCEPTS)

    def __len__(self) -> int:
        return len(self.labels)

    def masks(self, index: int) -> Array:
        """Which pixels of one scene have which label: bool (concepts, 36, 36), in the order of ``concepts``."""
        made = np.zeros((len(CONCEPTS), SIDE, SIDE), dtype=bool)
        at = {name: row for row, name in enumerate(CONCEPTS)}
        for thing in self.things[index]:
            rows, columns = place(thing.cell)
            for label in thing.labels:
                made[at[label], rows, columns] |= stamp(thing.shape, thing.size)
        made[at[self.grounds[index]]] = True
        for cell, (row, column) in enumerate((row, column) for row in ROWS for column in COLUMNS):
            made[at[row]][place(cell)] = True
            made[at[column]][place(cell)] = True
        return made

    def planes(self) -> Mapping[str, tuple[Array, tuple[str, ...]]]:
        """The labels as planes, one for each kind: kind -> (numbers (n, 36, 36) uint8, names). Number k is names[k - 1],
        0 is no label.

        >>> numbers, names = draw_scenes(2, seed=0).planes()["colour"]
        >>> numbers.shape, names[0]
        ((2, 36, 36), 'red')
        """
        found = {}
        everything = np.stack([self.masks(index) for index in range(len(self))])
        for kind, names in KINDS.items():
            first = CONCEPTS.index(names[0])
            numbers = np.arange(1, len(names) + 1, dtype=np.uint8)[:, None, None]
            found[kind] = ((everything[:, first : first + len(names)] * numbers).max(axis=1), names)
        return found


KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "shape": SHAPES, "colour": COLOURS, "size": SIZES, "ground": GROUNDS, "row": ROWS, "column": COLUMNS,
})  # fmt: skip


def draw_scenes(count: int, *, seed: int = 0) -> Scenes:
    """Draw ``count`` scenes with a generator of their own; the same seed gives the same scenes.

    Classes come in equal numbers, in random order. All three causes of the class are there in 60 % of its scenes, two of them
    in the others; one to four other objects stand beside them, at most one cause of each other class among them. So every
    scene tells its class, and only one. Raises SettingError for count < 1.

    >>> scenes = draw_scenes(16, seed=1)
    >>> sorted(set(scenes.labels.tolist())) == list(range(8))
    True
    """
    if count < 1:
        raise SettingError(f"count={count}: give at least 1 scene, for example draw_scenes(1000)")
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(count) % CLASSES).astype(np.int64)
    images = np.empty((count, 3, SIDE, SIDE), np.float32)
    things, grounds = [], []
    for index, label in enumerate(labels):
        objects = _objects(int(label), generator)
        kind = GROUNDS[generator.integers(len(GROUNDS))]
        image = np.repeat(ground(kind, generator)[None], 3, axis=0)
        for thing in objects:
            paint(image, thing, generator)
        images[index] = grain(image, generator)
        things.append(objects)
        grounds.append(kind)
    return Scenes(images, labels, tuple(things), tuple(grounds))


def _objects(label: int, generator: np.random.Generator) -> tuple[Thing, ...]:
    """The things of one scene: causes of its class, and others that do not complete another class."""
    causes = CAUSES[label]
    absent = int(generator.integers(3)) if generator.random() > _WHOLE else None
    present = [pair for place, pair in enumerate(causes) if place != absent]
    others = [(colour, shape) for colour in COLOURS for shape in SHAPES if (colour, shape) not in causes]
    extra = [others[i] for i in generator.choice(len(others), size=int(generator.integers(2, 5)), replace=False)]
    # Of every other class at most one cause: a scene is never of two classes at once.
    kept: list[tuple[str, str]] = []
    for pair in extra:
        if not any(pair in other and set(other) & set(kept) for k, other in enumerate(CAUSES) if k != label):
            kept.append(pair)
    cells = generator.permutation(GRID**2)
    sizes = generator.integers(len(SIZES), size=GRID**2)
    return tuple(
        Thing(colour, shape, SIZES[sizes[i]], int(cells[i])) for i, (colour, shape) in enumerate([*present, *kept])
    )


def paste(scenes: Scenes, things: Sequence[Thing], *, seed: int = 0) -> Array:
    """Copies of the images, (n, 3, 36, 36), with one more thing in each: ``things[i]`` into scene i.

    It goes to a free cell drawn at random (its own cell is not looked at), with the noise that every image has: nothing
    but the thing tells the copy from the original. Raises DataError for unequal numbers, or where no cell is free.

    >>> scenes = draw_scenes(2, seed=0)
    >>> changed = paste(scenes, [Thing("red", "circle")] * 2)
    >>> [int((a != b).any(axis=0).sum()) for a, b in zip(changed, scenes.images)]
    [88, 88]
    """
    if len(things) != len(scenes):
        raise DataError(f"{len(things)} things for {len(scenes)} scenes: give one thing for each scene")
    generator = np.random.default_rng(seed)
    images = scenes.images.copy()
    for index, thing in enumerate(things):
        taken = {other.cell for other in scenes.things[index]}
        free = [cell for cell in range(GRID**2) if cell not in taken]
        if not free:
            raise DataError(f"scene {index} has no free cell to paste into; leave it out")
        put = Thing(thing.colour, thing.shape, thing.size, int(free[generator.integers(len(free))]))
        drawn = images[index].copy()
        paint(drawn, put, generator)
        changed = (drawn != images[index]).any(axis=0)
        images[index][:, changed] = grain(drawn, generator)[:, changed]
    return images


def _read() -> Splits:
    splits, first = [], 0
    for count, seed in zip(_COUNTS, _SEEDS, strict=True):
        scenes = draw_scenes(count, seed=seed)
        rows = np.arange(first, first + count)
        splits.append(Split(scenes.images.reshape(count, -1), scenes.labels, rows=rows))
        first += count
    return standardised(Splits(*splits), scale=one_unit)


catalogue.add(
    "scenes",
    Task(
        name="scenes",
        kind="classification",
        inputs=3 * SIDE * SIDE,
        outputs=CLASSES,
        source="arXiv:2006.14032",
        licence="none needed: drawn by a program",
        description="4,800 drawn scenes of 3 by 36 by 36 values: six shapes in six colours on four grounds, 8 classes each "
        "caused by three coloured shapes; 3,000 to train, 600 to validate, 1,200 to test; drawn in place of the source's "
        "photographs; values centred, one scale",
        read=_read,
        locate=lambda: "drawn by a program",
    ),
)
