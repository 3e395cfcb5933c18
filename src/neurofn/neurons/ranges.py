"""Inputs in raw units: fit the range of every layer of neurons in a model, in the order in which they run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._errors import SiteError
from ._range import RangeWarning

__all__ = ["RangeWarning", "fit_ranges"]


def fit_ranges(model: nn.Module, x: Tensor, *, margin: float = 0.0, quantile: float | None = None) -> tuple[str, ...]:
    """Fit every layer of neurons in ``model`` to what reaches it when the model runs on ``x``; gives their paths as they ran.

    Each layer is fitted before it computes, so that the next one is fitted to what it will see. The model runs once, without
    gradients and in evaluation mode; its mode is put back. A layer that runs twice takes the inputs of its first run.
    ``margin`` and ``quantile`` as in ``NeuronLayer.fit_range``. Raises SiteError where no layer of neurons ran, and DataError
    where NaN or infinity reaches one.

    >>> from neurofn.neurons import neuron
    >>> model = nn.Sequential(neuron("sum(bspline)").dense(2, 5), neuron("sum(bspline)").dense(5, 1))
    >>> fit_ranges(model, 1000 * torch.rand(64, 2, generator=torch.Generator().manual_seed(0)))
    ('0', '1')
    """
    found: list[str] = []
    layers = {name: part for name, part in model.named_modules() if callable(getattr(part, "fit_range", None))}
    # A layer inside another one that has a range is that one's own affair.
    outer = {
        name: part for name, part in layers.items() if not any(name.startswith(_inside(other)) for other in layers)
    }

    def fitting(name: str) -> Any:
        def hook(module: Any, given: tuple[Any, ...]) -> None:
            if name not in found:
                module.fit_range(given[0].detach(), margin=margin, quantile=quantile)
                found.append(name)

        return hook

    modes = [(part, part.training) for part in model.modules()]
    handles = [part.register_forward_pre_hook(fitting(name)) for name, part in outer.items()]
    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
        for part, training in modes:
            part.training = training
    if not found:
        raise SiteError(
            f"{type(model).__name__} ran no layer of neurons; make one with neuron(text).dense(n_in, n_out)"
        )
    return tuple(found)


def _inside(name: str) -> str:
    return f"{name}." if name else "\0"  # the model itself may be a layer; nothing is inside it by name alone
