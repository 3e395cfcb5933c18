"""What a layer function is: an activation that is no function of one number.

It sees whole vectors (softmax), halves of them (gates), chance, the batch, a schedule, has a backward pass of its own, or is a
small network. Each is declared once, with two implementations: tensor code, and a plain numpy ``definition`` that reads like
the paper. A part file holds declarations only and can be imported without torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..._errors import DefinitionError, SettingError, did_you_mean
from ..._registry import NEURON_NAMES, Registry
from .._facts import Count
from ._facts import Fact
from ._slots import Slot

if TYPE_CHECKING:
    from ._module import LayerModule

__all__ = ["KINDS", "VECTOR", "Axis", "LayerFunction", "catalogue", "layer_function"]

KINDS: dict[str, str] = {
    "vector": "each output depends on several features of its sample: a norm, an order, a sum over the axis, a pair",
    "gated": "the input holds two halves, a value and its gate (or two parents); the output is half as wide",
    "stochastic": "draws random numbers in training; in evaluation it is a function",
    "normalised": "divides, shifts or compares by statistics of the layer, the place or the batch",
    "scheduled": "depends on the state of training: epoch, error, place of the layer",
    "surrogate": "its backward pass is not the derivative of its forward pass",
    "network": "has weights between features: a small network of its own",
}
"""Kind -> what makes a layer function one of it."""

Code = Callable[..., Any]


@dataclass(frozen=True)
class Axis:
    """The contract of shapes: where the features lie, how many there may be, how many come out.

    ``layout`` is "vector" (..., features) or "image" (batch, features, height, breadth). The width is a multiple of
    ``multiple`` and at least ``least``; the output is ``grow`` / ``shrink`` times as wide. Each of the four is a number or the
    name of a whole-number setting; ``shrink="width"`` leaves one feature.

    >>> Axis(multiple=2, shrink=2).text
    'vector; the width is a multiple of 2; output width = width / 2'
    """

    layout: str = "vector"
    multiple: str | int = 1
    least: str | int = 1
    grow: str | int = 1
    shrink: str | int = 1

    @property
    def text(self) -> str:
        """The contract in words."""
        words = [self.layout]
        words += [f"the width is a multiple of {self.multiple}"] if self.multiple != 1 else []
        words += [f"the width is at least {self.least}"] if self.least != 1 else []
        grow = f"{self.grow} * " if self.grow != 1 else ""
        shrink = f" / {self.shrink}" if self.shrink != 1 else ""
        return "; ".join([*words, f"output width = {grow}width{shrink}"])

    @property
    def dim(self) -> int:
        """The axis of the features."""
        return 1 if self.layout == "image" else -1

    def takes(self, width: int, counts: Mapping[str, int]) -> bool:
        """Whether an input may be so wide."""
        return width >= _number(self.least, counts) and width % _number(self.multiple, counts) == 0

    def output(self, width: int, counts: Mapping[str, int]) -> int:
        """How wide the output is."""
        counts = {**counts, "width": width}
        return width * _number(self.grow, counts) // _number(self.shrink, counts)


VECTOR = Axis()


def _number(word: str | int, counts: Mapping[str, int]) -> int:
    return word if isinstance(word, int) else counts[word]


@dataclass(frozen=True)
class LayerFunction:
    """An activation of a whole layer: ``fn.module(channels=64)`` is the torch module, ``fn.definition`` the paper in numpy.

    ``code`` and ``definition`` take the input, every slot by name, and a count or ``training`` where they ask for it;
    ``statistics`` (tensor code, definition) gives what the running slots are of one batch; ``law`` gives mean and variance of
    the output over the draws; ``slope`` is the declared backward pass where the kind is "surrogate": by name ("x" and the
    learned slots) the pseudo-derivative of each output.

    >>> from neurofn.functions.layerwise import catalogue
    >>> import torch
    >>> catalogue["softmax"].module()(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    name: str
    kind: str
    formula: str
    source: str
    code: Code = field(repr=False)
    definition: Code = field(repr=False)
    section: str = "beyond"
    axis: Axis = VECTOR
    slots: Mapping[str, Slot] = field(default_factory=dict)
    counts: Mapping[str, Count] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    errata: tuple[str, ...] = ()
    mixes_batch: bool = False
    momentum: float = 0.1
    statistics: tuple[Code, Code] | None = field(default=None, repr=False)
    law: Code | None = field(default=None, repr=False)
    slope: Code | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DefinitionError(
                f"{self.name}: {self.kind!r} is no kind; {did_you_mean(self.kind, KINDS, what='kind')}"
            )
        names = {**self.slots, **self.counts}
        for code in (self.code, self.definition):
            asked = [p.name for p in inspect.signature(code).parameters.values() if p.kind is p.KEYWORD_ONLY]
            # a count may do no more than shape a slot
            if not set(self.slots) <= set(asked) <= {*names, "training"}:
                raise DefinitionError(f"{self.name}: the code asks for {sorted(asked)}, declared are {sorted(names)}")
        has = {"running": self.statistics is not None, "sampled": self.law is not None}
        for role, given in has.items():
            if given != any(slot.role == role for slot in self.slots.values()):
                raise DefinitionError(f"{self.name}: {role} slots and their statistics or law come together")
        _ = self.uses  # cached before a compiler traces a call
        if (self.kind == "surrogate") != (self.slope is not None):
            raise DefinitionError(f"{self.name}: a surrogate, and nothing else, declares a slope")

    @cached_property
    def uses(self) -> frozenset[str]:
        """The names that the tensor code takes by keyword."""
        parameters = inspect.signature(self.code).parameters.values()
        return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    @property
    def parameters(self) -> Mapping[str, Slot]:
        """The slots that are numbers with a default: all but the random and the running ones."""
        return {name: slot for name, slot in self.slots.items() if slot.role in ("fixed", "learned", "scheduled")}

    @property
    def settings(self) -> tuple[str, ...]:
        """What ``module`` takes besides ``channels``."""
        return (*self.parameters, *self.counts)

    @property
    def needs_channels(self) -> bool:
        """Whether a module must know the width beforehand."""
        return any("channels" in slot.shape and slot.shape != ("channels",) for slot in self.slots.values()) or any(
            slot.role == "running" and slot.shape == ("channels",) for slot in self.slots.values()
        )

    def split(self, settings: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, float]]:
        """The checked counts (all of them) and the checked values of the other settings given; raises SettingError."""
        for name in settings:
            if name not in self.settings:
                hint = did_you_mean(name, self.settings, what="setting") if self.settings else "it has no settings"
                raise SettingError(f"{self.name} has no setting {name!r}; {hint}")
        counts = {
            name: spec.check(f"{self.name}: {name}", settings.get(name, spec.default))
            for name, spec in self.counts.items()
        }
        values = {
            name: slot.check(f"{self.name}: {name}", settings[name])
            for name, slot in self.parameters.items()
            if name in settings
        }
        return counts, values

    def module(self, channels: int | None = None, **settings: Any) -> LayerModule:
        """A torch module; ``channels`` is the width of its input, and must be given where it has weights between features.

        >>> from neurofn.functions.layerwise import catalogue
        >>> catalogue["softmax"].module(beta=2).function.axis.text
        'vector; output width = width'
        """
        from ._module import LayerModule

        return LayerModule(self, channels, settings)

    def __deepcopy__(self, memo: object) -> LayerFunction:
        return self


catalogue: Registry[LayerFunction] = Registry(
    "layer function", package="neurofn.functions.layerwise", names=NEURON_NAMES
)
"""Every layer function by name and alias; ``catalogue["softmax"]``."""


def layer_function(
    definition: Code, *, kind: str, formula: str, source: str, aliases: tuple[str, ...] = (), **details: Any
) -> Callable[[Code], Code]:
    """Declare the decorated tensor code; ``details`` are slots, counts and the other fields of LayerFunction.

    >>> from neurofn.functions.layerwise import catalogue, layer_function
    >>> @layer_function(lambda x: x[..., ::-1], kind="vector", formula="y_j = x_{n-j}", source="an example")
    ... def backwards(x):
    ...     return x.flip(-1)
    >>> catalogue.remove("backwards")
    """
    slots = {name: value for name, value in details.items() if isinstance(value, Slot)}
    counts = {name: value for name, value in details.items() if isinstance(value, Count)}
    rest = {name: value for name, value in details.items() if name not in slots and name not in counts}

    def register(code: Code) -> Code:
        made = LayerFunction(
            code.__name__, kind, formula, source, code, definition,
            slots=MappingProxyType(slots), counts=MappingProxyType(counts), **rest,
        )  # fmt: skip
        catalogue.add(made.name, made, aliases=aliases)
        return code

    return register
