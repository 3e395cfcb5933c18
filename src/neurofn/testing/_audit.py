"""The audit of a package of activation functions: every class and function beside the catalogue's entry of its name.

Foreign code runs in a process of its own, which is replaced where a class hangs or ends it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .._errors import DataError, SettingError, UnknownNameError
from ..functions import catalogue
from ..functions.layerwise import catalogue as layers

__all__ = ["CONTROL", "FAULTS", "Audit", "audit"]

CONTROL = "torch.nn.modules.activation"
"""What must have no fault, or the audit is at fault itself."""

FAULTS = (
    "wrong value", "NaN value", "wrong gradient", "NaN gradient", "inexact value", "NaN value far out",
    "NaN gradient far out", "hangs", "ends the process", "does not run", "cannot be constructed", "not deterministic",
    "dtype", "device", "vmap", "compile", "export",
)  # fmt: skip
"""Every kind of fault, the gravest first."""

_START = 300.0  # seconds to import torch and the package
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Audit:
    """What an audit found: one row per class or function, and how many faults the control has.

    A row has "name", "entry" (the catalogue's name for it, or None), "settings" (which of theirs is which of ours),
    "compared", "faults" (each with "kind", "detail", and where it shows: "at", "got", "expected", "settings"), "doubt" (where
    values differ: "whom", "reasons", "computes") and "notes". ``control`` is None where none was made.

    >>> Audit("torch.nn", rows=()).wrong
    []
    """

    package: str
    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()
    control: int | None = None
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def faulty(self) -> list[Row]:
        """The rows with faults, the gravest first."""
        return sorted((row for row in self.rows if row["faults"]), key=lambda row: (_gravity(row), row["name"]))

    @property
    def wrong(self) -> list[Row]:
        """The rows with a wrong value or gradient."""
        return [
            row for row in self.faulty if {fault["kind"] for fault in row["faults"]} & {"wrong value", "wrong gradient"}
        ]

    @property
    def disputed(self) -> list[Row]:
        """The rows that differ from ours by another definition."""
        return [row for row in self.rows if row["doubt"] and row["doubt"]["whom"] == "definition"]

    def counts(self) -> dict[str, int]:
        """How many rows have each kind of fault."""
        kinds = [{fault["kind"] for fault in row["faults"]} for row in self.rows]
        return {kind: sum(kind in own for own in kinds) for kind in FAULTS if any(kind in own for own in kinds)}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, in the form that `neurofn.reporting.report` takes; "rows" holds everything."""
        from ._audit_report import as_result

        return as_result(self)


def _gravity(row: Row) -> int:
    return min(FAULTS.index(fault["kind"]) for fault in row["faults"])


def audit(
    package: str,
    *,
    trace: bool = True,
    seconds: float = 60.0,
    control: bool = True,
    progress: Callable[[int, int, str], None] | None = None,
) -> Audit:
    """Hold every activation class and function of an installed package against the catalogue.

    ``package`` is what one would import, such as "torch.nn"; importing it runs its code, in a process of its own. ``trace``:
    also torch.compile and torch.export. ``seconds`` is the time limit of each class. ``control``: audit torch.nn in the same
    way first. ``progress`` is called with how many are done, how many there are, and the name of the next.

    Raises UnknownNameError where there is no such package, DataError where it cannot be imported or holds no activation.

    >>> found = audit("torch.nn.modules.activation", trace=False, control=False)  # doctest: +SKIP
    >>> found.wrong                                                               # doctest: +SKIP
    []
    """
    _importable(package)
    if not seconds > 0:
        raise SettingError(f"seconds must be above 0, got {seconds!r}")
    len(catalogue), len(layers)  # a catalogue that cannot be loaded is no fault of theirs
    began = time.monotonic()
    faults = None
    if control:
        other = audit(CONTROL, trace=trace, seconds=seconds, control=False)
        faults = sum(len(row["faults"]) for row in other.rows)
    worker = _Worker(package, seconds)
    rows: list[Row] = []
    interrupted = False
    try:
        names = worker.names
        for done, name in enumerate(names):
            if progress:
                progress(done, len(names), name)
            row = worker.row(name, trace=trace)
            rows += [row] if row else []
    except KeyboardInterrupt:
        interrupted = True
    finally:
        worker.stop()
    if not rows and not interrupted:
        raise DataError(f"{package} has no activation class or function: nothing in it takes one tensor and gives one")
    spent = round(time.monotonic() - began, 1)
    seconded = tuple(_with_siblings(rows))
    return Audit(package, seconded, tuple(worker.problems), faults, spent, _versions(package), interrupted)


def _importable(package: str) -> None:
    """Raise UnknownNameError where no such package is installed; parents are imported only in the other process."""
    top = package.partition(".")[0] if isinstance(package, str) else ""
    if not top or not all(part.isidentifier() for part in package.split(".")):
        raise UnknownNameError(f"{package!r:.80} cannot be imported; give the name of a package as in: import NAME")
    with suppress(ValueError):
        if importlib.util.find_spec(top) is None and not os.path.exists(os.path.join(os.getcwd(), top)):
            raise UnknownNameError(
                f"no package {top!r} is installed; type the name that one imports (of the package torch-activation it is "
                f"torch_activation), after: pip install {top}"
            )


def _versions(package: str) -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name in {package.partition(".")[0], "torch", "neurofn"}:
        for owner in metadata.packages_distributions().get(name, [name])[:1]:
            with suppress(metadata.PackageNotFoundError):
                found[owner] = metadata.version(owner)
    return found


def _with_siblings(rows: Sequence[Row]) -> Iterator[Row]:
    """Where a class differs from ours and another one of the same entry does not, that speaks for ours."""
    agreeing: dict[str, list[str]] = {}
    for row in rows:
        if row["compared"] and not row["doubt"]:
            agreeing.setdefault(row["entry"], []).append(row["name"])
    for row in rows:
        others = agreeing.get(row["entry"]) if row["doubt"] else None
        if others:
            reasons = [*row["doubt"]["reasons"], f"{' and '.join(others[:3])} of the same package agrees with ours"]
            yield {**row, "doubt": {**row["doubt"], "reasons": reasons}}
        else:
            yield row


# ---- the other process --------------------------------------------------------------------------------------------------


class _Worker:
    """A process with the package; started anew where a class hangs in it or ends it."""

    def __init__(self, package: str, seconds: float) -> None:
        self.package, self.seconds = package, seconds
        self.problems: list[str] = []
        self.names: list[str] = []
        self._start()

    def _start(self) -> None:
        threads = {name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        command = [sys.executable, "-m", f"{__package__}._audit_worker"]
        here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **threads, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
            start_new_session=True, encoding="utf-8",
        )  # fmt: skip
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(self._process, self._answers), daemon=True).start()
        where = [*sys.path, os.getcwd()]
        try:
            first = self._ask({"package": self.package, "path": where}, _START)
        except BaseException:
            self.stop()
            raise
        if "error" in first:
            self.stop()
            raise DataError(f"{self.package} cannot be imported: {first['error']}"[:400])
        self.names, self.problems = first["names"], first["problems"]

    @staticmethod
    def _read(process: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
        assert process.stdout is not None
        with suppress(ValueError, OSError):
            for line in process.stdout:
                answers.put(line)
        answers.put("")  # the end

    def _ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            return {"error": f"no answer after {seconds:g} s", "kind": "hangs"}
        except OSError:
            line = ""
        if not line:
            return {"error": "the process ended", "kind": "ends the process"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def row(self, name: str, *, trace: bool) -> Row | None:
        """The row of one name; where none comes, the row says so, and the next one has a new process."""
        answer = self._ask({"name": name, "trace": trace}, self.seconds)
        if "error" not in answer:
            self.problems += [answer["failure"]] if "failure" in answer else []
            row: Row | None = answer["row"]
            return row
        self.stop()
        names, problems = self.names, self.problems
        self._start()
        self.names, self.problems = names, problems
        fault = {"kind": answer["kind"], "detail": answer["error"]}
        return {
            "name": name, "entry": None, "by": "", "settings": "", "compared": False, "faults": [fault], "notes": [],
            "nan_gradient": [], "doubt": None,
        }  # fmt: skip

    def stop(self) -> None:
        """End the process."""
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)  # and what it started
            else:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
