"""Watching inside Lightning: `WatchCallback` for its Trainer. Extra: ``pip install 'neurofn[lightning]'``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._errors import SiteError
from ..watching import Record
from ._fit import Following
from ._stream import Sink, foreign, scalars_of

if TYPE_CHECKING:
    from torch import nn

    from ..instruments import Instrument

__all__ = ["WatchCallback"]

_Callback: Any = foreign("lightning.pytorch", extra="lightning", purpose="the callback for Lightning").Callback


class WatchCallback(_Callback):  # type: ignore[misc]  # Lightning is optional, so its types are not known here
    """Watches the model that a Lightning Trainer fits, and logs the numbers through the trainer's loggers.

    instruments: what to read, as in `neurofn.watch`.
    at:          where, within ``module``.
    every:       a number: a reading every so many optimizer steps, of the first of the batches whose gradients are accumulated.
                 Schedules count forward passes. None: as much as the budget of `neurofn.watch` pays for.
    module:      the path of the module whose forward `training_step` calls, for example "net" where it calls ``self.net(x)``;
                 "" where it calls ``self(x)``.
    to:          sinks that get all rows, arrays too: one function of a Record, or several.
    settings:    further settings of `neurofn.watch`, for example ``budget=`` and ``seed=``.

    The watch begins and ends with the fit. Rows carry ``trainer.global_step``, also after a start from a checkpoint, whose
    first step is read. Numbers go to the loggers as "SITE/INSTRUMENT/READING" every ``trainer.log_every_n_steps`` steps and at
    the end, with the step they were read at, and the loss of that batch into the record; of several processes, rank 0 alone
    logs and sends.

    Raises SiteError in the first step where ``module`` was not called, and what `neurofn.watch` raises at the start of a fit.

    >>> import lightning.pytorch as pl
    >>> from neurofn.instruments import EpsilonRank
    >>> callback = WatchCallback(EpsilonRank(eps=1e-3), at="*", every=50, module="net")
    >>> isinstance(callback, pl.Callback), callback.record
    (True, Record(0 rows))
    """

    def __init__(
        self,
        *instruments: Instrument,
        at: Any = "*",
        every: Any = None,
        module: str = "",
        to: Sink | Sequence[Sink] = (),
        **settings: Any,
    ) -> None:
        super().__init__()
        self._module, self._step = module, 0
        self._fit = Following(instruments, to, {"at": at, "every": every, **settings})

    @property
    def record(self) -> Record:
        """The rows read so far in the fit under way, or in the last one."""
        return self._fit.record

    def on_train_start(self, trainer: Any, pl_module: nn.Module) -> None:
        """Begin to watch; the checkpoint, if any, is restored by now."""
        self._step = trainer.global_step
        try:
            model = pl_module.get_submodule(self._module)
        except AttributeError as error:
            raise SiteError(f"module={self._module!r}: {_advice(pl_module)}") from error
        sinks = [_to_loggers(trainer)] if trainer.loggers and trainer.is_global_zero else []
        self._fit.open(
            model,
            passes_per_step=trainer.accumulate_grad_batches,
            sinks=sinks,
        )

    def on_train_batch_start(self, trainer: Any, pl_module: nn.Module, batch: Any, batch_idx: int) -> None:
        """Passes from here on belong to the trainer's global step."""
        self._fit.begins(trainer.global_step)

    def on_train_batch_end(self, trainer: Any, pl_module: nn.Module, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Log and send what is new, as often as the trainer logs."""
        self._fit.check(_advice(pl_module))
        step = trainer.global_step
        if step != self._step and step % trainer.log_every_n_steps == 0:  # more batches than one may belong to a step
            loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
            if loss is not None:  # Lightning has divided it by the number of batches that are accumulated
                self._fit.log(float(loss) * trainer.accumulate_grad_batches)
            if trainer.is_global_zero:
                self._fit.send()
        self._step = step

    def on_train_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """End the watch and send the rest."""
        self._fit.close()

    def on_exception(self, trainer: Any, pl_module: nn.Module, exception: BaseException) -> None:
        """Take the hooks off whatever happened; what was read is kept and sent."""
        self._fit.close(exception)


def _advice(model: nn.Module) -> str:
    children = [name for name, _ in model.named_children()]
    named = f"; it holds {', '.join(map(repr, children))}" if children else ""
    return (
        f"name the module that training_step of this {type(model).__name__} calls, for example "
        f"WatchCallback(..., module={children[0] if children else 'net'!r}){named}"
    )


def _to_loggers(trainer: Any) -> Sink:
    def loggers(rows: Record) -> None:
        for step, numbers in scalars_of(rows).items():
            for logger in trainer.loggers:
                logger.log_metrics(numbers, step=step)

    return loggers
