"""Two real processes of torch.distributed (gloo) for tests, and what they do there."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

LONGEST = 120.0
"""Seconds until a process that gives no answer counts as hanging."""


def in_two_processes(work: Callable[..., Any], folder: Path, *given: Any, timeout: float = 60.0) -> list[Any]:
    """What ``work(rank, *given)`` gives in each of two processes: a result, an exception as text, or None where it died."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch.distributed", "neurofn.watching", "neurofn.instruments"])
    started = []
    for rank in range(2):
        here, there = context.Pipe(duplex=False)
        target = (work, rank, f"{folder}/meet", timeout, given, there)
        process = context.Process(target=_run, args=target, daemon=True)
        process.start()
        there.close()
        started.append((process, here))
    answers = [_answer(pipe) for _, pipe in started]
    for process, pipe in started:
        pipe.close()
        process.join(LONGEST)
        process.close()
    return answers


def _answer(pipe: Connection[Any, Any]) -> Any:
    try:
        return pipe.recv() if pipe.poll(LONGEST) else "hangs"
    except EOFError:
        return None


def _run(
    work: Callable[..., Any], rank: int, meet: str, timeout: float, given: Any, pipe: Connection[Any, Any]
) -> None:
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meet}", rank=rank, world_size=2, timeout=timedelta(seconds=timeout)
    )
    try:
        pipe.send(work(rank, *given))
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
    pipe.close()
    time.sleep(0.2)
    os._exit(0)  # without the goodbyes of a group whose other process may be dead
