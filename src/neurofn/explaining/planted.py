"""Planted units: units that ARE a formula plus noise, beside units that are nothing, to grade any explainer.

Concepts are blobs in small images. A planted unit fires where its formula is true, except that a share of its hits is moved
elsewhere. A noise unit fires in blobs of its own, as dense and as coherent as the planted ones, so that an explainer which
takes chance for knowledge is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from .._errors import DataError, SettingError

__all__ = ["Found", "Grade", "Planted", "grade", "plant", "truth"]

Array = np.ndarray[Any, Any]
OPERATORS = ("OR", "AND", "AND NOT")
_TRIES = 4000
_CHOICES = 200  # of concepts for one shape of formula
_LEAST = 0.2  # of the formula's positions that each of its concepts must decide: else nobody could find it
_DENSITY = (0.005, 0.4)  # smallest and largest share of positions at which a planted formula is true


class Found(Protocol):
    """What an explainer says about one unit: a formula, and how likely such a score is by chance."""

    @property
    def formula(self) -> str:
        """Such as "(a OR b) AND NOT c"; empty where there is none."""

    @property
    def p(self) -> float | None:
        """The corrected p-value; None where it was not computed."""


@dataclass(frozen=True, eq=False)
class Planted:
    """A problem with its answers. Units come planted first, then noise.

    concepts: names. masks: bool (concepts, samples, positions), where each is true. units: bool (units, samples, positions),
    where each fires. formulas: for each unit the formula it is, "" for noise. noise: the share of hits that was moved.

    >>> problem = plant(units=(3, 2), size=(40, 64))
    >>> problem.masks.shape, problem.units.shape, problem.formulas[3:]
    ((12, 40, 64), (5, 40, 64), ('', ''))
    """

    concepts: tuple[str, ...]
    masks: Array
    units: Array
    formulas: tuple[str, ...]
    noise: float

    @property
    def by_name(self) -> dict[str, Array]:
        """The masks by the names of their concepts."""
        return dict(zip(self.concepts, self.masks, strict=True))


def plant(
    *,
    units: tuple[int, int] = (40, 40),
    concepts: int = 12,
    length: int = 3,
    noise: float = 0.1,
    size: tuple[int, int] = (200, 64),
    seed: int = 0,
) -> Planted:
    """Draw a problem with a generator of its own.

    units: how many are planted, and how many are noise. length: of the longest formula; shorter ones are drawn too. noise: the
    share of each planted unit's hits that is moved to places where its formula is false. size: samples, and positions of each
    (a square number). Every concept of a formula decides at least a fifth of the places where the formula is true.

    Raises SettingError for numbers outside their range, and DataError where no such formula is found.

    >>> plant(units=(2, 0), noise=0.0).formulas
    ('concept1 AND concept4', '(concept7 AND NOT concept8) AND NOT concept10')
    """
    side = math.isqrt(size[1])
    if concepts < 2 or length < 1 or not 0 <= noise <= 1 or size[0] < 2 or side**2 != size[1] or min(units) < 0:
        raise SettingError(
            f"concepts={concepts}, length={length}, noise={noise}, size={size}, units={units}: give 2 or more concepts, "
            "length 1 or more, noise from 0 to 1, 2 or more samples and a square number of positions, such as (200, 64)"
        )
    generator = np.random.default_rng(seed)
    names = tuple(f"concept{k}" for k in range(concepts))
    masks = np.stack([_blobs(size[0], side, share=generator.uniform(0.4, 0.9), generator=generator) for _ in names])
    firing, formulas = [], []
    for _ in range(units[0]):
        text, true = _formula(names, masks, length, generator)
        firing.append(_moved(true, noise, generator))
        formulas.append(text)
    for _ in range(units[1]):
        firing.append(_blobs(size[0], side, share=generator.uniform(0.4, 0.9), generator=generator))
        formulas.append("")
    stacked = np.stack(firing) if firing else np.zeros((0, *size), dtype=bool)
    return Planted(names, masks, stacked, tuple(formulas), noise)


def _blobs(samples: int, side: int, *, share: float, generator: np.random.Generator) -> Array:
    """One rectangle in each of a share of the samples: bool (samples, side * side)."""
    made = np.zeros((samples, side, side), dtype=bool)
    least, most = min(3, side), max(min(3, side), 3 * side // 4)
    for sample in np.flatnonzero(generator.random(samples) < share):
        height, width = generator.integers(least, most, size=2, endpoint=True)
        top, left = generator.integers(side - height + 1), generator.integers(side - width + 1)
        made[sample, top : top + height, left : left + width] = True
    return made.reshape(samples, -1)


def _formula(names: Sequence[str], masks: Array, length: int, generator: np.random.Generator) -> tuple[str, Array]:
    """A left-deep formula in which every concept matters, and where it is true."""
    for attempt in range(_TRIES):
        if attempt % _CHOICES == 0:  # shapes of formulas come in equal numbers, though some are harder to fill
            count = int(generator.integers(1, min(length, len(names)) + 1))
            operators = [OPERATORS[int(k)] for k in generator.integers(len(OPERATORS), size=count - 1)]
        chosen = [int(k) for k in generator.choice(len(names), size=count, replace=False)]
        true = _apply(masks, chosen, operators)
        if not _DENSITY[0] <= true.mean() <= _DENSITY[1]:
            continue
        # Without any of its concepts the formula must be visibly another one.
        others = [
            _apply(masks, chosen[:k] + chosen[k + 1 :], operators[: max(0, k - 1)] + operators[max(1, k) :])
            for k in range(count if count > 1 else 0)
        ]
        if all((other != true).sum() >= _LEAST * true.sum() for other in others):
            text = names[chosen[0]]
            for place, (operator, k) in enumerate(zip(operators, chosen[1:], strict=True)):
                text = f"{f'({text})' if place else text} {operator} {names[k]}"
            return text, true
    raise DataError(f"no formula of length up to {length} is true often enough: give more samples, or other concepts")


def _apply(masks: Array, chosen: Sequence[int], operators: Sequence[str]) -> Array:
    true = masks[chosen[0]]
    for operator, k in zip(operators, chosen[1:], strict=True):
        true = true | masks[k] if operator == "OR" else true & (masks[k] if operator == "AND" else ~masks[k])
    return np.asarray(true)


def _moved(true: Array, noise: float, generator: np.random.Generator) -> Array:
    """The mask with a share of its hits at random places where it is false."""
    flat = true.ravel().copy()
    hits, silent = np.flatnonzero(flat), np.flatnonzero(~flat)
    count = min(round(noise * len(hits)), len(silent))
    flat[generator.choice(hits, size=count, replace=False)] = False
    flat[generator.choice(silent, size=count, replace=False)] = True
    return flat.reshape(true.shape)


def truth(formula: str, masks: Mapping[str, Array]) -> Array:
    """Where a formula is true: bool, in the shape of the masks (name of concept -> bool array).

    AND, OR, NOT and brackets join concepts; AND and OR bind alike, from left to right. Concepts may have spaces, and brackets
    that close. Raises DataError for a text that is no such formula.

    >>> a, b = np.array([True, True]), np.array([True, False])
    >>> truth("a AND NOT (b > 3)", {"a": a, "(b > 3)": b})
    array([False,  True])
    """
    text = formula.strip()
    if text in masks:
        return masks[text]
    operator, at = _last_operator(text)
    if operator:
        first, second = truth(text[:at], masks), truth(text[at + len(operator) + 2 :], masks)
        return first & second if operator == "AND" else first | second
    if text.startswith("NOT "):
        return ~truth(text[4:], masks)
    if text.startswith("(") and text.endswith(")"):
        return truth(text[1:-1], masks)
    raise DataError(f"cannot read {formula!r} in a formula; expected a concept, or such as '(a OR b) AND NOT c'")


def _last_operator(text: str) -> tuple[str, int]:
    """The last AND or OR that stands in no brackets, and where the space before it is; ("", 0) where there is none."""
    depth, found = 0, ("", 0)
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter == " ":
            found = next(((word, at) for word in ("AND", "OR") if text.startswith(f" {word} ", at)), found)
    return found


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How an explainer did. Shares are NaN where there is nothing to divide by.

    recovered: of the planted units, the share whose formula is true at exactly the positions of the planted one.
    significant: of the planted units, the share called better than chance. false_alarms: of the noise units, that share.
    false_discoveries: of all units called better than chance, the share that is noise.

    >>> Grade(planted=10, noise_units=10, noise=0.1, recovered=0.9, significant=1.0, false_alarms=0.0,
    ...       false_discoveries=0.0).to_dict()["recovered"]
    0.9
    """

    planted: int
    noise_units: int
    noise: float
    recovered: float
    significant: float
    false_alarms: float
    false_discoveries: float
    missed: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


def grade(explainer: Callable[[Planted], Sequence[Found]], problem: Planted, *, level: float = 0.05) -> Grade:
    """Recovery and false discoveries of any explainer on a planted problem.

    ``explainer`` gets the problem and returns one result for each unit, in their order: see Found. Its formulas are read and
    compared by where they are true, so any way of writing the same one counts. ``missed`` lists (planted, found).

    Raises DataError where the explainer returns another number of results, or a formula that cannot be read.

    >>> from types import SimpleNamespace
    >>> def cheat(problem):
    ...     return [SimpleNamespace(formula=text, p=0.01 if text else 0.5) for text in problem.formulas]
    >>> result = grade(cheat, plant(units=(4, 4)))
    >>> result.recovered, result.false_alarms
    (1.0, 0.0)
    """
    found = list(explainer(problem))
    if len(found) != len(problem.formulas):
        raise DataError(
            f"the explainer returned {len(found)} results for {len(problem.formulas)} units: give one for each"
        )
    claimed = np.array([item.p is not None and item.p < level for item in found], dtype=bool)
    real = np.array([bool(text) for text in problem.formulas], dtype=bool)
    masks, missed = problem.by_name, []
    for item, text in zip(found, problem.formulas, strict=True):
        if text and (not item.formula or (truth(item.formula, masks) != truth(text, masks)).any()):
            missed.append((text, item.formula))
    return Grade(
        planted=int(real.sum()),
        noise_units=int((~real).sum()),
        noise=problem.noise,
        recovered=1 - len(missed) / int(real.sum()) if real.any() else math.nan,
        significant=float(claimed[real].mean()) if real.any() else math.nan,
        false_alarms=float(claimed[~real].mean()) if not real.all() else math.nan,
        false_discoveries=float((claimed & ~real).sum() / claimed.sum()) if claimed.any() else math.nan,
        missed=tuple(missed),
    )
