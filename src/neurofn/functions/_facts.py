"""What is declared of a function beside its formula: parameters with their domains, and facts that can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from types import MappingProxyType
from typing import Any

from .._errors import SettingError

__all__ = ["ENTRY", "Choice", "Count", "Entry", "Facts", "Fixed", "Learn", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A number in a formula: its default, its closed domain, and whether a module learns it, once or per channel.

    >>> Parameter(0.25, low=0.0, learned=True).check("prelu: a", 1)
    1.0
    """

    default: float
    low: float | None = None
    high: float | None = None
    learned: bool = False
    per: str = "tensor"

    def check(self, name: str, value: object) -> float:
        """The value as a float; raises SettingError where it is no finite number or outside the domain."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise SettingError(f"{name} must be a finite number, got {value!r}")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise SettingError(
                f"{name} must lie in [{_bound(self.low, '-inf')}, {_bound(self.high, 'inf')}], got {value!r}"
            )
        return float(value)


@dataclass(frozen=True)
class Count:
    """A whole-number setting that fixes how many parameters a family has.

    >>> Count(3, low=1, high=64).check("chebyshev: degree", 5)
    5
    """

    default: int
    low: int = 0
    high: int = 64

    def check(self, name: str, value: object) -> int:
        """The value as an int; raises SettingError where it is no whole number of the allowed ones."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise SettingError(f"{name} must be a whole number from {self.low} to {self.high}, got {value!r}")
        return value


@dataclass(frozen=True, init=False)
class Choice:
    """A setting that is one of a few words; the first is the default.

    >>> Choice("constant", "linear", "zero").check("bspline: outside", "linear")
    'linear'
    """

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    @property
    def default(self) -> str:
        """The word that is meant where none is given."""
        return self.words[0]

    def check(self, name: str, value: object) -> str:
        """The word; raises SettingError where it is none of the allowed ones."""
        if not isinstance(value, str) or value not in self.words:
            raise SettingError(f"{name} must be one of {', '.join(map(repr, self.words))}, got {value!r}")
        return value


def _bound(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:g}"


def Learn(default: float, *, low: float | None = None, high: float | None = None, per: str = "tensor") -> Any:  # noqa: N802
    """A parameter that modules learn, kept in [low, high]; ``per`` is "tensor" (one number) or "channel".

    >>> from neurofn import catalogue, declare
    >>> _ = declare("bent", "where(z >= 0, z, a*z)", source="an example", a=Learn(0.1, low=0, high=1))
    >>> [name for name, _ in catalogue["bent"].module().named_parameters()]
    ['a']
    >>> catalogue.remove("bent")
    """
    return Parameter(float(default), low, high, learned=True, per=per)


def Fixed(default: float, *, low: float | None = None, high: float | None = None) -> Any:  # noqa: N802
    """A parameter that the user sets and training leaves alone.

    >>> from neurofn import catalogue
    >>> catalogue["leaky_relu"].parameters["a"] == Fixed(0.01)
    True
    """
    return Parameter(float(default), low, high)


@dataclass(frozen=True)
class Facts:
    """What is claimed of a function at its default parameters; the suite checks each against the formula.

    ``range`` is the infimum and supremum, ``limits`` the values towards -inf and inf (None: there is none), ``at_zero`` value
    and slope at 0 (slope None at a kink), ``kinks`` where the slope jumps, ``cases`` names what a setting turns it into.

    >>> from neurofn import catalogue
    >>> catalogue["tanh"].facts.stated()["range"]
    (-1, 1)
    """

    even: bool = False
    odd: bool = False
    monotone: str | None = None
    range: tuple[float, float] | None = None
    limits: tuple[float | None, float | None] | None = None
    at_zero: tuple[float, float | None] | None = None
    kinks: tuple[float, ...] = ()
    cases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def stated(self) -> dict[str, Any]:
        """The facts that say something, by name."""
        return {name: value for name, value in vars(self).items() if value not in (None, False, ()) and value != {}}


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of a function beside the function itself.

    ``section`` is that of the survey of activation functions, arXiv:2402.09092, in which it stands; ``errata`` says where this
    entry departs from the survey or the source, and why. ``resolution``: near its zeros the value is accurate to so much times
    the precision of the format, not to its own size (0: to its own size everywhere).

    >>> from neurofn import catalogue
    >>> catalogue["relu"].entry.resolution
    0.0
    """

    section: str | None = None
    errata: str | None = None
    resolution: float = 0.0


ENTRY = tuple(field.name for field in fields(Entry))
