"""Derived properties as they are kept: one file beside this package, generated, keyed by name and by what it was made from."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...formula import Formula
from ._record import Derived

if TYPE_CHECKING:
    from .._spec import Function

__all__ = ["FILE", "derived", "fingerprint", "groups", "stored"]

FILE = Path(__file__).parent.parent / "derived.json"
_VERSION = 1  # of the derivation: a larger number makes every stored record stale


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


@lru_cache(maxsize=1024)
def _computed(formula: str, stable: str | None, values: tuple[tuple[str, float], ...]) -> Derived:
    from ._compute import derive

    return derive(Formula(formula), dict(values), stable=None if stable is None else Formula(stable))
