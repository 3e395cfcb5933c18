"""Plain results in, one file out: HTML that needs no network, Markdown, or JSON. Never loads torch."""

from __future__ import annotations

from ._explanations_pictures import pictured, rowed, worded
from ._report import report

__all__ = ["pictured", "report", "rowed", "worded"]
