"""Watching inside Hugging Face's Trainer: `WatchCallback`. Extra: ``pip install 'neurofn[transformers]'``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from ..watching import Record
from ._fit import Following
from ._stream import Sink, foreign, scalars_of

if TYPE_CHECKING:
    from types import TracebackType

    from torch import nn

    from ..instruments import Instrument

__all__ = ["WatchCallback"]

_PURPOSE = "the callback for the Trainer of Hugging Face"
_Callback: Any = foreign("transformers", extra="transformers", purpose=_PURPOSE).TrainerCallback


class WatchCallback(_Callback):  # type: ignore[misc]  # transformers is optional, so its types are not known here
    """Watches the model that a Trainer trains; numbers go into ``trainer.state.log_history``, all rows to the sinks.

    instruments: what to read, as in `neurofn.watch`.
    at:          where, for example ``at="model.layers.*.mlp.act_fn"``.
    every:       a number: a reading every so many optimizer steps, of the first of the batches whose gradients are accumulated.
                 Schedules count forward passes. None: as much as the budget of `neurofn.watch` pays for.
    to:          sinks that get all rows, arrays too: one function of a Record, or several.
    settings:    further settings of `neurofn.watch`, for example ``budget=`` and ``seed=``.

    The watch begins and ends with ``train()``. Rows carry ``state.global_step`` as it is when the pass begins (0 for the
    first), also after ``train(resume_from_checkpoint=...)``, whose first step is read. They are handed over whenever the
    trainer logs, by the process of rank 0 alone, and the loss that it logs comes into the record. The Trainer tells its
    callbacks nothing of an exception in ``train()``: use ``with WatchCallback(...) as callback:`` around it, or call `close`,
    to have the hooks taken off then too.

    Raises at the start of ``train()`` what `neurofn.watch` raises.

    >>> from neurofn.instruments import EpsilonRank
    >>> WatchCallback(EpsilonRank(eps=1e-3), at="*mlp*", every=50).record
    Record(0 rows)
    """

    def __init__(
        self,
        *instruments: Instrument,
        at: Any = "*",
        every: Any = None,
        to: Sink | Sequence[Sink] = (),
        **settings: Any,
    ) -> None:
        self._fit = Following(instruments, to, {"at": at, "every": every, **settings})

    @property
    def record(self) -> Record:
        """The rows read so far in the training under way, or in the last one."""
        return self._fit.record

    def close(self, error: BaseException | None = None) -> None:
        """End the watch if a training that failed has left it open; what was read is kept and sent."""
        self._fit.close(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)

    def on_train_begin(self, args: Any, state: Any, control: Any, *, model: nn.Module, **more: Any) -> None:
        """Begin to watch; the checkpoint, if any, is restored by now."""
        sinks = [_to_history(state)] if state.is_world_process_zero else []
        self._fit.open(model, passes_per_step=args.gradient_accumulation_steps, sinks=sinks)

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Passes from here on belong to the state's global step."""
        self._fit.begins(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
        """Keep the loss beside the readings and send what is new, as often as the trainer logs."""
        if logs and "loss" in logs:
            self._fit.log(float(logs["loss"]))
        if state.is_world_process_zero:
            self._fit.send()

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """End the watch and send the rest."""
        self._fit.close()


def _to_history(state: Any) -> Sink:
    def log_history(rows: Record) -> None:
        state.log_history.extend({**numbers, "step": step} for step, numbers in scalars_of(rows).items())

    return log_history
