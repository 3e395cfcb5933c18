"""`between` compares the layers of two models, or of one, or a model with its data, over the same samples in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import DataError, SettingError, ShapeError, SiteError
from ..instruments import Readings, Similarity, State
from ..sites import Site, find_sites, tap, to_rows
from ._measure import _as_it_was, _pairs

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Comparison", "Pair", "between"]

_DATA = ("inputs", "targets")
_PART = Similarity()
_ROTATIONS = 20


@dataclass(frozen=True)
class Pair:
    """Two places and how alike they are.

    first, second: paths of sites, or "inputs", "targets". readings: those of `neurofn.instruments.Similarity`, with "excess
    correlation" (of each unit of the first with its best unit of the second, less the same after random rotations; the
    mean) and "universal units" (the share of units whose excess is over 0.5). shuffled: the control, the same readings
    where the rows of the second place were dealt out anew within every batch.

    >>> Pair("0", "1", {"CKA": 0.9}, {"CKA": 0.1}).readings["CKA"]
    0.9
    """

    first: str
    second: str
    readings: dict[str, float]
    shuffled: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """All pairs of places that were compared, in the order of the first model and then of the second.

    >>> comparison = Comparison((Pair("0", "1", {"CKA": 0.9}, {"CKA": 0.1}),))
    >>> comparison.matrix("CKA"), comparison.matrix("CKA", shuffled=True)
    (array([[0.9]]), array([[0.1]]))
    >>> comparison.table()
    [{'first': '0', 'second': '1', 'reading': 'CKA', 'value': 0.9, 'shuffled': 0.1}]
    """

    pairs: tuple[Pair, ...]

    def matrix(self, reading: str, *, shuffled: bool = False) -> np.ndarray:
        """One reading as (places of the first, places of the second); raises SettingError for a name that is not there."""
        if reading not in self.pairs[0].readings:
            raise SettingError(f"no reading is called {reading!r}; there are {', '.join(self.pairs[0].readings)}")
        sides = [
            list(dict.fromkeys(names))
            for names in zip(*((pair.first, pair.second) for pair in self.pairs), strict=True)
        ]
        values = np.full((len(sides[0]), len(sides[1])), np.nan)  # of places that were never called in one pass
        for pair in self.pairs:
            where = sides[0].index(pair.first), sides[1].index(pair.second)
            values[where] = (pair.shuffled if shuffled else pair.readings)[reading]
        return values

    def table(self) -> list[dict[str, Any]]:
        """Tidy rows: first, second, reading, value, shuffled."""
        return [
            {
                "first": pair.first,
                "second": pair.second,
                "reading": name,
                "value": value,
                "shuffled": pair.shuffled[name],
            }
            for pair in self.pairs
            for name, value in pair.readings.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def between(
    first: nn.Module,
    second: nn.Module | str,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    *,
    at: str | Site | Sequence[str | Site] = "*",
    other: str | Site | Sequence[str | Site] | None = None,
    seed: int = 0,
) -> Comparison:
    """How alike each place of ``first`` is to each place of ``second``, over all of ``batches`` in one pass without gradients.

    second:  another model, which takes the same inputs; the same one, to compare its layers; or "inputs" or "targets".
    batches: as for `measure`. Targets are real values (rows,) or (rows, k); for labels see `KernelAlignment`.
    at, other: where to read the first and the second model, as for `find_sites`; ``other`` is ``at`` where it is not given.
             Of a place that is called several times in a pass the first call is read. Places with as many rows are
             compared row by row (places of maps, times), else by sample, averaged over its rows.
    seed:    of the control and of the rotations. The control deals out rows within a batch, so let batches be large.

    Models run in the mode they are in and are left as they were. Memory: (N + M)**2 numbers per pair, twice. Raises SiteError
    for places that are not there or never called, DataError for batches that do not fit or whose rows are alone.

    >>> import torch
    >>> layer = torch.nn.Linear(3, 4)
    >>> found = between(layer, layer, torch.randn(40, 3, generator=torch.Generator().manual_seed(0)))
    >>> round(found.pairs[0].readings["CKA"], 6), found.pairs[0].shuffled["CKA"] < 0.5
    (1.0, True)
    """
    import torch

    if isinstance(second, str) and second not in _DATA:
        raise SettingError(f"second={second!r}: give a model, 'inputs' or 'targets'")
    sides = _Side(first, at), None if isinstance(second, str) else _Side(second, at if other is None else other)
    generator = np.random.default_rng(seed)
    states: dict[tuple[str, str], tuple[State, State]] = {}
    with ExitStack() as stack:
        for model in {id(side.model): side.model for side in sides if side}.values():
            stack.enter_context(_as_it_was(model))
        stack.enter_context(torch.no_grad())
        for inputs, targets in _pairs(batches):
            rows = _read(sides, inputs)
            if isinstance(second, str):
                rows[1][second] = _data(inputs if second == "inputs" else targets)
            for a, x in rows[0].items():
                for b, y in rows[1].items():
                    states[a, b] = _added(states.get((a, b)), *_matched(x, y, len(inputs)), generator)
    for side in sides:
        if side:
            side.verify()
    return Comparison(
        tuple(Pair(*where, *(_readings(state, seed) for state in both)) for where, both in _sorted(states, sides))
    )


class _Side:
    """A model and its places; `rows` is what came by in the pass under way."""

    def __init__(self, model: nn.Module, at: str | Site | Sequence[str | Site]) -> None:
        self.model, self.sites = model, find_sites(model, at)
        self.named = {getattr(one, "path", one) for one in ([at] if isinstance(at, str | Site) else at)}
        self.rows: dict[str, Tensor] = {}
        self.seen: set[str] = set()

    def listen(self, stack: ExitStack) -> None:
        """Fill `rows` until the stack is left."""
        self.rows = {}
        for site in self.sites:
            stack.callback(tap(self.model, site, partial(self.take, site)))

    def take(self, site: Site, value: Any) -> None:
        """Keep the rows of the first call of a pass."""
        import torch

        if site.path not in self.rows:
            self.rows[site.path] = to_rows(value, site).detach().to(torch.float64, copy=True)
            self.seen.add(site.path)

    def verify(self) -> None:
        """Places that should be there and are not would be missed only much later."""
        silent = [site.path for site in self.sites if site.path not in self.seen]
        missing = silent if not self.seen else [path for path in silent if path in self.named]
        if missing:
            raise SiteError(
                f"nothing of {', '.join(map(repr, missing))} was seen; name places that the model calls with at="
            )


def _read(sides: tuple[_Side, _Side | None], inputs: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The rows of both sides for one batch; one pass where both are the same model."""
    with ExitStack() as stack:
        for side in sides:
            if side:
                side.listen(stack)
        for model in {id(side.model): side.model for side in sides if side}.values():
            model(inputs)
    return sides[0].rows, sides[1].rows if sides[1] else {}


def _data(values: Tensor | None) -> Tensor:
    if values is None or not values.is_floating_point():
        given = "no targets" if values is None else f"{values.dtype}"
        raise DataError(f"{given} to compare with; give batches with real values, or read labels by KernelAlignment")
    return values.detach().double().reshape(len(values), -1)


def _matched(x: Tensor, y: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """Row by row where both have as many, else each averaged over the rows of a sample."""
    if len(x) == len(y):
        return x, y
    if not samples or len(x) % samples or len(y) % samples:
        raise ShapeError(
            f"{len(x)} and {len(y)} rows of {samples} samples have no order in common; compare other places"
        )
    a, b = (values.view(samples, -1, values.shape[1]).mean(dim=1) for values in (x, y))
    return a, b


def _added(
    both: tuple[State, State] | None, x: Tensor, y: Tensor, generator: np.random.Generator
) -> tuple[State, State]:
    import torch

    if len(x) == 1:
        raise DataError("a batch of one row cannot be dealt out anew; give larger batches")
    known, control = both or (_PART.start(x.shape[1], y.shape[1]),) * 2
    order = generator.permutation(len(x))
    following = np.empty_like(order)  # one cycle through all rows: none stays where it was
    following[order] = np.roll(order, -1)
    y = y.to(x.device)
    return _PART.update(known, x, y), _PART.update(control, x, y[torch.from_numpy(following).to(x.device)])


def _readings(state: State, seed: int) -> dict[str, float]:
    found: Readings = _PART.compute(state)
    matches = _PART.matches(state, rotations=_ROTATIONS, seed=seed)
    plain = {name: float(value) for name, value in found.items()}
    return plain | {"excess correlation": float(matches.excess.mean()), "universal units": matches.universal()}


def _sorted(
    states: dict[tuple[str, str], tuple[State, State]], sides: tuple[_Side, _Side | None]
) -> list[tuple[tuple[str, str], tuple[State, State]]]:
    """In the order of the models, not of the calls."""
    orders = [{site.path: i for i, site in enumerate(side.sites)} if side else {} for side in sides]
    return sorted(states.items(), key=lambda item: (orders[0][item[0][0]], orders[1].get(item[0][1], 0)))
