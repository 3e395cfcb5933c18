"""Concepts: names for positions, from anything countable. A position (pixel, token, sentence, table row) has a set of them.

Whatever they come from, positions with equal sets are grouped while the data stream by; masks are read sample by sample.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import DataError, SettingError, ShapeError, did_you_mean
from . import _tables
from ._batches import mask_batches, plane_batches
from ._broden import read_broden
from ._coco import read_coco
from ._labels import Grouped, Labels, from_masks, from_sets, group
from ._names import checked_names, refuse_other_length
from ._planes import Imported
from ._tables import Predicate

__all__ = ["Concepts"]

Array = np.ndarray[Any, Any]
Read = Callable[[Array], Iterable[Labels]]


class Concepts:
    """A source of concepts for samples 0, 1, 2, ... in the order in which the units see them.

    Make one with ``from_masks``, ``from_planes``, ``from_table``, ``from_predicates``, ``from_tokens``, ``from_coco`` or
    ``from_broden``. ``names`` are the concepts, NEIGHBORS(x) among them after `with_neighbors`.

    >>> concepts = Concepts.from_table({"colour": ["red", "blue", "red"], "round": np.array([True, False, False])})
    >>> concepts.names
    ('colour=blue', 'colour=red', 'round')
    """

    def __init__(self, names: Sequence[str], read: Read, *, learns: bool = False) -> None:
        """``read(part)`` gives batches of labels; ``learns``: whether they depend on ``part`` (bool, samples), the samples
        that may be learned from. Users call the ``from_...`` methods."""
        self._own = checked_names(names)
        self._read = read
        self._learns = learns
        self._near: dict[str, tuple[str, ...]] = {}
        self._whole = False
        self._cache: Grouped | None = None
        self._texts: Sequence[Sequence[str]] = ()
        self._columns: Mapping[str, Array] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every concept, those of `with_neighbors` last."""
        return (*self._own, *self._near)

    @property
    def neighbors(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For every concept NEIGHBORS(x): its name and the concepts that it joins."""
        return tuple(self._near.items())

    def __repr__(self) -> str:
        return f"Concepts({len(self.names)}: {', '.join(self.names[:4])}{', ...' if len(self.names) > 4 else ''})"

    @classmethod
    def from_masks(cls, masks: Mapping[str, Any] | Iterable[Any], *, names: Sequence[str] = ()) -> Concepts:
        """Masks: a mapping name -> bool (samples, *grid); or, with ``names``, an iterable of bool (concepts, *grid), one for
        each sample, which is read once and never kept.

        The grid may have any number of axes, (H, W) for images. Raises ShapeError where masks differ in shape, DataError
        for values that are no bools.

        >>> Concepts.from_masks({"dog": np.zeros((5, 8, 8), bool), "sky": np.ones((5, 8, 8), bool)})
        Concepts(2: dog, sky)
        """
        if isinstance(masks, Mapping):
            arrays = [np.asanyarray(mask) for mask in masks.values()]
            shapes = {str(name): mask.shape for name, mask in zip(masks, arrays, strict=True)}
            if len(set(shapes.values())) > 1 or () in shapes.values():
                raise ShapeError(f"masks must have one shape (samples, *grid), not {shapes}")
            rows = (lambda: (np.stack([mask[i] for mask in arrays]) for i in range(len(arrays[0])))) if arrays else list
            return cls(tuple(shapes), lambda _: mask_batches(rows(), len(arrays)))
        if not names:
            raise SettingError("masks without names: pass names=[...], one for each concept")
        return cls(names, lambda _: mask_batches(masks, len(names)))

    @classmethod
    def from_planes(cls, planes: Mapping[str, tuple[Any, Sequence[str]]]) -> Concepts:
        """Planes of labels: kind -> (numbers, names). Number k > 0 is names[k - 1], 0 is no label.

        numbers: integers (samples, *grid), or (samples,) for a label of the whole sample, which all its positions get.
        Positions may have a label of every plane; give overlapping parts several planes with equal names. Raises ShapeError
        for planes that do not fit each other, DataError for numbers beyond the names.

        >>> Concepts.from_planes({"scene": ([1, 2], ["street", "wood"]), "colour": (np.ones((2, 4, 4), int), ["red"])})
        Concepts(3: street, wood, red)
        """
        names = tuple(dict.fromkeys(str(name) for _, own in planes.values() for name in own))
        number = {name: k for k, name in enumerate(names, start=1)}
        codes = []
        for kind, (numbers, own) in planes.items():
            code = np.asanyarray(numbers)
            if code.dtype.kind not in "iub" or (code.size and (code.min() < 0 or code.max() > len(own))):
                raise DataError(f"plane {kind!r}: numbers must be integers from 0 (none) to {len(own)}, its names")
            codes.append((code, np.array([0, *(number[str(name)] for name in own)], np.int32)))
        grid: tuple[int, ...] = max((code.shape for code, _ in codes), key=len, default=())
        for kind, (code, _) in zip(planes, codes, strict=True):
            if code.shape not in (grid, grid[:1]):
                raise ShapeError(f"plane {kind!r} has shape {code.shape}, expected {grid} or {grid[:1]}")
        return cls(names, lambda _: plane_batches(codes, grid))

    @classmethod
    def from_table(cls, table: Any) -> Concepts:
        """Columns of labels of a data frame, structured array or dict, one sample a row: bool columns by their name, others as
        "column=value". Raises DataError for columns of unequal length, or of numbers with fractions.

        >>> Concepts.from_table({"sex": ["f", "m"], "class": [1, 3]}).names
        ('sex=f', 'sex=m', 'class=1', 'class=3')
        """
        data = _tables.columns(table)
        flags = _tables.label_flags(data)
        made = cls(tuple(flags), lambda _: [from_masks(np.stack(list(flags.values()), axis=1))])
        made._columns = {name: data[_tables.column_of(name, data)] for name in flags}
        return made

    @classmethod
    def from_predicates(
        cls,
        table: Any,
        predicates: Sequence[str] | Mapping[str, Predicate] | None = None,
        *,
        quantiles: Sequence[float] = (0.25, 0.5, 0.75),
    ) -> Concepts:
        """Predicates over the columns of a table, one sample a row, such as "petal length > q75", "age < 30", "sex == f".

        predicates: texts, or name -> text or function of the columns (name -> array) that gives bool (rows,); without them
        "column > q" or "< q" for every column of numbers and every one of ``quantiles``, together with the labels of the
        other columns. Quantiles are those of the samples on which formulas are searched, never of held-out ones.

        >>> Concepts.from_predicates({"age": [20, 30, 40], "sex": ["f", "m", "f"]}).names
        ('age < q25', 'age > q50', 'age > q75', 'sex=f', 'sex=m')
        """
        data = _tables.columns(table)
        found: dict[str, Predicate]
        if predicates is None:
            found = {text: text for text in _tables.quantile_predicates(data, quantiles)}
            rest = _tables.label_flags(
                {name: column for name, column in data.items() if column.dtype.kind not in "iuf"}
            )
            found.update({name: _tables.constant(flags) for name, flags in rest.items()})
        else:
            found = dict(predicates) if isinstance(predicates, Mapping) else {text: text for text in predicates}
        everything = np.ones(len(next(iter(data.values()))), bool)
        for name, predicate in found.items():
            _tables.predicate_flags(
                name, predicate, data, everything
            )  # what cannot be read is said now, not in an hour

        def read(part: Array) -> list[Labels]:
            refuse_other_length(len(part), len(everything))
            flags = [_tables.predicate_flags(name, predicate, data, part) for name, predicate in found.items()]
            return [from_masks(np.stack(flags, axis=1))]

        made = cls(tuple(found), read, learns=True)
        about = {name: _tables.column_of(rule if isinstance(rule, str) else name, data) for name, rule in found.items()}
        made._columns = {name: data[column] for name, column in about.items() if column}
        return made

    @classmethod
    def from_tokens(
        cls, texts: Iterable[Sequence[str]], *, words: int = 2000, features: Mapping[str, Any] | None = None
    ) -> Concepts:
        """Tokens of texts, one sample a text, one position a token: frequent words as "word:x", and features of tokens.

        words: how many of the most frequent words (in lower case) are concepts. features: name -> a set of words (a
        lexicon), a mapping word -> tag such as a part of speech ("name:tag"), or a function of a token that gives a tag,
        several, True, or None. Units with more places than a text has tokens are read as padded at the end. For concepts
        of whole texts take `per_sample`.

        >>> Concepts.from_tokens([["The", "dog"], ["a", "dog"]], words=1, features={"article": {"a", "the"}}).names
        ('word:dog', 'article')
        """
        held = [list(text) for text in texts]
        names, rows = _tables.word_features(held, words=words, features=features or {})
        sets = [np.array(row, np.int32) for row in rows]
        made = cls(names, lambda _: [from_sets(sets, [len(text) for text in held])])
        made._texts = held
        return made

    @classmethod
    def from_coco(
        cls, path: str | Path, *, size: tuple[int, int] | None = None, images: Sequence[str] = ()
    ) -> Concepts:
        """An annotations file in the format of COCO (JSON): the categories of its regions, one sample an image.

        Regions are run lengths, plain or packed, or polygons; a position has a category where its middle lies in a region.
        size: (height, width) of the grid; without it that of the images, 112 x 112 where they differ. images: the
        ``file_name`` of those that the units see, in order; without it all, in the order of the file. Raises DataError,
        with the file and the place in it, for anything that cannot be read; nothing is ever as large as a file says it is.

        >>> _ = Path("a.json").write_text('''{"images": [{"id": 1, "file_name": "a.jpg", "height": 2, "width": 2}],
        ... "categories": [{"id": 7, "name": "dog"}], "annotations": [{"image_id": 1, "category_id": 7,
        ... "segmentation": {"size": [2, 2], "counts": [1, 3]}}]}''')
        >>> Concepts.from_coco("a.json")
        Concepts(1: dog)
        """
        return cls._from_file(path, read_coco(Path(path), size=size, images=images))

    @classmethod
    def from_broden(
        cls, folder: str | Path, *, size: tuple[int, int] | None = None, images: Sequence[str] = ()
    ) -> Concepts:
        """A folder in the layout of Broden: label.csv with numbers and names, index.csv with a line for each image, and in
        ``images`` the planes that it names, PNG files whose red and 256 times green are numbers of labels.

        Each column of the index but image, split, ih, iw, sh and sw has numbers of labels of the whole image, or planes,
        several joined by ";". size, images: as in `from_coco`, images by the column ``image``. Planes are read image by
        image. Raises DataError with the file and the line for anything that cannot be read.

        >>> _ = Path("label.csv").write_text("number,name\\n1,street\\n"), Path("index.csv").write_text(
        ...     "image,sh,sw,scene\\na.jpg,4,4,1\\n")
        >>> Concepts.from_broden(".")
        Concepts(1: street)
        """
        return cls._from_file(folder, read_broden(Path(folder), size=size, images=images))

    @classmethod
    def _from_file(cls, path: str | Path, found: Imported) -> Concepts:
        names, read = found
        try:
            return cls(names, lambda _: read())
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    def with_neighbors(self, near: Mapping[str, Sequence[str]]) -> Concepts:
        """These concepts and NEIGHBORS(x) for every x of ``near``: true where x or one of the concepts near[x] is.

        Raises DataError for a name that is no concept.

        >>> Concepts.from_table({"a": [True], "b": [False]}).with_neighbors({"a": ["b"]}).names
        ('a', 'b', 'NEIGHBORS(a)')
        """
        for name in (*near, *(other for others in near.values() for other in others)):
            if name not in self._own:
                raise DataError(f"no concept {name!r}; {did_you_mean(name, self._own, what='concept')}")
        made = self._copy()
        made._near = {f"NEIGHBORS({name})": (name, *others) for name, others in near.items()}
        return made

    def per_sample(self) -> Concepts:
        """The same concepts for whole samples: a sample has every label that one of its positions has.

        >>> Concepts.from_tokens([["a", "dog"]]).per_sample()
        Concepts(2: word:a, word:dog)
        """
        made = self._copy()
        made._whole = True
        return made

    def tokens(self, sample: int) -> tuple[str, ...]:
        """The tokens of a sample, to show it; none where the concepts do not come from texts.

        >>> Concepts.from_tokens([["a", "dog"]]).tokens(0)
        ('a', 'dog')
        """
        return tuple(map(str, self._texts[sample])) if self._texts else ()

    def values(self, sample: int) -> dict[str, str]:
        """Concept -> what the row of a sample has in the column that the concept is about; empty without a table.

        >>> Concepts.from_predicates({"age": [20.0, 30.5]}, ["age > q50"]).values(1)
        {'age > q50': '30.5'}
        """
        return {name: _tables.shown(column[sample].item()) for name, column in self._columns.items()}

    def _copy(self) -> Concepts:
        made = copy.copy(self)
        made._cache = None
        return made

    def collect(self, part: Array) -> Grouped:
        """All positions grouped by their label sets. ``part``: bool (samples,), the samples that predicates may learn from.

        Raises ShapeError where there are more or fewer samples than in ``part``.

        >>> Concepts.from_table({"a": [True, False, True]}).collect(np.ones(3, bool)).sets
        2
        """
        if self._cache is None or self._learns:
            found = group(self._read(part))
            found = found.per_sample() if self._whole else found
            joined = [[self._own.index(one) for one in members] for members in self._near.values()]
            self._cache = found.widened(joined, len(self._own)) if joined else found
        refuse_other_length(len(part), len(self._cache.ids))
        return self._cache
