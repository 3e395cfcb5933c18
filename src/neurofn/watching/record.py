"""Record: what was measured, as tidy rows. Plain arrays, no torch; saved and loaded without pickle."""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from .._errors import DataError, StoreError, UnknownNameError, did_you_mean

__all__ = ["COLUMNS", "Record", "Rows"]

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

_DEFAULTS = {"seed": -1, "unit": math.nan}
_FORMAT = 1  # of saved files; raise it when their layout changes


class Rows(ABC):
    """What can be asked of tidy rows, whether they are complete (`Record`) or still being taken (`watch`)."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, np.ndarray]:
        """Column name -> array, all of one length and read-only; the names and types are `COLUMNS`."""

    def __len__(self) -> int:
        return len(self.columns["step"])

    def __add__(self, other: Rows) -> Record:
        """The rows of both, these first."""
        if not isinstance(other, Rows):
            return NotImplemented
        return Record.join([self, other])

    def where(self, **equal: Any) -> Record:
        """The rows whose columns equal the values given; NaN equals NaN. Raises UnknownNameError for other columns.

        >>> rows = Record.from_rows([{"step": 0, "site": "0", "instrument": "Training", "reading": "loss", "value": 2.0}])
        >>> len(rows.where(step=0, reading="loss")), len(rows.where(step=1))
        (1, 0)
        """
        columns = self.columns
        chosen = np.ones(len(self), dtype=bool)
        for name, value in equal.items():
            if name not in columns:
                raise UnknownNameError(f"a record has no column {name!r}; {did_you_mean(name, columns, what='column')}")
            same = columns[name] == value
            chosen &= np.isnan(columns[name]) if isinstance(value, float) and math.isnan(value) else same
        return Record({name: column[chosen] for name, column in columns.items()})

    def table(self) -> list[dict[str, Any]]:
        """One dict of plain Python values per row.

        >>> Record.from_rows([{"step": 0, "site": "0", "instrument": "I", "reading": "r", "value": 2.0}]).table()[0]["value"]
        2.0
        """
        lists = [column.tolist() for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Lists for JSON: {"columns": names, "rows": one list per row}; what is not finite becomes None.

        >>> Record.from_rows([]).to_dict()["rows"]
        []
        """
        lists = [
            [value if math.isfinite(value) else None for value in column.tolist()]
            if column.dtype.kind == "f"
            else column.tolist()
            for column in self.columns.values()
        ]
        return {"columns": list(self.columns), "rows": [list(row) for row in zip(*lists, strict=True)]}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows as a compressed npz file and give its path; a file that is there is replaced whole or not at all.

        Raises StoreError where the file cannot be written.

        >>> import tempfile, pathlib
        >>> file = Record.from_rows([]).save(pathlib.Path(tempfile.mkdtemp()) / "record.npz")
        >>> len(Record.load(file))
        0
        """
        path = Path(path)
        arrays: dict[str, Any] = {"format": np.array(_FORMAT)}
        for name, column in self.columns.items():
            if column.dtype.kind == "U":  # each text once
                arrays[f"{name}.texts"], arrays[name] = np.unique(column, return_inverse=True)
            else:
                arrays[name] = column
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            try:
                with open(beside, "wb") as file:
                    np.savez_compressed(file, **arrays)
                os.replace(beside, path)
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(beside)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror or error}; give a path in a folder that exists and has "
                             "room, for example 'record.npz'") from error  # fmt: skip
        return path


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Record(Rows):
    """Readings as tidy rows: step, seed, site, instrument, reading, unit, value. It does not change.

    Made from its columns, or by `Record.from_rows`; ``+`` joins two, ``where`` chooses rows. Raises DataError for columns
    that are missing, unknown, of unequal lengths or of the wrong type.

    >>> record = Record.from_rows([{"step": 5, "site": "0", "instrument": "Training", "reading": "loss", "value": 0.5}])
    >>> record
    Record(1 rows)
    >>> record.columns["value"]
    array([0.5])
    """

    _columns: Mapping[str, np.ndarray]

    def __init__(self, columns: Mapping[str, Any]) -> None:
        if set(columns) != set(COLUMNS):
            raise DataError(
                f"a record has the columns {', '.join(COLUMNS)}; it was given {', '.join(columns) or 'none'}"
            )
        arrays = {name: _column(name, columns[name]) for name in COLUMNS}
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns of a record are equally long; these are not: {lengths}")
        object.__setattr__(self, "_columns", MappingProxyType(arrays))

    @property
    def columns(self) -> Mapping[str, np.ndarray]:
        """Column name -> array, all of one length and read-only; the names and types are `COLUMNS`."""
        return self._columns

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Record:
        """A record of rows given as dicts; ``seed`` and ``unit`` may be left out. Raises DataError for other keys.

        >>> len(Record.from_rows([]))
        0
        """
        full = [{**_DEFAULTS, **row} for row in rows]
        for row in full:
            if set(row) != set(COLUMNS):
                raise DataError(f"a row of a record has the keys {', '.join(COLUMNS)}; one was given {', '.join(row)}")
        return cls({name: [row[name] for row in full] for name in COLUMNS})

    @classmethod
    def join(cls, parts: Iterable[Rows]) -> Record:
        """The rows of all parts, one after the other; many are joined faster at once than by ``+``.

        >>> Record.join([])
        Record(0 rows)
        """
        columns = [part.columns for part in parts]
        return cls({name: np.concatenate([each[name] for each in columns]) if columns else [] for name in COLUMNS})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Record:
        """The record that `to_dict` wrote; None becomes NaN. Raises StoreError for anything else.

        >>> Record.from_dict(Record.from_rows([]).to_dict())
        Record(0 rows)
        """
        try:
            names, rows = list(data["columns"]), list(data["rows"])
            if any(len(row) != len(names) for row in rows):
                raise DataError("a row has more or fewer values than there are columns")
            lists = {name: [row[i] for row in rows] for i, name in enumerate(names)}
            for name in ("unit", "value"):
                lists[name] = [math.nan if value is None else value for value in lists[name]]
            return cls(lists)
        except (DataError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"this is no record as to_dict() writes it: {error}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Record:
        """The record that `save` wrote to ``path``. Nothing in the file is executed.

        Raises StoreError for a file that is not there, is damaged or is something else.
        """
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                if int(arrays["format"]) != _FORMAT:
                    raise ValueError(f"its format is {arrays['format']}, this neurofn reads {_FORMAT}")
                columns = {name: arrays[name] for name in COLUMNS}
                for name, kind in COLUMNS.items():
                    if kind is np.str_:
                        columns[name] = _texts(arrays[f"{name}.texts"], columns[name])
            return cls(columns)
        except FileNotFoundError as error:
            raise StoreError(f"there is no file {os.fspath(path)!r}") from error
        except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds for damaged files
            raise StoreError(f"{os.fspath(path)!r} is no record that can be read ({error}); "
                             "measure again, or load the file that Record.save wrote") from error  # fmt: skip

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return all(
            np.array_equal(column, other.columns[name], equal_nan=column.dtype.kind == "f")
            for name, column in self.columns.items()
        )

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash

    def __repr__(self) -> str:
        return f"Record({len(self)} rows)"


def _column(name: str, values: Any) -> np.ndarray:
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


def _texts(texts: np.ndarray, places: np.ndarray) -> np.ndarray:
    if texts.dtype.kind != "U" or places.dtype.kind != "i" or (len(places) and places.min() < 0):
        raise ValueError("its texts are damaged")
    return np.asarray(texts[places])
