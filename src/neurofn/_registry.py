"""One registry for every kind of part: name -> part, aliases, and discovery of a folder's modules.

A registry loads its parts on first use by importing every module of its package whose name has no leading underscore, so
adding a part means adding (or editing) one file. Part files keep torch and scipy inside function bodies: listing stays instant.

Registries that are given the same ``names`` share one namespace: in the neuron language a word must mean one thing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from ._errors import DefinitionError, UnknownNameError, did_you_mean

Part = TypeVar("Part")

NEURON_NAMES: dict[str, str] = {}
"""Words of the neuron language (functions, edges, aggregates and their aliases) -> the kind of part that owns them."""


class Registry(Mapping[str, Part], Generic[Part]):
    """Parts of one kind by name. Iteration gives canonical names in alphabetical order; look-up takes aliases too.

    >>> words = Registry("word")
    >>> words.add("hello", 1, aliases=("hi",))
    >>> words["hi"], list(words)
    (1, ['hello'])
    """

    def __init__(self, kind: str, *, package: str | None = None, names: dict[str, str] | None = None) -> None:
        self.kind = kind
        self._package = package
        self._names = {} if names is None else names
        self._parts: dict[str, Part] = {}
        self._canonical: dict[str, str] = {}
        self._loaded = package is None

    @property
    def shares_names(self) -> bool:
        """Whether its names are words of one namespace with other kinds of parts."""
        return self._names is NEURON_NAMES

    def add(self, name: str, part: Part, *, aliases: Sequence[str] = ()) -> None:
        """Register ``part``; raises DefinitionError where the name, or an alias, is taken or is no word."""
        self._load()  # first, or a part of ours would find its name taken when it is loaded
        if isinstance(aliases, str):
            raise DefinitionError(f"aliases of {name!r} are a tuple: write aliases=({aliases!r},), not a text alone")
        for word in (name, *aliases):
            if not word.replace("-", "_").isidentifier():
                raise DefinitionError(f"{word!r} cannot name a {self.kind}: use letters, digits and underscores")
            if word in self._names or word in self._canonical:
                owner = self._names.get(word, self.kind)
                raise DefinitionError(f"{word!r} cannot name a {self.kind}: it already names a part of kind {owner}")
        for word in (name, *aliases):
            self._names[word] = self.kind
            self._canonical[word] = name
        self._parts[name] = part

    def remove(self, name: str) -> None:
        """Forget a part and its aliases (for tests and interactive work)."""
        name = self.canonical(name)
        for word in [word for word, target in self._canonical.items() if target == name]:
            del self._canonical[word]
            self._names.pop(word, None)
        del self._parts[name]

    def canonical(self, name: str) -> str:
        """The canonical name for a name or an alias; raises UnknownNameError with near names."""
        self._load()
        if name not in self._canonical:
            raise UnknownNameError(f"no {self.kind} is called {name!r}; {did_you_mean(name, self._canonical)}")
        return self._canonical[name]

    def aliases(self, name: str) -> tuple[str, ...]:
        """The other names of a part."""
        name = self.canonical(name)
        return tuple(word for word, target in self._canonical.items() if target == name and word != name)

    def __getitem__(self, name: str) -> Part:
        return self._parts[self.canonical(name)]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._canonical

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._parts))

    def __len__(self) -> int:
        self._load()
        return len(self._parts)

    def _load(self) -> None:
        if self._loaded or self._package is None:
            return
        self._loaded = True  # first, since the modules that follow may ask this registry while they load
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")
