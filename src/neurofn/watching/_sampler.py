"""The instruments' states at the sites of a model, fed by forward hooks; what `watch` and `measure` share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import SettingError, ShapeError
from ..instruments import Instrument, State
from ..sites import Site, find_module, find_sites, to_rows
from .record import Record

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Chunk", "Sampler", "recomputing", "to_record"]


class Chunk:
    """The values of one reading: one row of the record each."""

    def __init__(self, where: tuple[int, int, str, str, str], units: np.ndarray, values: np.ndarray) -> None:
        self.where, self.units, self.values = where, units, values


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
        self.named = (
            {at}
            if isinstance(at, str)
            else {at.path}
            if isinstance(at, Site)
            else {getattr(one, "path", one) for one in at}
        )
        self.modules = {path: find_module(model, site) for path, site in self.sites.items()}
        self.on = False
        self.weights: Tensor | None = None
        self.samples = 0
        self.seen: set[str] = set()
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self.states: dict[str, list[State]] = {}
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

        return hook

    def take(self, site: Site, output: Any) -> None:
        """Add one output of the module at ``site``; later calls in the same pass are sites of their own: path#2, path#3."""
        values = to_rows(output, site)
        self.seen.add(site.path)
        self.calls[site.path] += 1
        call = self.calls[site.path]
        name = site.path if call == 1 else f"{site.path}#{call}"
        weights = None if self.weights is None else self._row_weights(self.weights, values, name)
        states = self.states.get(name) or [part.start(values.shape[1]) for part in self.instruments]
        try:
            self.states[name] = [
                part.update(state, values, weights) for part, state in zip(self.instruments, states, strict=True)
            ]
        except ShapeError as error:
            raise ShapeError(f"at the site {name!r}: {error}") from error

    def _row_weights(self, weights: Tensor, values: Tensor, name: str) -> Tensor:
        if len(weights) == 0 or len(values) % len(weights):
            if len(values) == len(weights):
                return weights
            raise ShapeError(f"the site {name!r} gives {len(values)} rows for {len(weights)} samples, so weights "
                             "of samples are no weights of rows; leave out weights=, or this site")  # fmt: skip
        return weights.repeat_interleave(len(values) // len(weights))

    def read(self, step: int, seed: int) -> Iterator[Chunk]:
        """All readings of all states, in the order of the model, the instruments and the readings."""
        names = sorted(self.states, key=lambda name: list(self.sites).index(name.rpartition("#")[0] or name))
        for name in names:
            for part, state in zip(self.instruments, self.states[name], strict=True):
                units = part.units(state)
                for reading, value in part.compute(state).items():
                    values = np.atleast_1d(np.asarray(value, dtype=np.float64))
                    default = np.arange(len(values)) if isinstance(value, np.ndarray) else np.array([np.nan])
                    yield Chunk((step, seed, name, str(part), reading), units.get(reading, default), values)


def to_record(chunks: Sequence[Chunk]) -> Record:
    lengths = [len(chunk.values) for chunk in chunks]
    columns: dict[str, Any] = {
        name: np.repeat(np.array([chunk.where[i] for chunk in chunks]), lengths) if chunks else []
        for i, name in enumerate(("step", "seed", "site", "instrument", "reading"))
    }
    columns["unit"] = np.concatenate([chunk.units for chunk in chunks]) if chunks else []
    columns["value"] = np.concatenate([chunk.values for chunk in chunks]) if chunks else []
    return Record(columns)


def recomputing() -> bool:
    """Whether this forward pass is a recomputation inside a backward pass (activation checkpointing)."""
    import torch

    task = getattr(torch._C, "_current_graph_task_id", None)  # private; without it recomputed rows would count twice
    return task is not None and task() != -1
