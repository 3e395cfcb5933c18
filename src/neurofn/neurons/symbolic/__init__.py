"""Symbolic reading: from curves, edges and networks to formulas, and back."""

from __future__ import annotations

from ._build import network_of
from ._discover import discover
from ._discovery import Alternative, Discovery, Trained
from ._expressions import read_expression
from ._layers import formula_of
from ._library import DEFAULT_LIBRARY, elementwise_functions
from ._module import SymbolicNetwork
from ._read import Candidate, CurveReading, read_curve

__all__ = [
    "DEFAULT_LIBRARY",
    "Alternative",
    "Candidate",
    "CurveReading",
    "Discovery",
    "SymbolicNetwork",
    "Trained",
    "discover",
    "elementwise_functions",
    "formula_of",
    "network_of",
    "read_curve",
    "read_expression",
]
