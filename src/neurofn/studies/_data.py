"""What a study has measured, as plain data: the table of metrics and the readings, read-only.

Claims and summaries see nothing else, so that they say the same whether the numbers were computed now or read from a
store.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._errors import SettingError, StoreError, UnknownNameError, did_you_mean

Array = np.ndarray[Any, Any]
READING_COLUMNS = ("step", "seed", "site", "instrument", "reading", "unit", "value")
_KINDS: dict[str, Any] = {"step": np.int64, "seed": np.int64, "unit": np.float64, "value": np.float64}


def plain(value: Any) -> Any:
    """The value as JSON knows it: numpy numbers and arrays become Python's, NaN and infinity become None.

    Raises SettingError for what JSON cannot hold.

    >>> plain({"loss": np.float32(0.5), "levels": (1, 2), "gap": float("nan")})
    {'loss': 0.5, 'levels': [1, 2], 'gap': None}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    raise SettingError(
        f"{value!r} of type {type(value).__name__} cannot be kept in a result; "
        "use text, numbers, booleans, None, lists and dictionaries of these"
    )


def canonical(value: Any) -> str:
    """One text for equal values, whatever the order of their keys: the text that identities are computed from.

    >>> canonical({"b": 1, "a": (True, None)})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, eq=False)
class Readings:
    """Tidy readings: equally long columns, those of a Record after those of the factors.

    Raises UnknownNameError where a column is asked for that is not there.

    >>> readings = Readings.of([{"neuron": "relu(sum(linear))", "seed": 0, "reading": "rank", "value": 3.0}])
    >>> readings.where(reading="rank")["value"]
    array([3.])
    """

    columns: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Readings:
        """Readings from rows; columns of a Record that a row leaves out are 0, -1 (seed), "" and NaN (unit)."""
        listed = [dict(row) for row in rows]
        blank: dict[str, Any] = {"step": 0, "seed": -1, "site": "", "instrument": "", "reading": "", "unit": math.nan}
        names = dict.fromkeys([name for row in listed for name in row if name not in READING_COLUMNS])
        columns = {name: _array(name, [row[name] for row in listed]) for name in names}
        for name in READING_COLUMNS:
            columns[name] = _array(name, [row.get(name, blank.get(name, math.nan)) for row in listed])
        return cls(columns)

    @classmethod
    def joined(cls, parts: Sequence[Readings]) -> Readings:
        """All rows of ``parts``, one after another; columns are those of the first part that has rows."""
        filled = [part for part in parts if len(part)]
        if not filled:
            return cls.of([])
        return cls({name: np.concatenate([part[name] for part in filled]) for name in filled[0].columns})

    def __len__(self) -> int:
        return 0 if not self.columns else len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        if name not in self.columns:
            raise UnknownNameError(
                f"readings have no column {name!r}; {did_you_mean(name, self.columns, what='column')}"
            )
        return self.columns[name]

    def with_factors(self, factors: Mapping[str, Any]) -> Readings:
        """The same rows with one constant column per factor in front."""
        fixed = {name: _array(name, [level] * len(self)) for name, level in factors.items()}
        return Readings({**fixed, **self.columns})

    def where(self, **equal: Any) -> Readings:
        """The rows whose columns equal all the values given; NaN equals NaN."""
        keep = np.ones(len(self), dtype=bool)
        for name, value in equal.items():
            column = self[name]
            blank = isinstance(value, float) and math.isnan(value)
            keep &= np.asarray(np.isnan(column) if blank else column == value, dtype=bool)
        return Readings({name: column[keep] for name, column in self.columns.items()})

    def rows(self) -> Iterator[list[Any]]:
        """The rows as plain lists, in the order of the columns; NaN becomes None."""
        lists = [column.tolist() for column in self.columns.values()]
        for row in zip(*lists, strict=True):
            yield [None if isinstance(item, float) and not math.isfinite(item) else item for item in row]

    def table(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows()]

    def to_bytes(self) -> bytes:
        """The columns as the bytes of a compressed npz file that holds no objects."""
        buffer = io.BytesIO()
        columns: dict[str, Any] = dict(self.columns)
        np.savez_compressed(buffer, **columns)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Readings:
        """Read what to_bytes wrote, without executing anything; raises StoreError for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                columns = {name: archive[name] for name in archive.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"stored readings cannot be read ({error}); move the store away and run again") from error
        if len({column.shape for column in columns.values()}) > 1 or any(c.ndim != 1 for c in columns.values()):
            raise StoreError("stored readings have columns of different lengths; move the store away and run again")
        return cls(columns)


def _array(name: str, values: list[Any]) -> Array:
    kind = _KINDS.get(name)
    if kind is not None:
        return np.array([math.nan if value is None else value for value in values], dtype=kind)
    if values and all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=bool)
    if values and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return np.array(values)
    return np.array([value if isinstance(value, str) else canonical(value) for value in values], dtype=np.str_)


@dataclass(frozen=True, eq=False)
class Cells:
    """What claims and summaries see: one row per cell and seed, the readings, and the settings.

    ``table`` rows hold the factors, "seed", "diverged" and the metrics (NaN where a metric has no value). Rows come
    in the order of the factors, then seeds. Cells that failed or were not reached have no row.

    >>> cells = Cells.of([{"neuron": "a", "seed": 0, "accuracy": 0.9}, {"neuron": "b", "seed": 0, "accuracy": 0.8}])
    >>> cells.values("accuracy", neuron="b")
    array([0.8])
    """

    table: tuple[Mapping[str, Any], ...]
    readings: Readings = field(default_factory=Readings)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        table: Iterable[Mapping[str, Any]],
        *,
        readings: Iterable[Mapping[str, Any]] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Cells:
        """Cells from plain rows, for counterexamples and tests; "diverged" is False where a row does not say."""
        return cls(tuple({"diverged": False, **row} for row in table), Readings.of(readings), dict(settings or {}))

    def where(self, **equal: Any) -> Cells:
        """The rows and readings of the given factor levels or seed; what the readings do not have does not select them."""
        rows = tuple(row for row in self.table if all(row.get(name) == value for name, value in equal.items()))
        known = {name: value for name, value in equal.items() if name in self.readings.columns}
        return Cells(rows, self.readings.where(**known), self.settings)

    def levels(self, factor: str) -> list[Any]:
        """The different levels of a factor (or seeds, with "seed"), in the order of the table."""
        return list(dict.fromkeys(row[factor] for row in self.table if factor in row))

    def values(self, metric: str, **equal: Any) -> Array:
        """A metric in the order of the table, of the rows with these factor levels; NaN where there is none."""
        rows = self.where(**equal).table if equal else self.table
        return np.array([math.nan if row.get(metric) is None else row[metric] for row in rows], dtype=np.float64)
