"""What an instrument is: a sum over rows of activations, and readings that are computed from the sum alone.

State that adds up is what makes one measurement exact under any split of the data, mergeable over steps, runs and
processes, and of a size that does not grow. Each instrument states its readings twice: from the streamed state, and as the
paper's definition on the whole matrix; `neurofn.testing` holds the two equal.

To write one, make a frozen dataclass of settings with `_start`, `_update`, `_compute` and `_definition`; this base class
cleans the values, counts what cannot be used, merges, and reduces over processes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError, ShapeError
from .._registry import Registry

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed import ProcessGroup

    from ._kernels import Kernel

__all__ = ["LARGEST", "Batch", "Instrument", "Labelled", "Readings", "State", "catalogue", "setting_text"]

LARGEST = 1e140
"""Values of this size and more count as infinite: sums of their squares must be finite in float64."""

State = dict[str, "Tensor"]
"""Sufficient statistics by name. Two states of the same instrument merge into that of all their rows."""

Readings = dict[str, "float | np.ndarray"]
"""Readings by name: a number, or an array with one number per unit (per neuron, unless `Instrument.units` says otherwise)."""

catalogue: Registry[type[Instrument]] = Registry("instrument", package="neurofn.instruments")
"""Every instrument by name; a file in this folder that adds one needs nothing else to be found."""


@dataclass(frozen=True)
class Batch:
    """Rows that are ready to be summed.

    values:  (rows, neurons) float64, detached; a row that is left out is all zeros.
    weights: (rows,) float64, zero for rows left out; None where none were given.
    keep:    (rows,) bool, False for rows left out.
    roundoff: the spacing of numbers near 1 in the data type that the values came in.
    targets: (rows,) int64 labels or (rows, k) float64 values; None for instruments that are not `Labelled`.

    >>> import torch
    >>> Batch(torch.ones(2, 3), None, torch.tensor([True, False]), roundoff=0.0).mass
    tensor([1., 0.], dtype=torch.float64)
    """

    values: Tensor
    weights: Tensor | None
    keep: Tensor
    roundoff: float
    targets: Tensor | None = None

    @property
    def mass(self) -> Tensor:
        """The weights, or 1 for each row that is used where none were given: (rows,) float64."""
        return self.keep.double() if self.weights is None else self.weights


class Instrument(ABC):
    """A measure of one layer's neurons, streamed over rows of activations. Its settings are frozen; its text is its name.

    Rows with NaN, infinities or values of 1e140 and more are left out and counted: every instrument reports the reading
    "nonfinite rows". A row whose weight is 0 is left out too, as if it were not there. States are never changed in place.
    Accumulation is in float64 whatever the type of the values.

    >>> from neurofn.instruments import EpsilonRank, Moments
    >>> str(Moments()), str(EpsilonRank(eps=1e-6, relative=True))
    ('Moments', 'EpsilonRank(eps=1e-06, relative=True)')
    """

    reductions: ClassVar[Mapping[str, str]] = {}
    """How two states merge, by entry: "sum" where nothing is said, else "max" or "min"."""

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The settings that the conformance suite runs; one of each kind that has code of its own."""
        return (cls(),)

    def start(self, neurons: int) -> State:
        """The state of no rows, which is the identity of `merge`. Raises ShapeError for less than one neuron.

        >>> from neurofn.instruments import Moments
        >>> sorted(Moments().start(3))
        ['mean', 'nonfinite rows', 'square', 'weight']
        """
        import torch

        if neurons < 1:
            raise ShapeError(f"a layer of {neurons} neurons has nothing to measure; give 1 or more")
        return {**self._start(neurons), "nonfinite rows": torch.zeros((), dtype=torch.int64)}

    def update(
        self, state: State, values: Tensor, weights: Tensor | None = None, *, targets: Tensor | None = None
    ) -> State:
        """``state`` with the rows of ``values`` (rows, neurons) added; ``weights`` (rows,) are finite and not negative.

        ``targets``, one per row, are read by instruments that are `Labelled`, which need them; others look over them. The given
        state stays as it was. Raises ShapeError where the shapes do not fit, SettingError for bad weights or no targets.
        """
        batch, nonfinite = self._clean(state, values, weights)
        if isinstance(self, Labelled):
            batch = replace(batch, targets=self.checked_targets(targets, rows=len(values)).to(batch.values.device))
        here = {name: entry.to(batch.values.device) for name, entry in state.items()}
        return {**self._update(here, batch), "nonfinite rows": here["nonfinite rows"] + nonfinite}

    def merge(self, a: State, b: State) -> State:
        """The state of the rows of ``a`` and those of ``b``, on the device of ``a``."""
        import torch

        join: dict[str, Callable[[Tensor, Tensor], Tensor]]
        join = {"sum": torch.add, "max": torch.maximum, "min": torch.minimum}
        return {name: join[self.reductions.get(name, "sum")](a[name], b[name].to(a[name].device)) for name in a}

    def all_reduce(self, state: State, group: ProcessGroup | None = None) -> State:
        """The state of the rows of all processes of torch.distributed, the same in each; without them, ``state`` itself.

        Entries are reduced as declared; an instrument with a `merge` of its own gathers the states and merges them by rank.
        """
        from torch import distributed

        if not (distributed.is_available() and distributed.is_initialized()):
            return state
        if type(self).merge is not Instrument.merge:
            return self._gather(state, group)
        reduced = {name: entry.clone() for name, entry in state.items()}
        for name, entry in reduced.items():
            kind = self.reductions.get(name, "sum")
            distributed.all_reduce(entry, op=getattr(distributed.ReduceOp, kind.upper()), group=group)
        return reduced

    def compute(self, state: State) -> Readings:
        """The readings of all rows in ``state``; of the state of no rows too."""
        local = {name: entry.cpu() for name, entry in state.items()}
        return {**self._compute(local), "nonfinite rows": float(local["nonfinite rows"])}

    def definition(self, values: Tensor, weights: Tensor | None = None, *, targets: Tensor | None = None) -> Readings:
        """The same readings from the whole matrix ``values`` (rows, neurons) at once, computed as the source defines them.

        >>> import torch
        >>> from neurofn.instruments import EpsilonRank
        >>> EpsilonRank(eps=0.1).definition(torch.eye(3))["rank"]
        3.0
        """
        values = values.detach().cpu()
        matrix = values.double().numpy()
        finite = (np.abs(matrix) < LARGEST).all(axis=1)
        used = finite if weights is None else finite & (weights.detach().cpu().numpy() > 0)
        kept = None if weights is None else weights.detach().cpu()[used]
        if isinstance(self, Labelled):
            labels = self.checked_targets(targets, rows=len(values)).cpu()[used]
            readings = self._labelled_definition(values[used], kept, labels)
        else:
            readings = self._definition(values[used], kept)
        return {**readings, "nonfinite rows": float((~finite).sum())}

    def units(self, state: State) -> dict[str, np.ndarray]:
        """For array readings that are not one value per neuron: the unit (any number) of each of their values."""
        return {}

    def kernel(self, neurons: int, like: Tensor) -> Kernel | None:
        """The fast route of `watch`, for values of the type and device of ``like``; equal to `_update`. None: there is none."""
        return None

    def __str__(self) -> str:
        settings = [
            f"{field.name}={setting_text(getattr(self, field.name))}"
            for field in fields(self)  # type: ignore[arg-type]  # every instrument is a dataclass
            if getattr(self, field.name) != field.default or field.metadata.get("always printed")
        ]
        return f"{type(self).__name__}({', '.join(settings)})" if settings else type(self).__name__

    @abstractmethod
    def _start(self, neurons: int) -> State:
        """The state of no rows; the first axis of its first entry has one place per neuron."""

    @abstractmethod
    def _update(self, state: State, batch: Batch) -> State:
        """``state`` with a batch added, without changing it; in tensor operations only, nothing that waits for a device."""

    @abstractmethod
    def _compute(self, state: State) -> Readings:
        """The readings, from the state on the CPU."""

    @abstractmethod
    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        """The readings, from all usable rows as they were given, by other means than `_compute`."""

    def _clean(self, state: State, values: Tensor, weights: Tensor | None) -> tuple[Batch, Tensor]:
        import torch

        neurons = next(iter(state.values())).shape[0]
        if values.ndim != 2 or values.shape[1] != neurons:
            raise ShapeError(f"{self} was started for {neurons} neurons and got values of shape {tuple(values.shape)}; "
                             f"give (rows, {neurons})")  # fmt: skip
        roundoff = torch.finfo(values.dtype).eps if values.is_floating_point() else 0.0
        if values.device.type == "mps":  # it has no float64
            values = values.cpu()
        values = values.detach().double()
        finite = values.abs().amax(dim=1) < LARGEST  # false for NaN too
        keep = finite
        if weights is not None:
            weights = _checked(weights, rows=len(values)).to(values.device).detach().double()
            keep = finite & (weights > 0)
            weights = weights.masked_fill(~keep, 0.0)
        return Batch(values.masked_fill(~keep[:, None], 0.0), weights, keep, roundoff), (~finite).sum()

    def _gather(self, state: State, group: ProcessGroup | None) -> State:
        import torch
        from torch import distributed

        ranks = distributed.get_world_size(group)
        gathered = {name: [torch.empty_like(entry) for _ in range(ranks)] for name, entry in state.items()}
        for name, entry in state.items():
            distributed.all_gather(gathered[name], entry.contiguous(), group=group)
        merged = {name: parts[0] for name, parts in gathered.items()}
        for rank in range(1, ranks):
            merged = self.merge(merged, {name: parts[rank] for name, parts in gathered.items()})
        return merged


class Labelled(Instrument):
    """An instrument that reads targets beside the rows: `_update` finds them in ``batch.targets``.

    A field ``classes`` says that targets are labels from 0 to ``classes`` - 1; without it they are any labels or numbers.
    `measure` takes them from pairs (inputs, targets); `watch`, which sees forward passes only, refuses such instruments.

    >>> from neurofn.instruments import Moments
    >>> issubclass(Labelled, Instrument), isinstance(Moments(), Labelled)
    (True, False)
    """

    def checked_targets(self, targets: Tensor | None, *, rows: int) -> Tensor:
        """Targets as int64 labels (rows,) or float64 (rows, k); raises SettingError for none, ShapeError for other shapes."""
        if targets is None:
            raise SettingError(f"{self} reads targets beside the activations; give targets=, one per row")
        if targets.ndim not in (1, 2) or len(targets) != rows:
            raise ShapeError(
                f"targets have shape {tuple(targets.shape)} for {rows} rows; give labels ({rows},) or values ({rows}, k)"
            )
        classes = getattr(self, "classes", None)
        if targets.is_floating_point():
            if classes is not None:
                raise SettingError(f"{self} reads labels from 0 to {classes - 1}; targets are {targets.dtype}")
            values = targets.detach().double()
            return values if values.ndim == 2 else values[:, None]
        labels = targets.detach().long()
        if classes is not None and rows and not bool(((labels >= 0) & (labels < classes)).all()):
            raise SettingError(
                f"{self} reads labels from 0 to {classes - 1}; targets reach {int(labels.min())} to {int(labels.max())}"
            )
        return labels

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        raise NotImplementedError

    @abstractmethod
    def _labelled_definition(self, values: Tensor, weights: Tensor | None, targets: Tensor) -> Readings:
        """The readings, from all usable rows as they were given and their targets, by other means than `_compute`."""


def setting_text(value: Any) -> str:
    """How a setting is written in an instrument's text: whole numbers without a point, others as Python writes them.

    >>> setting_text(2.0), setting_text(1e-06), setting_text(True)
    ('2', '1e-06', 'True')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _checked(weights: Tensor, *, rows: int) -> Tensor:
    if weights.shape != (rows,):
        raise ShapeError(
            f"weights have shape {tuple(weights.shape)} for {rows} rows; give one weight per row: ({rows},)"
        )
    if not bool(((weights >= 0) & weights.isfinite()).all()):
        raise SettingError("weights must be finite and not negative; use a quadrature rule with positive weights")
    return weights
