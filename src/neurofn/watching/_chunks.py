"""Readings on their way from instruments into a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..instruments import Instrument
from .record import Record

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Chunk", "chunks_of", "row_of", "to_record"]


class Chunk(NamedTuple):
    """The values of one reading, a row of the record each; ``where`` is their step, seed, site, instrument and reading."""

    where: tuple[int, int, str, str, str]
    units: np.ndarray
    values: np.ndarray


def chunks_of(part: Instrument, state: dict[str, Tensor], where: tuple[int, int, str]) -> Iterator[Chunk]:
    """The readings of a state; ``where`` is step, seed and site."""
    units = part.units(state)
    for reading, value in part.compute(state).items():
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
        default = np.arange(len(values)) if isinstance(value, np.ndarray) else np.array([np.nan])
        yield Chunk((*where, str(part), reading), units.get(reading, default), values)


def row_of(step: int, seed: int, site: str, instrument: str, reading: str, value: float) -> Chunk:
    """A reading of one number."""
    return Chunk((step, seed, site, instrument, reading), np.array([np.nan]), np.array([float(value)]))


def to_record(chunks: Sequence[Chunk]) -> Record:
    """The rows of all chunks."""
    lengths = [len(chunk.values) for chunk in chunks]
    columns: dict[str, Any] = {
        name: np.repeat(np.array([chunk.where[i] for chunk in chunks]), lengths) if chunks else []
        for i, name in enumerate(("step", "seed", "site", "instrument", "reading"))
    }
    columns["unit"] = np.concatenate([chunk.units for chunk in chunks]) if chunks else []
    columns["value"] = np.concatenate([chunk.values for chunk in chunks]) if chunks else []
    return Record(columns)
