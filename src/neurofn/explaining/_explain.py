"""The whole way from units and concepts to explanations, with held-out scores and chance; a bad unit loses only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .._errors import SettingError, ShapeError
from ._chance import Firing
from ._explanation import Explanation
from ._held_out import HeldOut, beside, corrected
from ._parallel import Search, find_each
from ._problem import Problem
from ._signatures import Signatures
from ._split import Holdout
from .concepts import Concepts
from .null import Null, Shuffled, Untrained
from .search import Exact, Found
from .units import Units

__all__ = ["explain"]

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int], None]
_STOPPED = "not reached: the search was stopped before"


def explain(
    units: Units,
    concepts: Concepts,
    *,
    search: Search = Exact(length=3),  # noqa: B008 - frozen
    holdout: float | Holdout = 0.3,
    null: Null | Untrained | Sequence[Null | Untrained] = Shuffled(200),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> list[Explanation]:
    """For every unit the formula over concepts that best matches where it fires; one row a unit, in their order.

    search: Exact(length=3), or Beam(...); OnWorkers(Exact(length=3), joblib.Parallel(n_jobs=2)) searches units side by side.
    holdout: the share of samples (never positions) on which nothing is learned, no threshold and no quantile either; the
    formula is scored there again. With holdout=0 there is no test.

    null: what the held-out score must be better than. Shuffled(n): the firing dealt out to other held-out samples, n times.
    Shifted(n): moved within its sample as well, to see who matches by a usual place; not without Shuffled. Untrained(units):
    what the same search reaches on held-out samples for the units before training. p says how often that is as good, corrected
    over all units (Benjamini and Hochberg); of several nulls, [Shuffled(200), Untrained(before)], the hardest one for a unit
    counts, and all are in ``nulls``.
    progress: called with (units done, all units), those of Untrained among them.

    A unit that cannot be explained gets a row whose ``problem`` says why, and no other loses its result; so do units that
    were not reached when Ctrl-C stopped the search. Warns of concepts that are true nowhere in the samples searched.
    Raises ShapeError where units and concepts do not fit each other, DataError where no concept is true anywhere, and
    SettingError for no null at all.

    >>> masks = np.random.default_rng(0).random((3, 60, 20)) < 0.3
    >>> concepts = Concepts.from_masks({"a": masks[0], "b": masks[1], "c": masks[2]})
    >>> found = explain(Units.from_masks((masks[0] & ~masks[1])[None]), concepts)[0]
    >>> found.formula, found.score, found.holdout_score
    ('a AND NOT b', 1.0, 1.0)
    """
    moving, before = _sorted(null, units.samples)
    problem = Problem.of(units, concepts, holdout if isinstance(holdout, Holdout) else Holdout(holdout))
    measure = str(getattr(search, "measure", "iou"))
    parts = [
        (units, HeldOut(problem, measure, moving)),
        *((one.units, HeldOut(problem, measure, ())) for one in before),
    ]
    found: list[list[Explanation]] = [[] for _ in parts]
    total = sum(len(part) for part, _ in parts)
    try:
        for rows, (part, test) in zip(found, parts, strict=True):
            for row in _rows(part, search, test):
                rows.append(row)
                if progress is not None:
                    progress(sum(map(len, found)), total)
    except KeyboardInterrupt:
        pass
    rows, *others = found
    rows += [Explanation(unit=name, problem=_STOPPED) for name in units.names[len(rows) :]]
    for one, reached in zip(before, others, strict=True):
        scores = [row.holdout_score for row in reached if row.holdout_score is not None]
        rows = [beside(row, str(one), scores) for row in rows]
    return corrected(rows)


def _sorted(null: Null | Untrained | Sequence[Null | Untrained], samples: int) -> tuple[list[Null], list[Untrained]]:
    """The nulls that move firing, and those of networks before training."""
    given = list(null) if isinstance(null, Sequence) else [null]
    if not given:
        raise SettingError("null=[] compares with nothing: give for example Shuffled(200)")
    before = [one for one in given if isinstance(one, Untrained)]
    for one in before:
        if one.units.samples != samples:
            raise ShapeError(
                f"the untrained units saw {one.units.samples} samples and the others {samples}: pass both the same data"
            )
    return [one for one in given if not isinstance(one, Untrained)], before


def _rows(units: Units, search: Search, test: HeldOut) -> Iterator[Explanation]:
    names = iter(units.names)
    signatures = test.problem.signatures
    for firing, hits in test.problem.read(units):
        wrong = [_wrong(one, int(hits.totals[one.unit]), signatures.positions) for one in firing]
        each = find_each(search, signatures, hits, units=[k for k, why in enumerate(wrong) if not why])
        for one, why in zip(firing, wrong, strict=True):
            fires = int(hits.totals[one.unit]) / signatures.positions
            if why:
                yield Explanation(unit=next(names), fires=fires, problem=why)
                continue
            found = next(each)
            row = _found(found, next(names), signatures, hits.of(one.unit))
            yield _tested(replace(row, fires=fires), found, one, test)


def _wrong(firing: Firing, fired: int, positions: int) -> str:
    """Why there is nothing to explain; empty where there is."""
    bad, low, high = (values[firing.unit] for values in (firing.block.bad, firing.block.low, firing.block.high))
    if bad:
        return f"{int(bad)} activations are NaN or infinite"
    if fired == 0:
        constant = (
            f": all activations are {float(high):g}" if low == high else f": its highest activation is {float(high):g}"
        )
        return f"never fires in the samples searched{constant}"
    return "fires at every position" if fired == positions else ""


def _found(found: Found, name: int | str, signatures: Signatures, hits: tuple[Array, Array]) -> Explanation:
    if found.formula is None:
        return Explanation(unit=name, problem=found.problem or "no concept is true where it fires")
    sets, counts = hits
    return Explanation(
        unit=name,
        formula=found.formula.text(signatures.concepts),
        score=float(found.score),
        optimal=found.optimal,
        language=found.language,
        runners_up=tuple((formula.text(signatures.concepts), float(value)) for formula, value in found.runners_up),
        coverage=int(counts[found.formula.holds(signatures)[sets]].sum()) / int(counts.sum()),
    )


def _tested(row: Explanation, found: Found, firing: Firing, test: HeldOut) -> Explanation:
    if found.formula is None:
        return row
    try:
        return test.tested(row, found.formula, firing)
    except Exception as error:  # what was found stays, and so do the other units
        return replace(row, problem=f"not tested, {type(error).__name__}: {error}")
