"""What `watch` reads where no instruments are given: three with a fast route."""

from __future__ import annotations

from .activity import ActivatedNeurons
from .moments import Moments
from .rank import EpsilonRank

__all__ = ["DEFAULTS"]

DEFAULTS = (Moments(), ActivatedNeurons(), EpsilonRank(eps=1e-3, relative=True))
"""Moments, activation counts above 0, and the rank by a threshold that does not depend on the scale of a layer."""
