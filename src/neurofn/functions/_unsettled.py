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
        "Saha-Bora activation (SBAF)": "1/(1 + k*z**a*(1 - z)**(1 - a)) is a real number for z from 0 to 1 only, and its "
        "source (arXiv:1806.01844) gives it inputs that lie there; what holds beyond could not be read.",
        "scaled shifted sine": "0.5*sin(a*z) + 0.3 has its shift from a single transcription.",
        "evolved regular tanh-log-ReLU": "max(tanh(ln(z)), relu(z)) is no number below 0, and reading it with |z| is a guess.",
        "fusion of chaotic activation (FCAF), hidden and output": "The survey's authors repaired a sign in the map, and it "
        "runs from neuron to neuron of a layer.",
        "SAVE, value added, power": "a*z**(1 - b) is no real number below 0, and nothing says what holds there.",
        "fractional ELU, SiLU and GELU": "Their power series are complex below 0 or converge near 0 only.",
    }
)
