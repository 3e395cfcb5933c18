"""Commands about functions: derive everything of a formula that a user types, groups of equal functions, errata."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from . import _function_page
from ._errors import LanguageError, SettingError, did_you_mean

if TYPE_CHECKING:
    from .formula import Formula
    from .functions import Derived, Function
    from .functions._derive._points import Curve

__all__ = ["derive", "errata", "same"]

MOST = 400  # different operations; the longest formula of the catalogue has about 60
_OWN = ("z", "pi", "e")
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?"


def derive(
    formula: str,
    /,
    *,
    settings: Annotated[
        tuple[str, ...],
        Parameter(name="--set", help="A parameter, NAME=NUMBER; once for each", negative=(), show_default=False),
    ] = (),
) -> int:
    """Derive everything that follows from a formula: slope, proved range, special points, moments, gains, known names.

    Parameters
    ----------
    formula
        A formula in z, such as 'z*tanh(exp(z))'.
    """
    import numpy as np

    read, values = _read(formula, settings)
    with np.errstate(all="ignore"):  # an infinity is an answer here, not news
        _say(read, values)
    return 0


def _say(read: Formula, values: Mapping[str, float]) -> None:
    record = _derived(read, values)
    print(f"formula      {read.text}")
    for label, value in _function_page.lines(record):
        print(f"  {label:14} {value}")
    print("\n".join(_function_page.plot(read, values)))
    found = 0
    for text in _known_as(read, values, record):
        found += 1
        print(text)
    if not found:
        print("no function of the catalogue equals it, nor up to a change of input and output")


def _read(text: str, settings: tuple[str, ...]) -> tuple[Formula, dict[str, float]]:
    """The formula and a value for each of its parameters; raises LanguageError or SettingError."""
    from .formula import Formula

    made = Formula(text)
    values = _values(settings)
    free = [name for name in made.names if name != "z"]
    for name in free:
        if name not in values:
            column = next((match.start() for match in re.finditer(rf"\b{re.escape(name)}\b", text)), 0)
            near = did_you_mean(name, _OWN) if len(name) > 1 or name in "xyt" else "it is a parameter"
            raise LanguageError(
                f"{name!r} has no value; {near}; the input is called z, a parameter takes --set {name}=1",
                text=re.sub(r"\s", " ", text), column=column,
            )  # fmt: skip
    if unused := sorted(set(values) - set(free)):
        raise SettingError(f"the formula has no parameter {unused[0]!r}; {did_you_mean(unused[0], free)}")
    return made, values


def _values(settings: tuple[str, ...]) -> dict[str, float]:
    values: dict[str, float] = {}
    for setting in settings:
        name, equals, number = (part.strip() for part in setting.partition("="))
        if not equals or not name.isidentifier() or not re.fullmatch(_NUMBER, number):
            raise SettingError(f"--set takes NAME=NUMBER, such as a=0.5, got {setting[:60]!r}")
        if name in values or name in _OWN:
            raise SettingError(f"{name} is {'given twice' if name in values else 'no parameter'}")
        values[name] = float(number)
    return values


def _derived(read: Formula, values: Mapping[str, float]) -> Derived:
    from .formula import Call, Constant, Infix, Name, walk
    from .functions._derive._compute import derive as compute
    from .functions._derive._expand import program
    from .functions._derive._points import Curve
    from .functions._derive._symbolic import text

    steps = [node for node, _ in program(read.tree)]
    count = sum(
        2 * int(text(node.arguments[0])) if isinstance(node, Call) and node.word == "T" else 1 for node in steps
    )
    if count > MOST:
        raise LanguageError(f"at most {MOST} different operations are derived, this formula has {count}")
    for node in steps:
        if isinstance(node, Constant | Infix) and Name("z") not in walk(node) and not _finite(Curve(node, values)):
            column = read.text.find(text(node))
            raise LanguageError(
                f"{text(node)[:60]} is no finite number", text=read.text, column=column if column >= 0 else None
            )
    return compute(read, values)


def _finite(number: Curve) -> bool:
    import math

    return math.isfinite(float(number([0.0])[0]))


def _known_as(read: Formula, values: Mapping[str, float], record: Derived) -> Iterator[str]:
    """One line for each function of the catalogue that is the same up to a change of input and output."""
    from .functions import catalogue
    from .functions._derive import groups, stored
    from .functions._derive._match import affine_change, compatible, probe

    own = probe(read, values)
    related = {name: group for group in groups(affine=True) for name in group}
    seen: set[str] = set()
    for name in catalogue:
        kept = stored(name)
        if name in seen or kept is None or not compatible(record, kept[1]):
            continue
        members = related.get(name, [name])
        seen.update(members)
        changes = {}
        for member in members:
            function = catalogue[member]
            change = affine_change(own, probe(function.written, function.defaults))
            if change is not None:
                changes[member] = str(change)
            elif member == name:
                break
        yield from _announcements(catalogue, changes)


def _announcements(catalogue: Mapping[str, Function], changes: Mapping[str, str]) -> Iterator[str]:
    """The functions that are equal, oldest first; else the one with the simplest change. Then the others, in one line."""

    def rank(name: str) -> tuple[bool, bool, int, int, str]:
        function = catalogue[name]
        change = changes[name]
        return change != "f(z)", bool(function.structure), len(change) if change != "f(z)" else 0, _year(function), name

    ordered = sorted(changes, key=rank)
    for name in [name for name in ordered if changes[name] == "f(z)"] or ordered[:1]:
        function = catalogue[name]
        since = f" since {_year(function)}" if _year(function) < _NEVER else ""
        how = "" if changes[name] == "f(z)" else f", as {changes[name]} with f = {name}"
        yield f"known as {name}{since} ({function.source}){how}"
    others = [name for name in ordered[1:] if changes[name] != "f(z)"]
    if others:
        yield f"up to a change of input and output also: {', '.join(others)}"


def same(
    *, affine: Annotated[bool, Parameter(help="Equal up to a change of input and output", negative=())] = False
) -> int:
    """Print the groups of functions that are equal at their default parameters.

    Parameters
    ----------
    affine
        Equal up to a*f(b*z + c) + d.
    """
    from .functions import catalogue
    from .functions._derive import groups

    found = groups(affine=affine)
    how = "up to a*f(b*z + c) + d" if affine else "at default parameters"
    print(f"{len(found)} groups of equal functions, {how}")
    for group in found:
        known = [catalogue[name] for name in group if name in catalogue]
        print("  " + " = ".join(_dated(function) for function in sorted(known, key=lambda one: (_year(one), one.name))))
    return 0


def _dated(function: Function) -> str:
    return f"{function.name} ({_year(function) if _year(function) < _NEVER else '?'})"


_NEVER = 9999


def _year(function: Function) -> int:
    return _function_page.year_of(function.source) or _NEVER


def errata(name: str | None = None, /) -> int:
    """Print where entries depart from the survey of activation functions or from their source, and why.

    Parameters
    ----------
    name
        One function; all if not given.
    """
    from .functions import catalogue
    from .functions._unsettled import UNSETTLED
    from .functions.layerwise import catalogue as layers
    from .functions.layerwise._unsettled import UNSETTLED as UNSETTLED_LAYERS

    unsettled = {**UNSETTLED, **UNSETTLED_LAYERS}
    if name in unsettled:
        print(f"{name} is not in the catalogue: {unsettled[name]}")
        return 0
    elementwise = [catalogue[name]] if name and name not in layers else [] if name else list(catalogue.values())
    written = [(one.name, one.entry.section, one.entry.errata) for one in elementwise if one.entry.errata]
    whole = [layers[name]] if name and name in layers else [] if name else list(layers.values())
    written += [(one.name, one.section, text) for one in whole for text in one.errata]
    for entry, section, text in written:
        where = f" (section {section})" if section and section != "beyond" else ""
        print(f"{entry}{where}: {text}")
    for entry, reason in sorted(unsettled.items()) if name is None else ():
        print(f"not in the catalogue: {entry}: {reason}")
    total = len(elementwise) + len(whole)
    left = f"; {len(unsettled)} rows of the survey are not settled" if name is None else ""
    print(f"{len({entry for entry, _, _ in written})} of {total} entries have errata{left}", file=sys.stderr)
    return 0
