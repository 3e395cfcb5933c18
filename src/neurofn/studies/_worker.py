"""A worker process: reads jobs from its standard input, one JSON line each, and writes answers, until the input ends.

It imports torch once. What the study prints goes to the standard error. Where the driver dies, the input ends, and so does
the worker, at once and in the middle of a cell.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any


def main() -> None:
    """Serve until the standard input ends."""
    from ._executor import answer

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which then ends its workers
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    with suppress(ImportError):
        import torch  # noqa: F401  (before the first job, so that it counts for no cell)
    _send(replies, {"ready": os.getpid()})
    while True:
        work = json.loads(jobs.get())
        with _memory(work.get("bytes")):
            message = answer(work)
        _send(replies, message)


def _listen(jobs: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _send(out: IO[bytes], message: Mapping[str, Any]) -> None:
    """One line of JSON that ends with the number of bytes that follow."""
    content = message.get("readings", b"")
    head = {**message, "readings": len(content)}
    out.write(json.dumps(head).encode() + b"\n" + content)
    out.flush()


class _memory:  # noqa: N801
    """Inside, this process may have at most so many bytes more than it has now; what asks for more raises."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit

    def __enter__(self) -> None:
        if self.limit is not None:
            import resource

            self.before = resource.getrlimit(resource.RLIMIT_DATA)
            most = _data_bytes() + int(self.limit)
            hard = self.before[1]
            resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))

    def __exit__(self, *_: object) -> None:
        if self.limit is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, self.before)


def _data_bytes() -> int:
    """How much private memory this process has, as the kernel counts it for its limit."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0
