"""Derived properties as they are kept: one file beside this package, generated, keyed by name and by what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...formula import Formula
from ._record import Derived

if TYPE_CHECKING:
    from .._spec import Function

__all__ = ["FILE", "derived", "fingerprint", "gains", "groups", "moments", "stored"]

FILE = Path(__file__).parent.parent / "derived.json"
_VERSION = 3  # of the derivation: a larger number makes every stored record stale


def fingerprint(function: Function) -> str:
    """What a record is made from, formulas and defaults, as a short hash."""
    values = function.defaults
    said = json.dumps(
        [
            _VERSION,
            function.formula,
            function.stable,
            sorted((name, repr(float(value))) for name, value in values.items()),
        ]
    )
    return sha256(said.encode()).hexdigest()[:16]


@cache
def _file() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return made


def stored(name: str) -> tuple[str, Derived] | None:
    """The hash and the record that the file holds for a function; None where it holds none."""
    entry = _file().get("functions", {}).get(name)
    return None if entry is None or "derived" not in entry else (entry["hash"], Derived.from_json(entry["derived"]))


def groups(*, affine: bool = False) -> list[list[str]]:
    """Groups of functions that are equal at default parameters; ``affine``: up to a*f(b*z + c) + d."""
    found: list[list[str]] = _file().get("affine" if affine else "equal", [])
    return found


def derived(function: Function) -> Derived:
    """Everything that follows from the formula of a function at its default parameters.

    From the generated file where that is up to date, else computed now, once: some tenths of a second.

    >>> from neurofn.functions import catalogue, derived
    >>> round(derived(catalogue["gelu"]).lipschitz, 4), derived(catalogue["gelu"]).slope.proved
    (1.1289, True)
    """
    made_from = fingerprint(function)
    kept = stored(function.name)
    if kept is not None and kept[0] == made_from:
        return kept[1]
    return _computed(function.formula, function.stable, tuple(function.defaults.items()))


def moments(function: Function, **settings: Any) -> Mapping[str, float]:
    """Moments for a standard normal input, at other settings than the defaults too; names as in ``Derived.moments``.

    >>> from neurofn.functions import catalogue, moments
    >>> round(moments(catalogue["elu"], a=0)["ff"], 9)
    0.5
    """
    member, values = function.split(settings)
    if {**member.defaults, **values} == function.defaults:
        return derived(function).moments
    return _moments(member.written, tuple({**member.defaults, **values}.items()))


def gains(function: Function, **settings: Any) -> Mapping[str, float]:
    """The forward, backward and mean gain of a function, at other settings than the defaults too.

    1/sqrt(E f(z)**2), 1/sqrt(E f'(z)**2) and that of the mean of both squares, for a standard normal z; NaN where infinite.

    >>> from neurofn.functions import catalogue, gains
    >>> round(gains(catalogue["relu"])["forward"] ** 2, 9), round(gains(catalogue["leaky_relu"], a=1)["mean"], 9)
    (2.0, 1.0)
    """
    from ._moments import gains as ways

    return ways(moments(function, **settings))


@lru_cache(maxsize=1024)
def _moments(formula: Formula, values: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    from ._compute import moments_of

    return moments_of(formula, dict(values))


@lru_cache(maxsize=1024)
def _computed(formula: str, stable: str | None, values: tuple[tuple[str, float], ...]) -> Derived:
    from ._compute import derive

    return derive(Formula(formula), dict(values), stable=None if stable is None else Formula(stable))
