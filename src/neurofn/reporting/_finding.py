"""What a diagnosis is made of: the readings of a record by name, evidence, findings, and rules that turn one into another."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .._errors import DataError
from ._plain import clean

__all__ = ["FIRES", "LAST", "Book", "Evidence", "Finding", "Rule", "Series", "book"]

FIRES = ("alarm", "warning", "note")
"""The kinds of findings that say something about the network; "cannot tell" and "nothing" are of the record."""

LAST = 3
"""Readings at the end that must agree: one step is an accident."""


class Series(Protocol):
    """One reading of one site over the steps, as `Record.series` gives it."""

    @property
    def seed(self) -> int:
        """-1 where none was given."""

    @property
    def site(self) -> str:
        """Where it was read."""

    @property
    def instrument(self) -> str:
        """The text of the instrument, with its settings."""

    @property
    def reading(self) -> str:
        """Its name."""

    @property
    def units(self) -> np.ndarray:
        """(units,); a NaN alone where the reading is one number."""

    @property
    def steps(self) -> np.ndarray:
        """(steps,), rising."""

    @property
    def values(self) -> np.ndarray:
        """(steps, units), NaN where a unit was not read."""


@dataclass(frozen=True)
class Evidence:
    """One number that a finding stands on, and what it says in words.

    ``seed`` is -1 where none was given; ``site`` is empty for what is of the whole training.

    >>> Evidence("3", 0, 100, "share", 0.0, "no neuron is active").step
    100
    """

    site: str
    seed: int
    step: int
    reading: str
    value: float
    words: str
    instrument: str = ""
    confidence: str = "high"


@dataclass(frozen=True)
class Finding:
    """What the readings say, in words, with what it stands on.

    rule: which rule found it.  kind: "alarm", "warning" or "note"; "cannot tell" where the record lacks what the rule reads,
    "nothing" where no rule found anything.  title: the finding in a sentence.  evidence: the numbers, the strongest first.
    instrument: what read them.  source: the paper.  advice: what to try, code between backticks.
    confidence: "high", "medium" or "low"; "" where nothing was found.  doubt: what would contradict it.

    >>> Finding("dead layer", "alarm", "The layer '1' is dead.").fires
    True
    """

    rule: str
    kind: str
    title: str
    evidence: tuple[Evidence, ...] = ()
    instrument: str = ""
    source: str = ""
    advice: tuple[str, ...] = ()
    confidence: str = ""
    doubt: str = ""

    @property
    def fires(self) -> bool:
        """Whether it says something about the network.

        >>> Finding("saturation", "cannot tell", "").fires
        False
        """
        return self.kind in FIRES

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that the evidence names, each once.

        >>> Finding("dead layer", "alarm", "", (Evidence("1", -1, 0, "share", 0.0, ""),)).sites
        ('1',)
        """
        return tuple(dict.fromkeys(one.site for one in self.evidence))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None.

        >>> Finding("saturation", "cannot tell", "No reading.").to_dict()["kind"]
        'cannot tell'
        """
        made: dict[str, Any] = clean({**vars(self), "evidence": [vars(one) for one in self.evidence]})
        return made


class Book:
    """The readings of a record by name; sites in the order in which they were first read, which is that of the model."""

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = tuple(one for one in series if len(one.steps))
        self.sites = {site: i for i, site in enumerate(dict.fromkeys(one.site for one in self.series))}
        self._by_reading: dict[str, list[Series]] = {}
        self._by_place: dict[tuple[str, str, int], list[Series]] = {}
        self._neurons: dict[str, int] = {}
        for one in self.series:
            self._by_place.setdefault((one.reading, one.site, one.seed), []).append(one)
            self._by_reading.setdefault(one.reading, []).append(one)
            if per_neuron(one):
                self._neurons[one.site] = len(one.units)

    def find(self, reading: str, *instruments: str) -> list[Series]:
        """Readings of that name, of instruments whose text begins with one of these names; of any where none is given."""
        found = self._by_reading.get(reading, [])
        return [one for one in found if not instruments or one.instrument.partition("(")[0] in instruments]

    def outputs(self, reading: str, *instruments: str) -> list[Series]:
        """The same without the gradients of layers, which `in_gradient` reads."""
        return [one for one in self.find(reading, *instruments) if not is_gradient(one)]

    def beside(self, one: Series, reading: str, instrument: str) -> Series | None:
        """Another reading at the same site and seed."""
        found = self._by_place.get((reading, one.site, one.seed), [])
        return next((other for other in found if other.instrument.partition("(")[0] == instrument), None)

    def neurons(self, site: str) -> int | None:
        """How many neurons the site has, where a reading of each of them tells."""
        return self._neurons.get(site)

    def seeds(self) -> list[int]:
        """All seeds, each once."""
        return list(dict.fromkeys(one.seed for one in self.series))


@dataclass(frozen=True)
class Rule:
    """One way in which a training goes wrong. ``look`` gives the evidence, or None where the record cannot tell.

    says: the finding in a sentence, {where} in it.  needs: the instruments to add for it, as one types them.
    """

    name: str
    kind: str
    look: Callable[[Book], list[Evidence] | None]
    says: str
    needs: str
    source: str
    advice: tuple[str, ...]
    doubt: str

    def apply(self, readings: Book, *, dead: Collection[tuple[str, int]] = ()) -> Finding | None:
        """The finding; one of the kind "cannot tell" where the readings are missing; None where all is well.

        dead: sites and seeds of dead layers, of which nothing else is told.
        """
        found = self.look(readings)
        if found is None:
            return Finding(self.name, "cannot tell", f"Nothing in the record tells of {self.name}.", instrument=self.needs,
                           source=self.source, advice=(f"watch with `{self.needs}`",))  # fmt: skip
        found = [one for one in found if (one.site, one.seed) not in dead]
        if not found:
            return None
        confidence = min((one.confidence for one in found), key=("high", "medium", "low").index)
        instrument = ", ".join(dict.fromkeys(one.instrument for one in found))
        title = self.says.format(where=_where(list(dict.fromkeys(one.site for one in found))))
        return Finding(self.name, self.kind, title, tuple(found), instrument, self.source, self.advice, confidence,
                       self.doubt)  # fmt: skip


def book(record: object) -> Book:
    """The readings of a record, or of anything else with ``series()``. Raises DataError for other things."""
    series = getattr(record, "series", None)
    if not callable(series):
        raise DataError(f"a diagnosis is made from a Record, not from {type(record).__name__}; write: "
                        "diagnose(Record.load('runs/first'))")  # fmt: skip
    return Book(series())


def is_gradient(one: Series) -> bool:
    """Whether the rows are gradients of the loss by the outputs of a layer."""
    return one.site.endswith("@gradient")


def per_neuron(one: Series) -> bool:
    """Whether a series has one value for each neuron."""
    return bool(np.array_equal(one.units, np.arange(len(one.units))))


def numbers(one: Series) -> np.ndarray:
    """The values of a reading that is one number, (steps,)."""
    return one.values[:, 0]


def last(one: Series) -> np.ndarray:
    """The known values among the last readings."""
    values = numbers(one)[-LAST:]
    return np.asarray(values[np.isfinite(values)])


def lasts(one: Series, holds: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether the last readings are all known, and all as ``holds`` says."""
    values = last(one)
    return len(values) == min(LAST, len(one.steps)) and bool(holds(values).all())


def evidence(one: Series, words: str, *, at: int = -1, value: float = math.nan, confidence: str = "") -> Evidence:
    """The number at place ``at`` of a series as evidence; a single reading is less sure than several."""
    shown = float(numbers(one)[at]) if math.isnan(value) else value
    sure = confidence or ("high" if len(one.steps) >= LAST else "medium")
    return Evidence(one.site, one.seed, int(one.steps[at]), one.reading, shown, words, one.instrument, sure)


def _where(sites: Sequence[str]) -> str:
    named = ", ".join(f"'{site}'" if site else "the training" for site in sites[:3])
    more = f" and {len(sites) - 3} more" if len(sites) > 3 else ""
    return f"{named}{more}"
