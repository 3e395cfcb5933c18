"""Problems for `explain.py`, drawn from a seed: scenes of many images batch by batch, and masks of few."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurofn.explaining._signatures import Hits, Signatures

Array = np.ndarray[Any, Any]

SCENES, OBJECTS, PARTS, COLOURS = 365, 579, 150, 11  # 1,105 concepts
SIDE, FIELD = 112, 7
BATCH = 32
_SAMPLE = 1024  # images from which thresholds are taken


@dataclass(frozen=True)
class Size:
    """How much of the problem is drawn."""

    images: int
    units: int


LARGE = Size(images=22_210, units=512)


@dataclass(frozen=True, eq=False)
class World:
    """What is fixed for all images: which objects a scene has, which parts an object has, what drives a unit."""

    objects: Array  # (SCENES, 30), from 1
    parts: Array  # (OBJECTS + 1, 3), from 1
    colours: Array  # (OBJECTS + 1,) the usual one
    drive: Array  # (concepts, units) float32, dense; few entries are not 0
    up: Array  # (SIDE, FIELD) bilinear weights with half-pixel centres


def world(units: int) -> World:
    generator = np.random.default_rng(0)
    objects = 1 + (generator.zipf(1.3, (SCENES, 30)) * 7 + generator.integers(0, OBJECTS, (SCENES, 30))) % OBJECTS
    parts = generator.integers(1, PARTS + 1, (OBJECTS + 1, 3))
    colours = generator.integers(0, COLOURS, OBJECTS + 1)
    seen = np.concatenate([np.arange(SCENES), SCENES + objects.ravel() - 1, SCENES + OBJECTS + np.arange(PARTS)])
    drive = np.zeros((SCENES + OBJECTS + PARTS + COLOURS, units), np.float32)
    for unit in range(units):
        chosen = generator.choice(seen, size=int(generator.integers(2, 5)), replace=False)
        drive[chosen, unit] = generator.uniform(0.6, 1.4, len(chosen)) * np.where(
            generator.random(len(chosen)) < 0.8, 1, -1
        )
    centres = np.clip((np.arange(SIDE) + 0.5) * FIELD / SIDE - 0.5, 0, FIELD - 1)
    up = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(FIELD))).astype(np.float32)
    return World(objects, parts, colours, drive, up)


def draw(world: World, batch: int, images: int) -> tuple[Array, Array]:
    """Scenes (images,) from 0; planes (3, images, SIDE, SIDE) of objects and parts, from 1 (0 is none), and colours, from 0."""
    generator = np.random.default_rng([1, batch])
    scenes = generator.integers(0, SCENES, images)
    planes = np.zeros((3, images, SIDE, SIDE), np.int16)
    planes[2] = generator.integers(0, COLOURS, (images, 4, 4)).repeat(SIDE // 4, 1).repeat(SIDE // 4, 2)
    for image, scene in enumerate(scenes):
        things = generator.choice(world.objects[scene], size=int(generator.integers(6, 16)))
        for thing in np.where(
            generator.random(len(things)) < 0.1, generator.integers(1, OBJECTS + 1, len(things)), things
        ):
            height, width = generator.integers(12, 72, 2)
            top, left = generator.integers(0, SIDE - height), generator.integers(0, SIDE - width)
            box = image, slice(top, top + height), slice(left, left + width)
            planes[0][box], planes[1][box] = thing, 0
            planes[2][box] = world.colours[thing] if generator.random() < 0.7 else generator.integers(COLOURS)
            for part in world.parts[thing][generator.random(3) < 0.5]:
                y, x = top + generator.integers(0, height - 4), left + generator.integers(0, width - 4)
                planes[1][image, y : min(y + height // 3, top + height), x : min(x + width // 3, left + width)] = part
    spots = generator.integers(0, COLOURS, (images, SIDE // 8, SIDE // 8)).repeat(8, 1).repeat(8, 2)
    planes[2] = np.where(
        generator.random((images, SIDE // 8, SIDE // 8)).repeat(8, 1).repeat(8, 2) < 0.25, spots, planes[2]
    )
    return scenes, planes


def keys_of(scenes: Array, planes: Array) -> Array:
    """One number for each position's label set: (images, positions)."""
    things, parts, colours = (plane.reshape(len(scenes), -1).astype(np.int32) for plane in planes)
    found: Array = (
        (scenes[:, None].astype(np.int32) * (OBJECTS + 1) + things) * (PARTS + 1) + parts
    ) * COLOURS + colours
    return found


def fields(world: World, batch: int, scenes: Array, planes: Array) -> Array:
    """What the units answer: float32 (images, units, FIELD, FIELD), the share of each cell that drives them, and noise."""
    generator = np.random.default_rng([2, batch])
    images, cells = len(scenes), FIELD * FIELD
    block = SIDE // FIELD
    where = np.arange(SIDE) // block
    cell = np.arange(images)[:, None, None] * cells + where[:, None] * FIELD + where
    things = np.bincount((cell * (OBJECTS + 1) + planes[0]).ravel(), minlength=images * cells * (OBJECTS + 1))
    parts = np.bincount((cell * (PARTS + 1) + planes[1]).ravel(), minlength=images * cells * (PARTS + 1))
    share = 1 / block**2
    from_things = things.reshape(-1, OBJECTS + 1)[:, 1:].astype(np.float32) @ world.drive[SCENES : SCENES + OBJECTS]
    from_parts = parts.reshape(-1, PARTS + 1)[:, 1:].astype(np.float32) @ world.drive[SCENES + OBJECTS : -COLOURS]
    answer = (from_things + from_parts) * share + world.drive[scenes].repeat(cells, 0)
    answer += 0.4 * generator.standard_normal(answer.shape, dtype=np.float32)
    return answer.reshape(images, FIELD, FIELD, -1).transpose(0, 3, 1, 2)


def batches(size: Size) -> Iterator[tuple[int, int]]:
    """(number, images) of each batch."""
    for number, low in enumerate(range(0, size.images, BATCH)):
        yield number, min(BATCH, size.images - low)


def thresholds(world: World, size: Size) -> Array:
    """The highest 0.5 % of each unit, from the first images."""
    some = []
    for number, images in batches(Size(min(_SAMPLE, size.images), size.units)):
        some.append(fields(world, number, *draw(world, number, images)).transpose(1, 0, 2, 3).reshape(size.units, -1))
    return np.quantile(np.concatenate(some, axis=1), 0.995, axis=1).astype(np.float32)


def fires(world: World, answer: Array, limits: Array) -> Iterator[tuple[int, Array, Array]]:
    """For each unit the images in which it fires anywhere, and where: bool (images, positions)."""
    maybe = (answer.max(axis=(2, 3)) > limits).T
    for unit in np.flatnonzero(maybe.any(axis=1)):
        images = np.flatnonzero(maybe[unit])
        wide = world.up @ answer[images, unit] @ world.up.T
        yield int(unit), images, wide.reshape(len(images), -1) > limits[unit]


def large(size: Size) -> tuple[Signatures, Hits]:
    """The problem, with never more than a batch of images in memory."""
    made = world(size.units)
    limits = thresholds(made, size)
    sets, weights = [], []
    units, keys, counts = [], [], []
    for number, images in batches(size):
        scenes, planes = draw(made, number, images)
        own = keys_of(scenes, planes)
        found, local, count = np.unique(own, return_inverse=True, return_counts=True)
        local = local.reshape(own.shape)
        sets.append(found)
        weights.append(count)
        for unit, active, where in fires(made, fields(made, number, scenes, planes), limits):
            hits = np.bincount(local[active][where], minlength=len(found))
            there = np.flatnonzero(hits)
            units.append(np.full(len(there), unit, np.int16))
            keys.append(found[there])
            counts.append(hits[there].astype(np.int32))
    every, place = np.unique(np.concatenate(sets), return_inverse=True)
    total = np.zeros(len(every), np.int64)
    np.add.at(total, place, np.concatenate(weights))
    pairs = np.concatenate(units).astype(np.int64) * len(every) + np.searchsorted(every, np.concatenate(keys))
    return signatures_of(every, total), hits_of_pairs(pairs, np.concatenate(counts), len(every), size.units)


def signatures_of(keys: Array, weights: Array) -> Signatures:
    rest, colour = np.divmod(keys, COLOURS)
    rest, part = np.divmod(rest, PARTS + 1)
    scene, thing = np.divmod(rest, OBJECTS + 1)
    labels = np.stack(
        [scene, SCENES + thing - 1, SCENES + OBJECTS + part - 1, SCENES + OBJECTS + PARTS + colour], axis=1
    )
    there = np.stack([scene >= 0, thing > 0, part > 0, colour >= 0], axis=1)
    indptr = np.concatenate([[0], there.sum(axis=1).cumsum()]).astype(np.int64)
    names = tuple(f"c{k}" for k in range(SCENES + OBJECTS + PARTS + COLOURS))
    return Signatures(names, indptr, labels[there].astype(np.int32), weights)


def hits_of_pairs(pairs: Array, counts: Array, sets: int, units: int) -> Hits:
    order = np.argsort(pairs, kind="stable")
    pairs, counts = pairs[order], counts[order]
    first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]]))
    sums = np.add.reduceat(counts.astype(np.int64), first)
    pairs = pairs[first]
    indptr = np.searchsorted(pairs, np.arange(units + 1) * sets).astype(np.int64)
    totals = np.array([sums[low:high].sum() for low, high in itertools.pairwise(indptr)])
    return Hits(indptr, (pairs % sets).astype(np.int32), sums, totals)


def small(units: int, *, images: int = 1000, side: int = 56, concepts: int = 200) -> tuple[Array, Array]:
    """Masks (concepts, positions) of rectangles and ellipses, and units that fire on the highest 0.5 % of driven fields."""
    generator = np.random.default_rng(0)
    masks = np.zeros((concepts, images, side, side), bool)
    grid = np.arange(side)
    for mask in masks:
        for image in np.flatnonzero(generator.random(images) < generator.uniform(0.05, 0.5)):
            (y, x), (h, w) = generator.uniform(0, side, 2), generator.uniform(3, 12, 2)
            down, right = np.abs(grid - y) / h, np.abs(grid - x) / w
            round_ = generator.random() < 0.5
            mask[image] = down[:, None] ** 2 + right**2 < 1 if round_ else np.maximum(down[:, None], right) < 1
    cells = masks.reshape(concepts, images, FIELD, side // FIELD, FIELD, side // FIELD).mean(
        axis=(3, 5), dtype=np.float32
    )
    centres = np.clip((np.arange(side) + 0.5) * FIELD / side - 0.5, 0, FIELD - 1)
    up = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(FIELD))).astype(np.float32)
    firing = []
    for _ in range(units):
        chosen = generator.choice(concepts, size=int(generator.integers(2, 5)), replace=False)
        drive = np.tensordot(generator.uniform(0.6, 1.4, len(chosen)), cells[chosen], 1)
        wide = up @ (drive + 0.1 * generator.standard_normal(drive.shape)) @ up.T
        firing.append(wide > np.quantile(wide, 0.995))
    return masks.reshape(concepts, -1), np.array(firing).reshape(units, -1)
