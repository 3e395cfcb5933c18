"""What was found for one unit, and how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Explanation", "NullScore", "table"]


@dataclass(frozen=True)
class NullScore:
    """What a null, such as "Shuffled(n=200, seed=0)", reaches on held-out samples: mean and highest score, and how often it
    is as good as the formula, not corrected: ``p`` = (1 + draws as good) / (1 + draws).

    >>> NullScore("Shuffled(n=200, seed=0)", 0.04, 0.07, 1 / 201).highest
    0.07
    """

    null: str
    mean: float
    highest: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One unit: the formula that best matches where it fires, with its doubt. Numbers that were not computed are None.

    unit: its number or name. formula: such as "(a OR b) AND NOT c"; empty where there is none, see ``problem``.
    score: on the samples searched. holdout_score: the same formula on samples never searched.

    Four readings on these (arXiv:2310.18443): activation_coverage, the share of the unit's firing inside the formula;
    detection_accuracy, the share of the formula inside the unit's firing; sample_coverage, of the samples in which the formula
    is true anywhere the share in which the unit fires inside it; explanation_coverage, that share of the samples in which
    the unit fires.

    null_score: what chance reaches on the held-out samples, the mean over its draws. p: how often that is as good, corrected
    over all units (Benjamini and Hochberg). nulls: each null alone; null_score and p are those of the one with the largest p.

    optimal: no formula of ``language`` has a better score on the samples searched; None where the search does not know.
    runners_up: formulas almost as good, with their scores. coverage: the share of the unit's firing inside the formula, on
    the samples searched. fires: the share of positions at which it fires. language: what was searched.
    problem: why this unit has no explanation, or no test; empty where it has both.

    >>> found = Explanation(unit=3, formula="red AND ring", score=0.5)
    >>> found.to_dict()["formula"], found.p is None, found.problem
    ('red AND ring', True, '')
    """

    unit: int | str
    formula: str = ""
    score: float | None = None
    holdout_score: float | None = None
    activation_coverage: float | None = None
    detection_accuracy: float | None = None
    sample_coverage: float | None = None
    explanation_coverage: float | None = None
    null_score: float | None = None
    p: float | None = None
    nulls: tuple[NullScore, ...] = ()
    optimal: bool | None = None
    language: str = ""
    runners_up: tuple[tuple[str, float], ...] = ()
    coverage: float | None = None
    fires: float | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        plain = asdict(self)
        plain |= {"runners_up": [list(one) for one in self.runners_up], "nulls": list(plain["nulls"])}
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in plain.items()}


def table(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    """One flat row for each unit: `Explanation` without ``nulls``; of the runners-up the first and how many there are.

    >>> rows = table([Explanation(unit=0, formula="a", score=0.5, runners_up=(("b", 0.4),))])
    >>> rows[0]["formula"], rows[0]["runner_up"], rows[0]["runners_up"]
    ('a', 'b', 1)
    """
    rows = []
    for explanation in explanations:
        row = explanation.to_dict()
        runners = row.pop("runners_up")
        row.pop("nulls")
        problem = row.pop("problem")
        row["runner_up"] = runners[0][0] if runners else ""
        rows.append({**row, "runners_up": len(runners), "problem": problem})
    return rows
