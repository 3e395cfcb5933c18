"""A watch around a training that another tool runs: its steps become the tool's steps, its rows go to sinks as they come."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import SettingError, SiteError
from ..watching import Record, watch
from ._stream import Sink, Stream

if TYPE_CHECKING:
    from torch import nn

    from ..instruments import Instrument

__all__ = ["Following"]


class Following:
    """Watches the model of one training after the other; the callbacks of all tools are made of it.

    A forward pass is not a step of the tool where gradients are accumulated, or after a resumed start: ``begins`` says which
    step a pass belongs to, and the rows carry that step. A number ``every`` counts the tool's steps.
    """

    def __init__(
        self, instruments: Sequence[Instrument], to: Sink | Sequence[Sink], settings: Mapping[str, Any]
    ) -> None:
        self._sinks: tuple[Sink, ...] = (to,) if callable(to) else tuple(to)
        wrong = [sink for sink in self._sinks if not callable(sink)]
        if wrong:
            raise SettingError(
                f"to={wrong[0]!r}: give a sink, or several: functions of a Record, such as TensorBoard('runs')"
            )
        self._instruments, self._settings = tuple(instruments), dict(settings)
        self._watch: Any = None
        self._streams: list[Stream] = []
        self._record = Record.from_rows([])
        self._passes: list[int] = []
        self._steps: list[int] = []

    @property
    def watching(self) -> bool:
        """Whether a training is under way."""
        return self._watch is not None

    @property
    def record(self) -> Record:
        """The rows of the training under way, or of the last one."""
        return self._record if self._watch is None else self._translated(self._watch.record)

    def open(self, model: nn.Module, *, passes_per_step: int, sinks: Sequence[Sink] = ()) -> None:
        """Start to watch ``model``; ``sinks`` get the rows of this training beside those given at first."""
        self.close()
        settings = dict(self._settings)
        if isinstance(settings.get("every"), int):
            settings["every"] *= passes_per_step
        watched = watch(model, *self._instruments, **settings)
        watched.__enter__()
        self._watch, self._passes, self._steps = watched, [], []
        self._streams = [Stream(sink) for sink in (*self._sinks, *sinks)]

    def begins(self, step: int) -> None:
        """Forward passes from here on belong to this step of the tool."""
        if self._watch is not None and self._steps[-1:] != [step]:
            self._passes.append(self._watch.steps)
            self._steps.append(step)

    def check(self, advice: str) -> None:
        """Raise SiteError where a whole step went by without a forward pass of the model that is watched."""
        if self._watch is not None and self._watch.steps == 0 and self._watch.cost.passes == 0:
            raise SiteError(f"a training step went by and the module that is watched was not called; {advice}")

    def log(self, loss: float) -> None:
        """The loss beside the readings, for live pages and schedules that go by it."""
        if self._watch is not None:
            self._watch.log(loss=loss)

    def send(self) -> None:
        """Hand new rows to the sinks."""
        if self._streams and self._watch is not None:
            record = self.record
            for stream in self._streams:
                stream.send(record)

    def close(self, error: BaseException | None = None) -> None:
        """End the watch; the rows stay. What is wrong with it now is warned of: the training is done and must not be lost."""
        if self._watch is None:
            return
        watched = self._watch
        try:
            watched.__exit__(None if error is None else type(error), error, None)
        except SiteError as wrong:
            warnings.warn(str(wrong), stacklevel=2)
        finally:
            self._record, self._watch = self._translated(watched.record), None
            for stream in self._streams:
                stream.finish(self._record)
            self._streams = []

    def _translated(self, rows: Record) -> Record:
        """The rows with the tool's steps; a pass belongs to the last step that had begun before it."""
        if not self._steps:
            return rows
        columns = dict(rows.columns)
        places = np.searchsorted(self._passes, columns["step"], side="right") - 1
        columns["step"] = np.asarray(self._steps, dtype=np.int64)[np.maximum(places, 0)]
        return Record(columns)
