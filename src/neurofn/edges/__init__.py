"""Edges: what happens to one input on its way into a neuron, one file per family of bases."""

from __future__ import annotations

from ._spec import Basis, Edge, Setting, catalogue, edge, find_edge, from_function

__all__ = ["Basis", "Edge", "Setting", "catalogue", "edge", "find_edge", "from_function"]
