"""Where cells are computed: what an executor is, the plain one, and the messages between a driver and its workers.

A driver gives its executor cells one at a time, as the executor asks for them, and is given their outcomes in the order
in which they are finished. An executor writes nothing: the driver alone has the store.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import SettingError
from ._base import Study
from ._cells import Cell, Outcome, data_of, made
from ._compute import compute
from ._data import Readings, plain
from ._reference import reference, resolve

Outcomes = Generator[tuple[Cell, Outcome], None, None]


class Executor(Protocol):
    """Where the cells of a run are computed."""

    def outcomes(self, study: Study, cells: Iterator[Cell]) -> Outcomes:
        """The outcomes of all cells, each as soon as it is there; takes a cell whenever a worker is free.

        Raises LostError where no worker can be had any more, and SettingError where workers cannot compute this study.
        """


class LostError(Exception):
    """The workers are gone, in words; what was not computed is left for another run."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a cell may take: ``seconds`` of time, and ``bytes`` of memory beyond what its worker had before it.

    A cell that takes more is not computed again; it is a row with its reason. None: as much as it wants. The limit of
    memory is the kernel's own, of Linux alone. Raises SettingError for numbers that are no limits.

    >>> Limits(seconds=60, bytes=2 * 1024**3).seconds
    60
    """

    seconds: float | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "bytes"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (int, float)) and value > 0):
                raise SettingError(f"{name}={value!r}: give a number above 0, for example Limits(seconds=60)")
        if self.bytes is not None and sys.platform != "linux":
            raise SettingError(f"bytes={self.bytes}: only Linux can limit the memory of a cell; give seconds alone")


class Here:
    """The cells one after another in this process: what `run` does where no executor is given."""

    def outcomes(self, study: Study, cells: Iterator[Cell]) -> Outcomes:
        """See Executor."""
        for cell in cells:
            yield cell, compute(study, cell)


# --- Messages: JSON, and the bytes of arrays without objects -----------------------------------------------------------


def job(study: Study, cell: Cell, limits: Limits = Limits()) -> dict[str, Any]:
    """All that a worker needs to compute a cell, as plain values."""
    return {
        "study": reference(study),
        "factors": plain(cell.factors),
        "arguments": plain(cell.arguments),
        "seeds": list(cell.seeds),
        "key": cell.key,
        "made": plain(cell.made),
        "bytes": limits.bytes,
    }


def answer(work: Mapping[str, Any]) -> dict[str, Any]:
    """Compute the cell of a job, in a worker, and make the outcome plain.

    {"refused": why} where the worker has another code, PyTorch or other data than the driver: its numbers would not
    be those of this cell.
    """
    try:
        study = resolve(dict(work["study"]))
        differs = _differences(work["made"], {**made(study), "data": data_of({"task": None, **work["arguments"]})})
    except Exception as error:
        return {"refused": f"it cannot load the study: {type(error).__name__}: {error}"}
    if differs:
        return {"refused": f"it has {' and '.join(differs)} than this process; install the same on both"}
    cell = Cell(work["factors"], work["arguments"], tuple(work["seeds"]), work["key"], work["made"])
    return packed(compute(study, cell))


def _differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    words = {"code": "another version of neurofn or of the study's file", "torch": "another PyTorch"}
    words |= {"data": "other data", "threads": "another number of threads", "what": "another function"}
    differing = [name for name in words if wanted.get(name) != found.get(name)]
    said = {"torch": f"{words['torch']} ({found.get('torch')}, here {wanted.get('torch')})"}
    return [said.get(name, words[name]) for name in differing]


def packed(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON text and bytes."""
    rows = json.dumps([dict(row) for row in outcome.rows], allow_nan=False)
    readings = outcome.readings.to_bytes() if len(outcome.readings) else b""
    return {"rows": rows, "error": outcome.error, "seconds": outcome.seconds, "readings": readings}


def unpacked(message: Mapping[str, Any]) -> Outcome:
    """The outcome of a message; raises SettingError where the worker refused the job."""
    if message.get("refused"):
        raise SettingError(f"a worker cannot compute this study: {message['refused']}")
    readings = Readings.from_bytes(message["readings"]) if message["readings"] else Readings()
    return Outcome(tuple(json.loads(message["rows"])), readings, message["error"], float(message["seconds"]))
