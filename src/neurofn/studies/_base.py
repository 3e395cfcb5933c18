"""What a study is: a question, factors, sizes, claims, and a function that measures one cell.

A study is data with one function. Nothing runs when it is declared; `run` cuts it into cells (one combination of
factor levels and one stack of seeds), computes those that no store has, and judges the claims.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Required, TypedDict, Unpack

from .._errors import DefinitionError, SettingError, UnknownNameError, did_you_mean
from .._registry import Registry
from ._claims import Claim, Evidence, Verdict
from ._data import Cells, Readings, canonical, plain
from ._result import Result

__all__ = [
    "Cells",
    "Claim",
    "Declared",
    "Evidence",
    "Readings",
    "Result",
    "Study",
    "Verdict",
    "catalogue",
    "study",
]

SIZES = ("smoke", "small", "full")
MOST_SEEDS = 10_000  # all cells are listed before the first is computed; a mistyped number should not fill the memory
RESERVED = ("diverged", "format", "out", "progress", "seed", "settings", "size", "study")

Settings = Mapping[str, Any]
Cell = Callable[..., list[dict[str, Any]]]
Claims = Sequence[Claim] | Callable[[Settings], Sequence[Claim]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A study: what it asks, over which factors, and how one cell of it is measured.

    ``cell(*, seeds, ...)`` takes one level per factor by the factor's name, other settings by theirs (or all of them
    in a parameter named ``settings``), and ``seeds``, a tuple: one stack. It returns one dict per seed, in this
    order: {"metrics": {name: float}, "record": Record or None, "diverged": bool}. It must depend on nothing else.

    ``factors``    name -> levels. A level is text, a number or a boolean.
    ``sizes``      "smoke", "small", "full" -> settings: levels of factors, "seeds", and whatever else the cell
                   takes. What a size does not say is the default in the signature of the cell.
    ``seeds``      how many seeds, where neither size nor caller says. ``stack`` is how many are trained together:
                   the unit of resume.
    ``threads``    with how many threads a cell computes. One is right for small networks: they gain nothing from a
                   second one, and two that wait for each other are many times slower as soon as the machine has other
                   work. It also makes the numbers the same on machines with different numbers of cores.
    ``cells``      settings -> list of {factor: level}; without it every combination of levels. Levels may go beyond
                   ``factors``.
    ``check``      settings -> None, or the settings in canonical form; raises where they are wrong. It is called
                   before anything is computed, and must find every wrong name. Without it the levels of text factors
                   must be declared ones.
    ``claims``     a list of Claims, or settings -> list of Claims.
    ``summarise``  Cells -> list of summaries for the report: {"name", "title", "caption", "columns", "rows"}.
    ``notes``      sentences that the report prints as they are.

    Raises DefinitionError where these contradict each other.

    >>> def coin(side, *, seeds, bias=0.5): return [{"metrics": {"share": bias}} for seed in seeds]
    >>> toss = Study(name="coin", cell=coin, question="Is the coin fair?", factors={"side": ["head", "tail"]})
    >>> toss.settings("small", bias=0.6)
    {'side': ['head', 'tail'], 'seeds': 10, 'bias': 0.6}
    >>> toss.combinations(toss.settings("small"))
    [{'side': 'head'}, {'side': 'tail'}]
    """

    name: str
    cell: Cell
    question: str
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    sizes: Mapping[str, Settings] = field(default_factory=lambda: {size: {} for size in SIZES})
    claims: Claims = ()
    seeds: int = 10
    stack: int = 5
    threads: int = 1
    source: str | None = None
    cells: Callable[[Settings], Sequence[Settings]] | None = None
    check: Callable[[Settings], Settings | None] | None = None
    summarise: Callable[[Cells], Sequence[Mapping[str, Any]]] | None = None
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for size in SIZES:
            if size not in self.sizes:
                raise DefinitionError(f"study {self.name!r} has no size {size!r}; declare sizes {', '.join(SIZES)}")
        for factor, levels in self.factors.items():
            if isinstance(levels, str) or not levels:
                raise DefinitionError(f"study {self.name!r}: factor {factor!r} needs a list of levels, got {levels!r}")
        if isinstance(self.notes, str):
            raise DefinitionError(f"study {self.name!r}: notes need a list of sentences, got {self.notes!r:.60}")
        if min(self.stack, self.seeds, self.threads) < 1:
            given = f"seeds={self.seeds}, stack={self.stack} and threads={self.threads}"
            raise DefinitionError(f"study {self.name!r}: {given} must be 1 or more")
        taken = sorted(set(self.defaults("smoke")) & set(RESERVED))
        if taken:
            raise DefinitionError(f"study {self.name!r} uses the names {taken}, which mean something else to run")
        self._check_signature()

    def _check_signature(self) -> None:
        parameters = inspect.signature(self.cell).parameters
        free = any(p.kind is p.VAR_KEYWORD for p in parameters.values()) or "settings" in parameters
        needed = {name for name, p in parameters.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD}
        for size in SIZES:
            given = set(self.defaults(size))
            if missing := sorted(needed - given - {"seeds", "settings"}):
                raise DefinitionError(f"study {self.name!r}: size {size!r} gives no value for {missing}")
            surplus = sorted(given - set(parameters) - {"seeds"})
            if surplus and not free and self.cells is None:
                raise DefinitionError(
                    f"study {self.name!r}: size {size!r} sets {surplus}, which the cell does not take"
                )

    def defaults(self, size: str) -> dict[str, Any]:
        """All settings of a size: levels of every factor, "seeds", and the rest. Raises UnknownNameError for other sizes."""
        if size not in self.sizes:
            raise UnknownNameError(
                f"study {self.name!r} has no size {size!r}; {did_you_mean(size, self.sizes, what='size')}"
            )
        parameters = inspect.signature(self.cell).parameters
        signature = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        sized = plain({**signature, "seeds": self.seeds, **self.factors, **self.sizes[size]})
        settings = {**dict.fromkeys(self.factors), "seeds": self.seeds, **sized}
        settings.pop("settings", None)
        return {name: _listed(value) if name in self.factors else value for name, value in settings.items()}

    def settings(self, size: str = "small", **given: Any) -> dict[str, Any]:
        """The settings of a size with those given put in, and checked.

        Raises SettingError or UnknownNameError, or what ``check`` raises, before any training.
        """
        settings = self.defaults(size)
        for name, value in given.items():
            if name not in settings:
                raise SettingError(
                    f"study {self.name!r} has no setting {name!r}; {did_you_mean(name, settings, what='setting')}"
                )
            settings[name] = _accepted(name, plain(value), settings[name], is_factor=name in self.factors)
        if not 1 <= settings["seeds"] <= MOST_SEEDS:
            raise SettingError(f"seeds={settings['seeds']}: give 1 or more, at most {MOST_SEEDS}, for example seeds=10")
        if self.check is not None:
            settings = {**settings, **plain(self.check(settings) or {})}
        else:
            self._check_levels(settings)
        return {name: _unique(value) if name in self.factors else value for name, value in settings.items()}

    def _check_levels(self, settings: Settings) -> None:
        for factor, declared in self.factors.items():
            sized = [level for size in self.sizes.values() for level in _listed(plain(size.get(factor, [])))]
            known = [*declared, *sized]
            for level in settings[factor]:
                if isinstance(level, str) and level not in known:
                    near = did_you_mean(level, [str(item) for item in known], what="level")
                    raise SettingError(f"study {self.name!r}: {factor} has no level {level!r}; {near}")

    def combinations(self, settings: Settings) -> list[dict[str, Any]]:
        """The combinations of factor levels that are measured, without repeats, in the order in which they are shown."""
        if self.cells is None:
            levels = (settings[factor] for factor in self.factors)
            found = [dict(zip(self.factors, values, strict=True)) for values in itertools.product(*levels)]
        else:
            found = [dict(plain(combination)) for combination in self.cells(settings)]
        for combination in found:
            if set(combination) != set(self.factors):
                raise DefinitionError(
                    f"study {self.name!r}: cells gave {combination}, expected one level for each of {list(self.factors)}"
                )
        return [{factor: item[factor] for factor in self.factors} for item in _unique(found)]

    def arguments(self, combination: Settings, settings: Settings) -> dict[str, Any]:
        """What the cell is called with, besides its seeds: everything that its numbers may depend on."""
        parameters = inspect.signature(self.cell).parameters
        rest = {name: value for name, value in settings.items() if name not in self.factors and name != "seeds"}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            named = {name: value for name, value in rest.items() if name in parameters}
            rest = {**named, "settings": rest} if "settings" in parameters else named
        return {**combination, **rest}

    def claims_for(self, settings: Settings) -> list[Claim]:
        """The claims that are judged under these settings."""
        return list(self.claims(settings) if callable(self.claims) else self.claims)


class Declared(TypedDict, total=False):
    """What `study` takes; see Study."""

    question: Required[str]
    factors: Mapping[str, Sequence[Any]]
    sizes: Mapping[str, Settings]
    claims: Claims
    seeds: int
    stack: int
    threads: int
    source: str | None
    cells: Callable[[Settings], Sequence[Settings]] | None
    check: Callable[[Settings], Settings | None] | None
    summarise: Callable[[Cells], Sequence[Mapping[str, Any]]] | None
    notes: Sequence[str]


catalogue: Registry[Study] = Registry("study", package="neurofn.studies")


def study(**declared: Unpack[Declared]) -> Callable[[Cell], Study]:
    """Declare the function below as the cell of a study of its name, and register that; the entries are those of Study.

    Declaring the same function of the same module again replaces the study, so that a notebook cell can be run
    twice. Raises DefinitionError where another study has the name.

    >>> @study(question="Is zero zero?", factors={"width": [1, 2]}, seeds=2)
    ... def zero(width, *, seeds): return [{"metrics": {"value": 0.0 * width}} for seed in seeds]
    >>> catalogue["zero"].seeds
    2
    >>> catalogue.remove("zero")
    """

    def declare(cell: Cell) -> Study:
        name = getattr(cell, "__name__", "")
        try:
            part = Study(name=name, cell=cell, **declared)
        except TypeError as error:
            raise DefinitionError(f"study {name!r}: {error}; see the entries of neurofn.studies.Study") from error
        try:
            catalogue.add(name, part)
        except DefinitionError:
            if name not in catalogue or _home(catalogue[name].cell) != _home(cell):
                raise
            catalogue.remove(name)
            catalogue.add(name, part)
        return part

    return declare


def _home(cell: Cell) -> tuple[str, str]:
    return getattr(cell, "__module__", ""), getattr(cell, "__qualname__", "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _unique(values: Sequence[Any]) -> list[Any]:
    return list({canonical(value): value for value in values}.values())


def _accepted(name: str, value: Any, default: Any, *, is_factor: bool) -> Any:
    """The value, as a list for a factor; raises SettingError where its type is not that of the default."""
    if is_factor or isinstance(default, list):
        values = _listed(value)
        if not values:
            raise SettingError(f"{name}=[]: give at least one value, for example {name}={default}")
        return [_accepted(name, item, default[0], is_factor=False) for item in values] if default else values
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if default is not None and type(value) is not type(default):
        raise SettingError(f"{name}={value!r}: expected {_KIND[type(default)]}, for example {name}={default!r}")
    return value


_KIND = {bool: "True or False", int: "a whole number", float: "a finite number", str: "a text", dict: "a dictionary"}
