"""From a record to a sink: each row once, while the record grows, and never at the cost of the training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .._errors import MissingExtraError
from ..watching import Record
from ..watching.record import Rows

__all__ = ["Curve", "Sink", "Stream", "foreign", "readings_of", "scalars_of", "send"]

Sink = Callable[[Record], None]
"""Takes rows and writes them elsewhere. It may raise: `Stream` keeps the rows and tries again."""

_LONGEST_PAUSE = 64  # calls of `Stream.send` that a failing sink is left alone for, at most


class Curve(NamedTuple):
    """One reading of one site at one step: ``units`` and ``values`` are (n,); a number has the one unit NaN.

    where: step, seed, site, instrument and reading.
    """

    where: tuple[int, int, str, str, str]
    units: np.ndarray
    values: np.ndarray

    @property
    def step(self) -> int:
        """The step it was read at."""
        return self.where[0]

    @property
    def name(self) -> str:
        """SITE/INSTRUMENT/READING, with "seedN/" before it where a seed was given."""
        _, seed, site, instrument, reading = self.where
        return "/".join([*([f"seed{seed}"] if seed >= 0 else []), site or "model", instrument, reading])


class Stream:
    """Hands the rows of a growing record to a sink, each row once.

    A sink that raises does not stop the training: the first failure is warned of, the rows are kept and handed over again
    with the next ones, after a pause that doubles with each failure in a row (counted in calls of `send`, at most 64).

    >>> from neurofn.watching import Record
    >>> row = {"site": "0", "instrument": "Training", "reading": "loss"}
    >>> record, seen = Record.from_rows([{**row, "step": 0, "value": 2.0}]), []
    >>> stream = Stream(seen.append)
    >>> stream.send(record), stream.send(record)
    (1, 0)
    >>> stream.send(record + Record.from_rows([{**row, "step": 1, "value": 1.0}]))
    1
    >>> [rows.columns["step"].tolist() for rows in seen]
    [[0], [1]]
    """

    def __init__(self, to: Sink) -> None:
        self._to = to
        self._sent = self._pause = self._waits = 0
        self._warned = False

    def send(self, record: Rows) -> int:
        """Hand over what is new in ``record``, which holds the rows of the last call and perhaps more; how many rows."""
        if self._waits:
            self._waits -= 1
            return 0
        return self._try(record)

    def finish(self, record: Rows) -> int:
        """`send` without a pause, and a warning that says how many rows never arrived, if any; how many rows were sent."""
        sent = self._try(record)
        missing = len(record) - self._sent
        if missing:
            warnings.warn(f"{missing} of {len(record)} rows did not reach {_named(self._to)}; they are in the record: "
                          "send(record, to) sends all of them", stacklevel=3)  # fmt: skip
        return sent

    def _try(self, record: Rows) -> int:
        columns = record.columns
        new = len(columns["step"]) - self._sent
        if new <= 0:
            return 0
        try:
            self._to(Record({name: column[self._sent :] for name, column in columns.items()}))
        except Exception as error:  # whatever a foreign tool raises, the training goes on
            self._pause = self._waits = min(2 * self._pause or 1, _LONGEST_PAUSE)
            if not self._warned:
                self._warned = True
                warnings.warn(f"{_named(self._to)} failed ({type(error).__name__}: {error}); training goes on, and the rows "
                              "are kept and sent later", stacklevel=4)  # fmt: skip
            return 0
        self._sent, self._pause = self._sent + new, 0
        return new


def send(record: Rows, to: Sink) -> int:
    """Hand all rows of a finished ``record`` to the sink ``to``; how many rows. What the sink raises is raised.

    >>> from neurofn.watching import Record
    >>> send(Record.from_rows([{"step": 0, "site": "0", "instrument": "I", "reading": "r", "value": 2.0}]), print)
    Record(1 rows)
    1
    """
    rows = Record(record.columns)
    if len(rows):
        to(rows)
    return len(rows)


def readings_of(rows: Record) -> Iterator[Curve]:
    """The rows as numbers and arrays, in their order.

    >>> row = {"step": 3, "site": "0", "instrument": "Moments", "reading": "mean"}
    >>> rows = Record.from_rows([{**row, "unit": 0, "value": 0.5}, {**row, "unit": 1, "value": 1.5}])
    >>> [(curve.step, curve.name, curve.values.tolist()) for curve in readings_of(rows)]
    [(3, '0/Moments/mean', [0.5, 1.5])]
    """
    columns = rows.columns
    keys = [columns[name] for name in ("step", "seed", "site", "instrument", "reading")]
    begins = np.isnan(columns["unit"])
    begins[:1] = True
    for key in keys:
        begins[1:] |= key[1:] != key[:-1]
    edges = [*np.flatnonzero(begins).tolist(), len(rows)]
    for begin, end in pairwise(edges):
        step, seed, *texts = (key[begin] for key in keys)
        site, instrument, reading = map(str, texts)
        where = int(step), int(seed), site, instrument, reading
        yield Curve(where, columns["unit"][begin:end], columns["value"][begin:end])


def scalars_of(rows: Record) -> dict[int, dict[str, float]]:
    """The numbers among the readings: step -> name -> value, for loggers, which know the loss themselves.

    >>> row = {"step": 3, "site": "", "instrument": "EpsilonRank(eps=0.001)", "reading": "rank", "value": 7.0}
    >>> scalars_of(Record.from_rows([row]))
    {3: {'model/EpsilonRank(eps=0.001)/rank': 7.0}}
    """
    found: dict[int, dict[str, float]] = {}
    columns = rows.columns
    chosen = np.isnan(columns["unit"]) & (columns["instrument"] != "Training")
    numbers = Record({name: column[chosen] for name, column in columns.items()})
    for curve in readings_of(numbers):
        found.setdefault(curve.step, {})[curve.name] = float(curve.values[0])
    return found


def foreign(module: str, *, extra: str, purpose: str) -> Any:
    """The foreign module of that name; raises MissingExtraError, which says what to install, where it is not there."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:  # it is there, and something that it needs is not
            raise
    raise MissingExtraError(module.split(".")[0], extra=extra, purpose=purpose)


def _named(to: Sink) -> str:
    return f"the sink {getattr(to, '__qualname__', type(to).__name__)}"
