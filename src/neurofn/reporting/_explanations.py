"""A list of explanations as plain data of the right shape, and what the report says about it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .._errors import DataError
from ._explanations_pictures import checked
from ._numbers import number, plural
from ._plain import clean

__all__ = ["Explained", "Unit", "explained", "is_explanations", "plain_explanations", "small"]

LEVEL = 0.05
NUMBERS = ("score", "holdout_score", "null_score", "p", "coverage")


@dataclass(frozen=True)
class Unit:
    """One explained unit as the report shows it. ``numbers`` has the entries of NUMBERS, None where there is none."""

    name: str
    formula: str
    numbers: Mapping[str, float | None]
    optimal: bool | None
    language: str
    runners_up: tuple[tuple[str, float | None], ...]
    examples: tuple[Mapping[str, Any], ...]
    problem: str
    nulls: tuple[tuple[str, float | None], ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is no formula at all."""
        return not self.formula

    @property
    def better_than_chance(self) -> bool:
        """Whether the corrected p-value is below 0.05."""
        p = self.numbers["p"]
        return p is not None and p < LEVEL

    @property
    def trusted(self) -> float | None:
        """The held-out score, or the score where none was held out."""
        held = self.numbers["holdout_score"]
        return self.numbers["score"] if held is None else held


@dataclass(frozen=True)
class Explained:
    """What every form of the report of explanations reads."""

    data: Mapping[str, Any]
    units: tuple[Unit, ...]

    @property
    def title(self) -> str:
        """The question, or a plain one."""
        return str(self.data.get("question") or "What does each unit detect?")

    @property
    def measure(self) -> str:
        """The name of the score."""
        return str(self.data.get("measure") or "IoU")

    @property
    def ranked(self) -> list[int]:
        """The places of the units: those better than chance first, then the others with a formula, best scores first."""

        def key(place: int) -> tuple[bool, bool, float]:
            unit = self.units[place]
            return unit.failed, not unit.better_than_chance, -(unit.trusted or 0.0)

        return sorted(range(len(self.units)), key=key)

    @property
    def top(self) -> float:
        """The end of the scale of scores."""
        names = ("score", "holdout_score", "null_score")
        return max([1e-12, *(unit.numbers[name] or 0.0 for unit in self.units for name in names)])

    @property
    def answer(self) -> str:
        """How many units are explained beyond chance, and how well, in one sentence."""
        failed = sum(unit.failed for unit in self.units)
        rest = f"; {plural(failed, 'unit')} could not be explained" if failed else ""
        tested = [unit for unit in self.units if unit.numbers["p"] is not None]
        if not tested:
            if failed == len(self.units):
                return f"None of {plural(failed, 'unit')} could be explained."
            done = plural(len(self.units) - failed, "unit")
            return f"{done} explained; chance was not tested, so no score is a finding{rest}."
        good = sum(unit.better_than_chance for unit in tested)
        fits = (
            f"{good:,} of {plural(len(tested), 'unit')} {'fits' if good == 1 else 'fit'} a formula better than chance "
            f"(p < {LEVEL:g} after correction)"
        )
        return f"{fits}: {self._level(tested)}{rest}."

    def _level(self, tested: Sequence[Unit]) -> str:
        """How high the scores are, beside chance."""
        scores = sorted(unit.trusted or 0.0 for unit in tested)
        chances = [unit.numbers["null_score"] for unit in tested if unit.numbers["null_score"] is not None]
        held = any(unit.numbers["holdout_score"] is not None for unit in tested)
        middle = f" at best and {number(median(scores), '.2f')} in the middle" if len(scores) > 1 else ""
        return f"{self.measure} {number(scores[-1], '.2f')}{middle}{' on held-out samples' if held else ''}" + (
            f", where chance gives {small(median(chances))}" if chances else ""
        )


def small(value: float | None) -> str:
    """A score with two digits, or that it is smaller than those can say."""
    return "less than 0.01" if value is not None and 0 < value < 0.005 else number(value, ".2f")


def is_explanations(result: object) -> bool:
    """Whether this is a list of explanations, of their dicts, or the dict of a whole run with an entry "explanations"."""
    if isinstance(result, Mapping):
        return "explanations" in result
    return isinstance(result, Sequence) and not isinstance(result, str | bytes)


def plain_explanations(result: object) -> dict[str, Any]:
    """The explanations as one dict of plain values; raises DataError for an empty list, and for entries of another shape."""
    data = clean(result) if isinstance(result, Mapping) else {"explanations": list(_dicts(result))}
    entries = data["explanations"]
    if not isinstance(entries, list) or not entries:
        raise DataError("there are no explanations to report: give the list that explain(units, concepts) returned")
    data["explanations"] = [_entry(entry, i) for i, entry in enumerate(entries)]
    return {"schema": 1, **data}


def _dicts(result: object) -> Sequence[Any]:
    assert isinstance(result, Sequence)
    return [clean(entry.to_dict() if hasattr(entry, "to_dict") else entry) for entry in result]


def _entry(entry: Any, i: int) -> dict[str, Any]:
    if not isinstance(entry, dict) or "unit" not in entry or not {"formula", "problem"} & set(entry):
        raise DataError(
            f"entry {i} of a list for a report is no explanation, but {str(entry)[:60]!r}; "
            "write: report(explain(units, concepts), 'out.html')"
        )
    for name in NUMBERS:
        value = entry.get(name)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise DataError(f"explanation {i}: {name} must be a number, not {str(value)[:60]!r}")
    return entry


def explained(data: Mapping[str, Any]) -> Explained:
    """What the report shows, from plain data."""
    return Explained(data, tuple(map(_unit, data["explanations"])))


def _unit(entry: Mapping[str, Any]) -> Unit:
    optimal, language = entry.get("optimal"), entry.get("language")
    if isinstance(optimal, list):
        optimal, language = [*optimal, None, None][:2]
    runners = entry.get("runners_up")
    examples = entry.get("examples")
    return Unit(
        name=f"unit {entry['unit']}" if isinstance(entry["unit"], int) else str(entry["unit"]),
        formula=str(entry.get("formula") or ""),
        numbers={name: entry.get(name) for name in NUMBERS},
        optimal=optimal if isinstance(optimal, bool) else None,
        language=str(language or ""),
        runners_up=tuple(map(_runner, runners if isinstance(runners, list) else [])),
        examples=tuple(checked(x) for x in (examples if isinstance(examples, list) else []) if isinstance(x, Mapping)),
        problem=str(entry.get("problem") or ""),
        nulls=tuple(map(_null, nulls if isinstance(nulls := entry.get("nulls"), list) else [])),
    )


def _null(entry: Any) -> tuple[str, float | None]:
    """The name of one kind of chance, without its settings, and what it gives in the mean."""
    if not isinstance(entry, Mapping):
        return str(entry), None
    mean = entry.get("mean")
    known = isinstance(mean, int | float) and not isinstance(mean, bool)
    return str(entry.get("null")).partition("(")[0].lower(), mean if known else None


def _runner(entry: Any) -> tuple[str, float | None]:
    """A runner-up: a text, a pair of text and score, or a dict of both."""
    if isinstance(entry, Mapping):
        entry = [entry.get("formula"), entry.get("score")]
    if isinstance(entry, list) and entry:
        score = entry[1] if len(entry) > 1 and isinstance(entry[1], int | float) else None
        return str(entry[0]), score
    return str(entry), None
