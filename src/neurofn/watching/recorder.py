"""`watch` reads a model's neurons while it trains; `measure` reads them over given data in one exact pass.

Both put forward hooks on the modules at the sites, stream what comes by into the instruments' states inside the hook (a
module behind it may overwrite the tensor), and take the hooks off again whatever happens. Nothing else of the model, of
its gradients or of the random state is touched, so a watched training ends at the same weights, bit for bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from .._errors import DataError, SettingError, ShapeError, SiteError
from ..instruments import Labelled
from ._sampler import Chunk, Sampler, recomputing, to_record, uncompiled
from .record import Record, Rows

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from ..instruments import Instrument
    from ..sites import Site

__all__ = ["Watch", "measure", "watch"]

_SILENT = (
    "Name modules that are called with at=. If the model is compiled: its code, or that of a like model compiled before, "
    "ignores hooks that came later; call torch._dynamo.reset() and enter watch before the first compiled call, or set "
    "torch._dynamo.config.skip_nnmodule_hook_guards = False before it."
)


class _Labels(TypedDict, total=False):
    step: int
    seed: int | None


class Watch(Rows):
    """What `watch` gives: a context manager, and the rows read so far. It answers all that a `Record` answers."""

    def __init__(self, sampler: Sampler, model: nn.Module, *, every: int, seed: int) -> None:
        self._sampler, self._model, self._every, self._seed = sampler, model, every, seed
        self._step = 0
        self._counted = False
        self._chunks: list[Chunk] = []
        self._stack = ExitStack()
        self._record = to_record([])
        self._recorded = 0

    @property
    def steps(self) -> int:
        """Training forward passes seen so far."""
        return self._step

    @property
    def record(self) -> Record:
        """The rows read so far, as a Record that does not change any more."""
        if self._recorded < len(self._chunks):
            self._record, self._recorded = to_record(self._chunks), len(self._chunks)
        return self._record

    @property
    def columns(self) -> Mapping[str, np.ndarray]:
        """Column name -> array of the rows read so far, as in `Record`."""
        return self.record.columns

    def __enter__(self) -> Self:

        with ExitStack() as stack:
            stack.callback(self._model.register_forward_pre_hook(self._before()).remove)
            self._sampler.attach(stack)
            stack.callback(self._model.register_forward_hook(self._after()).remove)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._sampler.on = False
        self._sampler.clear()
        if kind is None:
            self._verify()

    def _before(self) -> Callable[[nn.Module, Any], None]:
        import torch

        def before(module: nn.Module, inputs: Any) -> None:
            if module is not self._model or recomputing():
                return
            self._counted = module.training and torch.is_grad_enabled()
            self._sampler.on = self._counted and self._step % self._every == 0
            if self._sampler.on:
                self._sampler.clear()

        return uncompiled(before)

    def _after(self) -> Callable[[nn.Module, Any, Any], None]:
        def after(module: nn.Module, inputs: Any, output: Any) -> None:
            if module is not self._model or recomputing() or not self._counted:
                return
            if self._sampler.on:
                self._sampler.on = False
                if not self._sampler.seen:  # now, not after hours of training
                    raise SiteError(f"a training pass went by and no output of the sites was seen. {_SILENT}")
                self._chunks.extend(self._sampler.read(self._step, self._seed))
                self._sampler.clear()
            self._counted = False
            self._step += 1

        return uncompiled(after)

    def _verify(self) -> None:
        """Readings that should be there and are not would be missed only much later."""
        if self._step == 0:
            raise SiteError("watch saw no training forward pass of this model. A pass counts where the model that was given to "
                            f"watch is called itself, in training mode and with gradients on. {_SILENT}")  # fmt: skip
        silent = [path for path in self._sampler.sites if path not in self._sampler.seen]
        missing = silent if len(silent) == len(self._sampler.sites) else [p for p in silent if p in self._sampler.named]
        if missing:
            raise SiteError(f"no output of {', '.join(map(repr, missing))} was seen in {self._step} training passes. "
                            f"{_SILENT}")  # fmt: skip
        if silent:
            warnings.warn(f"modules that were never called have no readings: {', '.join(silent)}", stacklevel=3)


def watch(
    model: nn.Module,
    *instruments: Instrument,
    at: str | Site | Sequence[str | Site] = "*",
    every: int = 1,
    seed: int | None = None,
) -> Watch:
    """Read ``model``'s neurons while it trains: ``with watch(model, ...) as record: train()``.

    model:       any module. Its forward passes in training mode with gradients on are the steps: 0, 1, 2, ...
    instruments: what to read, for example ``EpsilonRank(eps=1e-3)``.
    at:          where: a pattern of module paths or several (`find_sites`).
    every:       a reading is taken at the steps 0, every, 2 every, ..., each from the rows of that one pass.
    seed:        what the rows say in the column seed; -1 for None.

    The object given answers ``table()``, ``save(path)``, ``where()``, ``columns`` and the rest of `Record` while it grows and
    afterwards, and ``.record`` is a Record of what is there. After an exception what was read is kept. A module that is
    called more than once in a pass has its later calls under "path#2", "path#3", .... The recomputation of activation
    checkpointing is not counted again.

    Raises SettingError for wrong instruments or ``every`` < 1, SiteError where ``at`` matches nothing, and at the end where no
    pass, or nothing of a named site, was seen (a compiled model may ignore hooks silently). Warns of modules that match a
    pattern and were never called.

    >>> import torch
    >>> from neurofn.instruments import Moments
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
    >>> with watch(model, Moments(), at="1", every=2) as record:
    ...     for _ in range(3):
    ...         _ = model(torch.zeros(4, 2))
    >>> sorted(set(record.columns["step"].tolist()))
    [0, 2]
    """
    labelled = [str(part) for part in instruments if isinstance(part, Labelled)]
    if labelled:
        raise SettingError(f"{labelled[0]} reads targets, which a forward pass does not see; give it to "
                           "neurofn.measure(model, loader, ...) at the steps you want")  # fmt: skip
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise SettingError(f"every={every!r}: give a whole number of steps, 1 or more, for example every=50")
    return Watch(Sampler(model, instruments, at), model, every=every, seed=_step_and_seed(seed=seed)[1])


def measure(
    model: nn.Module,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    *instruments: Instrument,
    at: str | Site | Sequence[str | Site] = "*",
    weights: Tensor | None = None,
    **labels: Unpack[_Labels],
) -> Record:
    """Read ``model``'s neurons over all of ``batches`` in one exact pass without gradients.

    batches: one tensor of inputs, or an iterable of them or of pairs (inputs, targets) as a loader gives them; the first
             axis is the sample, ``model(inputs)`` must work. Instruments that are `Labelled` need the pairs.
    weights: (samples,) over all batches in order: quadrature or data weights; a site that gives several rows per sample
             (places, times) repeats the sample's weight.
    labels:  ``step=`` and ``seed=``, what the rows say in these columns; 0 and -1 (none) where they are not given.

    The model runs in the mode it is in, and is left as it was, also after an exception: modes, buffers (running averages
    of batch normalisation) and PyTorch's random state are put back.

    Raises DataError for no batches or something else than tensors, ShapeError for weights that do not fit, and what
    `watch` raises for instruments and sites.

    >>> import torch
    >>> from neurofn.instruments import EpsilonRank
    >>> record = measure(torch.nn.Linear(2, 4), torch.randn(9, 2), EpsilonRank(eps=1e-6))
    >>> bool(record.where(reading="rank").columns["value"][0] <= 3)
    True
    """
    import torch

    step, seed = _step_and_seed(**labels)
    sampler = Sampler(model, instruments, at)
    with ExitStack() as stack:
        stack.enter_context(_as_it_was(model))
        stack.enter_context(torch.no_grad())
        sampler.attach(stack)
        sampler.on = True
        samples = 0
        for batch, targets in _pairs(batches):
            sampler.new_pass()
            sampler.targets = targets
            sampler.weights = None if weights is None else weights.flatten()[samples : samples + len(batch)]
            samples += len(batch)
            if weights is not None and weights.shape[:1] < (samples,):
                raise ShapeError(_misfit(weights, f"{samples} samples and more"))
            model(batch)
    if weights is not None and weights.shape != (samples,):
        raise ShapeError(_misfit(weights, f"{samples} samples"))
    silent = [path for path in sampler.sites if path not in sampler.seen]
    if silent and (len(silent) == len(sampler.sites) or any(path in sampler.named for path in silent)):
        raise SiteError(f"no output of {', '.join(map(repr, silent))} was seen; name modules that are called with at=")
    return to_record(list(sampler.read(step, seed)))


def _pairs(batches: Tensor | Iterable[Tensor | Sequence[Tensor]]) -> Iterator[tuple[Tensor, Tensor | None]]:
    import torch

    empty = True
    for batch in [batches] if isinstance(batches, torch.Tensor) else batches:
        pair = (batch, None) if isinstance(batch, torch.Tensor) else batch
        tensors = [part for part in pair if isinstance(part, torch.Tensor)] if isinstance(pair, tuple | list) else []
        if not tensors or tensors[0] is not pair[0] or len(pair) != 2 or tensors[0].ndim == 0:
            raise DataError(f"a batch is {type(batch).__name__}; give tensors with the sample as first axis, or pairs of "
                            "inputs and targets, for example measure(model, loader, ...)")  # fmt: skip
        if pair[1] is not None and (len(tensors) != 2 or pair[1].ndim == 0 or len(pair[1]) != len(pair[0])):
            raise DataError(f"a batch pairs inputs of shape {tuple(pair[0].shape)} with {_shown(pair[1])}; give one target per "
                            "sample, as a tensor")  # fmt: skip
        empty = False
        yield pair[0], pair[1]
    if empty:
        raise DataError("there are no batches to measure; give a tensor or an iterable with at least one")


def _shown(target: Any) -> str:
    return f"targets of shape {tuple(target.shape)}" if hasattr(target, "shape") else type(target).__name__


@contextmanager
def _as_it_was(model: nn.Module) -> Iterator[None]:
    """Modes, buffers and random states after the block are those before it."""
    import torch

    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    devices = {tensor.device.index for tensor in model.parameters() if tensor.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=sorted(devices)):
            yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for module, name, buffer, saved in buffers:
                if not torch.equal(buffer, saved):  # writing an unchanged one would spoil a backward pass under way
                    buffer.copy_(saved)
                module._buffers[name] = buffer


def _misfit(weights: Tensor, samples: str) -> str:
    return f"weights have shape {tuple(weights.shape)} for {samples}; give one weight per sample, in the order of the batches"


def _step_and_seed(*, step: int = 0, seed: int | None = None) -> tuple[int, int]:
    return int(step), -1 if seed is None else int(seed)
