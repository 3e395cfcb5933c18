"""The one torch module behind every function of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import ShapeError
from ._spec import Function

__all__ = ["FunctionModule"]


class FunctionModule(nn.Module):
    """``function`` with its learned parameters as ``nn.Parameter`` and the fixed ones as numbers.

    A learned parameter with a domain is clamped to it where it is used; the gradient passes the clamp, so that an optimiser
    that stepped outside finds its way back.
    """

    def __init__(self, function: Function, channels: int | None, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.function, values = function.split(settings)
        self.channels = channels
        self.settings = dict(settings)
        self.fixed: dict[str, float] = {}
        for name, spec in self.function.parameters.items():
            value = values.get(name, spec.default)
            if not spec.learned:
                self.fixed[name] = value
                continue
            shape = (channels,) if channels is not None and spec.per == "channel" else ()
            self.register_parameter(name, nn.Parameter(torch.full(shape, value)))

    def values(self) -> dict[str, Any]:
        """Every parameter as it is used: fixed numbers, learned ones inside their domains."""
        learned: dict[str, Any] = {}
        for name, parameter in self.named_parameters(recurse=False):
            spec = self.function.parameters[name]
            learned[name] = parameter
            if spec.low is not None or spec.high is not None:
                # the zero carries the gradient; it is added last, since far outside parameter + (border - parameter) is 0
                learned[name] = parameter.clamp(spec.low, spec.high).detach() + (parameter - parameter.detach())
        return {**self.fixed, **learned}

    def forward(self, z: Tensor) -> Tensor:
        """f(z), elementwise; the last axis is the channel axis where parameters are per channel."""
        if self.channels is not None and (z.ndim == 0 or z.shape[-1] != self.channels):
            raise ShapeError(f"{self.function.name} was built for {self.channels} channels, got shape {tuple(z.shape)}")
        return self.function(z, **self.values())

    def extra_repr(self) -> str:
        settings = "".join(f", {name}={value!r}" for name, value in self.settings.items())
        return self.function.name + settings
