"""What a composite neuron is: a class that says its formula, its settings, its weights at the start, and what they compute.

A class here imports torch inside its methods only, so that composites can be listed at once.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from ..._errors import LanguageError, SettingError, did_you_mean
from ..._registry import Registry
from ...functions import Choice, Count, Parameter

if TYPE_CHECKING:
    from torch import Tensor

    from ..geometry import Convolution, Geometry
    from ._layer import CompositeLayer

__all__ = ["Composite", "Setting", "Weights", "catalogue", "composite", "register"]


Setting = Parameter | Count | Choice
"""What a setting may be: a number, a whole number, or one of a few words."""
Weights = Mapping[str, "Tensor"]


class Composite(ABC):
    """A neuron made of several parts. An instance holds the values of its settings; its text is its identity.

    A subclass states ``formula``, ``source``, ``settings`` and ``spread``, the bounds of the variance of its outputs at the
    start for standard normal inputs, and writes four methods. ``compute`` is what runs, ``definition`` is the same written
    for a reader, and the suite of composites compares them. Raises SettingError for settings that it does not have.

    >>> from neurofn.neurons.composites import composite
    >>> part = composite("paon(3, q=1)")
    >>> str(part), part.values
    ('paon(p=3)', {'p': 3, 'q': 1, 'form': 'absolute'})
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    settings: ClassVar[Mapping[str, Setting]] = {}
    spread: ClassVar[tuple[float, float]] = (0.5, 2.0)
    slow: ClassVar[tuple[str, ...]] = ()
    """Names of the weights that take smaller steps; see ``parameter_groups`` of the layer."""

    def __init__(self, **settings: Any) -> None:
        for name in settings:
            if name not in self.settings:
                hint = did_you_mean(name, self.settings, what="setting") if self.settings else "it has no settings"
                raise SettingError(f"{self.name} has no setting {name!r}; {hint}")
        defaults = {name: spec.default for name, spec in self.settings.items()}
        self.values: dict[str, Any] = {
            name: spec.check(f"{self.name}: {name}", settings.get(name, defaults[name]))
            for name, spec in self.settings.items()
        }
        self._text = _printed(self.name, {name: v for name, v in self.values.items() if v != defaults[name]})

    @abstractmethod
    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Learned weights at the start, drawn with torch's random state."""

    @abstractmethod
    def count(self, n_in: int, n_out: int) -> int:
        """How many learned numbers a layer has."""

    @abstractmethod
    def compute(self, x: Tensor, w: Weights) -> Tensor:
        """Outputs (..., n_out) for inputs (..., n_in), on the fast path."""

    @abstractmethod
    def definition(self, x: Tensor, w: Weights) -> Tensor:
        """The same as the formula is printed, slowly."""

    def constants(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        """Tensors that are not learned but belong to the state of a layer."""
        return {}

    def clipped(self, w: Weights) -> dict[str, Tensor]:
        """Weights brought back into their domain after a step; only those that have one."""
        return {}

    def penalty(self, w: Weights) -> Tensor | None:
        """What a training adds to its loss, None where there is nothing to add."""
        return None

    def dense(self, n_in: int, n_out: int) -> CompositeLayer:
        """A layer of ``n_out`` such neurons over ``n_in`` inputs: (..., n_in) -> (..., n_out).

        Raises SettingError for sizes below 1.

        >>> from neurofn.neurons.composites import composite
        >>> composite("quadratic").dense(64, 10)
        CompositeLayer(quadratic, 64 -> 10)
        """
        from ._layer import CompositeLayer

        return CompositeLayer(self, n_in, n_out)

    def conv1d(self, n_in: int, n_out: int, **geometry: Unpack[Geometry]) -> Convolution:
        """The same over the windows of sequences (..., n_in, length); see ``conv2d``."""
        from ..geometry import Convolution

        return Convolution(self, (n_in, n_out), 1, geometry)

    def conv2d(self, n_in: int, n_out: int, **geometry: Unpack[Geometry]) -> Convolution:
        """The same over the windows of images (..., n_in, height, width); ``Geometry`` says what may be set.

        >>> from neurofn.neurons.composites import composite
        >>> composite("paon").conv2d(3, 8, kernel_size=3, padding=1)
        Convolution(paon, 3 -> 8, kernel_size=(3, 3), padding=(1, 1), path=unfold)
        """
        from ..geometry import Convolution

        return Convolution(self, (n_in, n_out), 2, geometry)

    def conv3d(self, n_in: int, n_out: int, **geometry: Unpack[Geometry]) -> Convolution:
        """The same over the windows of volumes (..., n_in, depth, height, width); see ``conv2d``."""
        from ..geometry import Convolution

        return Convolution(self, (n_in, n_out), 3, geometry)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.values == getattr(other, "values", None)

    def __hash__(self) -> int:
        return hash((type(self), self._text))


catalogue: Registry[type[Composite]] = Registry("composite", package=__package__)
"""Every composite neuron by name."""


def register(*aliases: str) -> Callable[[type[Composite]], type[Composite]]:
    """Put a class of composites into the catalogue, under its ``name`` and these aliases."""

    def enter(part: type[Composite]) -> type[Composite]:
        catalogue.add(part.name, part, aliases=aliases)
        return part

    return enter


def composite(text: str | Composite) -> Composite:
    """Read a composite neuron, ``"paon(p=3, q=2)"``; settings may stand by position, in the order in which they are listed.

    Raises LanguageError where the text is none, UnknownNameError for another name, SettingError for other settings.

    >>> from neurofn.neurons.composites import composite
    >>> str(composite(" pi_net( 3, rank=8 ) "))
    'pi_net(rank=8)'
    """
    if isinstance(text, Composite):
        return text
    example = "a composite is written as text such as 'quadratic' or 'paon(p=3, q=2)'"
    if not isinstance(text, str):
        raise LanguageError(f"{example}, got {type(text).__name__}")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise LanguageError(f"{example}, got {text[:200]!r}") from None
    call = node if isinstance(node, ast.Call) else ast.Call(func=node, args=[], keywords=[])
    if not isinstance(call.func, ast.Name):
        raise LanguageError(f"{example}, got {text[:200]!r}")
    part = catalogue[call.func.id]
    return part(**_settings(part, call))


def _settings(part: type[Composite], call: ast.Call) -> dict[str, Any]:
    if len(call.args) > len(part.settings):
        raise LanguageError(f"{part.name} has {len(part.settings)} settings, got {len(call.args)}")
    given: dict[str, ast.expr] = dict(zip(part.settings, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in given:
            raise LanguageError(f"{part.name}: {keyword.arg or '**'} is given twice or has no name")
        given[keyword.arg] = keyword.value
    try:
        return {name: ast.literal_eval(value) for name, value in given.items()}
    except (ValueError, TypeError, SyntaxError):
        raise LanguageError(f"{part.name}: settings are numbers, or words in quotes") from None


def _printed(name: str, values: Mapping[str, Any]) -> str:
    inside = ", ".join(f"{key}={value!r}" for key, value in values.items())
    return f"{name}({inside})" if inside else name
