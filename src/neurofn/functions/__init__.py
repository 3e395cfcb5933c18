"""The catalogue of functions: declarations only, one file per family, importable without torch."""

from __future__ import annotations

from ._declare import declare, family, function
from ._derive import Derived, derived, gains, moments
from ._facts import Choice, Count, Facts, Fixed, Learn, Parameter
from ._spec import Function, Member, catalogue

__all__ = [
    "Choice",
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
    "gains",
    "moments",
]
