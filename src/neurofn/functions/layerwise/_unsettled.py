"""Rows of the survey, and papers, whose activation is not here, with the reason. They are counted nowhere."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["UNSETTLED"]

UNSETTLED = MappingProxyType(
    {
        "tuned softmax (tsoftmax)": "Where the adaptive c enters is not said; its source could not be read, and two "
        "transcriptions contradict each other: a term of the denominator (softmax_one), a temperature (softmax).",
        "S-RReLU": "1/(1 + z)**2 as printed has a pole at z = -1; which absolute value is meant could not be settled.",
        "RT-PReLU": "Whether the positive branch is z or z + B differs between readings of the same section.",
        "FunPReLU": "No formula is printed; the only transcription found says that its own is a guess.",
        "LRTanh": "The substituted derivative is not printed in the survey.",
        "chaotic injections into ReLU": "Seven variants, and the chaotic series that is injected is not given.",
        "INSTA threshold": "Forward it is sign(z - a*mean(z**3) - b) by two summaries; how the gradient passes the "
        "threshold is in neither, and no code was published.",
        "MIN (maxout in network)": "Batch norms between the maxouts are part of it, and where they stand differs by version.",
        "WHE (wide hidden expansion)": "An architecture: which neurons get which activation is searched, not given.",
        "NPF (nonparametric Fourier)": "The basis is chosen while learning; no fixed formula is printed.",
        "hyperactivation": "The hypernetwork that produces the weights is free.",
        "FAB (flexible activation bag)": "A bag of any functions with five modes of selection; no default bag is given.",
        "PATS in training": "The scale is drawn at every call, and what evaluation does is not said.",
        "L-ReLU": "A family over two functions, with no default.",
        "KDAC": "The survey omits which of two clip functions is meant in two places.",
        "MONet mu-layer": "A layer with its own linear maps, given in several forms; not an activation.",
        "Polynormer base layer": "A graph layer; its gate is the bilinear gate between two linear maps.",
        "quadratic neuron, PAON, NAU, NMU": "Neurons, not activations: the neuron language writes products and quotients.",
    }
)
"""Name -> why it is not in the catalogue of layer functions."""
