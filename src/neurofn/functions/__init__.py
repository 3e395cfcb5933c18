"""The catalogue of functions: declarations only, one file per family, importable without torch."""

from __future__ import annotations

from ._facts import Count, Facts, Fixed, Learn, Parameter
from ._spec import Function, Member, catalogue, declare, family, function

__all__ = [
    "Count",
    "Facts",
    "Fixed",
    "Function",
    "Learn",
    "Member",
    "Parameter",
    "catalogue",
    "declare",
    "family",
    "function",
]
