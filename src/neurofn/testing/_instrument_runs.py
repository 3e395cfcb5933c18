"""The small training and the two processes that the suite of instruments runs."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from ..instruments import Instrument, Labelled, Readings

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["hooks", "in_two_processes", "network", "targets_of", "train"]

_SECONDS = 120  # until a process that does not answer counts as dead


def network() -> nn.Module:
    """A small classifier in training mode with what watching could disturb; the same weights each time."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(6, 7), nn.BatchNorm1d(7), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(7, 7), nn.Tanh()
        )


def train(model: nn.Module, steps: int = 5) -> None:
    """A few steps of Adam; the random state is that of its own seed, and is put back."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(16, 6)).square().mean().backward()
            optimizer.step()


def targets_of(values: Tensor) -> Tensor:
    """Labels 0 and 1 that go with the rows wherever they go: the sign of the first value."""
    return (values[:, 0] > 0).long()


def hooks(model: nn.Module) -> int:
    """How many hooks hang on the model's modules and on all modules of torch."""
    import torch

    shared = torch.nn.modules.module
    count = sum(
        len(value) for name, value in vars(shared).items() if name.startswith("_global_") and name.endswith("hooks")
    )
    for module in model.modules():
        count += sum(len(value) for name, value in vars(module).items() if name.endswith("_hooks"))
    return count


def in_two_processes(instrument: Instrument, halves: Sequence[np.ndarray]) -> list[Readings]:
    """What each of two processes (torch.distributed, gloo) reads after feeding its half and reducing over both."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:  # a clean process that loads torch once and is then copied
        context.set_forkserver_preload(["torch.distributed", "neurofn.watching"])
    with tempfile.TemporaryDirectory() as folder:
        started = []
        for rank, half in enumerate(halves):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(instrument, half, rank, f"{folder}/meet", there))
            process.start()
            there.close()
            started.append((process, here))
        try:
            return [_answer(here) for _, here in started]
        finally:
            for process, here in started:
                here.close()
                process.join(_SECONDS)


def _answer(pipe: Connection[Any, Any]) -> Readings:
    try:
        answer: Readings | str = pipe.recv() if pipe.poll(_SECONDS) else f"no answer in {_SECONDS} s"
    except EOFError:
        answer = "it ended without an answer"
    if isinstance(answer, str):
        raise AssertionError(f"one of two processes failed: {answer}")
    return answer


def _work(instrument: Instrument, half: np.ndarray, rank: int, meet: str, pipe: Connection[Any, Any]) -> None:
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    try:
        distributed.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=2)
        values = torch.from_numpy(half)
        more = {"targets": targets_of(values)} if isinstance(instrument, Labelled) else {}
        state = instrument.update(instrument.start(values.shape[1]), values, **more)
        pipe.send(instrument.compute(instrument.all_reduce(state)))
        distributed.destroy_process_group()
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
