"""Plans: which passes of a training are read, and when readings are taken. One for each kind of ``every=``."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence

from ..instruments import Instrument
from ._chunks import Chunk, row_of
from ._governor import Governor
from ._jobs import Job, over_processes
from ._places import Feed
from ._sampler import Sampler
from .schedules import Schedule, Windows

__all__ = ["Budgeted", "Cadence", "Passes", "Plan"]

_ROWS = 256  # of a place in a sampled pass under a budget
_LEAST, _FURTHER = 10, 1.1  # steps between two readings under a budget: more, and in proportion to the step
_LOOK = 5  # steps between two looks for a spectrum that has rows enough
_ENOUGH = 4  # rows per neuron that a spectrum under a budget waits for


class Plan(ABC):
    """What `watch` asks at every step. ``fast``: rows are added up by kernels over many passes."""

    fast = True
    together = True
    """Whether readings stand on the rows of all processes, which take them at the same steps."""

    def __init__(self, passes: int) -> None:
        self.passes = passes
        self.sampled = 0  # training passes that were read
        self.paid = 0.0  # seconds of the last `end` that the plan has accounted for itself

    def prepare(self, instruments: Sequence[Instrument]) -> None:  # noqa: B027  # a fixed cadence has no account
        """Called before the first pass."""

    @abstractmethod
    def begin(self, step: int, loss: float | None, sampler: Sampler) -> Feed | None:
        """What is read of a pass of this step; None: nothing."""

    @abstractmethod
    def end(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        """The readings that are taken when the step ends."""

    def evaluate(self, sampler: Sampler) -> Feed | None:
        """What is read of an evaluation pass."""
        return Feed()

    def settle(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        """The readings of what came in between two training passes."""
        return iter(())

    def close(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        """The readings that are left when the training ends."""
        return iter(())

    def account(self, step: int, seed: int) -> Iterator[Chunk]:
        """What watching came to, where that is not the same in every run."""
        return iter(())

    def bill(self, seconds: float) -> None:  # noqa: B027  # a fixed cadence has no account
        """So long was spent besides."""


class Passes(Plan):
    """Each reading from the rows of one step, all of them, exactly."""

    fast = False

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(schedule.passes)
        self._due = schedule.begin()
        self._asked = -1
        self._on = False

    def begin(self, step: int, loss: float | None, sampler: Sampler) -> Feed | None:
        if step != self._asked:
            self._asked, self._on = step, self._due(step, loss)
            if self._on:
                sampler.clear()
        self.sampled += self._on
        return Feed() if self._on else None

    def end(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        if self._on and step == self._asked:
            yield from sampler.read(step, seed, [""], together=self.together)

    def settle(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        return sampler.read(step, seed, ["evaluation", "gradient"])


class _Summing(Plan):
    """Plans that hand states over to jobs."""

    def __init__(self, passes: int) -> None:
        super().__init__(passes)
        self._jobs: deque[Job] = deque()

    def _take(self, step: int, sampler: Sampler, key: str, i: int) -> Job:
        place = sampler.places[key]
        counted = "rows" if all(place.dear(k) for k in range(i)) else ""
        if place.dear(i):
            place.read_at, counted = step, f"rows of {sampler.instruments[i]}"
        return Job(step, sampler.names[key], sampler.instruments[i], place.take(i), place.neurons, counted)

    def settle(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        for key in sampler.ordered():
            if sampler.names[key].side == "evaluation":
                self._jobs.extend(self._take_all(step, sampler, key))
        return iter(())

    def _take_all(self, step: int, sampler: Sampler, key: str) -> list[Job]:
        place = sampler.places[key]
        return [self._take(step, sampler, key, i) for i in range(len(place.instruments)) if place.rows(i)]

    def _share(self, jobs: list[Job], step: int) -> list[Job]:
        return over_processes(jobs, step=step) if self.together else jobs

    def close(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        last = [job for key in sampler.ordered() for job in self._take_all(step, sampler, key)]
        self._jobs.extend(self._share(last, step))
        while self._jobs:
            yield from self._jobs.popleft().read(seed)


class Cadence(_Summing):
    """`Windows`: fixed steps; cheap readings at once, dear ones one a step."""

    def __init__(self, windows: Windows) -> None:
        super().__init__(windows.passes)
        self.windows = windows
        self._due = windows.readings.begin()
        self._asked, self._reading = -1, False

    def begin(self, step: int, loss: float | None, sampler: Sampler) -> Feed | None:
        light, dear = step % self.windows.rows == 0, step % self.windows.dear == 0
        if step != self._asked:
            self._asked, self._reading = step, self._due(step, loss)
        if not (light or dear):
            return None
        self.sampled += 1
        return Feed(light=light, dear=dear)

    def end(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        if self._reading and step == self._asked:
            for job in self._share(self._due_now(step, sampler), step):
                if job.dear:
                    self._jobs.append(job)
                else:
                    yield from job.read(seed)
        if self._jobs:
            yield from self._jobs.popleft().read(seed)

    def _due_now(self, step: int, sampler: Sampler) -> list[Job]:
        places = {key: sampler.places[key] for key in sampler.ordered()}
        idle = all(job.name.side for job in self._jobs)  # what is left of training passes is the same in all processes
        old = [key for key, place in places.items() if step - place.read_at >= self.windows.gap(place.neurons)]
        ripe = (places if step == 0 else old) if idle else ()
        return [
            self._take(step, sampler, key, i)
            for key, place in places.items()
            for i in range(len(place.instruments))
            if place.rows(i) and (key in ripe or not place.dear(i))
        ]


class Budgeted(_Summing):
    """As much as a share of the time pays for: rows in turn, one dear sum or one reading a step, the time taken of each.

    The first pass is read in any case, so that what is wrong with the sites shows at once. Several processes have clocks of
    their own: each reads its own rows.
    """

    together = False

    def __init__(self, budget: float) -> None:
        super().__init__(1)
        self.governor = Governor(budget)
        self._before = 0.0  # what the sampler had spent when the pass began
        self._kind: tuple[str, str | None] | None = None
        self._next = 0
        self._turn = 0

    def prepare(self, instruments: Sequence[Instrument]) -> None:
        """Read no rows by each, so that what it loads at its first reading is not taken for what a reading costs."""
        for part in instruments:
            with contextlib.suppress(Exception):  # one that fails is told where it reads something
                part.compute(part.start(2))

    def begin(self, step: int, loss: float | None, sampler: Sampler) -> Feed | None:
        self.governor.tick()
        self._before, self._kind = sampler.spent, None
        path = self._dearest_path(sampler)
        if path is not None:
            self._kind = "dear", path
            feed = Feed(light=False, dear=True, limit=_ROWS, turn=self.sampled, only=path)
        elif self.sampled == 0 or (self._cheap(sampler) and self.governor.affords("light", guess=0.0)):
            self._kind = "light", None
            feed = Feed(light=True, dear=False, limit=_ROWS, turn=self.sampled)
        else:
            return None
        self.sampled += 1
        return feed

    def _cheap(self, sampler: Sampler) -> bool:
        places = sampler.places.values()
        return any(not place.dear(i) for place in places for i in range(len(place.instruments)))

    def _dearest_path(self, sampler: Sampler) -> str | None:
        """The path whose turn it is to have its dear sums fed, if they can be paid."""
        if not sampler.places:
            return None
        keys = sampler.ordered()
        key = keys[self._turn % len(keys)]
        place, path = sampler.places[key], sampler.names[key].path
        if not any(place.dear(i) for i in range(len(place.instruments))):
            self._turn += 1
            return None
        if not self.governor.affords("dear", path, guess=1e-4 + 5e-11 * _ROWS * place.neurons**2):
            return None
        self._turn += 1
        return path

    def evaluate(self, sampler: Sampler) -> Feed | None:
        self._turn += 1
        return Feed(limit=_ROWS, turn=self._turn) if self.governor.affords("light", guess=0.0) else None

    def end(self, step: int, seed: int, sampler: Sampler) -> Iterator[Chunk]:
        self.paid = 0.0
        seconds = sampler.spent - self._before
        if self._kind is not None:
            kind, which = self._kind
            if self.sampled == 1:  # memory is allocated only once
                self.governor.bill(kind, seconds)
            else:
                self.governor.pay(kind, seconds, which)
        begin = sampler.clock()
        before = self._next
        job = self._job(step, sampler)
        if job is not None:
            chunks = list(job.read(seed))
            self.paid = sampler.clock() - begin
            self.governor.pay("readings", self.paid, job.sort)
            yield from chunks
        if self._next != before:
            yield from self.account(step, seed)

    def account(self, step: int, seed: int) -> Iterator[Chunk]:
        governor = self.governor
        told = {
            "cost share": governor.share,
            "seconds": governor.spent,
            "steps": self.sampled,
            "budget": governor.budget,
        }
        for reading, value in told.items():
            yield row_of(step, seed, "", "Watch", reading, value)

    def bill(self, seconds: float) -> None:
        self.governor.bill("light", seconds)

    def _job(self, step: int, sampler: Sampler) -> Job | None:
        """The reading of this step, if one is due and can be paid."""
        if not self._jobs and step >= self._next:
            for key in sampler.ordered():
                place = sampler.places[key]
                cheap = [i for i in range(len(place.instruments)) if not place.dear(i) and place.rows(i)]
                self._jobs.extend(self._take(step, sampler, key, i) for i in cheap)
            self._next = step + max(_LEAST, 3 * len(self._jobs), int(step * (_FURTHER - 1)))
        if self._jobs:
            paid = self.governor.affords("readings", self._jobs[0].sort, guess=1e-3)
            return self._jobs.popleft() if paid else None
        return self._spectrum(step, sampler)

    def _spectrum(self, step: int, sampler: Sampler) -> Job | None:
        """The reading of the dear instrument that was not read for longest, once it has rows enough."""
        if step % _LOOK:
            return None
        ready = [
            (key, i)
            for key in sampler.ordered()
            for i in range(len(sampler.instruments))
            if sampler.places[key].dear(i) and sampler.places[key].rows(i) >= _ENOUGH * sampler.places[key].neurons
        ]
        if not ready:
            return None
        key, i = min(ready, key=lambda one: sampler.places[one[0]].read_at)
        sort, cube = (str(sampler.instruments[i]), sampler.places[key].neurons), sampler.places[key].neurons ** 3
        paid = self.governor.affords("readings", sort, guess=1e-3 + 2e-10 * cube)
        return self._take(step, sampler, key, i) if paid else None
