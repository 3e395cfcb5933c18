"""Studies that each break one rule: check name -> the study that must fail that check and no other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurofn.studies import Cells, Claim, Evidence, Study

_calls = itertools.count()
_remembered: list[float] = []


def _noise(seed: int, width: int) -> float:
    return float(np.random.default_rng([seed, width]).standard_normal())


def _sound_cell(neuron: str, width: int, *, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    gain = {"good": 1.0, "bad": 0.0}[neuron]
    return [{"metrics": {"score": gain + 0.1 * _noise(seed, width), "seconds": float(next(_calls))}} for seed in seeds]


def _better(cells: Cells) -> Evidence:
    effect = float(np.mean(cells.values("score", neuron="good")) - np.mean(cells.values("score", neuron="bad")))
    return Evidence(sentence="good is better than bad", holds=effect > 0.5, effect=effect)


def _control(cells: Cells) -> Evidence:
    return Evidence(sentence="before training there is no difference", holds=False)


def _no_difference() -> Cells:
    return Cells.of([{"neuron": neuron, "score": float(seed)} for neuron in ("good", "bad") for seed in range(5)])


def _difference() -> Cells:
    return Cells.of([{"neuron": "good", "score": 1.0}, {"neuron": "bad", "score": 0.0}])


def _board(cells: Cells) -> list[dict[str, Any]]:
    rows = [
        {"neuron": name, "score": float(np.mean(cells.values("score", neuron=name)))} for name in cells.levels("neuron")
    ]
    return [
        {"name": "leaderboard", "title": "Scores", "columns": [{"name": "neuron"}, {"name": "score"}], "rows": rows}
    ]


_CLAIM = Claim("good is better", test=_better, counterexample=_no_difference, control=_control)
SOUND = Study(
    name="sound",
    cell=_sound_cell,
    question="Is good better than bad?",
    factors={"neuron": ["good", "bad"], "width": [1, 2]},
    claims=[_CLAIM],
    seeds=3,
    stack=3,
    source="arXiv:0000.00000",
    summarise=_board,
)


def _with(**parts: Any) -> Study:
    return dataclasses.replace(SOUND, **parts)


def _fails_at_width_two(neuron: str, width: int, *, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    return _sound_cell(neuron, 1 // (2 - width), seeds=seeds)


def _counts_its_calls(neuron: str, width: int, *, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    answers = _sound_cell(neuron, width, seeds=seeds)
    return [{"metrics": {**answer["metrics"], "call": next(_calls)}} for answer in answers]


def _ignores_its_seeds(neuron: str, width: int, *, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    return _sound_cell(neuron, width, seeds=(0,)) * len(seeds)


def _remembers(neuron: str, width: int, *, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    answers = _sound_cell(neuron, width, seeds=seeds)
    _remembered.extend(answer["metrics"]["score"] for answer in answers)
    return answers


def _of_what_is_remembered(cells: Cells) -> list[dict[str, Any]]:
    rows = [{"score": sum(_remembered), "rows": len(_remembered)}]
    return [{"name": "sums", "title": "Sums", "columns": [{"name": "score"}, {"name": "rows"}], "rows": rows}]


def _of_words(cells: Cells) -> Sequence[Any]:
    return [{"name": "words", "title": "Words", "columns": ["neuron"], "rows": [["good"]]}]


BROKEN: dict[str, Study] = {
    "question_and_source_are_stated": _with(source=None),
    "smoke_size_runs": _with(cell=_fails_at_width_two),
    "same_seed_same_numbers": _with(cell=_counts_its_calls),
    "seeds_matter": _with(cell=_ignores_its_seeds),
    "resume_equals_fresh": _with(cell=_remembers, summarise=_of_what_is_remembered),
    "claims_fail_on_their_counterexample": _with(claims=[dataclasses.replace(_CLAIM, counterexample=_difference)]),
    "claims_have_a_control": _with(claims=[dataclasses.replace(_CLAIM, control=None)]),
    "wrong_names_are_found_before_training": _with(check=lambda settings: None),
    "result_survives_json": _with(source=("arXiv:0000.00000", "arXiv:0000.00001")),
    "report_renders": _with(summarise=_of_words),
}
