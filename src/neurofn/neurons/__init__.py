"""Neurons: the language, the layer it builds, and swapping neuron functions in any model (``neurofn.swap``).

``layer`` and ``swap`` need torch and are imported when they are used; the language is not and does not.
"""

from __future__ import annotations

from .language import Neuron, neuron

__all__ = ["Neuron", "neuron"]
