"""Small studies for the tests of the engine: no training, numbers that depend on nothing but settings and seed."""

from __future__ import annotations

import hashlib
import os
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurofn.studies import Cells, Claim, Evidence, Study

CALLS: list[tuple[str, tuple[int, ...]]] = []
"""Which cells were computed in this process, in order."""


def record(seed: int, values: list[float]) -> Any:
    """What the engine reads of a Record, without the import of torch that comes with the real one."""
    n = len(values)
    words = {"site": "network", "instrument": "Training", "reading": "loss"}
    columns = {name: np.array([word] * n) for name, word in words.items()}
    numbers = {"step": np.arange(n), "seed": np.full(n, seed), "unit": np.full(n, np.nan), "value": np.array(values)}
    return SimpleNamespace(columns={**columns, **numbers})


def number(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6]) / 2**48


def measure(
    neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 10, bias: float = 0.0
) -> list[dict[str, Any]]:
    CALLS.append((f"{neuron}/{width}", seeds))
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    gain = 1.0 if neuron == "good" else 0.0
    answers = []
    for seed in seeds:
        score = gain + bias + number(neuron, width, steps, seed) / 10
        metrics = {"score": score, "gap": float("nan") if seed == 1 else 0.5, "seconds": time.perf_counter()}
        answers.append({"metrics": metrics, "record": record(seed, [score, float("nan")]), "diverged": seed == 2})
    return answers


def better(cells: Cells) -> Evidence:
    effect = float(np.mean(cells.values("score", neuron="good")) - np.mean(cells.values("score", neuron="bad")))
    sentence = f"good is better than bad by {effect:.2f}"
    return Evidence(sentence=sentence, holds=effect > 0.5, effect=effect, n=len(cells.levels("seed")))


def same_at_zero_steps(cells: Cells) -> Evidence:
    return Evidence(sentence="without training there is no difference", holds=False)


def nothing() -> Cells:
    return Cells.of([{"neuron": name, "seed": seed, "score": 0.5} for name in ("good", "bad") for seed in range(5)])


def leaderboard(cells: Cells) -> list[dict[str, Any]]:
    rows = [{"neuron": n, "score": float(np.mean(cells.values("score", neuron=n)))} for n in cells.levels("neuron")]
    columns = [{"name": "neuron", "label": "neuron"}, {"name": "score", "label": "score", "format": ".3f"}]
    return [{"name": "leaderboard", "title": "Scores", "caption": "means", "columns": columns, "rows": rows}]


CLAIM = Claim("good is better", test=better, counterexample=nothing, control=same_at_zero_steps, smallest_effect=0.1)
PARTS: dict[str, Any] = {
    "name": "toy",
    "cell": measure,
    "question": "Is good better than bad?",
    "factors": {"neuron": ["good", "bad"], "width": [1, 2]},
    "sizes": {"smoke": {"seeds": 5, "width": [1]}, "small": {"steps": 20}, "full": {"steps": 30}},
    "claims": [CLAIM],
    "source": "arXiv:0000.00000",
    "summarise": leaderboard,
}
toy = Study(**PARTS)


def altered(**parts: Any) -> Study:
    """The toy study with other entries."""
    return Study(**{**PARTS, **parts})


def without_times(table: Any) -> list[dict[str, Any]]:
    """The rows of a table by column, without the seconds."""
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]
