"""The catalogue of functions: declarations only, one file per family, importable without torch."""

from __future__ import annotations

from ._derive import Derived, derived
from ._facts import Count, Facts, Fixed, Learn, Parameter
from ._spec import Function, Member, catalogue, declare, family, function

__all__ = [
    "Count",
    "Derived",
    "Facts",
    "Fixed",
    "Function",
    "Learn",
    "Member",
    "Parameter",
    "catalogue",
    "declare",
    "derived",
    "family",
    "function",
]
