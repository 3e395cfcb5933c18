"""The conformance suite of studies: what must hold for every study, at its smoke size.

Each check takes a study and raises AssertionError with what it saw. The smoke size is run once for all of them; checks
that need its numbers have nothing to say where it does not run, since `smoke_size_runs` says that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .._errors import MissingExtraError, NeurofnError
from ..studies import Progress, Result, Study, run
from ..studies._cells import Outcome, cut
from ..studies._claims import Claim
from ..studies._compute import measured

__all__ = ["STUDY_CHECKS", "failures", "without_times"]

_NONSENSE = "no such thing"


@functools.lru_cache(maxsize=8)
def _fresh(study: Study) -> Result | None:
    """The smoke size, run once in memory; None where it does not run to its end."""
    try:
        result = run(study, size="smoke")
    except NeurofnError:
        return None
    return None if result.missing or result.problems else result


@functools.lru_cache(maxsize=8)
def _again(study: Study) -> Outcome:
    """The first cell of the smoke size, computed once more."""
    cell = cut(study, study.settings("smoke"))[0]
    return measured(cell, study.cell(**cell.arguments, seeds=cell.seeds))


def _is_time(name: object) -> bool:
    return "seconds" in str(name)


def without_times(result: Result) -> dict[str, Any]:
    """What of a result must be the same whenever it is computed: table, readings, summaries, verdicts, but no seconds.

    >>> table = {"columns": ["seed", "loss", "seconds"], "rows": [[0, 0.5, 12.3]]}
    >>> without_times(Result(study="toy", table=table))["table"]
    [{'seed': 0, 'loss': 0.5}]
    """
    return {
        "table": [_timeless(row) for row in _rows(result.table)],
        "readings": [row for row in _rows(result.readings) if not _is_time(row.get("reading"))],
        "summaries": [
            [_timeless(row) if isinstance(row, Mapping) else row for row in summary.get("rows", ())]
            for summary in result.summaries
        ],
        "verdicts": [verdict.to_dict() for verdict in result.verdicts],
    }


def _rows(table: Mapping[str, Any], equal: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows of a table by column, those with the values of ``equal``."""
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return [row for row in rows if all(row[name] == value for name, value in (equal or {}).items())]


def _timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not _is_time(name)}


def _repeated(study: Study, fresh: Result) -> str:
    """What differs when the first cell is computed again, in words; empty where nothing does."""
    factors = study.combinations(study.settings("smoke"))[0]
    again = _again(study)
    metrics = {row["seed"]: _timeless(row["metrics"]) for row in again.rows}
    seeds = set()
    for row in _rows(fresh.table, factors):
        for name, value in metrics.get(row["seed"], {}).items():
            if row[name] != value:
                return f"{name} of seed {row['seed']} was {row[name]!r} and is {value!r}"
        seeds |= {row["seed"]} & set(metrics)
    old = [row for row in _rows(fresh.readings, factors) if row["seed"] in seeds and not _is_time(row["reading"])]
    new = [row for row in again.readings.table() if row["seed"] in seeds and not _is_time(row["reading"])]
    if old == [{**factors, **row} for row in new]:
        return ""
    return f"{len(old)} readings differ from the {len(new)} of the second time"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder whose files are removed by their full paths, which guards of the disk can tell from others."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        for path in Path(name).iterdir():
            path.unlink()


# --- The checks -------------------------------------------------------------------------------------------------------


def question_and_source_are_stated(study: Study) -> None:
    """A reader can tell what is asked, and where it comes from."""
    assert study.question.rstrip().endswith("?"), (
        f"the question {study.question!r} is none: end it with a question mark"
    )
    assert study.source, "there is no source: give source='arXiv:...', a DOI, or 'own'"


def smoke_size_runs(study: Study) -> None:
    """Every cell is computed, every claim judged, every summary made."""
    if _fresh(study) is None:
        result = run(study, size="smoke")
        words = [*result.missing, *result.problems]
        assert not words, "; ".join(words)


def same_seed_same_numbers(study: Study) -> None:
    """A cell depends on its settings and seeds alone."""
    fresh = _fresh(study)
    if fresh is not None:
        assert not (difference := _repeated(study, fresh)), f"computed twice, the first cell differs: {difference}"


def seeds_matter(study: Study) -> None:
    """Seeds are repetitions of an experiment, not copies of one."""
    if _fresh(study) is None:
        return
    rows = [_timeless(row["metrics"]) for row in _again(study).rows]
    assert len(rows) < 2 or any(row != rows[0] for row in rows), (
        f"all {len(rows)} seeds of the first cell have the metrics {rows[0]}: use the seeds"
    )


def resume_equals_fresh(study: Study) -> None:
    """A run that was stopped and resumed tells the same as one that was not."""
    fresh = _fresh(study)
    if fresh is None or _repeated(study, fresh):
        return  # another check says so

    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with _folder() as folder:
        run(study, size="smoke", out=folder, progress=stop)
        resumed = run(study, size="smoke", out=folder)
    once, twice = without_times(fresh), without_times(resumed)
    for name, value in once.items():
        assert twice[name] == value, f"the {name} of a resumed run differ: {_first_difference(value, twice[name])}"


def _first_difference(one: list[Any], two: list[Any]) -> str:
    for left, right in zip(one, two, strict=False):
        if left != right:
            return f"{left} became {right}"
    return f"{len(one)} rows became {len(two)}"


def _claims(study: Study) -> list[Claim]:
    return study.claims_for(study.settings("smoke"))


def claims_fail_on_their_counterexample(study: Study) -> None:
    """A claim can be wrong, and its test sees it."""
    for claim in _claims(study):
        evidence = claim.test(claim.counterexample())
        assert evidence.holds is False, (
            f"on its counterexample the claim {claim.text!r} is {_WORDS[evidence.holds]}: {evidence.sentence}"
        )


_WORDS = {True: "said to hold", False: "said to fail", None: "undecided"}


def claims_have_a_control(study: Study) -> None:
    """No verdict without its control."""
    bare = [claim.text for claim in _claims(study) if claim.control is None]
    assert not bare, f"without a control: {'; '.join(bare)}"


def wrong_names_are_found_before_training(study: Study) -> None:
    """A typing error does not cost an hour of training."""

    @functools.wraps(study.cell)
    def untouched(**_: Any) -> Any:
        raise AssertionError("a cell was computed")

    spied = dataclasses.replace(study, cell=untouched)
    defaults = study.defaults("smoke")
    texts = [name for name in study.factors if all(isinstance(level, str) for level in defaults[name])]
    for name in [*texts, *(["task"] if isinstance(defaults.get("task"), str) else [])]:
        given: dict[str, Any] = {name: _NONSENSE}
        try:
            run(spied, size="smoke", seeds=1, **given)
        except NeurofnError:
            continue
        except Exception as error:
            raise AssertionError(f"{name}={_NONSENSE!r} raises {type(error).__name__}: {error}") from error
        raise AssertionError(f"{name}={_NONSENSE!r} is not refused before the first cell; give the study a check=")


def result_survives_json(study: Study) -> None:
    """What is saved is what was measured."""
    fresh = _fresh(study)
    if fresh is not None:
        again = Result.from_dict(json.loads(json.dumps(fresh.to_dict(), allow_nan=False)))
        for field in dataclasses.fields(Result):
            before, after = getattr(fresh, field.name), getattr(again, field.name)
            assert before == after, f"{field.name} was {before!r:.200} and is {after!r:.200} after saving and loading"


def report_renders(study: Study) -> None:
    """The summaries are tables, with names, and the report can be made of them."""
    from ..reporting import report

    fresh = _fresh(study)
    if fresh is None:
        return
    for summary in fresh.summaries:
        absent = sorted({"name", "title", "columns", "rows"} - set(summary))
        assert not absent, f"the summary {summary.get('name')!r} lacks {absent}"
    with _folder() as folder:
        try:
            report(fresh, folder / "report.md")
            with contextlib.suppress(MissingExtraError):
                report(fresh, folder / "report.html")
        except Exception as error:
            raise AssertionError(f"the report cannot be made: {type(error).__name__}: {error}") from error


STUDY_CHECKS: dict[str, Callable[[Study], None]] = {
    check.__name__: check
    for check in (
        question_and_source_are_stated,
        smoke_size_runs,
        same_seed_same_numbers,
        seeds_matter,
        resume_equals_fresh,
        claims_fail_on_their_counterexample,
        claims_have_a_control,
        wrong_names_are_found_before_training,
        result_survives_json,
        report_renders,
    )
}
"""Every check of the suite by name."""


def failures(study: Study) -> dict[str, str]:
    """Check name -> what is wrong, for every check that ``study`` fails.

    >>> def coin(side, *, seeds): return [{"metrics": {"share": 1 / (seed + 2)}} for seed in seeds]
    >>> toss = Study(name="coin", cell=coin, question="Is the coin fair", factors={"side": ["head"]}, source="own")
    >>> list(failures(toss))
    ['question_and_source_are_stated']
    """
    found = {}
    for name, check in STUDY_CHECKS.items():
        try:
            check(study)
        except AssertionError as error:
            found[name] = str(error)
    return found
