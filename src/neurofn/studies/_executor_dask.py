"""Cells on a Dask cluster: the same study, on workers that may come, go and be lost while it runs."""

from __future__ import annotations

import importlib
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from .._errors import MissingExtraError, SettingError
from ._base import Study
from ._cells import Cell, Outcome
from ._code import torch_version
from ._executor import Limits, LostError, Outcomes, answer, job, packed, unpacked
from ._process import Process

_POLL_SECONDS = 1.0
_AHEAD = 1  # cells that wait for each worker's thread, so that none waits for the driver
_GONE = "the Dask scheduler does not answer any more"
_own = threading.local()


@dataclass(frozen=True)
class Dask:
    """A Dask cluster as executor: ``run(..., executor=Dask("tcp://scheduler:8786"))``, or with a client of yours.

    Dask's own deployers make the cluster, on one machine, on SLURM or on Kubernetes. Workers that are lost are Dask's to
    replace; a cell that is with several workers as they die is reported. Each worker must have neurofn, the study, PyTorch
    and the data in the versions of this process: a cell is computed nowhere else. A scheduler that comes back within
    ``patience`` seconds is given what was lost; one that does not ends the run, which can be resumed. With ``limits``, a
    cell is computed in a process of its own beside the worker.

    Raises MissingExtraError without the package, and SettingError where nothing answers at the address.

    >>> Dask("tcp://127.0.0.1:8786").cluster
    'tcp://127.0.0.1:8786'
    """

    cluster: Any
    _: KW_ONLY
    limits: Limits = field(default_factory=Limits)
    patience: float = 30.0

    def outcomes(self, study: Study, cells: Iterator[Cell]) -> Outcomes:
        """See Executor."""
        with ExitStack() as stack:
            client = self._client(stack)
            self._look_at_workers(client, study)
            flight = _Flight(client, study, self.limits)
            stack.callback(flight.cancel)
            while True:
                while len(flight.busy) < flight.room() and (cell := next(cells, None)) is not None:
                    flight.send(cell)
                if not flight.busy:
                    return
                if (landed := flight.landing(self.patience)) is not None:
                    yield landed

    def _client(self, stack: ExitStack) -> Any:
        if not isinstance(self.cluster, str):
            return self.cluster
        try:
            distributed = importlib.import_module("distributed")
        except ImportError as error:
            raise MissingExtraError("distributed", extra="cluster", purpose="running on a Dask cluster") from error
        try:
            client = distributed.Client(self.cluster, set_as_default=False, timeout=self.patience)
        except (OSError, ValueError, TimeoutError) as error:
            raise SettingError(
                f"no Dask scheduler answers at {self.cluster!r} ({type(error).__name__}); "
                "start one (dask scheduler) and give the address that it prints, for example tcp://host:8786"
            ) from error
        return stack.enter_context(client)

    def _look_at_workers(self, client: Any, study: Study) -> None:
        """Raises SettingError where a worker cannot compute the study; those that come later are told with each cell."""
        if not client.nthreads():
            return
        try:
            found = client.run(versions, on_error="return")
        except (OSError, RuntimeError) as error:
            raise LostError(f"the workers do not answer: {error}") from error
        ours = versions()
        for worker, theirs in found.items():
            if isinstance(theirs, Exception):
                raise SettingError(f"worker {worker} cannot load neurofn ({theirs}); install {_said(ours)} on it")
            if differing := [name for name in ours if theirs.get(name) != ours[name]]:
                raise SettingError(
                    f"worker {worker} has {_said(theirs, differing)}, this process {_said(ours, differing)}; "
                    "install the same on both"
                )


class _Flight:
    """The cells that are on the cluster, with their futures."""

    def __init__(self, client: Any, study: Study, limits: Limits) -> None:
        self.client = client
        self.study = study
        self.limits = limits
        self.busy: dict[str, tuple[Cell, Any]] = {}
        self.landed: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def room(self) -> int:
        """How many cells keep all workers busy."""
        if self.client.status != "running":
            return len(self.busy)
        return max(1, int(sum(self.client.nthreads().values())) * (1 + _AHEAD))

    def send(self, cell: Cell) -> None:
        """Give a cell to the cluster."""
        work = job(self.study, cell, self.limits)
        future = self.client.submit(on_worker, work, self.limits.seconds, self.study.threads, pure=False)
        self.busy[future.key] = cell, future
        future.add_done_callback(self.landed.put)

    def landing(self, patience: float) -> tuple[Cell, Outcome] | None:
        """The next outcome, or None where a cell was lost with its scheduler and sent again; may raise LostError."""
        future = self._next(patience)
        cell, _ = self.busy.pop(future.key)
        if future.status == "finished":
            return cell, unpacked(future.result())
        if future.status == "error":
            return cell, Outcome(error=_death(future.exception()))
        deadline = time.monotonic() + patience
        while self.client.status != "running":
            if self.client.status == "closed" or time.monotonic() > deadline:
                raise LostError(_GONE)
            time.sleep(_POLL_SECONDS / 10)
        self.send(cell)
        return None

    def _next(self, patience: float) -> Any:
        silent = 0.0
        while True:
            try:
                return self.landed.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                silent = 0.0 if self.client.status == "running" else silent + _POLL_SECONDS
                if silent > patience or self.client.status == "closed":
                    raise LostError(_GONE) from None

    def cancel(self) -> None:
        """Take back what was not computed."""
        with suppress(Exception):  # the cluster may be gone
            self.client.cancel([future for _, future in self.busy.values()])


def on_worker(work: Mapping[str, Any], seconds: float | None, threads: int) -> dict[str, Any]:
    """Compute a job on a worker of Dask; with limits in a process of its own, one for each thread of the worker."""
    if seconds is None and work["bytes"] is None:
        return answer(work)
    limits = Limits(seconds=seconds, bytes=work["bytes"])
    process = getattr(_own, "process", None)
    if process is None or process.limits != limits or process.threads != threads:
        if process is not None:
            process.end()
        process = _own.process = Process(limits, threads=threads)
    try:
        return packed(process.compute(work))
    except (SettingError, LostError) as error:
        return {"refused": str(error)}


def versions() -> dict[str, str]:
    """Of neurofn and PyTorch in this process."""
    package = importlib.import_module(__name__.partition(".")[0])
    return {"neurofn": str(package.__version__), "torch": torch_version()}


def _said(found: Mapping[str, str], names: list[str] | None = None) -> str:
    return " and ".join(f"{name} {found.get(name, 'none')}" for name in names or found)


def _death(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name}: its workers died, one after another: {error}" if name == "KilledWorker" else f"{name}: {error}"
