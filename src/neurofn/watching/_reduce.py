"""The states of many places over all processes of torch.distributed, brought together at once.

Before that the processes compare what they are about to reduce: tensors of unequal sizes would end in a crash or a hang.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from .._errors import NeurofnError
from ..instruments import Instrument, State

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Share", "over_processes", "processes"]

_ROWS = "\0rows"  # the name of an entry that no instrument has
_Entry = tuple[int, str]  # the number of the share, the name of the entry


class Share(NamedTuple):
    """The state of one instrument at one place, and the rows that it was given, of this process or of all."""

    place: str
    part: Instrument
    state: State
    rows: int


def processes() -> int:
    """How many processes of torch.distributed train together; 1 without it.

    >>> processes()
    1
    """
    from torch import distributed

    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def over_processes(shares: Sequence[Share], *, step: int) -> list[Share | None]:
    """The shares of all processes together, the same in each; without torch.distributed those given.

    Every process calls this at the same steps; the rows behind the states may be of any number. Entries that merge by sum,
    maximum or minimum are laid end to end and reduced at once, for each of these and each data type; states of instruments
    with a `merge` of their own are gathered and merged in the order of the ranks. A share that some process does not have is
    None, and a warning names it.

    Raises NeurofnError where the processes are at different steps, and where one died or did not come within the timeout
    of the process group (`init_process_group(timeout=...)`; 30 minutes with gloo, 10 with NCCL, where none was given).

    >>> from neurofn.instruments import Moments
    >>> over_processes([Share("0", Moments(), Moments().start(3), 0)], step=0)[0].place
    '0'
    """
    if processes() == 1:
        return list(shares)
    with _in_words(step):
        common = _common(shares, step)
        together = _together([shares[i] for i in common])
    found: list[Share | None] = [None] * len(shares)
    for i, share in zip(common, together, strict=True):
        found[i] = share
    missing = [share.place for share, here in zip(shares, found, strict=True) if here is None]
    if missing:
        warnings.warn(f"not all processes have readings of {', '.join(sorted(set(missing)))} at step {step}; it is left out",
                      stacklevel=2)  # fmt: skip
    return found


def _together(shares: Sequence[Share]) -> list[Share]:
    """What every process has in the same order, reduced."""
    import torch

    entries = [{**share.state, _ROWS: torch.tensor(share.rows)} for share in shares]
    flat: dict[tuple[str, torch.dtype], list[_Entry]] = {}
    for i, share in enumerate(shares):
        own = type(share.part).merge is not Instrument.merge
        for name, entry in entries[i].items():
            kind = "gather" if own and name != _ROWS else share.part.reductions.get(name, "sum")
            flat.setdefault((kind, entry.dtype), []).append((i, name))
    gathered: list[list[State]] = [[{} for _ in shares] for _ in range(processes())]
    for (kind, _), places in flat.items():
        like = [entries[i][name] for i, name in places]
        vector = torch.cat([entry.detach().to(_device()).reshape(-1) for entry in like])
        for rank, values in enumerate(_gathered(vector) if kind == "gather" else [_reduced(vector, kind)]):
            for (i, name), value in zip(places, _split(values, like), strict=True):
                (gathered[rank] if kind == "gather" else entries)[i][name] = value
    for i, share in enumerate(shares):
        if gathered[0][i]:
            merged: State = reduce(share.part.merge, [states[i] for states in gathered])
            entries[i].update(merged)
    rows = [int(entry.pop(_ROWS)) for entry in entries]
    return [share._replace(state=entry, rows=n) for share, entry, n in zip(shares, entries, rows, strict=True)]


def _common(shares: Sequence[Share], step: int) -> list[int]:
    """The numbers of the shares that every process has, in an order that is the same in all; raises for unequal steps."""
    import torch

    keys = {_key(share): i for i, share in enumerate(shares)}
    order = sorted(keys)
    all_of_them = _digest(repr(order))
    seen = torch.stack(_gathered(torch.tensor([step, len(order), all_of_them], device=_device())))
    steps, counts, digests = (column.tolist() for column in seen.T)
    if len(set(steps)) > 1:
        raise NeurofnError(f"the processes take a reading at different steps: {', '.join(map(str, steps))}, by rank; let all "
                           "of them run the same number of training passes, and watch with the same every=")  # fmt: skip
    if len(set(digests)) > 1:
        padded = torch.full((max(counts),), -1, device=_device())
        padded[: len(order)] = torch.tensor(order, dtype=torch.int64)
        order = sorted(set.intersection(*(set(ranks.tolist()) for ranks in _gathered(padded))) - {-1})
    return [keys[key] for key in order]


def _key(share: Share) -> int:
    entries = [(name, str(entry.dtype), tuple(entry.shape)) for name, entry in share.state.items()]
    return _digest(repr((share.place, str(share.part), entries)))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


def _device() -> torch.device:
    """Where the tensors of a collective lie: NCCL works on its own card alone."""
    import torch
    from torch import distributed

    cards = distributed.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if cards else torch.device("cpu")


def _reduced(vector: Tensor, kind: str) -> Tensor:
    from torch import distributed

    distributed.all_reduce(vector, op=getattr(distributed.ReduceOp, kind.upper()))
    return vector


def _gathered(vector: Tensor) -> list[Tensor]:
    import torch
    from torch import distributed

    parts = [torch.empty_like(vector) for _ in range(processes())]
    distributed.all_gather(parts, vector)
    return parts


def _split(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    import torch

    parts = torch.split(vector, [entry.numel() for entry in like])
    return [part.reshape(entry.shape).to(entry.device) for part, entry in zip(parts, like, strict=True)]


@contextmanager
def _in_words(step: int) -> Iterator[None]:
    """What torch.distributed raises, with what it means."""
    try:
        yield
    except RuntimeError as error:
        raise NeurofnError(f"at step {step} the readings of {processes()} processes could not be brought together: one died, "
                           "or did not come to this step within the timeout of the process group. Let every process watch and "
                           "run the same number of training passes; init_process_group(timeout=...) sets the limit "
                           f"({str(error).splitlines()[0]})") from error  # fmt: skip
