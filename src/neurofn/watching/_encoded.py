"""How a record holds its rows: step and value of each row, and a number that stands for the rest of it.

A record of a long training repeats the same few (seed, site, instrument, reading, unit) at every step: each such row of
labels is kept once, as a key. The columns of texts are made when somebody asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from .._errors import DataError

__all__ = ["LABELS", "Columns", "Encoded", "Series", "encode", "joined", "keys_of", "series", "small"]

COLUMNS: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        "step": np.int64,
        "seed": np.int64,
        "site": np.str_,
        "instrument": np.str_,
        "reading": np.str_,
        "unit": np.float64,
        "value": np.float64,
    }
)
"""The columns and their types. seed -1: none was given. unit: the neuron's index, or what the reading says; NaN: no unit."""

LABELS = ("seed", "site", "instrument", "reading", "unit")
_GROUP = LABELS[:-1]
_MOST = 2**24  # combinations of labels that are counted by table


@dataclass(frozen=True, eq=False)
class Encoded:
    """The rows of a record.

    step, value: (rows,) int64 and float64.  key: (rows,) whole numbers, the row of ``keys``.
    keys: for each of `LABELS` an array (keys,); no two keys are alike.
    """

    step: np.ndarray
    key: np.ndarray
    value: np.ndarray
    keys: Mapping[str, np.ndarray]

    def only(self, chosen: np.ndarray) -> Encoded:
        """The rows at ``chosen``, a mask or places."""
        return Encoded(self.step[chosen], self.key[chosen], self.value[chosen], self.keys)


@dataclass(frozen=True, eq=False)
class Series:
    """One reading of one site over the steps.

    steps: (steps,) int64, rising.  units: (units,) float64; a NaN alone where the reading is one number.
    values: (steps, units) float64, NaN where a unit was not read at a step.
    """

    seed: int
    site: str
    instrument: str
    reading: str
    units: np.ndarray
    steps: np.ndarray
    values: np.ndarray


class Columns(Mapping[str, np.ndarray]):
    """The columns of encoded rows, each made when it is first asked for, read-only."""

    def __init__(self, rows: Encoded, names: Sequence[str]) -> None:
        self.rows, self._names = rows, tuple(names)
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            column = getattr(self.rows, name).view() if name in ("step", "value") else self._decoded(name)
            column.setflags(write=False)
            self._made[name] = column
        return self._made[name]

    def _decoded(self, name: str) -> np.ndarray:
        decoded: np.ndarray = self.rows.keys[name][self.rows.key]
        return decoded

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def encode(columns: Mapping[str, np.ndarray]) -> Encoded:
    """Rows given as plain columns."""
    if isinstance(columns, Columns):
        return columns.rows
    places, texts = {**columns}, {}
    for name in LABELS:
        if COLUMNS[name] is np.str_:
            texts[name], places[name] = np.unique(columns[name], return_inverse=True)
    return compact(places, texts)


def compact(columns: Mapping[str, np.ndarray], texts: Mapping[str, np.ndarray]) -> Encoded:
    """Rows given as columns, those of texts as places in ``texts``. Raises DataError where they do not fit together."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns of a record are equally long; these are not: {lengths}")
    numbers = {name: column_of(name, columns[name]) for name in COLUMNS if name not in texts}
    code, count = np.zeros(len(columns["step"]), dtype=np.int64), 1
    for name in LABELS:
        places, size = (columns[name], len(texts[name])) if name in texts else _places(numbers[name])
        if size > 1:
            code, count = code * size + places, count * size
        if count > _MOST:
            code = np.unique(code, return_inverse=True)[1]
            count = int(code.max()) + 1
    first = np.full(count, -1)
    first[code[::-1]] = np.arange(len(code))[::-1]
    used = first >= 0
    first = first[used]
    keys = {name: texts[name][columns[name][first]] if name in texts else numbers[name][first] for name in LABELS}
    return Encoded(numbers["step"], small((np.cumsum(used) - 1)[code], len(first)), numbers["value"], keys)


def _places(column: np.ndarray) -> tuple[np.ndarray, int]:
    """A number for each different value of a column, and how many there are at most."""
    empty = np.isnan(column)
    if empty.all() or (column == column[0]).all():
        return np.zeros(len(column), dtype=np.int64), 1
    whole = np.where(empty, -1, column)
    if not (column < 0).any() and whole.max() < _MOST // 1024 and (whole == np.floor(whole)).all():
        return whole.astype(np.int64) + 1, int(whole.max()) + 2
    labels, places = np.unique(column, return_inverse=True)
    return places, len(labels)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """The rows of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    known: dict[tuple[Any, ...], int] = {}
    keys = []
    for part in parts:
        labels = zip(*(_plain(part.keys[name]) for name in LABELS), strict=True)
        places = np.array([known.setdefault(label, len(known)) for label in labels], dtype=np.int64)
        keys.append(places[part.key] if len(places) else np.zeros(0, dtype=np.int64))
    step, value = (np.concatenate([getattr(part, name) for part in parts]) for name in ("step", "value"))
    return Encoded(step, small(np.concatenate(keys), len(known)), value, keys_of(list(known)))


def series(rows: Encoded) -> Iterator[Series]:
    """All readings as curves over the steps, in the order in which they first come."""
    labels = list(zip(*(_plain(rows.keys[name]) for name in _GROUP), strict=True))
    numbers: dict[tuple[Any, ...], int] = {}
    group = small(np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64), len(labels))
    of_row = group[rows.key] if len(labels) else np.zeros(0, dtype=np.int8)
    order = np.argsort(of_row, kind="stable")
    ends = np.searchsorted(of_row[order], np.arange(len(numbers)), side="right")
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    spans = [(int(a), int(b), label) for a, b, label in zip(starts, ends, numbers, strict=True) if b > a]
    for start, end, (seed, site, instrument, reading) in sorted(spans, key=lambda span: order[span[0]]):
        here = order[start:end]
        units, steps, values = _curve(rows, here)
        yield Series(int(seed), str(site), str(instrument), str(reading), units, steps, values)


def _curve(rows: Encoded, here: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units, steps and values (steps, units) of the rows at ``here``; of two rows alike the later one counts."""
    units, unit = np.unique(rows.keys["unit"][rows.key[here]], return_inverse=True)
    step, value = rows.step[here], rows.value[here]
    if len(units) == 1 and (np.diff(step) > 0).all():
        return units, step, value[:, None]
    steps, place = np.unique(step, return_inverse=True)
    values = np.full((len(steps), len(units)), np.nan)
    values[place, unit] = value
    return units, steps, values


def _plain(column: np.ndarray) -> list[Any]:
    """The labels as hashable values; all NaN are the same one."""
    return [None if value != value else value for value in column.tolist()]


def keys_of(labels: Sequence[tuple[Any, ...]]) -> dict[str, np.ndarray]:
    """Tuples of labels, a unit of None for none, as the columns of keys."""
    kinds = (np.int64, np.str_, np.str_, np.str_, np.float64)
    parts: list[list[Any]] = [[label[i] for label in labels] for i in range(len(LABELS))]
    parts[-1] = [math.nan if unit is None else unit for unit in parts[-1]]
    return {name: np.array(part, dtype=kind) for name, part, kind in zip(LABELS, parts, kinds, strict=True)}


def small(places: np.ndarray, count: int) -> np.ndarray:
    """Places in the smallest type that holds them: sixteen bits are also sorted many times as fast as more."""
    return places.astype(np.int16 if count <= 2**15 else np.int32, copy=False)


def column_of(name: str, values: Any) -> np.ndarray:
    """Values as a column of a record, read-only. Raises DataError for the wrong type or shape."""
    array = np.asarray(values)
    kind = COLUMNS[name]
    if array.ndim != 1:
        raise DataError(f"column {name!r} of a record has shape {array.shape}; give one value per row")
    if (len(array) and (array.dtype.kind == "U") != (kind is np.str_)) or array.dtype.kind not in "Uifub":
        raise DataError(f"column {name!r} of a record holds {array.dtype}; give {kind.__name__} values")
    if kind is np.int64 and array.dtype.kind == "f" and not (array == np.floor(array)).all():
        raise DataError(f"column {name!r} of a record holds fractions; give whole numbers")
    array = array.astype(kind)  # a copy, so that nobody else can change it
    array.setflags(write=False)
    return array
