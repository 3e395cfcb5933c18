"""Elementwise rows of the survey that are not here, with the reason. They are counted nowhere."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["UNSETTLED"]

UNSETTLED = MappingProxyType(
    {
        "generalized Riccati activation (GRA)": "1 - a/(a + (1 + b*z)**c) is algebraic, as the title of its source "
        "(doi:10.1109/MITP.2022.3204904) says, and no exponential is missing; but below z = -1/b it is no real number for a "
        "broken c, at the first values it has a pole at z = -2, and what the source does there could not be read.",
        "tanh36 and tanh3": "Splines through 36 and 3 points of tanh, whose coefficients and end conditions are not printed.",
        "pRPPSG and other piecewise sigmoids": "The survey names them and prints no formula.",
    }
)
