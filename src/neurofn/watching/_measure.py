"""`measure` reads a model's neurons over given data in one exact pass, and leaves the model as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from .._errors import DataError, ShapeError, SiteError
from ..instruments import Probe
from ._chunks import Chunk, to_record
from ._places import Feed
from ._sampler import Sampler
from .record import Record

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..instruments import Instrument
    from ..instruments._probe import Loss
    from ..sites import Site

__all__ = ["measure"]


class _Options(TypedDict, total=False):
    step: int
    seed: int | None
    loss: Loss | None


def measure(
    model: nn.Module,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    *instruments: Instrument | Probe,
    at: str | Site | Sequence[str | Site] = "*",
    weights: Tensor | None = None,
    **options: Unpack[_Options],
) -> Record:
    """Read ``model``'s neurons over all of ``batches`` in one exact pass without gradients.

    batches: one tensor of inputs, or an iterable of them or of pairs (inputs, targets) as a loader gives them; the first
             axis is the sample, ``model(inputs)`` must work. Instruments that are `Labelled` need the pairs.
    weights: (samples,) over all batches in order: quadrature or data weights; a site that gives several rows per sample
             (places, times) repeats the sample's weight.
    options: ``step=`` and ``seed=``, what the rows say in these columns; 0 and -1 (none) where they are not given. ``loss=``,
             (outputs, targets) -> their mean, for probes: `Sharpness`, `TangentKernel` and their like read the model itself, on
             the pairs, and their rows name the site "", the whole model. With probes, batches are kept in a list.

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

    step, seed, loss = _labels(**options)
    asked = [part for part in instruments if isinstance(part, Probe)]
    others = [part for part in instruments if not isinstance(part, Probe)]
    if asked:
        batches = [batches] if isinstance(batches, torch.Tensor) else list(batches)
        probed = to_record(_probed(model, batches, asked, (step, seed), loss))
        rest = [measure(model, batches, *others, at=at, weights=weights, step=step, seed=seed)] if others else []
        return Record.join([*rest, probed])
    sampler = Sampler(model, others, at)
    with ExitStack() as stack:
        stack.enter_context(_as_it_was(model))
        stack.enter_context(torch.no_grad())
        sampler.attach(stack)
        samples = 0
        for batch, targets in _pairs(batches):
            sampler.open(Feed())
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
    return to_record(list(sampler.read(step, seed, [""])))


def _probed(
    model: nn.Module, batches: list[Any], asked: Sequence[Probe], labels: tuple[int, int], loss: Loss | None
) -> list[Chunk]:
    """The readings of probes as rows of the site "", the model; of an array the unit is the place."""
    chunks = []
    for probe in asked:
        for reading, value in probe.of(model, batches, loss=loss).items():
            values = np.atleast_1d(np.asarray(value, dtype=np.float64))
            unit = np.arange(len(values), dtype=np.float64) if isinstance(value, np.ndarray) else np.array([np.nan])
            chunks.append(Chunk((*labels, "", str(probe), reading), unit, values))
    return chunks


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


def _labels(*, step: int = 0, seed: int | None = None, loss: Loss | None = None) -> tuple[int, int, Loss | None]:
    return int(step), -1 if seed is None else int(seed), loss
