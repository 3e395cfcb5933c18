"""What the modules of a model give while inputs pass through it; and a model that is left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._errors import DataError, ShapeError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..sites import Site

__all__ = ["each_input", "listening", "undisturbed"]


def each_input(batches: Any) -> Iterator[Any]:
    """The input of every batch, a tensor or a dict; a tensor alone is one batch. Raises DataError where there is none."""
    import torch

    empty = True
    for batch in [batches] if isinstance(batches, torch.Tensor) else batches:
        found = batch[0] if isinstance(batch, tuple | list) and batch else batch
        if not isinstance(found, torch.Tensor | dict):
            raise DataError(f"a batch is {type(batch).__name__}; give tensors with the sample as first axis")
        empty = False
        yield found
    if empty:
        raise DataError("there are no batches; give a tensor or an iterable with at least one")


@contextmanager
def listening(model: nn.Module, sites: Sequence[Site]) -> Iterator[dict[str, Tensor]]:
    """By path, what the modules gave in the last pass: (samples, units, *places), with its gradient where there is one.

    The hooks go when the block is left.
    """
    from ..sites import find_module, tap

    heard: dict[str, Tensor] = {}
    stops: list[Callable[[], None]] = []
    try:
        for site in sites:
            stops.append(tap(model, site, _receiver(find_module(model, site), site, heard)))
        yield heard
    finally:
        for stop in stops:
            stop()


def _receiver(module: nn.Module, site: Site, heard: dict[str, Tensor]) -> Callable[[Any], None]:
    from ..sites import to_tensor

    def receive(output: Any) -> None:
        values = to_tensor(output, site)
        if values.ndim < 2:
            raise ShapeError(
                f"the module at {site.path!r} gives shape {tuple(values.shape)}, expected samples and units"
            )
        if getattr(module, "batch_first", True) is False and values.ndim == 3:
            values = values.transpose(0, 1)  # recurrent layers put time first unless told otherwise
        heard[site.path] = values.movedim(site.axis, 1).clone()  # what follows may write into the output

    return receive


@contextmanager
def undisturbed(*models: nn.Module) -> Iterator[None]:
    """Models in evaluation mode, with gradients even where the caller turned them off. Mode, buffers and torch's random
    state are put back when the block is left, whatever a forward pass did to them.
    """
    import torch

    modules = [module for model in models for module in model.modules()]
    modes = [module.training for module in modules]
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in modules
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            for model in models:
                model.eval()
            yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
        for module, name, buffer, kept in buffers:
            module._buffers[name] = buffer
            if not torch.equal(buffer, kept):
                with torch.no_grad():
                    buffer.copy_(kept)
