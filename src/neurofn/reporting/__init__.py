"""Plain results in, one file out: HTML that needs no network, Markdown, or JSON. Never loads torch."""

from __future__ import annotations

from ._explanations_pictures import pictured, rowed, worded
from ._report import report
from .diagnosis import Finding, diagnose

__all__ = ["Finding", "diagnose", "pictured", "report", "rowed", "worded"]
