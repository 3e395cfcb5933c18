"""What a process of two does in the tests of watching many processes; `_two_processes` runs it."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import numpy as np

from neurofn.instruments import Instrument, Labelled, catalogue
from neurofn.testing._instrument_runs import targets_of
from neurofn.watching._reduce import Share, over_processes

ROWS = 37, 5
"""How many rows each process has."""


def parts() -> list[Instrument]:
    """Instruments of every kind, in all the settings that the suite knows."""
    return [part for kind in catalogue.values() for part in kind.examples() if hasattr(part, "update")]


def share_of(place: str, part: Instrument, values: Any) -> Share:
    """What a process knows of ``values``."""
    more = {"targets": targets_of(values)} if isinstance(part, Labelled) else {}
    return Share(place, part, part.update(part.start(values.shape[1]), values, **more), len(values))


def values_of(rank: int, *, columns: int = 6) -> Any:
    """The rows of one process."""
    import torch

    return torch.from_numpy(np.random.default_rng(rank).standard_normal((ROWS[rank], columns)))


def reduce_everything(rank: int) -> list[tuple[dict[str, Any], int]]:
    """The readings of all instruments over both processes, and their rows."""
    shares = [share_of(f"place {i}", part, values_of(rank)) for i, part in enumerate(parts())]
    found = over_processes(shares, step=3)
    return [(share.part.compute(share.state), share.rows) for share in found if share is not None]


def lack_a_place(rank: int) -> tuple[list[float | None], list[str]]:
    """The first process has a place that the other lacks, in another order, and one of another width."""
    from neurofn.instruments import Moments

    places = ("a", "b", "c") if rank == 0 else ("c", "b")
    shares = [share_of(place, Moments(), values_of(rank, columns=4 + rank * (place == "b"))) for place in places]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = over_processes(shares, step=0)
    sums = [None if share is None else float(np.sum(Moments().compute(share.state)["mean"])) for share in found]
    return sums, [str(warning.message) for warning in caught]


def be_at_another_step(rank: int) -> str:
    """Each process has a step of its own."""
    over_processes([], step=10 + rank)
    return "not seen"


def die(rank: int) -> str:
    """The second process dies after a first reading."""
    over_processes([], step=0)
    if rank == 1:
        os._exit(1)
    reduce_everything(rank)
    return "not seen"


def not_come(rank: int) -> str:
    """The second process never comes to the reading."""
    if rank == 1:
        time.sleep(6)
        return "slept"
    reduce_everything(rank)
    return "not seen"


def sync_metrics(rank: int) -> list[tuple[Any, Any]]:
    """The readings of instruments as metrics and by `all_reduce`."""
    from neurofn.instruments import ActivatedNeurons, EpsilonRank, Moments
    from neurofn.integrations.torchmetrics import InstrumentMetric

    found = []
    for part in (Moments(), EpsilonRank(eps=0.1), ActivatedNeurons()):
        metric = InstrumentMetric(part, neurons=6)
        metric.update(values_of(rank))
        state = part.all_reduce(part.update(part.start(6), values_of(rank)))
        found.append((metric.compute(), part.compute(state)))
    return found


SPLIT = 15
"""Of 24 rows of a step, the first process has so many."""


def network() -> Any:
    """The same weights in every process."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Sequential(nn.Tanh(), nn.Linear(8, 5)), nn.ReLU()).double()


def wrapped(how: str) -> Any:
    """The network as it is trained by many processes."""
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    model = network()
    if how == "DDP":
        return torch.nn.parallel.DistributedDataParallel(model)
    if how == "FSDP":
        here = {"device_id": torch.device("cpu")}
        model[1] = FullyShardedDataParallel(model[1], **here)
        return FullyShardedDataParallel(model, **here)
    mesh = init_device_mesh("cpu", (2,))
    fully_shard(model[1], mesh=mesh)
    return fully_shard(model, mesh=mesh)


def watched(model: Any, *, windows: bool, rows: slice = slice(None), steps: int = 6, every: int = 2) -> Any:
    """A record of a few passes over these rows of each batch."""
    import torch

    from neurofn.instruments import ActivatedNeurons, EpsilonRank, Moments
    from neurofn.watching import watch
    from neurofn.watching.schedules import Every, Windows

    chosen: Any = Windows(rows=1, dear=1, readings=Every(every), spectra=1) if windows else every
    generator = torch.Generator().manual_seed(1)
    with watch(model, Moments(), EpsilonRank(eps=1e-3), ActivatedNeurons(), every=chosen) as record:
        for _ in range(steps):
            model(torch.randn(24, 6, generator=generator, dtype=torch.float64)[rows]).square().mean().backward()
    return record.record


def train_wrapped(rank: int, how: str, windows: bool) -> dict[str, Any]:
    """The record of one of the processes, which share the rows of a batch unevenly."""
    rows = slice(0, SPLIT) if rank == 0 else slice(SPLIT, None)
    record: dict[str, Any] = watched(wrapped(how), windows=windows, rows=rows).to_dict()
    return record


def train_unevenly(rank: int) -> str:
    """One of the processes has fewer batches."""
    from neurofn._errors import NeurofnError

    try:
        watched(network(), windows=True, steps=4 + 2 * rank)
    except NeurofnError as error:
        return str(error)
    return "not seen"


def fail_alone(rank: int) -> str:
    """An exception in the training of one process must not make it wait for the others."""
    from neurofn.instruments import Moments
    from neurofn.watching import watch

    model = network()
    begin = time.monotonic()
    try:
        with watch(model, Moments(), every=1):
            model(values_of(rank))
            if rank == 1:
                raise ZeroDivisionError
    except ZeroDivisionError:
        return f"after {time.monotonic() - begin:.0f} s" if time.monotonic() - begin > 20 else "at once"
    return "the end"
