"""Running a study: compute the cells that no store has, keep each as soon as it is finished, judge the claims at the end."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from .._errors import SettingError
from ._base import Study, catalogue
from ._cells import Cell, Outcome, cut
from ._code import code_version
from ._collect import Ledger, result
from ._data import canonical
from ._executor import Executor, Here, LostError
from ._looks import Looks
from ._reference import loading
from ._result import Result
from ._store import Store

_POLL_SECONDS = 0.2  # between looks at the cells of other runs


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
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
    **given: Any,
) -> Result:
    """Run a study and return its numbers, readings, summaries and verdicts.

    ``study`` is a name or a Study; ``size`` is "smoke", "small" or "full"; ``given`` are levels of factors, ``seeds``, and
    other settings of the study, in place of those of the size. With ``out``, finished cells are kept in that folder
    (``results.sqlite``), and cells found there are not computed again; runs that share it at the same time share the work.
    With ``seeds=Looks((10, 20, 40))`` it ends at the first of these numbers of seeds that decides its claims.
    ``executor`` is where cells are computed: `Local` processes, a `Dask` cluster, or, without one, this process.
    ``progress`` is called before the first cell and after each.

    A cell that raises, or takes more than its limits, is listed in ``missing`` and the others go on; so is what is left
    after Ctrl-C, which ends the run, not the program. Where the store breaks on the way, the run goes on in memory, warns,
    and says so in ``problems``; where all workers are lost it ends, and says so.

    Raises, before anything is computed: UnknownNameError, SettingError or LanguageError for wrong names and
    settings, DataError for wrong data, and StoreError where ``out`` cannot be used; SettingError also where workers cannot
    compute the study.

    >>> def coin(side, *, seeds, bias=0.5): return [{"metrics": {"share": bias}} for seed in seeds]
    >>> toss = Study(name="coin", cell=coin, question="Is the coin fair?", factors={"side": ["head", "tail"]})
    >>> run(toss, seeds=1).table["rows"]
    [['head', 0, False, 0.5], ['tail', 0, False, 0.5]]
    """
    part = study if isinstance(study, Study) else catalogue[study]
    if loading():
        raise SettingError(
            f"{part.name} is run by a file that is being imported; put: if __name__ == '__main__': before it"
        )
    if given.get("seeds") is None:
        given.pop("seeds", None)
    looks = given["seeds"] if isinstance(given.get("seeds"), Looks) else None
    counts: list[dict[str, Any]] = [{"seeds": count} for count in looks.seeds] if looks else [{}]
    known: dict[str, Outcome] = {}
    for look, count in enumerate(counts):
        settings = part.settings(size, **{**given, **count})
        ledger = Ledger(part, size, settings, cut(part, settings))
        ledger.outcomes.update((cell.key, known[cell.key]) for cell in ledger.cells if cell.key in known)
        _compute(ledger, out=out, executor=executor or Here(), progress=progress or _silent)
        found, known = result(ledger), ledger.outcomes
        if looks and looks.ends(found, look):
            found = looks.judged(found, look)
            break
    for problem in ledger.problems:
        warnings.warn(problem, RuntimeWarning, stacklevel=2)
    return found


def _compute(
    ledger: Ledger,
    *,
    out: str | os.PathLike[str] | None,
    executor: Executor,
    progress: Callable[[Progress], None],
) -> None:
    """Fill the ledger, from the store and by computing; what ends that early is said in it."""
    with nullcontext() if out is None else Store(out) as store:
        try:
            _Runner(ledger, store, progress).go(executor)
        except KeyboardInterrupt:
            ledger.interrupted = True
        except LostError as error:
            ledger.problems.append(f"not everything was computed: {error}; the same command goes on from here")


def _silent(_: Progress) -> None:
    return None


class _Runner:
    def __init__(self, ledger: Ledger, store: Store | None, progress: Callable[[Progress], None]) -> None:
        self.ledger = ledger
        self.store = store
        self.progress = progress
        self.code = code_version(ledger.study)
        self.begun = time.perf_counter()
        self.computed = 0.0  # seconds of cells, whoever computed them

    def go(self, executor: Executor) -> None:
        """Compute what is missing, in order; raises StoreError where the store cannot be read at the start."""
        ledger = self.ledger
        if self.store is not None:
            stored = self.store.find([cell.key for cell in self.waiting()])
            ledger.outcomes.update(stored)
            ledger.reused = len(stored)
        self.tell()
        while waiting := self.waiting():
            with closing(executor.outcomes(ledger.study, self.claimed(waiting))) as outcomes:
                for cell, outcome in outcomes:
                    self.keep(cell, outcome)
            if len(self.waiting()) == len(waiting):  # other runs are computing the rest
                time.sleep(_POLL_SECONDS)

    def waiting(self) -> list[Cell]:
        """The cells without an outcome, in order."""
        return [cell for cell in self.ledger.cells if cell.key not in self.ledger.outcomes]

    def claimed(self, waiting: Sequence[Cell]) -> Iterator[Cell]:
        """Those cells that this run is to compute: no other has finished them meanwhile, or is computing them."""
        for cell in waiting:
            known: Outcome | bool = True
            with self.guard():
                known = True if self.store is None else self.store.claim(cell.key)
            if isinstance(known, Outcome):
                self.ledger.outcomes[cell.key] = known
                self.ledger.reused += 1
                self.tell()
            elif known:
                yield cell

    def keep(self, cell: Cell, outcome: Outcome) -> None:
        """An outcome goes into the ledger and the store."""
        self.ledger.outcomes[cell.key] = outcome
        self.computed += outcome.seconds
        with self.guard():
            if self.store is not None:
                self.store.add(self.ledger.study.name, cell, outcome, code=self.code)
        self.tell()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Where the store fails, say so once and go on without it: what was computed stays in memory."""
        try:
            yield
        except OSError as error:
            self.ledger.problems.append(f"from here on results are kept in memory only: {error}")
            self.store = None

    def tell(self) -> None:
        """Say how far the run is."""
        waiting = self.waiting()
        done, total = len(self.ledger.outcomes), len(self.ledger.cells)
        label = waiting[0].label if waiting else ""
        self.progress(Progress(done, total, self.ledger.reused, label, self.left()))

    def left(self) -> float | None:
        """Seconds to the end: a cell takes what the same factor levels took with other seeds, else the mean of all.

        Where several workers compute, as many seconds of cells pass in one as did so far.
        """
        known: dict[str, float] = {}
        for cell in self.ledger.cells:
            outcome = self.ledger.outcomes.get(cell.key)
            if outcome is not None:
                known[canonical(cell.factors)] = outcome.seconds
        if not known:
            return None
        mean = sum(known.values()) / len(known)
        share = (time.perf_counter() - self.begun) / self.computed if self.computed else 1.0
        return min(1.0, share) * sum(known.get(canonical(cell.factors), mean) for cell in self.waiting())
