"""The instruments' states at the sites of a model, fed by forward hooks; what `watch` and `measure` share."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._errors import SettingError, ShapeError
from ..instruments import Instrument, Labelled, State
from ..sites import Site, find_module, find_sites, to_rows
from .record import Record

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Chunk", "Sampler", "recomputing", "to_record", "uncompiled"]


class Chunk(NamedTuple):
    """The values of one reading, a row of the record each; ``where`` is their step, seed, site, instrument and reading."""

    where: tuple[int, int, str, str, str]
    units: np.ndarray
    values: np.ndarray


class Sampler:
    """The instruments' states at every site of a model, fed by hooks."""

    def __init__(
        self, model: nn.Module, instruments: Sequence[Instrument], at: str | Site | Sequence[str | Site]
    ) -> None:
        wrong = [part for part in instruments if not isinstance(part, Instrument)]
        if wrong or not instruments:
            given = f"{wrong[0]!r}" if wrong else "none"
            raise SettingError(f"instruments: {given} given; give one or more, for example EpsilonRank(eps=1e-3)")
        twice = [text for text, times in Counter(map(str, instruments)).items() if times > 1]
        if twice:
            raise SettingError(f"instruments: {twice[0]} was given twice; give each one once")
        self.instruments = tuple(instruments)
        self.sites = {site.path: site for site in find_sites(model, at)}
        self.named = {getattr(one, "path", one) for one in ([at] if isinstance(at, str | Site) else at)}
        self.modules = {path: find_module(model, site) for path, site in self.sites.items()}
        self.on = False
        self.weights: Tensor | None = None
        self.targets: Tensor | None = None
        self.seen: set[str] = set()
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self.states: dict[tuple[str, int], list[State]] = {}  # by path and which call of a pass
        self.new_pass()

    def new_pass(self) -> None:
        """The next call of each module is its first in a forward pass."""
        self.calls: Counter[str] = Counter()

    def attach(self, stack: ExitStack) -> None:
        """Hook every site; leaving ``stack`` takes the hooks off."""
        for path, module in self.modules.items():
            stack.callback(module.register_forward_hook(self._hook(self.sites[path])).remove)

    def _hook(self, site: Site) -> Callable[[nn.Module, Any, Any], None]:
        # A function, not a bound method: copy.deepcopy of a watched model copies methods with all they belong to.
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if self.on and module is self.modules[site.path] and not recomputing():
                self.take(site, output)

        return uncompiled(hook)

    def take(self, site: Site, output: Any) -> None:
        """Add one output of the module at ``site``; later calls in the same pass are places of their own."""
        values = to_rows(output, site)
        self.seen.add(site.path)
        self.calls[site.path] += 1
        place = site.path, self.calls[site.path]
        try:
            weights = None if self.weights is None else _of_rows(self.weights, rows=len(values), what="weights")
            targets = None if self.targets is None else _of_rows(self.targets, rows=len(values), what="targets")
            states = self.states.get(place) or [part.start(values.shape[1]) for part in self.instruments]
            pairs = zip(self.instruments, states, strict=True)
            self.states[place] = [
                part.update(state, values, weights, targets=targets)
                if isinstance(part, Labelled)
                else part.update(state, values, weights)
                for part, state in pairs
            ]
        except ShapeError as error:
            raise ShapeError(f"at the site {_name(*place)!r}: {error}") from error

    def read(self, step: int, seed: int) -> Iterator[Chunk]:
        """All readings of all states, in the order of the model, the instruments and the readings."""
        order = {path: i for i, path in enumerate(self.sites)}
        for path, call in sorted(self.states, key=lambda place: (order[place[0]], place[1])):
            for part, state in zip(self.instruments, self.states[path, call], strict=True):
                units = part.units(state)
                for reading, value in part.compute(state).items():
                    values = np.atleast_1d(np.asarray(value, dtype=np.float64))
                    default = np.arange(len(values)) if isinstance(value, np.ndarray) else np.array([np.nan])
                    where = step, seed, _name(path, call), str(part), reading
                    yield Chunk(where, units.get(reading, default), values)


def _name(path: str, call: int) -> str:
    return path if call == 1 else f"{path}#{call}"


def _of_rows(given: Tensor, *, rows: int, what: str) -> Tensor:
    """Weights or targets of samples as those of rows, of which each sample has equally many, one after the other."""
    if len(given) == rows:
        return given
    if len(given) == 0 or rows % len(given):
        raise ShapeError(f"it gives {rows} rows for {len(given)} samples, so {what} of samples are no {what} of rows; "
                         f"leave out {what}=, or this site")  # fmt: skip
    return given.repeat_interleave(rows // len(given), dim=0)


def to_record(chunks: Sequence[Chunk]) -> Record:
    """The rows of all chunks."""
    lengths = [len(chunk.values) for chunk in chunks]
    columns: dict[str, Any] = {
        name: np.repeat(np.array([chunk.where[i] for chunk in chunks]), lengths) if chunks else []
        for i, name in enumerate(("step", "seed", "site", "instrument", "reading"))
    }
    columns["unit"] = np.concatenate([chunk.units for chunk in chunks]) if chunks else []
    columns["value"] = np.concatenate([chunk.values for chunk in chunks]) if chunks else []
    return Record(columns)


def uncompiled(hook: Callable[..., None]) -> Callable[..., None]:
    """``hook`` as one that torch.compile calls and does not trace; itself where nothing has loaded the compiler."""
    import torch

    if "torch._dynamo" not in sys.modules:
        return hook
    disabled: Any = torch.compiler.disable(hook)  # type: ignore[no-untyped-call]
    disabled._torchdynamo_disable_msg = "a watched model cannot be one graph: compile without fullgraph=True"
    return disabled  # type: ignore[no-any-return]


def recomputing() -> bool:
    """Whether this forward pass is a recomputation inside a backward pass (activation checkpointing)."""
    import torch

    task = getattr(torch._C, "_current_graph_task_id", None)  # private; without it recomputed rows would count twice
    return task is not None and task() != -1
