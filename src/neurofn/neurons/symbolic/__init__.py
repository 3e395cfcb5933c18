"""Symbolic reading: from curves, edges and networks to formulas, and back."""

from __future__ import annotations

from ._library import DEFAULT_LIBRARY, elementwise_functions
from ._read import Candidate, CurveReading, read_curve

__all__ = ["DEFAULT_LIBRARY", "Candidate", "CurveReading", "elementwise_functions", "read_curve"]
