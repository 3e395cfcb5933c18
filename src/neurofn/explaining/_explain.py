"""The whole way from units and concepts to explanations, with held-out scores and chance; a bad unit loses only itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from .._errors import DataError
from ._block import Block
from ._chance import benjamini_hochberg, overlaps
from ._counting import count
from ._explanation import Explanation
from ._labels import Grouped
from ._signatures import Hits, Signatures
from ._split import Holdout
from .concepts import Concepts
from .formula import Formula
from .null import Shuffled
from .score import score
from .search import Exact, Found
from .thresholds import Threshold
from .units import Units

__all__ = ["explain"]

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int], None]
_STOPPED = "not reached: the search was stopped before"


class Search(Protocol):
    """Such as Exact or Beam."""

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The best formula for one unit."""


class Null(Protocol):
    """Such as Shuffled."""

    def orders(self, samples: int) -> list[Array]:
        """Permutations of range(samples)."""


def explain(
    units: Units,
    concepts: Concepts,
    *,
    search: Search = Exact(length=3),  # noqa: B008 - frozen
    holdout: float | Holdout = 0.3,
    null: Null = Shuffled(200),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> list[Explanation]:
    """For every unit the formula over concepts that best matches where it fires; one row a unit, in their order.

    search: Exact(length=3), or Beam(...). holdout: the share of samples (never positions) on which nothing is learned, no
    threshold and no quantile either; the formula is scored there again. null: Shuffled(n), the firing on held-out samples
    is dealt out to other held-out samples n times, and p says how often the formula does as well there. With holdout=0
    there is neither. progress: called with (units done, all units).

    A unit that cannot be explained gets a row whose ``problem`` says why, and no other loses its result; so do units that
    were not reached when Ctrl-C stopped the search. Warns of concepts that are true nowhere in the samples searched.
    Raises ShapeError where units and concepts do not fit each other, DataError where no concept is true anywhere.

    >>> masks = np.random.default_rng(0).random((3, 60, 20)) < 0.3
    >>> concepts = Concepts.from_masks({"a": masks[0], "b": masks[1], "c": masks[2]})
    >>> found = explain(Units.from_masks((masks[0] & ~masks[1])[None]), concepts)[0]
    >>> found.formula, found.score, found.holdout_score
    ('a AND NOT b', 1.0, 1.0)
    """
    problem = _Problem.of(units, concepts, holdout if isinstance(holdout, Holdout) else Holdout(holdout))
    rows: list[Explanation] = []
    try:
        for row in _rows(problem, units, search, null):
            rows.append(row)
            if progress is not None:
                progress(len(rows), len(units))
    except KeyboardInterrupt:
        rows += [Explanation(unit=name, problem=_STOPPED) for name in units.names[len(rows) :]]
    corrected = benjamini_hochberg([row.p for row in rows])
    return [replace(row, p=p) for row, p in zip(rows, corrected, strict=True)]


@dataclass(frozen=True, eq=False)
class _Problem:
    """What all units share: label sets, and the samples that are searched and held out."""

    grouped: Grouped
    searched: Array
    held: Array
    signatures: Signatures  # of the searched samples: sets that occur there
    kept: Array  # which label sets these are
    everywhere: Signatures  # all label sets
    wants: bool  # whether samples were to be held out

    @classmethod
    def of(cls, units: Units, concepts: Concepts, holdout: Holdout) -> _Problem:
        out = holdout.of(units.samples)
        if out.all():
            out[0] = False  # something must be searched
        grouped = concepts.collect(~out)
        searched, held = np.flatnonzero(~out), np.flatnonzero(out)
        weights = grouped.weights(searched)
        kept = np.flatnonzero(weights)
        present = _signatures(concepts, grouped, kept, weights[kept])
        nowhere = np.setdiff1d(np.arange(len(concepts.names)), present.indices)
        if len(nowhere) == len(concepts.names):
            raise DataError("no concept is true anywhere in the samples that are searched")
        if len(nowhere):
            names = ", ".join(concepts.names[i] for i in nowhere[:5]) + (", ..." if len(nowhere) > 5 else "")
            warnings.warn(f"{len(nowhere)} concepts are true nowhere in the samples searched: {names}", stacklevel=3)
        everything = _signatures(concepts, grouped, np.arange(grouped.sets), grouped.weights(np.arange(units.samples)))
        return cls(grouped, searched, held, present, kept, everything, holdout.share > 0)


def _signatures(concepts: Concepts, grouped: Grouped, sets: Array, weights: Array) -> Signatures:
    lengths = np.diff(grouped.indptr)[sets]
    indptr = np.concatenate([[0], lengths.cumsum()]).astype(np.int64)
    chosen = np.repeat(grouped.indptr[sets] - indptr[:-1], lengths) + np.arange(indptr[-1])
    neighbors = tuple((name, tuple(map(concepts.names.index, joined))) for name, joined in concepts.neighbors)
    return Signatures(concepts.names, indptr, grouped.indices[chosen], weights, neighbors)


def _rows(problem: _Problem, units: Units, search: Search, null: Null) -> Iterator[Explanation]:
    names = iter(units.names)
    for threshold in units.thresholds:
        for block in units.blocks:
            low, high = _ranges(threshold, block, problem)
            firing = count(block, (low, high), problem.grouped, problem.searched)
            hits = _restricted(firing.csr(), problem)
            for unit in range(block.units):
                task = _Unit(next(names), block, unit, float(low[unit]), float(high[unit]))
                yield _explained(task, problem, hits, search=search, null=null)


def _ranges(threshold: Threshold, block: Block, problem: _Problem) -> tuple[Array, Array]:
    ids = problem.grouped.ids
    text = ids if len(ids.shape) == 1 == len(block.store.shape) - 1 else None  # tokens may be padded
    low, high = threshold.bounds(lambda q: block.quantile(q, problem.searched, text))
    full = (block.units,)
    return np.broadcast_to(np.asarray(low, float), full), np.broadcast_to(np.asarray(high, float), full)


def _restricted(csr: tuple[Array, Array, Array], problem: _Problem) -> Hits:
    """Hits at the label sets that occur in the searched samples; the units fire nowhere else there."""
    indptr, indices, counts = csr
    position = np.full(problem.grouped.sets, -1, np.int32)
    position[problem.kept] = np.arange(len(problem.kept))
    totals = np.add.reduceat(np.append(counts, 0), indptr[:-1]) * (np.diff(indptr) > 0)
    return Hits(indptr, position[indices], counts, totals)


@dataclass(frozen=True, eq=False)
class _Unit:
    """One unit: its name, where its activations are, and its range."""

    name: int | str
    block: Block
    number: int
    low: float
    high: float


def _explained(unit: _Unit, problem: _Problem, hits: Hits, *, search: Search, null: Null) -> Explanation:
    fired = int(hits.totals[unit.number])
    positions = int(problem.signatures.weights.sum())
    wrong = _wrong(unit, fired, positions)
    if wrong:
        return Explanation(unit=unit.name, fires=fired / positions, problem=wrong)
    try:
        found = search.find(problem.signatures, hits, unit.number)
        if found.formula is None:
            return Explanation(unit=unit.name, fires=fired / positions, problem="no concept is true where it fires")
        row = _found(found, unit, problem.signatures, hits)
        return _tested(row, found.formula, unit, problem, search, null)
    except Exception as error:  # whatever one unit brings up, the others keep their results
        return Explanation(unit=unit.name, fires=fired / positions, problem=f"{type(error).__name__}: {error}")


def _found(found: Found, unit: _Unit, signatures: Signatures, hits: Hits) -> Explanation:
    assert found.formula is not None
    row = slice(hits.indptr[unit.number], hits.indptr[unit.number + 1])
    sets, counts = hits.indices[row], hits.counts[row]
    fired = int(hits.totals[unit.number])
    inside = int(counts[found.formula.holds(signatures)[sets]].sum())
    return Explanation(
        unit=unit.name,
        formula=found.formula.text(signatures.concepts),
        score=float(found.score),
        optimal=found.optimal,
        language=found.language,
        runners_up=tuple((formula.text(signatures.concepts), float(value)) for formula, value in found.runners_up),
        coverage=inside / fired,
        fires=fired / signatures.positions,
    )


def _wrong(unit: _Unit, fired: int, positions: int) -> str:
    """Why there is nothing to explain; empty where there is."""
    bad, low, high = (values[unit.number] for values in (unit.block.bad, unit.block.low, unit.block.high))
    if bad:
        return f"{int(bad)} activations are NaN or infinite"
    if fired == 0:
        constant = (
            f": all activations are {float(high):g}" if low == high else f": its highest activation is {float(high):g}"
        )
        return f"never fires in the samples searched{constant}"
    return "fires at every position" if fired == positions else ""


def _tested(
    row: Explanation, formula: Formula, unit: _Unit, problem: _Problem, search: Search, null: Null
) -> Explanation:
    """The row with what its formula scores on held-out samples, as they are and by chance."""
    if len(problem.held) == 0:
        return replace(row, problem="no samples are held out: not tested") if problem.wants else row
    found = overlaps(
        (unit.block, unit.number, unit.low, unit.high), formula.holds(problem.everywhere), problem.grouped,
        samples=problem.held, orders=null.orders(len(problem.held)),
    )  # fmt: skip
    if found.formula == 0 or found.unit[0] == 0:
        absent = "the formula is true" if found.formula == 0 else "the unit fires"
        return replace(row, problem=f"{absent} nowhere in the held-out samples: not tested")
    scores = score(getattr(search, "measure", "iou"), (found.both, found.formula, found.unit, found.positions))
    real, chance = float(scores[0]), scores[1:]
    if len(problem.held) == 1 or len(chance) == 0:
        return replace(row, holdout_score=real)
    p = (1 + int((chance >= real - 1e-12).sum())) / (1 + len(chance))
    return replace(row, holdout_score=real, null_score=float(chance.mean()), p=p)
