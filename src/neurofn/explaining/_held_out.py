"""What is read of a formula on held-out samples: its score, how much each covers of the other, and what chance reaches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._chance import Firing, Overlaps, benjamini_hochberg, overlaps
from ._explanation import Explanation, NullScore
from ._problem import Problem
from .formula import Formula
from .null import Chance, Null
from .score import score

__all__ = ["HeldOut", "beside", "corrected"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The test of formulas on the held-out samples of a problem, by a measure, against nulls that move firing."""

    problem: Problem
    measure: str
    nulls: Sequence[Null]

    def tested(self, row: Explanation, formula: Formula, firing: Firing) -> Explanation:
        """The row with what its formula scores there, as samples are and after the draws of each null."""
        problem, samples = self.problem, len(self.problem.held)
        if samples == 0:
            return replace(row, problem="no samples are held out: not tested") if problem.wants else row
        axes = len(problem.grouped.ids.shape)
        draws = [list(null.moves(samples, axes)) if samples > 1 else [] for null in self.nulls]
        found = overlaps(
            firing, formula.holds(problem.everywhere), problem.grouped,
            samples=problem.held, moves=(move for one in draws for move in one),
        )  # fmt: skip
        if found.formula == 0 or found.unit[0] == 0:
            absent = "the formula is true" if found.formula == 0 else "the unit fires"
            return replace(row, problem=f"{absent} nowhere in the held-out samples: not tested")
        scores = score(self.measure, (found.both, found.formula, found.unit, found.positions))
        row, first = replace(row, holdout_score=float(scores[0]), **_covered(found)), 1
        for null, moves in zip(self.nulls, draws, strict=True):
            row = beside(row, str(null), scores[first : first + len(moves)])
            first += len(moves)
        return row


def _covered(found: Overlaps) -> dict[str, Any]:
    both, formula, unit = found.samples
    return {
        "activation_coverage": float(found.both[0] / found.unit[0]),
        "detection_accuracy": float(found.both[0] / found.formula),
        "sample_coverage": both / formula,
        "explanation_coverage": both / unit,
    }


def beside(row: Explanation, name: str, by_chance: Iterable[float]) -> Explanation:
    """The row with its held-out score beside what a null reaches; as it is where there is nothing to compare."""
    reached = np.array(list(by_chance), float)
    if row.holdout_score is None or len(reached) == 0:
        return row
    p = Chance.of(row.holdout_score, reached).p
    return replace(row, nulls=(*row.nulls, NullScore(name, float(reached.mean()), float(reached.max()), p)))


def corrected(rows: Sequence[Explanation]) -> list[Explanation]:
    """Each row with the null that is hardest for it, and the p-values corrected over all rows.

    A formula must be better than every null, so the largest p-value counts, which is valid without a further correction.
    """
    hardest = [max(row.nulls, key=lambda null: (null.p, null.mean), default=None) for row in rows]
    p = benjamini_hochberg([null.p if null else None for null in hardest])
    return [
        replace(row, null_score=null.mean, p=value) if null else row
        for row, null, value in zip(rows, hardest, p, strict=True)
    ]
