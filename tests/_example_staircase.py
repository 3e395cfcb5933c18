"""A result that looks like the study ``staircase``, made up from simple formulas, for the tests of the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from _example_results import Result, frame


def staircase(*, seeds: int = 5) -> Result:
    """A staircase-like result: plateaus of the rank with falls of the loss at its rises, three starts."""
    rows, table, stairs = _stairs(seeds)
    return {
        **frame(),
        "study": "staircase",
        "question": "Does the loss fall when the ε-rank of the hidden layers rises?",
        "source": "arXiv:2412.05144",
        "command": "neurofn run staircase --size small --out stairs",
        "settings": {"task": "function-1d", "width": 50, "steps": 10000, "eps": 0.001},
        "table": {"columns": ["start", "seed", "loss", "rank", "plateaus"], "rows": table},
        "readings": {
            "columns": ["start", "step", "seed", "site", "instrument", "reading", "unit", "value"],
            "rows": rows,
        },
        "summaries": [
            {
                "name": "stairs",
                "title": "Plateaus and the null of shifted jumps",
                "caption": "Loss fallen at rank rises, as a ratio to the median of jumps shifted in log-time.",
                "columns": [
                    {"name": "seed", "label": "seed", "unit": "", "format": "d"},
                    {"name": "plateaus", "label": "plateaus of the rank", "unit": "", "format": "d"},
                    {"name": "ratio", "label": "loss fallen at rises / null median", "unit": "×", "format": ".2f"},
                    {"name": "p", "label": "p", "unit": "", "format": ".3f"},
                ],
                "rows": stairs,
            }
        ],
        "verdicts": _stair_verdicts(seeds),
        "notes": [],
    }


def _stairs(seeds: int) -> tuple[list[list[Any]], list[list[Any]], list[Result]]:
    random = np.random.default_rng(11)
    rows, table, stairs = [], [], []
    for start in ("xavier × 0.7", "PyTorch default", "structured first layer"):
        for seed in range(seeds):
            rises = np.sort(np.exp(random.normal(np.log([250, 900, 3000, 7000]), 0.12)))
            if start != "xavier × 0.7":
                rises = rises / (6 if start == "PyTorch default" else 40)
            for step in range(0, 10001, 100):
                heights = 1 / (1 + np.exp(-(step - rises) / (0.03 * rises)))
                loss = float(np.exp(-0.5 - 1.3 * heights.sum() - 0.00002 * step + random.normal(0, 0.01)))
                rank = round(1 + float(heights @ np.array([2, 3, 4, 5])))
                base = [start, step, seed]
                rows += [
                    [*base, "network", "Training", "loss", None, round(loss, 6)],
                    [*base, "network", "EpsilonRank(eps=0.001)", "lower bound", None, round(loss * 0.3, 6)],
                    [*base, "layer.1", "EpsilonRank(eps=0.001)", "rank", None, rank + 2],
                    [*base, "layer.3", "EpsilonRank(eps=0.001)", "rank", None, rank],
                ]
            table.append([start, seed, loss, rank, 3 - (start != "xavier × 0.7")])
            if start == "xavier × 0.7":
                ratio = round(float(random.uniform(2, 4)), 2)
                stairs.append(
                    {"seed": seed, "plateaus": 4, "ratio": ratio, "p": round(float(random.uniform(0.01, 0.08)), 3)}
                )
    return rows, table, stairs


def _stair_verdicts(seeds: int) -> list[Result]:
    return [
        {
            "claim": "The loss falls at the rises of the ε-rank",
            "source": "arXiv:2412.05144",
            "verdict": "holds",
            "sentence": "the loss falls 3.1 times as much at rank rises as at shifted ones (pooled p = 0.0004)",
            "effect": 3.1,
            "low": 2.2,
            "high": 4.0,
            "unit": "× null median",
            "p": 0.0004,
            "smallest_effect": 1.0,
            "control": "rises shifted in log-time, 1,000 shifts per seed: ratio 1.0 (0.6 to 1.5)",
            "seeds": seeds,
        },
        {
            "claim": "A structured first layer skips the stairs",
            "source": "arXiv:2412.05144",
            "verdict": "holds",
            "sentence": "with the structured first layer the rank is full after 200 steps in 5 of 5 seeds",
            "effect": None,
            "low": None,
            "high": None,
            "unit": "",
            "p": None,
            "smallest_effect": None,
            "control": "the same width started with Xavier × 0.7: full after 7,000 steps",
            "seeds": seeds,
        },
    ]
