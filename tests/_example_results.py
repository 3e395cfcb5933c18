"""Realistic results, made up from simple formulas, for the tests of the report (and for looking at it).

``compare()`` looks like ``compare_functions`` on digits: 8 neurons, a linear control, 10 seeds, three conditions.
Run this file to write its report, and that of ``_example_staircase``, into a folder.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Result = dict[str, Any]

NEURONS = {  # text: (final accuracy, speed, parameters, seconds, dead share)
    "silu(sum(linear))": (0.9756, 1.00, 5450, 2.1, 0.0),
    "gelu(sum(linear))": (0.9740, 1.05, 5450, 2.2, 0.0),
    "snake(sum(linear))": (0.9731, 1.20, 5450, 2.6, 0.0),
    "relu(sum(linear))": (0.9702, 0.95, 5450, 1.9, 0.09),
    "tanh(sum(linear))": (0.9688, 0.90, 5450, 2.0, 0.0),
    "sum(rational(5, 4))": (0.9667, 0.80, 48074, 9.8, 0.02),
    "sum(silu + bspline(grid=5))": (0.9641, 0.85, 42762, 12.4, 0.01),
    "mean(bspline(grid=5))": (0.9575, 0.35, 37450, 10.9, 0.04),
    "sum(linear)": (0.9402, 0.90, 5450, 1.7, 0.0),
}
CONTROL = "sum(linear)"
STEPS = sorted({round(v) for v in np.geomspace(1, 1500, 36)})
SAMPLES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1078]
READING_COLUMNS = ["neuron", "condition", "step", "seed", "site", "instrument", "reading", "unit", "value"]


def compare(*, seeds: int = 10) -> Result:
    """A finished comparison of eight neurons and the linear control; one seed of one neuron diverged."""
    table, readings = _cells(seeds)
    columns = ["neuron", "condition", "seed", "test accuracy", "validation accuracy"]
    return {
        **frame(),
        "study": "compare_functions",
        "question": "Which neuron function should I use on digits, and is it really better?",
        "source": None,
        "command": "neurofn run compare_functions --task digits "
        + " ".join(f"--neurons '{name}'" for name in NEURONS if name != CONTROL)
        + f" --seeds {seeds} --size small --out digits",
        "settings": {
            "task": "digits",
            "hidden": [64, 64],
            "recipe": {"steps": 1500, "learning_rate": "chosen on validation from 0.001, 0.003, 0.01", "batch": None},
            "seeds": list(range(seeds)),
        },
        "table": {"columns": [*columns, "parameters", "seconds", "learning rate", "diverged"], "rows": table},
        "readings": {"columns": READING_COLUMNS, "rows": readings},
        "summaries": [_leaderboard(table)],
        "verdicts": _verdicts(),
        "notes": [
            "The learning rate was chosen per neuron on the validation split; the test split was scored once.",
            "Intervals are 95 % intervals of the mean over seeds; p values are Holm-corrected over all pairs.",
        ],
    }


def _cells(seeds: int) -> tuple[list[list[Any]], list[list[Any]]]:
    random = np.random.default_rng(7)
    table: list[list[Any]] = []
    readings: list[list[Any]] = []
    for neuron, (accuracy, speed, parameters, seconds, dead) in NEURONS.items():
        for condition in ("trained", "matched", "readout"):
            shift = {"trained": 0.0, "matched": -0.001, "readout": -0.045}[condition]
            for seed in range(seeds):
                diverged = neuron == "sum(rational(5, 4))" and condition == "trained" and seed == 3
                test = accuracy + shift + random.normal(0, 0.0028)
                measured = [None, None] if diverged else [round(test, 5), round(test + random.normal(0.002, 0.003), 5)]
                spent = round(seconds * random.uniform(0.95, 1.1), 3)
                table.append([neuron, condition, seed, *measured, parameters, spent, 0.003, int(diverged)])
                if condition == "trained":
                    readings += _curves(random, neuron, seed, (test, speed, dead, diverged))
    return table, readings


def _curves(random: Any, neuron: str, seed: int, made: tuple[float, float, float, bool]) -> list[list[Any]]:
    test, speed, dead, diverged = made
    noise, rows = random.normal(0, 0.12), []
    for step in STEPS:
        if diverged and step > 200:
            break
        progress = 1 - np.exp(-((step * speed * np.exp(noise) / 60) ** 0.8))
        accuracy = 0.1 + (test - 0.1) * progress + random.normal(0, 0.004)
        loss = 2.3 * (1 - progress) + 2.3 * (1 - test) * progress * 0.4 + 0.002
        rank = 6 + round(40 * speed * progress ** (1.5 + noise))
        base = [neuron, "trained", step, seed]
        rows += [
            [*base, "network", "Training", "loss", None, round(float(loss), 5)],
            [*base, "network", "Training", "validation accuracy", None, round(float(accuracy), 5)],
        ]
        if neuron != CONTROL:
            rows += [
                [*base, "hidden.0", "EpsilonRank(eps=0.001)", "rank", None, min(rank, 64)],
                [*base, "hidden.1", "EpsilonRank(eps=0.001)", "rank", None, min(round(rank * 0.7), 64)],
            ]
    if neuron != CONTROL and not diverged:
        for site, share in (("hidden.0", dead), ("hidden.1", dead * 1.8)):
            rows += _activated(random, [neuron, "trained", STEPS[-1], seed, site, "ActivatedNeurons"], share)
    return rows


def _activated(random: Any, base: list[Any], share: float) -> list[list[Any]]:
    dead = min(int(random.poisson(share * 64)), 64)
    alive, half = 64 - dead, float(random.uniform(2, 5))
    rows = [[*base, "curve", d, round(float(alive * (1 - np.exp(-d / half))), 3)] for d in SAMPLES]
    return [
        *rows,
        [*base, "dead", None, dead],
        [*base, "share", None, alive / 64],
        [*base, "activated", None, alive],
    ]


def _leaderboard(table: list[list[Any]]) -> Result:
    rows = []
    for neuron, (_, _, parameters, seconds, dead) in NEURONS.items():
        scores = [row[3] for row in table if row[0] == neuron and row[1] == "trained" and row[3] is not None]
        lost = sum(row[8] for row in table if row[0] == neuron and row[1] == "trained")
        half = 2.26 * float(np.std(scores, ddof=1)) / len(scores) ** 0.5
        mean = float(np.mean(scores))
        row = {"neuron": neuron, "score": mean, "low": mean - half, "high": mean + half, "seeds": len(scores)}
        rows.append({**row, "parameters": parameters, "seconds": seconds, "diverged": lost, "dead": dead})
    rows.sort(key=lambda row: -row["score"])
    return {
        "name": "leaderboard",
        "title": "Leaderboard",
        "caption": "Mean test accuracy over seeds with its 95 % interval; networks of equal width.",
        "columns": [
            {"name": "neuron", "label": "neuron", "unit": "", "format": ""},
            {"name": "score", "label": "test accuracy", "unit": "", "format": ".2%"},
            {"name": "low", "label": "low", "unit": "", "format": ".2%"},
            {"name": "high", "label": "high", "unit": "", "format": ".2%"},
            {"name": "seeds", "label": "seeds", "unit": "", "format": "d"},
            {"name": "parameters", "label": "parameters", "unit": "", "format": ",d"},
            {"name": "seconds", "label": "time", "unit": "s per seed", "format": ".1f"},
            {"name": "diverged", "label": "diverged", "unit": "", "format": "d"},
            {"name": "dead", "label": "dead", "unit": "", "format": ".0%"},
        ],
        "rows": rows,
    }


def _verdicts() -> list[Result]:
    def made(a: str, b: str, word: str, numbers: tuple[float, ...], control: str) -> Result:
        effect, low, high, p = numbers
        said = f"{a} better than {b} by {effect} ± {round(high - effect, 2)} points (p = {p})"
        if word == "undecided":
            said = f"no difference seen between {a} and {b} with 10 seeds"
        return {
            "claim": f"{a} scores higher than {b}",
            "source": "this study",
            "verdict": word,
            "sentence": said,
            "effect": effect,
            "low": low,
            "high": high,
            "unit": "points",
            "p": p,
            "smallest_effect": 0.2,
            "control": control,
            "seeds": 10,
        }

    kept = "at matched gain the difference stays: {} points; the untrained read-out shows {}"
    best, relu = "silu(sum(linear))", "relu(sum(linear))"
    return [
        made(best, "gelu(sum(linear))", "undecided", (0.02, -0.22, 0.26, 0.81), kept.format("0.05", "0.1")),
        made(best, relu, "holds", (0.4, 0.21, 0.59, 0.004), kept.format("0.36", "0.02")),
        made(best, "sum(silu + bspline(grid=5))", "holds", (1.01, 0.7, 1.32, 0.0004), kept.format("0.9", "0.3")),
        made(
            "sum(silu + bspline(grid=5))",
            "mean(bspline(grid=5))",
            "uncontrolled",
            (0.66, 0.3, 1.02, 0.01),
            "at matched gain the mean reaches the sum (0.05 points): the difference is one of scale",
        ),
        made("tanh(sum(linear))", relu, "fails", (-0.14, -0.36, 0.08, 0.21), kept.format("-0.1", "0.0")),
        {
            **made(best, CONTROL, "holds", (3.4, 3.1, 3.7, 1e-9), "the linear network is itself the control"),
            "claim": "The best neuron is better than a linear network",
        },
    ]


def frame() -> Result:
    """What every result has, whatever was studied."""
    return {
        "schema": 1,
        "size": "small",
        "versions": {"neurofn": "0.1.0", "code": "9f1c2ab04d6e", "torch": "2.13.0", "python": "3.11.7"},
        "machine": "2 threads, x86_64",
        "started": "2026-11-22T10:15:00",
        "seconds": 214.6,
        "complete": True,
        "missing": [],
    }


if __name__ == "__main__":
    import sys
    from pathlib import Path

    from _example_staircase import staircase
    from neurofn.reporting import report

    folder = Path(sys.argv[1])
    for made_up in (compare(), staircase()):
        for suffix in ("html", "md", "json"):
            report(made_up, folder / f"{made_up['study']}.{suffix}")
