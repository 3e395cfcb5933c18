"""Instruments as metrics of torchmetrics: `InstrumentMetric`. Extra: ``pip install 'neurofn[torchmetrics]'``."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from ..instruments import Instrument, Readings, State
from ._stream import foreign

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["InstrumentMetric"]

_Metric: Any = foreign("torchmetrics", extra="torchmetrics", purpose="instruments as metrics").Metric


class InstrumentMetric(_Metric):  # type: ignore[misc]  # torchmetrics is optional, so its types are not known here
    """Any instrument as a `torchmetrics.Metric`: ``update(values)`` adds (rows, neurons), ``compute()`` gives the readings.

    instrument: for example ``EpsilonRank(eps=1e-3)``.
    neurons:    the width of the rows, which must be known before the first: processes that saw none take part in the sync.
    settings:   those of `torchmetrics.Metric`, for example ``sync_on_compute=False``.

    Reset, clone, device moves, `merge_state` and the sync over processes are those of torchmetrics; the state is one tensor of
    bytes, so that no change of data type rounds it, and the instrument merges the states of the processes in the order of
    their ranks: the readings are those of `Instrument.all_reduce`. An update copies the state (2 MB for a Gram matrix of 512
    neurons), which `neurofn.watch` does not.

    >>> import torch
    >>> from neurofn.instruments import EpsilonRank
    >>> metric = InstrumentMetric(EpsilonRank(eps=0.1), neurons=3)
    >>> metric.update(torch.eye(3)[:2])
    >>> metric.update(torch.eye(3)[2:])
    >>> metric.compute()["rank"]
    3.0
    """

    full_state_update = False
    state: Tensor

    def __init__(self, instrument: Instrument, *, neurons: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.instrument = instrument
        start = instrument.start(neurons)
        self._layout = [(name, entry.dtype, entry.shape) for name, entry in start.items()]
        self.add_state("state", default=_packed(start), dist_reduce_fx=self._merged)

    def update(self, values: Tensor, weights: Tensor | None = None, *, targets: Tensor | None = None) -> None:
        """Add rows, as `Instrument.update` does; it raises what that raises."""
        state = self.instrument.update(self._unpacked(self.state), values, weights, targets=targets)
        self.state = _packed(state).to(self.state.device)

    def compute(self) -> Readings:
        """The readings of all rows since the last reset, of all processes."""
        return self.instrument.compute(self._unpacked(self.state))

    def set_dtype(self, dst_type: Any) -> InstrumentMetric:
        """The metric as it is: it gives numbers of Python and of NumPy, and its state is bytes."""
        return self

    def _merged(self, states: Tensor) -> Tensor:
        """(processes, bytes) -> (bytes,)"""
        return _packed(reduce(self.instrument.merge, map(self._unpacked, states)))

    def _unpacked(self, state: Tensor) -> State:
        import torch

        sizes = [shape.numel() * dtype.itemsize for _, dtype, shape in self._layout]
        parts = torch.split(state, sizes)  # a copy of each is aligned for its type
        return {
            name: part.clone().view(dtype).reshape(shape)
            for (name, dtype, shape), part in zip(self._layout, parts, strict=True)
        }


def _packed(state: State) -> Tensor:
    import torch

    return torch.cat([entry.contiguous().reshape(-1).view(torch.uint8) for entry in state.values()])
