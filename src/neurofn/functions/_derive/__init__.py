"""What follows from a formula: slope, proved range, special points, Gaussian moments, gains; kept in a generated file."""

from __future__ import annotations

from ._record import Claim, Derived, Enclosure
from ._store import derived, gains, groups, moments, stored

__all__ = ["Claim", "Derived", "Enclosure", "derived", "gains", "groups", "moments", "stored"]
