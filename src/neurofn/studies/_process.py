"""One worker process as its driver sees it: started when needed, replaced when it dies, ended when it takes too long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ._cells import Outcome
from ._executor import Limits, LostError, unpacked

_START = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {__package__}._worker import main; main()"
_STARTUP_SECONDS = 600.0  # to import torch on a machine that is busy
_LAST_SECONDS = 5.0  # between the end of what a process says and its own end


class Process:
    """A worker process. ``compute`` is called by one thread at a time, ``end`` by any."""

    def __init__(self, limits: Limits, *, threads: int = 1, retries: int = 1) -> None:
        self.limits = limits
        self.threads = threads
        self.retries = retries
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._process is None else self._process.pid

    def compute(self, work: Mapping[str, Any]) -> Outcome:
        """The outcome of a job. A worker that dies is replaced and the job given to the next, ``retries`` times.

        Raises LostError where no worker can be started, SettingError where it refuses the job.
        """
        death = ""
        for _ in range(self.retries + 1):
            self._start()
            message, late = self._ask(work, self.limits.seconds)
            if message is not None:
                return unpacked(message)
            if self._ended:
                raise LostError("the run was stopped")
            if late:
                seconds = float(self.limits.seconds or 0.0)
                reason = f"TimeoutError: took longer than {seconds:g} s, the limit of seconds for a cell"
                return Outcome(error=reason, seconds=seconds)
            death = self._reap()
        times = "" if not self.retries else f", and so did the {self.retries} after it"
        return Outcome(error=f"its worker process {death}{times}")

    def end(self) -> None:
        """End the process, in the middle of a cell too; it is not started again."""
        with self._lock:
            self._ended = True
            process, self._process = self._process, None
        if process is not None:
            _kill(process)

    def _start(self) -> None:
        if self._process is not None:
            return
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "MKL_NUM_THREADS": str(self.threads)}
        with self._lock:
            if self._ended:
                raise LostError("the run was stopped")
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, json.dumps([path or os.getcwd() for path in sys.path])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # Ctrl-C at a terminal goes to the driver alone
            )
        message, _ = self._read(_STARTUP_SECONDS)
        if message is None:
            raise LostError(f"a worker process {self._reap()} before it was ready; what it said is above")

    def _ask(self, work: Mapping[str, Any], seconds: float | None) -> tuple[dict[str, Any] | None, bool]:
        process = self._process
        try:
            if process is None or process.stdin is None:
                return None, False
            process.stdin.write(json.dumps(work).encode() + b"\n")
            process.stdin.flush()
        except OSError:  # it died while it was idle
            return None, False
        return self._read(seconds)

    def _read(self, seconds: float | None) -> tuple[dict[str, Any] | None, bool]:
        """A message, or None where the process ended; and whether that was for its taking too long."""
        process, late = self._process, threading.Event()
        if process is None or process.stdout is None:
            return None, False

        def stop() -> None:
            late.set()
            _signal(process)

        timer = threading.Timer(seconds, stop) if seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            message = json.loads(process.stdout.readline() or b"null")
            if message is not None:
                message["readings"] = process.stdout.read(message["readings"])
            return message, late.is_set()
        except (OSError, ValueError):  # cut off in the middle
            return None, late.is_set()
        finally:
            if timer is not None:
                timer.cancel()
            if late.is_set():
                self._reap()

    def _reap(self) -> str:
        """Wait for the end of the process, and tell how it ended."""
        process, self._process = self._process, None
        if process is None:
            return "was ended"
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_SECONDS)
        _kill(process)
        code = process.returncode
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    _signal(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()


def _signal(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it has started."""
    with suppress(OSError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
