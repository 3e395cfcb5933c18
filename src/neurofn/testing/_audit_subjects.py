"""What a foreign package has to audit: its activation modules and functions, how each is built, and how it is run."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

__all__ = ["SHAPES", "Run", "Subject", "how_it_runs", "subjects"]

SHAPES = ((), (1,), (3, 4), (2, 3, 4, 4))
"""Shapes that are tried: () stands for one axis, (1,) for two; a function of one number takes all of them."""

_NO_NUMBERS = (
    "dim",
    "axis",
    "num_parameters",
    "inplace",
    "channels",
    "in_features",
    "size",
    "n_",
    "num_",
    "iterations",
)
_INPUTS = ("x", "z", "input", "inputs", "tensor", "x_in", "self")


@dataclass(frozen=True)
class Subject:
    """A class or function of the package: ``build(settings)`` gives a module.

    ``numbers`` are the numeric settings with their declared defaults, ``required`` the names without a default, ``doc`` its
    own docstring.
    """

    name: str
    make: Callable[..., Any]
    is_class: bool
    numbers: Mapping[str, float] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    doc: str = ""

    def build(self, settings: Mapping[str, float] = MappingProxyType({}), *, seed: int = 0) -> nn.Module:
        """The module in evaluation mode, in float32; whatever it raises is not caught."""
        torch.manual_seed(seed)
        made: nn.Module = self.make(**settings) if self.is_class else _Called(self.make, settings)
        return made.eval()


class _Called(nn.Module):
    """A function with its settings, as a module."""

    def __init__(self, function: Callable[..., Any], settings: Mapping[str, float]) -> None:
        super().__init__()
        self.function, self.settings = function, dict(settings)

    def forward(self, x: Tensor) -> Any:
        return self.function(x, **self.settings)


# ---- finding ------------------------------------------------------------------------------------------------------------


def subjects(package: str, known: Callable[[str], bool]) -> tuple[list[Subject], list[str]]:
    """The activation classes and functions of a package by name, and what went wrong while its submodules were imported.

    Looks into the package itself, and into its submodules where it holds none. ``known`` says whether the catalogue has a
    name: functions are only called where it has, or where their first argument is named like an input.
    """
    top = importlib.import_module(package)
    found = _of_module(top, package, known)
    problems: list[str] = []
    if not found and hasattr(top, "__path__"):
        for module in _below(top, problems):
            for name, subject in _of_module(module, package, known).items():
                found.setdefault(name, subject)
    return [found[name] for name in sorted(found)], problems


def _below(top: ModuleType, problems: list[str]) -> Iterator[ModuleType]:
    def note(name: str) -> None:
        problems.append(f"{name} cannot be imported: {sys.exc_info()[1]!r:.200}")

    for info in pkgutil.walk_packages(top.__path__, top.__name__ + ".", onerror=note):
        if info.name.rpartition(".")[2].startswith("_"):
            continue
        try:
            yield importlib.import_module(info.name)
        except BaseException:
            note(info.name)


def _of_module(module: ModuleType, package: str, known: Callable[[str], bool]) -> dict[str, Subject]:
    found = {}
    for name, thing in list(vars(module).items()):
        if name.startswith("_"):
            continue
        subject = None
        with suppress(Exception):  # what cannot even be looked at is nothing to audit
            if inspect.isclass(thing) and issubclass(thing, nn.Module):
                subject = _class(name, thing)
            elif callable(thing) and not inspect.isclass(thing):
                subject = _function(name, thing, (package, known))
        if subject is not None:
            found[name] = subject
    return found


def _class(name: str, kind: type[nn.Module]) -> Subject | None:
    if inspect.isabstract(kind) or kind.forward is nn.Module.forward or not _takes_one(kind.forward):
        return None
    if name.startswith("Lazy") and kind.__module__.startswith("torch."):
        return None
    numbers, required = _settings(kind.__init__, skip=1)
    return Subject(name, kind, True, numbers, required, kind.__dict__.get("__doc__") or "")


def _takes_one(forward: Callable[..., Any]) -> bool:
    """Whether a call with one tensor is possible."""
    given = list(inspect.signature(forward).parameters.values())[1:]
    positional = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    needed = [p for p in given if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return bool(positional) and len(needed) <= 1


def _function(name: str, thing: Any, where: tuple[str, Callable[[str], bool]]) -> Subject | None:
    package, known = where
    if not known(name) and not str(getattr(thing, "__module__", "")).startswith(package):
        return None
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except ValueError:  # some that are written in C do not say
        return Subject(name, thing, False, doc=inspect.getdoc(thing) or "") if known(name) else None
    if not parameters or not (known(name) or parameters[0].name in _INPUTS) or isinstance(thing, nn.Module):
        return None
    numbers, required = _settings(thing, skip=1)
    return None if required else Subject(name, thing, False, numbers, required, inspect.getdoc(thing) or "")


def _settings(make: Callable[..., Any], *, skip: int) -> tuple[dict[str, float], tuple[str, ...]]:
    numbers, required = {}, []
    for p in list(inspect.signature(make).parameters.values())[skip:]:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.default is p.empty:
            required.append(p.name)
        elif _is_number(p.default) and not p.name.startswith(_NO_NUMBERS):
            numbers[p.name] = float(p.default)
    return numbers, tuple(required)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


# ---- running ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """How a module is run: the shape it takes, and whether it is a function of each number alone."""

    shape: tuple[int, ...]
    elementwise: bool

    def shaped(self, z: Tensor) -> Tensor:
        """A line of numbers in the shape that the module takes."""
        if not self.elementwise:
            return z[: _count(self.shape)].reshape(_shape(self.shape, 0))
        size = _shape(self.shape, z.numel())
        return z.reshape(size)

    def example(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """A small input between -2 and 2."""
        count = 12 if self.elementwise else _count(self.shape)
        return self.shaped(torch.linspace(-2, 2, count, dtype=torch.float64).to(dtype))


def _shape(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The full shape: of ``count`` numbers for the short ones and for functions of each number."""
    if count and len(shape) > 1:
        return (*[1] * (len(shape) - 1), count)
    return (*shape, count or 12) if len(shape) < 2 else shape


def _count(shape: tuple[int, ...]) -> int:
    return int(torch.Size(_shape(shape, 0)).numel())


def how_it_runs(module: nn.Module) -> Run:
    """The first shape with which a call gives a floating-point tensor; raises what the last shape raised, or TypeError."""
    if any(
        isinstance(p, (UninitializedParameter, UninitializedBuffer)) for p in (*module.parameters(), *module.buffers())
    ):
        raise TypeError("it learns its own shape from a first batch")
    error: Exception | None = None
    for shape in SHAPES:
        for elementwise in (True, False):
            run = Run(shape, elementwise)
            try:
                x = run.example()
                out = module(x.clone())
                if not isinstance(out, Tensor) or not out.is_floating_point():
                    raise TypeError(f"it gives {type(out).__name__}, no tensor of floating-point numbers")
                if not elementwise:
                    return run
                if out.shape == x.shape and _of_each_number(module, run):
                    return run
            except Exception as raised:
                error = error or raised
    raise error or TypeError("no shape of input suits it")


def _of_each_number(module: nn.Module, run: Run) -> bool:
    """Turning the numbers round, or changing the others, changes no output."""
    z = torch.linspace(-2, 2, 12).roll(5) * 1.7 + 0.01
    out = module(run.shaped(z)).flatten()
    flipped = module(run.shaped(z.flip(0))).flatten().flip(0)
    others = module(run.shaped(torch.cat([z[:6], 3 - z[6:]]))).flatten()
    return all(
        torch.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)
        for one, other in ((out, flipped), (out[:6], others[:6]))
    )
