"""Drawing of scenes with numpy: shapes as stamps, textured grounds, each object in a cell of its own so that none is hidden."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import DefinitionError, UnknownNameError, did_you_mean

Array = np.ndarray[Any, Any]

SIDE = 36  # pixels
GRID = 3  # cells along a side; an object has a cell of its own
CELL = SIDE // GRID
SHAPES = ("circle", "square", "triangle", "cross", "ring", "diamond")
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan")
SIZES = ("small", "large")
GROUNDS = ("plain", "striped", "checked", "dotted")
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "centre", "right")

_RGB = {
    "red": (0.9, 0.15, 0.15), "green": (0.15, 0.75, 0.2), "blue": (0.2, 0.3, 0.95),
    "yellow": (0.95, 0.85, 0.15), "purple": (0.7, 0.2, 0.8), "cyan": (0.15, 0.8, 0.85),
}  # fmt: skip
_RADII = {"small": 3.4, "large": 5.2}
_JITTER = 0.08  # of the colour of an object, standard deviation
_GRAIN = 0.04  # noise of every pixel


@dataclass(frozen=True, order=True)
class Thing:
    """One object of a scene: what it is, and in which cell of the 3 by 3 grid (0 to 8, row by row) it lies.

    >>> Thing("red", "circle").labels
    ('circle', 'red', 'large')
    """

    colour: str
    shape: str
    size: str = "large"
    cell: int = 4

    def __post_init__(self) -> None:
        for what, known in (("colour", COLOURS), ("shape", SHAPES), ("size", SIZES)):
            given = getattr(self, what)
            if given not in known:
                raise UnknownNameError(f"no {what} of a thing is called {given!r}; {did_you_mean(given, known)}")
        if not 0 <= self.cell < GRID**2:
            raise DefinitionError(f"cell={self.cell} of a thing: give 0 to {GRID**2 - 1}, row by row")

    @property
    def labels(self) -> tuple[str, str, str]:
        """The concepts of every pixel of this object: shape, colour, size."""
        return (self.shape, self.colour, self.size)


@functools.cache
def stamp(shape: str, size: str) -> Array:
    """The pixels of a shape in its cell, bool (12, 12)."""
    radius = _RADII[size]
    y, x = np.mgrid[:CELL, :CELL] - (CELL - 1) / 2
    far = np.hypot(x, y)
    drawn: Array = {
        "circle": far <= radius,
        "square": np.maximum(abs(x), abs(y)) <= 0.86 * radius,
        "triangle": (y <= 0.85 * radius) & (abs(x) <= (y + radius) * 0.58),
        "cross": (np.minimum(abs(x), abs(y)) <= 0.3 * radius) & (np.maximum(abs(x), abs(y)) <= radius),
        "ring": (far <= radius) & (far >= 0.56 * radius),
        "diamond": abs(x) + abs(y) <= 1.15 * radius,
    }[shape]
    drawn.flags.writeable = False
    return drawn


def place(cell: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels of a cell."""
    row, column = divmod(cell, GRID)
    return slice(row * CELL, (row + 1) * CELL), slice(column * CELL, (column + 1) * CELL)


def ground(kind: str, generator: np.random.Generator) -> Array:
    """A grey ground of this texture, (36, 36) from 0 to 1, its greys and phase drawn at random."""
    y, x = np.mgrid[:SIDE, :SIDE]
    dark, light = generator.uniform(0.2, 0.35), generator.uniform(0.5, 0.65)
    shift = int(generator.integers(6))
    bright = {
        "plain": np.zeros((SIDE, SIDE), dtype=bool),
        "striped": (x + shift) % 6 < 3,
        "checked": ((x + shift) // 4 + (y + shift) // 4) % 2 == 0,
        "dotted": ((x + shift) % 4 < 2) & ((y + shift) % 4 < 2),
    }[kind]
    return np.where(bright, light, dark)


def paint(image: Array, thing: Thing, generator: np.random.Generator) -> None:
    """Draw a thing into an image (3, 36, 36), in place."""
    rows, columns = place(thing.cell)
    colour = np.asarray(_RGB[thing.colour]) + _JITTER * generator.standard_normal(3)
    pixels = stamp(thing.shape, thing.size)
    image[:, rows, columns][:, pixels] = np.clip(colour, 0, 1)[:, None]


def grain(image: Array, generator: np.random.Generator) -> Array:
    """The image with noise in every pixel, from 0 to 1, float32."""
    noisy = image + _GRAIN * generator.standard_normal(image.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)
