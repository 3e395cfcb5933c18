"""Running a study: compute the cells that no store has, keep each as soon as it is finished, judge the claims at the end."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ._base import Study, catalogue
from ._cells import Cell, Outcome, code_version, cut, failed, measured
from ._collect import Ledger, result
from ._data import canonical
from ._result import Result
from ._store import Store


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells done of total, of which ``reused`` came from the store; ``label`` says which cell
    comes next.

    ``seconds_left`` is an estimate from the cells finished so far, None before the first.

    >>> Progress(done=3, total=12, reused=0, label="neuron=relu(sum(linear)), seeds 0-4", seconds_left=81.0).total
    12
    """

    done: int
    total: int
    reused: int
    label: str
    seconds_left: float | None


def run(
    study: str | Study,
    *,
    size: str = "small",
    out: str | os.PathLike[str] | None = None,
    seeds: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    **given: Any,
) -> Result:
    """Run a study and return its numbers, readings, summaries and verdicts.

    ``study`` is a name or a Study; ``size`` is "smoke", "small" or "full"; ``given`` are levels of factors and other
    settings of the study, in place of those of the size. With ``out``, finished cells are kept in that folder
    (``results.sqlite``), and cells found there are not computed again. ``progress`` is called before the first cell
    and after each.

    A cell that raises is listed in ``missing`` and the others go on; so is what is left after Ctrl-C, which ends the
    run, not the program. Where the store breaks on the way, the run goes on in memory, warns, and says so in
    ``problems``.

    Raises, before anything is computed: UnknownNameError, SettingError or LanguageError for wrong names and
    settings, DataError for wrong data, and StoreError where ``out`` cannot be used.

    >>> def coin(side, *, seeds, bias=0.5): return [{"metrics": {"share": bias}} for seed in seeds]
    >>> toss = Study(name="coin", cell=coin, question="Is the coin fair?", factors={"side": ["head", "tail"]})
    >>> run(toss, seeds=1).table["rows"]
    [['head', 0, False, 0.5], ['tail', 0, False, 0.5]]
    """
    part = study if isinstance(study, Study) else catalogue[study]
    settings = part.settings(size, **given, **({} if seeds is None else {"seeds": seeds}))
    ledger = Ledger(part, size, settings, cut(part, settings))
    with nullcontext() if out is None else Store(out) as store:
        runner = _Runner(ledger, store, progress or _silent)
        try:
            runner.go()
        except KeyboardInterrupt:
            ledger.interrupted = True
    for problem in ledger.problems:
        warnings.warn(problem, RuntimeWarning, stacklevel=2)
    return result(ledger)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """PyTorch computes with ``count`` threads inside, and with as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _silent(_: Progress) -> None:
    return None


class _Runner:
    def __init__(self, ledger: Ledger, store: Store | None, progress: Callable[[Progress], None]) -> None:
        self.ledger = ledger
        self.store = store
        self.progress = progress
        self.code = code_version(ledger.study)

    def go(self) -> None:
        """Compute what is missing, in order; raises StoreError where the store cannot be read at the start."""
        ledger = self.ledger
        if self.store is not None:
            ledger.outcomes.update(self.store.find([cell.key for cell in ledger.cells]))
            ledger.reused = len(ledger.outcomes)
        left = [cell for cell in ledger.cells if cell.key not in ledger.outcomes]
        for cell in left:
            self.tell(cell)
            if not self.found(cell):
                outcome = ledger.outcomes[cell.key] = self.compute(cell)
                with self.guard():
                    if self.store is not None:
                        self.store.add(ledger.study.name, cell, outcome, code=self.code)
        self.tell(None)

    def found(self, cell: Cell) -> bool:
        """Whether another run has finished the cell meanwhile; its outcome is taken over."""
        known: dict[str, Outcome] = {}
        with self.guard():
            known = {} if self.store is None else self.store.find([cell.key])
        self.ledger.outcomes.update(known)
        self.ledger.reused += len(known)
        return bool(known)

    def compute(self, cell: Cell) -> Outcome:
        start = time.perf_counter()
        try:
            with _threads(self.ledger.study.threads):
                outcome = measured(cell, self.ledger.study.cell(**cell.arguments, seeds=cell.seeds))
        except Exception as error:
            outcome = failed(error)
        seconds = time.perf_counter() - start
        return Outcome(outcome.rows, outcome.readings, outcome.error, round(seconds, 3))

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Where the store fails, say so once and go on without it: what was computed stays in memory."""
        try:
            yield
        except OSError as error:
            self.ledger.problems.append(f"from here on results are kept in memory only: {error}")
            self.store = None

    def tell(self, upcoming: Cell | None) -> None:
        done, total = len(self.ledger.outcomes), len(self.ledger.cells)
        label = upcoming.label if upcoming else ""
        self.progress(Progress(done, total, self.ledger.reused, label, self.left()))

    def left(self) -> float | None:
        """Seconds to the end: a cell takes what the same factor levels took with other seeds, else the mean of all."""
        known: dict[str, float] = {}
        for cell in self.ledger.cells:
            outcome = self.ledger.outcomes.get(cell.key)
            if outcome is not None:
                known[canonical(cell.factors)] = outcome.seconds
        if not known:
            return None
        mean = sum(known.values()) / len(known)
        waiting = [cell for cell in self.ledger.cells if cell.key not in self.ledger.outcomes]
        return sum(known.get(canonical(cell.factors), mean) for cell in waiting)
