"""From the outcomes of cells to a Result: the table, the readings, the verdicts, the summaries, what is missing."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ._base import Study
from ._cells import Cell, Outcome
from ._claims import Claim, Verdict
from ._code import code_version, torch_version
from ._command import command
from ._data import Cells, Readings, plain
from ._result import Result


@dataclass
class Ledger:
    """What a run knows while it goes on: its cells, their outcomes by key, and what went wrong."""

    study: Study
    size: str
    settings: Mapping[str, Any]
    cells: Sequence[Cell]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    reused: int = 0
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def missing(self) -> list[str]:
        """In words, which cells failed, and which were not reached."""
        words = []
        for cell in self.cells:
            outcome = self.outcomes.get(cell.key)
            if outcome is None:
                words.append(f"{cell.label}: not computed")
            elif outcome.error is not None:
                words.append(f"{cell.label}: failed with {outcome.error}")
        return words


def result(ledger: Ledger) -> Result:
    """Everything that the outcomes tell; claims and summaries that cannot be computed are named among the problems."""
    study = ledger.study
    cells, columns = _view(ledger)
    missing = ledger.missing()
    problems = list(ledger.problems)
    verdicts = _verdicts(ledger, cells, problems=problems, whole=not missing)
    summaries = _summaries(study, cells, problems=problems, whole=not missing)
    problems += _unscored(ledger, cells, summaries)
    return Result(
        study=study.name,
        question=study.question,
        source=study.source,
        size=ledger.size,
        command=command(study, ledger.size, ledger.settings),
        settings=plain(ledger.settings),
        versions=versions(study),
        machine=f"{study.threads} of {os.cpu_count()} threads, {platform.machine()}",
        started=ledger.started,
        seconds=round(
            sum(ledger.outcomes[cell.key].seconds for cell in ledger.cells if cell.key in ledger.outcomes), 3
        ),
        threads=study.threads,
        complete=not missing,
        interrupted=ledger.interrupted,
        missing=tuple(missing),
        table={"columns": columns, "rows": [[plain(row.get(name)) for name in columns] for row in cells.table]},
        readings={"columns": list(cells.readings.columns), "rows": list(cells.readings.rows())},
        summaries=tuple(summaries),
        verdicts=tuple(verdicts),
        notes=(*study.notes, *_notes(ledger, cells)),
        problems=tuple(problems),
    )


def _view(ledger: Ledger) -> tuple[Cells, list[str]]:
    """The cells as claims see them, and the columns of the table; in the order of the combinations, then of the seeds."""
    study, wanted = ledger.study, ledger.settings["seeds"]
    order = {id(cell): place for place, cell in enumerate(ledger.cells)}
    combinations = max(1, sum(1 for cell in ledger.cells if cell.seeds[0] == 0))
    rows: list[dict[str, Any]] = []
    readings: list[Readings] = []
    for cell in sorted(ledger.cells, key=lambda cell: (order[id(cell)] % combinations, cell.seeds)):
        outcome = ledger.outcomes.get(cell.key)
        if outcome is None or outcome.error is not None:
            continue
        for row in outcome.rows:
            if row["seed"] < wanted:
                rows.append({**cell.factors, "seed": row["seed"], "diverged": row["diverged"], **row["metrics"]})
        if len(outcome.readings):
            kept = np.asarray(outcome.readings["seed"] < wanted)
            columns = {name: column[kept] for name, column in outcome.readings.columns.items()}
            readings.append(Readings(columns).with_factors(cell.factors))
    fixed = [*study.factors, "seed", "diverged"]
    metrics = list(dict.fromkeys(name for row in rows for name in row if name not in fixed))
    return Cells(tuple(rows), Readings.joined(readings), plain(ledger.settings)), [*fixed, *metrics]


def _verdicts(ledger: Ledger, cells: Cells, *, problems: list[str], whole: bool) -> list[Verdict]:
    verdicts = []
    try:
        claims = ledger.study.claims_for(ledger.settings)
    except Exception as error:
        problems.append(f"the claims of study {ledger.study.name!r} cannot be made: {type(error).__name__}: {error}")
        return []
    for claim in claims:
        try:
            verdicts.append(claim.judge(cells, source=ledger.study.source))
        except Exception as error:
            # Half the data may be too little for any test; with all of them, a test that fails is a defect.
            if whole:
                problems.append(f"the claim {claim.text!r} cannot be judged: {type(error).__name__}: {error}")
            verdicts.append(_unjudged(claim, ledger.study, whole=whole))
    return verdicts


def _unjudged(claim: Claim, study: Study, *, whole: bool) -> Verdict:
    reason = "its test failed" if whole else "too much is missing"
    return Verdict(
        claim=claim.text,
        verdict="undecided",
        sentence=f"not judged: {reason}",
        source=claim.source or study.source,
        smallest_effect=claim.smallest_effect,
    )


def _summaries(study: Study, cells: Cells, *, problems: list[str], whole: bool) -> list[dict[str, Any]]:
    if study.summarise is None or not cells.table:
        return []
    try:
        return [plain(dict(summary)) for summary in study.summarise(cells)]
    except Exception as error:
        if whole:
            problems.append(f"the summaries of study {study.name!r} cannot be made: {type(error).__name__}: {error}")
        return []


def _unscored(ledger: Ledger, cells: Cells, summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether all diverged: everything that was asked for, or, whatever its controls did, everything on the leaderboard.

    A control that the study adds by itself, at a level nobody asked for, does not count.
    """
    levels = {factor: ledger.settings[factor] for factor in ledger.study.factors}
    asked = [row for row in cells.table if all(row[factor] in known for factor, known in levels.items())]
    main = next(iter(levels), "network")
    ranked = [
        row
        for summary in summaries
        if summary.get("name") == "leaderboard"
        for row in summary["rows"]
        if row.get(main) in levels.get(main, ())
    ]
    empty = bool(ranked) and all(row.get("score", 0.0) is None for row in ranked)
    if not any(row["diverged"] for row in asked) or not (empty or all(row["diverged"] for row in asked)):
        return []
    return [f"no {main} has a score: every one diverged, with every seed; a smaller learning rate may help"]


def _notes(ledger: Ledger, cells: Cells) -> list[str]:
    notes = []
    if ledger.reused:
        notes.append(
            f"{ledger.reused} of {len(ledger.cells)} cells were computed by an earlier run and read from the store."
        )
    diverged: dict[str, list[str]] = {}
    for row in cells.table:
        if row["diverged"]:
            levels = ", ".join(f"{name}={row[name]}" for name in ledger.study.factors)
            diverged.setdefault(levels, []).append(str(row["seed"]))
    notes += [f"Diverged: {levels}: seed {', '.join(seeds)}." for levels, seeds in diverged.items()]
    return notes


def versions(study: Study) -> dict[str, str]:
    """Of neurofn, of the code that makes the numbers, of PyTorch, of Python."""
    return {
        "neurofn": importlib.import_module(__name__.partition(".")[0]).__version__,
        "code": code_version(study)[:12],
        "torch": torch_version(),
        "python": platform.python_version(),
    }
