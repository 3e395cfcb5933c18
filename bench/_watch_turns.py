"""Turns of `bench/watch.py`: a network that trains a few steps at a time, watched, paused or bare."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from _watch_networks import Case
from _watch_peers import Peer

PAUSED = "paused"


def clock() -> float:
    """Seconds: of the processor with one thread; on the wall with more, since idle threads of torch spin as they wait."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


@dataclass
class Turn:
    """One alternative: a network that trains, and what was measured."""

    case: Case
    name: str
    attach: Peer
    compiled: bool = False
    rounds_apart: int = 1
    record: Any = None
    seconds: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    least_steps: int = 0
    own: float = 0.0
    watched: float = 0.0

    @property
    def watches(self) -> bool:
        """Whether it is a watch of ours that reads, and so its own baseline while it is paused."""
        return hasattr(self.record, "cost") and self.name != PAUSED

    def begin(self, stack: ExitStack) -> None:
        """Build, compile, attach, and take the first steps."""
        torch.manual_seed(0)
        model = self.case.build()
        self.model = torch.compile(model, fullgraph=True) if self.compiled else model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
        self.batches = self.case.batches()
        self.record = self.attach(self.model, stack)
        for _ in range(3):
            self.step()
        self.rest()

    def step(self) -> None:
        inputs, targets = next(self.batches)
        self.optimizer.zero_grad(set_to_none=True)
        output = self.model(inputs)
        functional.cross_entropy(output.flatten(0, -2), targets.flatten()).backward()
        self.optimizer.step()

    def rest(self) -> None:
        """Between turns nothing passes that a budget would count."""
        if hasattr(self.record, "pause"):
            self.record.pause()

    def take(self, order: random.Random) -> None:
        """One turn; of a watch two in any order, one of them paused."""
        for paused in order.sample((False, True), 2) if self.watches else (False,):
            (self.alone if paused else self.seconds).append(self.run(paused=paused or self.name == PAUSED))

    def run(self, *, paused: bool) -> float:
        """The seconds of the steps of one turn."""
        if self.record is not None and not paused:
            self.record.resume()
        own = self.record.cost.seconds if self.watches else 0.0
        begin = clock()
        for _ in range(self.case.steps):
            self.step()
        seconds = clock() - begin
        if self.watches and not paused:
            self.own += self.record.cost.seconds - own
            self.watched += seconds
        self.rest()
        return seconds

    def last(self) -> None:
        """Further turns, where the account is to stand on more steps than the rounds have."""
        for _ in range(-(-self.least_steps // self.case.steps) - len(self.seconds)):
            self.run(paused=False)
