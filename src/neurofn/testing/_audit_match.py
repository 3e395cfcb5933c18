"""Which entry of the catalogue a foreign name means, and which of our parameters each of its settings is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .._errors import SettingError
from ..functions import Function, catalogue
from ..functions.layerwise import LayerFunction
from ..functions.layerwise import catalogue as layers

__all__ = ["Match", "Pairing", "match", "pairings"]

_WORDS = (  # longest first; both sides of a comparison are shortened by them
    ("scaledexponentiallinearunit", "selu"), ("exponentiallinearsquashing", "elish"), ("rectifiedlinearunit", "relu"),
    ("exponentiallinearunit", "elu"), ("sigmoidlinearunit", "silu"),
    ("hyperbolictangent", "tanh"), ("hyperbolicsine", "sinh"), ("logarithmic", "log"),
    ("linearunit", "lu"), ("logarithm", "log"), ("parameterized", "parametric"), ("parametrized", "parametric"),
    ("approximated", "approx"), ("approximate", "approx"), ("logistic", "sigmoid"), ("hardened", "hard"),
    ("randomised", "randomized"), ("generalised", "generalized"),
)  # fmt: skip
_SUFFIX = re.compile(r"(activationfunction|activation|function|layer|module|unit|af|fn|act)$")
_GREEK = {
    "alpha": "a", "beta": "b", "gamma": "c", "delta": "d", "lambda": "l", "lambd": "l", "lam": "l", "negative_slope": "a",
    "min_val": "a", "max_val": "b", "lower": "l", "upper": "u", "init": "a",
}  # fmt: skip


@dataclass(frozen=True)
class Match:
    """An entry, and how surely the name means it: "name" as it is, or "near name" after words were shortened."""

    part: Function | LayerFunction
    by: str


@dataclass(frozen=True)
class Pairing:
    """Which setting of theirs is which parameter of ours, and what turns one into the other ("", "1/", "-")."""

    names: tuple[tuple[str, str], ...] = ()
    how: tuple[str, ...] = ()

    def ours(self, theirs: Mapping[str, float], function: Function) -> dict[str, float] | None:
        """Our parameters for their settings; None outside our domain."""
        values = {}
        for (given, name), how in zip(self.names, self.how, strict=True):
            value = theirs[given]
            if how == "1/" and not value:
                return None
            value = 1 / value if how == "1/" else -value if how == "-" else value
            try:
                values[name] = function.parameters[name].check(name, value)
            except SettingError:
                return None
        return values

    def __str__(self) -> str:
        return ", ".join(f"{name} = {how}{given}" for (given, name), how in zip(self.names, self.how, strict=True))


def plain(name: str) -> str:
    """Letters and digits alone, small."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def short(name: str) -> str:
    """The same with common words shortened and without what only says that it is an activation.

    >>> short("ScaledExponentialLinearUnit"), short("MishActivation")
    ('selu', 'mish')
    """
    text = plain(name)
    for word, shorter in _WORDS:
        text = text.replace(word, shorter)
    bare = _SUFFIX.sub("", text)
    return bare if len(bare) >= 3 else text


@cache
def _index() -> tuple[dict[str, Any], dict[str, Any]]:
    """Every entry by its plain names, and by shortened names where these mean one entry only."""
    exact: dict[str, Any] = {}
    near: dict[str, Any] = {}
    registries: tuple[Any, ...] = (catalogue, layers)
    for registry in registries:
        for name in registry:
            part = registry[name]
            for word in (name, *registry.aliases(name)):
                exact.setdefault(plain(word), part)
                key = short(word)
                near[key] = part if near.get(key, part) is part else None
    return exact, near


def match(name: str) -> Match | None:
    """The entry of this name or alias, whatever its case, underscores and suffixes.

    >>> match("GELUActivation").part.name
    'gelu'
    """
    exact, near = _index()
    if plain(name) in exact:
        return Match(exact[plain(name)], "name")
    part = near.get(short(name)) or exact.get(short(name))
    return None if part is None else Match(part, "near name")


def pairings(numbers: Mapping[str, float], function: Function) -> Iterator[Pairing]:
    """Ways to pair their settings with our parameters, the most likely first; the last leaves ours at the defaults."""
    theirs = [name for name in numbers if not re.match(r"eps", name) or "eps" in function.parameters]
    ours = [name for name in function.parameters if name not in function.coefficients]
    by_name = [(name, _named(name)) for name in theirs if _named(name) in ours]
    seen: set[Pairing] = set()
    for made in _ordered(by_name, theirs, ours):
        if made not in seen:
            seen.add(made)
            yield made
    yield Pairing()


def _named(name: str) -> str:
    bare = re.sub(r"^(init|initial)_|_(init|initial)$", "", name.lower()).strip("_")
    return _GREEK.get(bare, bare)


def _ordered(by_name: list[tuple[str, str]], theirs: list[str], ours: list[str]) -> Iterator[Pairing]:
    if by_name:
        yield Pairing(tuple(by_name), ("",) * len(by_name))
    if not theirs or not ours or len(ours) > 4 or len(theirs) > 5:
        return
    size = min(len(theirs), len(ours))
    orders = [
        tuple(zip(left, right, strict=True))
        for left in itertools.combinations(theirs, size)
        for right in itertools.permutations(ours, size)
    ]
    for names in orders:
        yield Pairing(names, ("",) * size)
    if size <= 2:
        for names in orders:
            for how in itertools.product(("", "1/", "-"), repeat=size):
                yield Pairing(names, how)
