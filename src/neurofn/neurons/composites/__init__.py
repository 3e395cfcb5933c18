"""Composite neurons that the language cannot say, one file each: ``composite("paon(p=2, q=2)").dense(64, 10)``.

What the language can say is written in it and has no file here: ``sum(linear) * sum(linear)`` is the bilinear neuron and the
simple gate, ``silu(sum(linear)) * sum(linear)`` is SwiGLU. Gates over the halves of one layer's outputs are layer functions
(``neurofn list layer-functions``).
"""

from __future__ import annotations

from ._spec import Composite, Weights, catalogue, composite, register

__all__ = ["Composite", "Weights", "catalogue", "composite", "register"]
