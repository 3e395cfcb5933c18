"""What a layer function holds besides its input: numbers, arrays, statistics, and the random numbers it draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

from ..._errors import DefinitionError, SettingError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ROLES", "Slot", "fixed", "learned", "running", "sampled", "scheduled"]

ROLES = ("fixed", "learned", "scheduled", "running", "sampled")
Start = float | Callable[[tuple[int, ...]], Any]


@dataclass(frozen=True)
class Slot:
    """One named thing that a layer function uses.

    ``role`` is who changes it: nobody (fixed), the optimiser (learned), the training loop (scheduled), the batches seen in
    training (running), or chance at every call (sampled). ``shape`` is in words: "channels", a whole-number setting of the
    function, or a number; without words it is one number for the tensor. A sampled slot has ``law`` ("uniform" in [0, 1) or
    "normal") and its shape may begin with words and end in "input": one draw for each element.

    >>> Slot("learned", 0.25, shape=("channels",)).granularity
    'channel'
    """

    role: str
    default: Start = 0.0
    shape: tuple[str | int, ...] = ()
    low: float | None = None
    high: float | None = None
    spread: float = 0.0
    law: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES or (self.role == "sampled") != (self.law in ("uniform", "normal")):
            raise DefinitionError(f"a slot is one of {', '.join(ROLES)}, and sampled by a law; got {self.role!r}")

    @property
    def granularity(self) -> str:
        """What there is one of: "tensor", "channel", "element" or "array"."""
        if not self.shape:
            return "tensor"
        return "channel" if self.shape == ("channels",) else "element" if self.shape == ("input",) else "array"

    @property
    def learned(self) -> bool:
        """Whether an optimiser changes it."""
        return self.role == "learned"

    @property
    def per(self) -> str:
        """The granularity, by the name that parameters of functions give it."""
        return self.granularity

    def check(self, name: str, value: object) -> float:
        """The value as a float; raises SettingError where it is no finite number or outside the domain."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise SettingError(f"{name} must be a finite number, got {value!r}")
        low, high = float("-inf") if self.low is None else self.low, float("inf") if self.high is None else self.high
        if not low <= value <= high:
            raise SettingError(f"{name} must lie in [{low:g}, {high:g}], got {value!r}")
        return float(value)

    def sizes(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape in numbers; a value per channel becomes one value where the number of channels is not known."""
        if self.shape == ("channels",) and "channels" not in sizes:
            return ()
        return tuple(word if isinstance(word, int) else sizes[word] for word in self.shape)

    def start(self, sizes: Mapping[str, int], value: float | None = None) -> Tensor:
        """A tensor at the default or at ``value``; with ``spread`` s, plus noise of standard deviation s / sqrt(fan in).

        The fan in is the product of all sizes but the first.
        """
        import torch

        shape = self.sizes(sizes)
        if value is not None or not callable(self.default):
            tensor = torch.full(shape, float(value if value is not None else self.default))  # type: ignore[arg-type]
        else:
            tensor = torch.as_tensor(self.default(shape), dtype=torch.get_default_dtype()).clone()
        if self.spread and value is None:
            tensor = tensor + torch.randn(shape) * (self.spread / prod(shape[1:]) ** 0.5)
        return tensor


def fixed(default: float, *, low: float | None = None, high: float | None = None) -> Slot:
    """A number that the user sets and training leaves alone.

    >>> fixed(1.0, low=0).check("softmax: beta", 2)
    2.0
    """
    return Slot("fixed", float(default), low=low, high=high)


def learned(default: Start, *, shape: tuple[str | int, ...] = (), **details: Any) -> Slot:
    """A parameter of the module; ``details`` are low, high (its domain) and spread (of its random start).

    >>> learned(1.0, shape=("channels",)).sizes({"channels": 64})
    (64,)
    """
    return Slot("learned", default, shape, **details)


def scheduled(default: float, *, low: float | None = None, high: float | None = None) -> Slot:
    """A number that the training loop sets as it goes: ``module.set(name=value)``.

    >>> scheduled(0.5).role
    'scheduled'
    """
    return Slot("scheduled", float(default), low=low, high=high)


def running(default: float, *, shape: tuple[str | int, ...] = ()) -> Slot:
    """A statistic: of the batch in training, its running mean in evaluation.

    >>> running(1.0, shape=("channels",)).granularity
    'channel'
    """
    return Slot("running", float(default), shape)


def sampled(law: str, *, shape: tuple[str | int, ...] = ("input",)) -> Slot:
    """Random numbers, drawn anew at every call in training and None in evaluation; ``law`` is "uniform" or "normal".

    >>> sampled("normal").granularity
    'element'
    """
    return Slot("sampled", 0.0, shape, law=law)
