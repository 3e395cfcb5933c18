"""Watch: what `watch` gives. It holds the hooks and the rows.

It puts forward hooks on the modules at the sites, streams what comes by into the instruments' states inside the hook (a module
behind it may overwrite the tensor), and takes the hooks off again whatever happens. Nothing else of the model, of its gradients
or of the random state is touched, so a watched training ends at the same weights, bit for bit.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import SiteError
from ._chunks import Chunk, row_of, to_record
from ._cost import Cost
from ._plans import Budgeted, Plan
from ._sampler import Sampler, recomputing, uncompiled
from ._sink import Sink
from .record import Record, Rows

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Watch"]

_SILENT = (
    "Name modules that are called with at=. If the model is compiled: its code, or that of a like model compiled before, "
    "ignores hooks that came later; call torch._dynamo.reset() and enter watch before the first compiled call, or set "
    "torch._dynamo.config.skip_nnmodule_hook_guards = False before it."
)


class Watch(Rows):
    """What `watch` gives: a context manager, and the rows read so far. It answers all that a `Record` answers."""

    def __init__(self, sampler: Sampler, model: nn.Module, plan: Plan, *, seed: int) -> None:
        self._sampler, self._model, self._plan, self._seed = sampler, model, plan, seed
        self._passes = 0
        self._counted = self._paused = False
        self._loss: float | None = None
        self._chunks: list[Chunk] = []
        self._reported: set[str] = set()
        self._stack = ExitStack()
        self._record, self._recorded = to_record([]), 0
        self._sink: Sink | None = None
        self._begun: float | None = None
        self._elapsed = self._own = 0.0

    @property
    def steps(self) -> int:
        """Training steps seen so far: forward passes, or as many as the schedule says make one step."""
        return self._passes // self._plan.passes

    @property
    def cost(self) -> Cost:
        """What watching took since it was entered, by its own account, without what is read after the end of the training."""
        seconds = self._own + self._sampler.spent
        if isinstance(self._plan, Budgeted):
            governor = self._plan.governor
            return Cost(governor.spent, governor.share, self._plan.sampled, governor.budget)
        now = 0.0 if self._begun is None else self._sampler.clock() - self._begun
        rest = self._elapsed + now - seconds
        return Cost(seconds, seconds / rest if rest > 0 else 0.0, self._plan.sampled)

    def to(self, folder: str | os.PathLike[str]) -> Self:
        """Write the rows into ``folder`` as they come: ``with watch(model, ...).to("runs/first") as record: train()``.

        `Record.load` and ``neurofn watch --serve`` read the folder while the training runs, and up to the last reading after it
        was killed. The rows are not kept in memory. It is opened when watching begins: StoreError where that cannot be; a disk
        that is full later ends in a warning, and the training goes on.
        """
        self._sink = Sink(folder)
        return self

    @property
    def record(self) -> Record:
        """The rows read so far, as a Record that does not change any more."""
        if self._sink is not None and self._sink.opened:
            return Record.join([self._sink.read(), to_record(self._chunks)])
        if self._recorded < len(self._chunks):
            self._record, self._recorded = to_record(self._chunks), len(self._chunks)
        return self._record

    @property
    def columns(self) -> Mapping[str, np.ndarray]:
        """Column name -> array of the rows read so far, as in `Record`."""
        return self.record.columns

    def log(self, **values: float) -> None:
        """Write numbers of the training beside the readings: ``record.log(loss=float(loss))``, rows of instrument "Training".

        They belong to the last step. The loss is what `AtLossChange` goes by.
        """
        step = max(self._passes - 1, 0) // self._plan.passes
        for name, value in values.items():
            self._chunks.append(row_of(step, self._seed, "", "Training", name, float(value)))
        if "loss" in values:
            self._loss = float(values["loss"])
        self._write()

    def pause(self) -> None:
        """Read nothing until `resume`; steps go on being counted."""
        self._paused = True
        if isinstance(self._plan, Budgeted):
            self._plan.governor.skip()

    def resume(self) -> None:
        """Read again as before `pause`."""
        self._paused = False

    def __enter__(self) -> Self:
        if self._sink is not None:
            self._sink.open()
        self._plan.prepare(self._sampler.instruments)
        with ExitStack() as stack:
            if "torch._dynamo" in sys.modules:  # else a like model that is compiled later takes over this one's hooks
                from torch._dynamo import config

                stack.enter_context(config.patch(skip_nnmodule_hook_guards=False))
            stack.callback(self._model.register_forward_pre_hook(self._before()).remove)
            self._sampler.attach(stack)
            stack.callback(self._model.register_forward_hook(self._after()).remove)
            self._stack = stack.pop_all()
        self._begun = self._sampler.clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if self._begun is not None:
            self._elapsed += self._sampler.clock() - self._begun
            self._begun = None
        self._sampler.close()
        self._plan.together &= kind is None  # the other processes may not come to a last reading
        self._settle()
        self._keep(self._plan.close(max(self.steps - 1, 0), self._seed, self._sampler))
        self._keep(self._plan.account(max(self.steps - 1, 0), self._seed))
        self._sampler.clear()
        if self._sink is not None:
            self._sink.close()
        if kind is None:
            self._verify()

    def _before(self) -> Callable[[nn.Module, Any], None]:
        import torch

        sampler, plan = self._sampler, self._plan

        def before(module: nn.Module, inputs: Any) -> None:
            if module is not self._model or recomputing():
                return
            self._counted = module.training and torch.is_grad_enabled()
            sampler.close()
            if self._paused:
                return
            begin = sampler.clock()
            if self._counted:
                if self._passes % plan.passes == 0:
                    self._settle()
                sampler.ticket += 1
                sampler.step = self.steps
                feed = plan.begin(self.steps, self._loss, sampler) if sampler.in_training else None
                if feed is not None:
                    sampler.open(feed)
            elif not module.training and "evaluation" in sampler.sides:
                feed = plan.evaluate(sampler)
                if feed is not None:
                    sampler.open(feed, "evaluation")
            self._bill(sampler.clock() - begin)

        return uncompiled(before)

    def _after(self) -> Callable[[nn.Module, Any, Any], None]:
        sampler, plan = self._sampler, self._plan

        def after(module: nn.Module, inputs: Any, output: Any) -> None:
            if module is not self._model or recomputing() or not self._counted:
                return
            self._counted = False
            was_on = sampler.on
            sampler.close()
            if was_on:
                self._look()
            if not self._paused and (self._passes + 1) % plan.passes == 0:
                begin = sampler.clock()
                self._keep(plan.end(self.steps, self._seed, sampler))
                self._bill(sampler.clock() - begin - plan.paid)
            self._passes += 1

        return uncompiled(after)

    def _look(self) -> None:
        """A pass that was to be read went by: if nothing was seen, say so now and not after hours of training."""
        sampler = self._sampler
        if not sampler.seen:
            raise SiteError(f"a training pass went by and no output of the sites was seen. {_SILENT}")

    def _settle(self) -> None:
        """What came in after the last step, from its backward pass and from evaluation, is that step's."""
        if len(self._sampler.sides) > 1 or "" not in self._sampler.sides:
            self._keep(self._plan.settle(max(self.steps - 1, 0), self._seed, self._sampler))

    def _keep(self, chunks: Iterable[Chunk]) -> None:
        """Readings into the record, and beside them where something was not finite and what could not be read."""
        for chunk in chunks:
            self._chunks.append(chunk)
            step, seed, site, _, reading = chunk.where
            if reading == "nonfinite rows" and chunk.values[0] > 0 and site not in self._reported:
                self._reported.add(site)
                first = self._sampler.nonfinite.get(site, step)
                self._chunks.append(row_of(step, seed, site, "Watch", "first nonfinite step", first))
        if self._sampler.failed:
            for site in self._sampler.failed.keys() - self._reported:
                self._reported.add(site)
                step = self._sampler.failed[site][0]
                self._chunks.append(row_of(step, self._seed, site, "Watch", "failed step", step))
        self._write()

    def _write(self) -> None:
        if self._sink is not None and self._chunks and self._sink.write(self._chunks):
            self._chunks.clear()

    def _bill(self, seconds: float) -> None:
        self._own += seconds
        self._plan.bill(seconds)

    def _verify(self) -> None:
        """Readings that should be there and are not would be missed only much later."""
        if self._passes == 0 and self._sampler.in_training:
            raise SiteError("watch saw no training forward pass of this model. A pass counts where the model that was given to "
                            f"watch is called itself, in training mode and with gradients on. {_SILENT}")  # fmt: skip
        silent = [path for path in self._sampler.sites if path not in self._sampler.seen]
        if self._plan.sampled == 0 and not self._sampler.seen:
            return  # it was paused all the time
        missing = silent if len(silent) == len(self._sampler.sites) else [p for p in silent if p in self._sampler.named]
        if missing:
            raise SiteError(f"no output of {', '.join(map(repr, missing))} was seen in {self._passes} training passes. "
                            f"{_SILENT}")  # fmt: skip
        if silent:
            warnings.warn(f"modules that were never called have no readings: {', '.join(silent)}", stacklevel=3)
