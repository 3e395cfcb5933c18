"""Cells side by side on processes of this machine, which import torch once, and whose death costs one attempt at a cell."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import KW_ONLY, dataclass, field

from .._errors import SettingError
from ._base import Study
from ._cells import Cell, Outcome
from ._executor import Limits, Outcomes, job
from ._process import Process

MOST_WORKERS = 1024


@dataclass(frozen=True)
class Local:
    """Processes of this machine as executor: ``run(..., executor=Local(workers=2))``.

    Each process computes one cell at a time, with the threads of the study, within ``limits``. A process that dies is
    replaced and its cell computed again, ``retries`` times, then reported with the signal that killed it. Numbers are
    those of one process. The study must be importable: of this package, or in a file, not typed at a prompt.

    Raises SettingError for counts that are none.

    >>> Local(workers=2, limits=Limits(seconds=60)).workers
    2
    """

    workers: int = 2
    _: KW_ONLY
    limits: Limits = field(default_factory=Limits)
    retries: int = 1

    def __post_init__(self) -> None:
        for name, least, most in (("workers", 1, MOST_WORKERS), ("retries", 0, 100)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise SettingError(
                    f"{name}={value!r}: give a whole number from {least} to {most}, for example {name}=2"
                )

    def outcomes(self, study: Study, cells: Iterator[Cell]) -> Outcomes:
        """See Executor."""
        idle = [Process(self.limits, threads=study.threads, retries=self.retries) for _ in range(self.workers)]
        processes = tuple(idle)
        busy: dict[Future[Outcome], tuple[Cell, Process]] = {}
        threads = ThreadPoolExecutor(self.workers, thread_name_prefix="neurofn-worker")
        try:
            while True:
                while idle and (cell := next(cells, None)) is not None:
                    process = idle.pop()
                    busy[threads.submit(process.compute, job(study, cell, self.limits))] = cell, process
                if not busy:
                    return
                for future in wait(busy, return_when=FIRST_COMPLETED).done:
                    cell, process = busy.pop(future)
                    idle.append(process)
                    yield cell, future.result()
        finally:  # after Ctrl-C too, and where the driver asks for no more
            for process in processes:
                process.end()
            threads.shutdown(wait=True, cancel_futures=True)
