"""`compiled`: machine code from loops where numba is installed (extra ``explain``); elsewhere the loops stay as they are."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["AVAILABLE", "compiled"]

F = TypeVar("F", bound=Callable[..., Any])

AVAILABLE = importlib.util.find_spec("numba") is not None


def compiled(function: F) -> F:
    """The function as machine code, kept on the disk beside its file, that lets other threads run meanwhile."""
    if not AVAILABLE:
        return function
    import numba  # type: ignore[import-untyped, unused-ignore]  # it has no types

    try:
        return cast(F, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder can be written to
        return cast(F, numba.njit(nogil=True)(function))
