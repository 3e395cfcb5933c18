"""Every exception of neurofn, and the "did you mean" that most of them carry.

    NeurofnError                    catch this to catch all of them
    ├── UnknownNameError            no part has this name               (also a LookupError)
    ├── LanguageError               a text cannot be read; says where   (also a ValueError)
    ├── SettingError                a value is outside what is allowed  (also a ValueError)
    ├── ShapeError                  a tensor has the wrong shape        (also a ValueError)
    ├── DataError                   data that cannot be used            (also a ValueError)
    ├── SiteError                   no place in the model matches       (also a LookupError)
    ├── DefinitionError             a part contradicts itself or others (also a TypeError)
    ├── StoreError                  results cannot be read or written   (also an OSError)
    └── MissingExtraError           an optional package is absent       (also an ImportError)

A message says what was given, what was expected, and what to type instead. Each class has a page in ``docs/errors``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DataError",
    "DefinitionError",
    "LanguageError",
    "MissingExtraError",
    "NeurofnError",
    "SettingError",
    "ShapeError",
    "SiteError",
    "StoreError",
    "UnknownNameError",
    "did_you_mean",
]


class NeurofnError(Exception):
    """The root of all errors that neurofn raises on purpose."""

    def __str__(self) -> str:
        # KeyError and OSError print their argument in their own way; a message is a message.
        return str(self.args[0]) if self.args else ""


class UnknownNameError(NeurofnError, LookupError):
    """No part of this kind has this name."""


class LanguageError(NeurofnError, ValueError):
    """A neuron or formula text cannot be read. ``column`` is where, counted from 0."""

    def __init__(self, message: str, *, text: str = "", column: int | None = None) -> None:
        self.text = text
        self.column = column
        if column is not None:
            message = f"{message}\n    {text}\n    {' ' * column}^ column {column + 1}"
        super().__init__(message)


class SettingError(NeurofnError, ValueError):
    """A setting has a value or a type that is not allowed."""


class ShapeError(NeurofnError, ValueError):
    """A tensor has another shape than the part was built for."""


class DataError(NeurofnError, ValueError):
    """Data are empty, too few, not finite, or their labels are out of range."""


class SiteError(NeurofnError, LookupError):
    """No place in the model matches the pattern, or the place cannot be read or replaced."""


class DefinitionError(NeurofnError, TypeError):
    """A declared part contradicts itself, or takes a name that another part has."""


class StoreError(NeurofnError, OSError):
    """A store of results, or a saved file, cannot be opened, read or written."""


class MissingExtraError(NeurofnError, ImportError):
    """An optional package is needed here and is not installed."""

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package!r}; install it with: pip install 'neurofn[{extra}]'")


def did_you_mean(given: str, known: Iterable[str], *, what: str = "name") -> str:
    """The end of an error message: near names, or where to see all of them.

    >>> did_you_mean("relo", ["relu", "gelu", "tanh"])
    "did you mean 'relu'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(name) for name in near) + "?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known {what}s: {shown or '(none)'}"
