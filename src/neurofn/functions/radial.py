"""Functions of the distance from a centre."""

from __future__ import annotations

from ._declare import declare

declare("gaussian", "exp(-z**2)", source="broomhead1988", even=True, range=(0, 1), limits=(0, 0), at_zero=(1, 0))
