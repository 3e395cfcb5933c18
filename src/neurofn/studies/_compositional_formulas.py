"""What the study compositional makes of formulas: how many different ones there are, and which object they ask for."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..explaining.planted import truth
from ..tasks._drawing import COLOURS, COLUMNS, GROUNDS, ROWS, SHAPES, SIZES
from ..tasks.scenes import CAUSES, CONCEPTS

__all__ = [
    "BY_CHANCE",
    "asked_objects",
    "concepts_in",
    "meaning",
    "named_causes",
    "objects_at_random",
    "shares",
]

Array = np.ndarray[Any, Any]
BY_CHANCE = len(CAUSES[0]) / (len(COLOURS) * len(SHAPES))
"""How often an object drawn at random is a cause of a class."""


@lru_cache(maxsize=1)
def _world() -> dict[str, Array]:
    """Concept -> where it holds in every pixel that a scene can have: bool (shapes + 1, colours, sizes, grounds, rows,
    columns). The last shape is none: ground without an object, which has no colour and no size."""
    size = (len(SHAPES) + 1, len(COLOURS), len(SIZES), len(GROUNDS), len(ROWS), len(COLUMNS))
    places = np.indices(size)
    found = {}
    for axis, names in enumerate((SHAPES, COLOURS, SIZES, GROUNDS, ROWS, COLUMNS)):
        for k, name in enumerate(names):
            found[name] = (places[axis] == k) & ((places[0] < len(SHAPES)) | (axis > 2))
    assert set(found) == set(CONCEPTS)
    return found


@lru_cache(maxsize=4096)
def _held(formula: str) -> Array:
    """Where a formula is true in the world of _world; nowhere for no formula."""
    return truth(formula, _world()) if formula else np.zeros_like(_world()[SHAPES[0]])


def meaning(formula: str) -> bytes:
    """Equal for formulas that are true at the same pixels of every possible scene.

    >>> meaning("red AND ring") == meaning("ring AND red"), meaning("red") == meaning("red AND NOT small")
    (True, False)
    """
    return np.packbits(_held(formula)).tobytes()


def shares(explanations: Sequence[Hashable]) -> tuple[float, float]:
    """Mean number of units for each different explanation, and the share of these that one unit has alone.

    >>> shares(["a", "a", "b"])
    (1.5, 0.5)
    """
    counts = Counter(explanations)
    if not counts:
        return float("nan"), float("nan")
    return len(explanations) / len(counts), sum(n == 1 for n in counts.values()) / len(counts)


def asked_objects(
    formulas: Sequence[str], scores: Sequence[float], weights: Array, *, units: int = 5
) -> list[tuple[str, str]]:
    """For each class the (colour, shape) that the explanations of its most important units ask for.

    weights: (classes, units), what a unit says for a class; the ``units`` largest count. A unit votes for an object with the
    product of its weight, the score of its formula, and the share of sizes, grounds and places at which the object
    makes the formula true.
    """
    fits = np.stack(
        [_held(formula)[: len(SHAPES)].mean(axis=(2, 3, 4, 5)) for formula in formulas]
    )  # units, shapes, colours
    fits *= np.nan_to_num(np.asarray(scores, dtype=float))[:, None, None]
    found = []
    for row in weights:
        chosen = [unit for unit in np.argsort(-row)[:units] if row[unit] > 0]
        votes = np.tensordot(row[chosen], fits[chosen], axes=1) if chosen else fits.sum(axis=0)
        shape, colour = np.unravel_index(int(votes.argmax()), votes.shape)
        found.append((COLOURS[colour], SHAPES[shape]))
    return found


def named_causes(objects: Sequence[tuple[str, str]]) -> float:
    """The share of classes whose object is one of its three causes."""
    return float(np.mean([pair in causes for pair, causes in zip(objects, CAUSES, strict=True)]))


def objects_at_random(count: int, *, seed: int) -> Array:
    """A random (colour, shape) for each class and scene: texts (classes, count, 2)."""
    generator = np.random.default_rng(seed)
    colours = np.array(COLOURS)[generator.integers(len(COLOURS), size=(len(CAUSES), count))]
    shapes = np.array(SHAPES)[generator.integers(len(SHAPES), size=(len(CAUSES), count))]
    return np.stack([colours, shapes], axis=-1)


def concepts_in(formula: str) -> frozenset[str]:
    """The concepts that a formula asks for; those behind a NOT are not asked for.

    >>> sorted(concepts_in("(red OR ring) AND NOT top"))
    ['red', 'ring']
    """
    words = formula.replace("(", " ").replace(")", " ").split()
    denied = {word for before, word in itertools.pairwise(words) if before == "NOT"}
    return frozenset(word for word in words if word in CONCEPTS and word not in denied)
