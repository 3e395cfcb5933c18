"""Watching: `watch` a model while it trains, `measure` it over given data; both give a `Record` of tidy rows.

Records can be read where torch is not loaded; `watch` and `measure` load it when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .record import Record, RecordReader
from .schedules import AtLossChange, Every, LogSpaced, Schedule, Windows
from .views import View, in_evaluation, in_gradient

if TYPE_CHECKING:
    from .collecting import Collected as Collected
    from .collecting import collect as collect
    from .compare import Comparison as Comparison
    from .compare import Pair as Pair
    from .compare import between as between
    from .recorder import Cost as Cost
    from .recorder import measure as measure
    from .recorder import watch as watch

__all__ = [
    "AtLossChange",
    "Collected",
    "Comparison",
    "Cost",
    "Every",
    "LogSpaced",
    "Pair",
    "Record",
    "RecordReader",
    "Schedule",
    "View",
    "Windows",
    "between",
    "collect",
    "in_evaluation",
    "in_gradient",
    "measure",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'neurofn.watching' has no attribute {name!r}")
    from . import collecting, compare, recorder

    home = next((module for module in (collecting, compare) if name in module.__all__), recorder)
    return getattr(home, name)
