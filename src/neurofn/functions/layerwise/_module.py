"""The one torch module behind every layer function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..._errors import SettingError, ShapeError
from ._slots import Slot
from ._spec import LayerFunction

__all__ = ["LayerModule"]


class LayerModule(nn.Module):
    """``function`` with its learned slots as ``nn.Parameter``, scheduled and running ones as buffers, fixed ones as numbers.

    In training it draws from torch's default generator or from the one that a call is given; in evaluation it draws nothing.
    A learned parameter with a domain is clamped to it where it is used; the gradient passes the clamp.
    """

    def __init__(self, function: LayerFunction, channels: int | None, settings: Mapping[str, Any]) -> None:
        super().__init__()
        if channels is None and function.needs_channels:
            raise SettingError(f"{function.name} needs the width of its input: {function.name}.module(channels=64)")
        self.function, self.channels, self.settings = function, channels, dict(settings)
        self.counts, values = function.split(settings)
        if channels is not None:
            self._check_width(channels)
        sizes = {**self.counts, **({} if channels is None else {"channels": channels})}
        sizes |= {} if channels is None else {"output": function.axis.output(channels, self.counts)}
        self.fixed: dict[str, float] = {}
        for name, slot in function.slots.items():
            if slot.role == "fixed":
                self.fixed[name] = values.get(name, slot.default)  # type: ignore[arg-type]
            elif slot.role == "learned":
                self.register_parameter(name, nn.Parameter(slot.start(sizes, values.get(name))))
            elif slot.role != "sampled":
                self.register_buffer(name, slot.start(sizes, values.get(name)))

    def set(self, **values: float) -> None:
        """Give scheduled numbers their values; raises SettingError where one is no such number or outside its domain."""
        known = [name for name, slot in self.function.slots.items() if slot.role == "scheduled"]
        for name, value in values.items():
            if name not in known:
                raise SettingError(f"{self.function.name} has no scheduled number {name!r}; it has {known or 'none'}")
            checked = self.function.slots[name].check(f"{self.function.name}: {name}", value)
            self.get_buffer(name).fill_(checked)

    def values(self, dtype: torch.dtype | None = None) -> dict[str, Any]:
        """Every number and array as it is used, learned ones inside their domains; random ones are None."""
        found: dict[str, Any] = {**self.counts, **self.fixed}
        for name, slot in self.function.slots.items():
            if slot.role == "sampled":
                found[name] = None
            elif slot.role != "fixed":
                tensor = _inside(getattr(self, name), slot)
                found[name] = tensor if dtype is None else tensor.to(dtype)
        return found

    def draws(self, x: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """The random numbers of one call in training, by name."""
        found = {}
        width = x.shape[self.function.axis.dim]
        for name, slot in self.function.slots.items():
            if slot.role != "sampled":
                continue
            shape: list[int] = []
            for word in slot.shape:
                if word == "input":
                    shape.extend(x.shape)
                else:
                    shape.append(word if isinstance(word, int) else {**self.counts, "channels": width}[word])
            draw = torch.rand if slot.law == "uniform" else torch.randn
            found[name] = draw(shape, generator=generator, dtype=x.dtype, device=x.device)
        return found

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The function of x; raises ShapeError where x does not keep the contract of shapes, SettingError for integers."""
        self._check(x)
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        values = self.values(wide.dtype)
        if self.training:
            values |= self.draws(wide, generator)
            if self.function.statistics is not None:
                values |= self._observe(wide)
        values["training"] = self.training
        result: Tensor = self.function.code(wide, **{name: values[name] for name in self.function.uses})
        return result.to(x.dtype)

    def _observe(self, x: Tensor) -> dict[str, Tensor]:
        """The statistics of this batch; their running means move towards them, unless there is nothing in the batch."""
        assert self.function.statistics is not None
        if x.numel() == 0:
            return {}
        found: dict[str, Tensor] = self.function.statistics[0](x)
        with torch.no_grad():
            for name, value in found.items():
                self.get_buffer(name).lerp_(value.detach().to(self.get_buffer(name).dtype), self.function.momentum)
        return found

    def _check(self, x: Tensor) -> None:
        if not x.is_floating_point():
            raise SettingError(f"{self.function.name} expects a floating-point tensor, got {x.dtype}; use x.float()")
        image = self.function.axis.layout == "image"
        if x.ndim != 4 if image else x.ndim == 0:
            expected = "(batch, features, height, breadth)" if image else "(..., features)"
            raise ShapeError(f"{self.function.name} expects the shape {expected}, got {tuple(x.shape)}")
        self._check_width(x.shape[self.function.axis.dim])

    def _check_width(self, width: int) -> None:
        if self.channels is not None and width != self.channels:
            raise ShapeError(f"{self.function.name} was built for {self.channels} features, got {width}")
        if not self.function.axis.takes(width, self.counts):
            counts = "".join(f", {name}={value}" for name, value in self.counts.items())
            raise ShapeError(f"{self.function.name} takes {self.function.axis.text}{counts}; got {width} features")

    def extra_repr(self) -> str:
        return self.function.name + "".join(f", {name}={value!r}" for name, value in self.settings.items())


def _inside(tensor: Tensor, slot: Slot) -> Tensor:
    if slot.role != "learned" or (slot.low is None and slot.high is None):
        return tensor
    # the zero carries the gradient; it is added last, since far outside parameter + (border - parameter) is 0
    return tensor.clamp(slot.low, slot.high).detach() + (tensor - tensor.detach())
