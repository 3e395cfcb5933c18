"""Where a foreign class differs from the entry of its name: what it computes instead, and which of the two is to be doubted."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from .._errors import NeurofnError
from ..functions import Function, catalogue
from ..functions._derive._match import Change
from ..functions._derive._symbolic import text
from ._audit_docstring import docstring_formulas
from ._audit_match import short
from ._audit_subjects import Subject

__all__ = ["POINTS", "Doubt", "doubt", "known_as", "other_parameters"]

POINTS = torch.cat([torch.linspace(-6, 6, 81, dtype=torch.float64) + 0.0137, torch.tensor([-25.0, 25.0]).double()])
_SURVEY = "2402.09092"
Values = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Doubt:
    """Who is doubted ("theirs", or "definition": two functions share a name), why, and what the class computes if known."""

    whom: str
    reasons: tuple[str, ...]
    computes: str = ""


def doubt(
    subject: Subject, function: Function, their: Values, *, by: str, values: Mapping[str, float], moved: bool
) -> Doubt:
    """Weigh what speaks against them and for them; ``subject.numbers`` and ``values`` are the settings of both.

    Ours starts with the benefit of a formula that its code follows to many digits; a sum of 0 or less is a matter of
    definition.
    """
    seen = their(POINTS)
    weights = [(1, f"ours follows its printed formula {function.formula}, from {function.source}")]
    weights += _by_docstring(subject, seen, _ours(function, values))
    if moved:
        weights.append((1, "equal at the defaults, not at moved settings"))
        known = []
    else:
        weights += _by_torch(subject, function, _ours(function, values))
        known = _computes(function, seen, subject)
    for weight, computes in known[:1]:
        weights.append((weight, f"it computes {computes}"))
    if not known and _jumps(their) and not _jumps(lambda z: function(z, **values)):
        weights.append((2, "it jumps, ours is continuous"))
    if by != "name":
        weights.append((-1, "only the shortened name matches"))
    if function.entry.errata:
        weights.append((1, f"the catalogue corrects a source here: {function.entry.errata}"))
    elif _SURVEY in function.source:
        weights.append((0, "ours rests on the survey alone"))
    total = sum(weight for weight, _ in weights)
    reasons = tuple(reason for _, reason in weights)
    return Doubt("theirs" if total > 0 else "definition", reasons, known[0][1] if known else "")


def _ours(function: Function, values: Mapping[str, float]) -> torch.Tensor:
    return function(POINTS, **values).detach()


def _by_docstring(subject: Subject, seen: torch.Tensor, ours: torch.Tensor) -> list[tuple[int, str]]:
    """The formula in their own words as a third opinion."""
    found = []
    for formula in docstring_formulas(subject.doc):
        known = {name: value for name, value in subject.numbers.items() if name in formula.names}
        if set(formula.names) - {"z"} - set(known):
            continue
        try:
            stated = torch.from_numpy(np.asarray(formula(POINTS.numpy(), **known), dtype=float)).expand_as(POINTS)
        except (NeurofnError, ArithmeticError, TypeError, ValueError):
            continue
        as_we, as_they = _equal(stated, ours), _equal(stated, seen)
        if as_we and not as_they:
            found.append((2, f"its own docstring gives our values: {text(formula.tree)}"))
        elif as_they and not as_we:
            found.append((-2, f"its docstring says what it computes: {text(formula.tree)}"))
        elif not as_they:
            found.append((1, f"its docstring gives neither its values nor ours: {text(formula.tree)}"))
    return found[:1]


def _by_torch(subject: Subject, function: Function, ours: torch.Tensor) -> list[tuple[int, str]]:
    """torch.nn has a class of the same name."""
    for name, kind in vars(nn).items():
        if (
            isinstance(kind, type)
            and kind is not subject.make
            and short(name) in {short(word) for word in _names(function)}
        ):
            try:
                equal = _equal(kind()(POINTS.float()).detach().double(), ours, share=1e-4)
            except Exception:
                return []
            return (
                [(2, f"torch.nn.{name} agrees with ours")] if equal else [(-2, f"torch.nn.{name} is not ours either")]
            )
    return []


def _names(function: Function) -> tuple[str, ...]:
    name = function.name
    return (name, *catalogue.aliases(name)) if name in catalogue else (name,)


def _computes(function: Function, seen: torch.Tensor, subject: Subject) -> list[tuple[int, str]]:
    """Another entry, ours with other parameters, or ours scaled, shifted or mirrored: in words, and what it excuses.

    Another entry excuses where its name is like theirs: two functions then share a name. A mirrored one excuses nothing.
    """
    refitted = other_parameters(function, seen, start=function.defaults)
    if refitted is not None:
        return [(-1, f"{function.name} with " + ", ".join(f"{name}={value:.6g}" for name, value in refitted.items()))]
    found = []
    others = [name for name in known_as(seen) if name != function.name]
    if others:
        alike = any(_alike(subject.name, word) for name in others for word in _names(catalogue[name]))
        found.append((-2 if alike else 0, "what the catalogue calls " + " or ".join(others[:3])))
    change = _rescaled(function, seen)
    if change is not None:
        mirrored = change.a < 0 or change.b < 0
        words = f"{'its mirror image' if mirrored else 'the same shape'}, {change} with f = {function.name}"
        found.append((0 if mirrored else -1, words))
    return [(min(weight for weight, _ in found), "; ".join(words for _, words in found))] if found else []


def _alike(one: str, other: str) -> bool:
    ours, theirs = short(one), short(other)
    return difflib.SequenceMatcher(None, ours, theirs, autojunk=False).ratio() > 0.55 or ours in theirs


@cache
def _tables() -> dict[str, torch.Tensor]:
    """Every entry at its defaults on the points."""
    return {name: catalogue[name](POINTS).detach() for name in catalogue}


def known_as(seen: torch.Tensor) -> list[str]:
    """The entries with these values at the points, at default parameters; those with the fewest parameters first."""
    found = [name for name, table in _tables().items() if _equal(seen, table)]
    return sorted(found, key=lambda name: (len(catalogue[name].parameters), len(name), name))


def _equal(one: torch.Tensor, other: torch.Tensor, share: float = 1e-6) -> bool:
    finite = other.isfinite()
    if finite.sum() < 20 or not bool(one[finite].isfinite().all()):
        return False
    return bool(((one - other)[finite].abs() <= share * (other[finite].abs() + share)).float().mean() > 0.99)


def _jumps(f: Values) -> bool:
    """Whether neighbours of a fine grid are far apart, and stay so on a grid a thousand times finer between them."""
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64) + 1e-5
    y = f(z)
    step = (y[1:] - y[:-1]).abs()
    k = int(step.nan_to_num().argmax())
    fine = torch.linspace(float(z[k]), float(z[k + 1]), 1001, dtype=torch.float64)
    inner = f(fine)
    return bool((inner[1:] - inner[:-1]).abs().max() > 0.5 * step[k] > 1e-4)


# ---- the same function in other words -----------------------------------------------------------------------------------


def other_parameters(function: Function, seen: torch.Tensor, *, start: Mapping[str, float]) -> dict[str, float] | None:
    """Parameters of ours with which it gives these values, if there are any; sought from ``start``."""
    names = list(function.parameters)[:8]
    if not names:
        return None
    domains = [function.parameters[name] for name in names]

    def values(numbers: Any) -> dict[str, float]:
        return {
            name: float(min(max(number, -math.inf if p.low is None else p.low), math.inf if p.high is None else p.high))
            for name, number, p in zip(names, numbers, domains, strict=True)
        }

    def made(numbers: Any) -> torch.Tensor:
        return function(POINTS, **{**start, **values(numbers)}).detach()

    first = [start.get(name, function.parameters[name].default) for name in names]
    found = _least_squares(made, seen, starts=(first, [number + 0.5 for number in first]))
    return None if found is None else {name: _short(value) for name, value in values(found).items()}


_FREE = (
    (2, 3),
    (1,),
    (0,),
    (0, 3),
    (0, 2, 3),
    (1, 2, 3),
    (0, 1, 2, 3),
)  # which of a, b, c, d are sought, the fewest first


def _rescaled(function: Function, seen: torch.Tensor) -> Change | None:
    """a*f(b*z + c) + d with these values; with the fewest numbers."""
    for free in _FREE:
        for plain in ((1.0, b, 0.0, 0.0) for b in (1.0, -1.0, 0.4, 2.0, 3.1)):
            if plain[1] != 1 and 1 not in free:
                continue

            def whole(found: Any, free: tuple[int, ...] = free, plain: tuple[float, ...] = plain) -> list[float]:
                return [float(found[free.index(k)]) if k in free else plain[k] for k in range(4)]

            def made(found: Any, whole: Callable[[Any], list[float]] = whole) -> torch.Tensor:
                a, b, c, d = whole(found)
                return (a * function(b * POINTS + c) + d).detach()

            found = _least_squares(made, seen, starts=([plain[k] for k in free],))
            if found is None:
                continue
            a, b, c, d = (abs(number) for number in whole(found))
            if min(a, b) > 1e-3 and max(a, b, c, d) < 30:  # else two tails are compared, and not two functions
                return Change(*(_short(number) for number in whole(found)))
    return None


def _least_squares(model: Callable[[Any], torch.Tensor], seen: torch.Tensor, *, starts: Any) -> Any:
    """Numbers with which the model gives what was seen, from the first start that leads there."""
    from scipy.optimize import least_squares

    use = seen.isfinite() & (seen.abs() < 1e6)
    if use.sum() < 40:
        return None

    def miss(numbers: Any) -> Any:
        rest = ((model(numbers) - seen) / (1 + seen.abs()))[use]
        return rest.nan_to_num(nan=1e3, posinf=1e3, neginf=-1e3).clamp(-1e3, 1e3).numpy()

    for start in starts:
        try:
            found = least_squares(miss, np.asarray(start, dtype=float), xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=80)
        except (ValueError, ArithmeticError, NeurofnError):
            continue
        if np.abs(found.fun).max() < 1e-6:
            return found.x
    return None


def _short(value: float) -> float:
    return float(f"{value:.6g}") if abs(value) > 1e-7 else 0.0
