"""What the names of concepts may be, and that they describe as many samples as the units saw."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import DataError, ShapeError

__all__ = ["checked_names", "refuse_other_length"]

_RESERVED = {"AND", "OR", "NOT"}


def refuse_other_length(units: int, concepts: int) -> None:
    """Raises ShapeError unless both saw the same number of samples."""
    if units != concepts:
        raise ShapeError(
            f"the units saw {units} samples, the concepts describe {concepts}: give the same ones, in order"
        )


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that formulas can be written with."""
    if not names:
        raise DataError("there are no concepts: give at least one")
    for name in names:
        if (
            not isinstance(name, str)
            or not name.strip()
            or _RESERVED & set(name.split())
            or name != " ".join(name.split())
        ):
            raise DataError(f"a concept cannot be called {name!r}: give a text without AND, OR, NOT and spare spaces")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise DataError(f"concepts must have different names; given more than once: {', '.join(repeated[:5])}")
    return tuple(names)
