"""Jobs: readings that are due, on states that were handed over; of this process, or of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..instruments import Instrument
from . import _reduce
from ._chunks import Chunk, chunks_of, row_of
from ._places import Name, Taken

__all__ = ["Job", "over_processes"]


class Job(NamedTuple):
    """A reading that is due: the state is handed over, its computation can wait."""

    step: int
    name: Name
    part: Instrument
    taken: Taken
    neurons: int
    counted: str  # the name of the reading that says how many rows there were; "" where another job says it

    def read(self, seed: int) -> Iterator[Chunk]:
        """The readings, and on how many rows they stand."""
        where = self.step, seed, str(self.name)
        yield from chunks_of(self.part, self.taken.state, where)
        if self.counted:
            yield row_of(*where, "Watch", self.counted, self.taken.rows)

    @property
    def dear(self) -> bool:
        """Whether the instrument is read more rarely than others."""
        return self.counted not in ("", "rows")

    @property
    def sort(self) -> tuple[str, int]:
        """What jobs that cost the same have in common."""
        return str(self.part), self.neurons


def over_processes(jobs: Sequence[Job], *, step: int) -> list[Job]:
    """Readings of training passes on the rows of all processes; what others read (evaluation, gradients) is left as it is.

    Gradients are those of each process's own loss, and often one process evaluates alone.
    """
    common = [job for job in jobs if not job.name.side]
    found = _reduce.over_processes([_reduce.Share(str(job.name), job.part, *job.taken) for job in common], step=step)
    summed = [
        job._replace(taken=job.taken._replace(state=share.state, rows=share.rows))
        for job, share in zip(common, found, strict=True)
        if share is not None
    ]
    return [*summed, *(job for job in jobs if job.name.side)]
