"""Elementwise rows of the survey, and finds of papers, that are not here, with the reason. They are counted nowhere."""

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
        "modified Weibull (MWF)": "(z/a)**(b - 1)*exp(-(z/c)**d) has no real value below 0 for broken b and d, which "
        "are learned, and its source could not be read.",
        "smooth adaptive activation (SAAF)": "The survey prints no formula for the piecewise polynomials of second "
        "order.",
        "CPN_nl": "How its pieces are put together, by their maximum or one after the other, differs between readings.",
        "PAU, signed denominator": "Its poles move wherever learning takes them; the safe quotient, rational, is here "
        "instead.",
        "truncated Gaussian unit (TruG)": "The mean of a truncated normal: far from the interval both of its "
        "differences of normal distributions lose all digits, and no form that keeps them in every format was found in "
        "the words of the language.",
        "Mittag-Leffler activation": "arXiv:2302.11007 writes gates with the functions E of two orders, an infinite "
        "series that the language has no word for; for negative arguments it cancels, and no many-digit reference of it "
        "is here.",
        "x*asinh(x)**2": "A find of arXiv:1710.05941: its slope is finite where the value has long overflowed, and no "
        "form of it keeps both.",
    }
)
