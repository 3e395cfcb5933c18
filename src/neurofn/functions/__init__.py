"""The catalogue of functions: declarations only, one file per family, importable without torch."""

from __future__ import annotations

from ._spec import Count, Facts, Fixed, Function, Learn, Member, Parameter, catalogue, declare, family, function

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
