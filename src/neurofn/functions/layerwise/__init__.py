"""Activations that are no function of one number: softmaxes, gates, pairs, noise, norms, schedules, small networks."""

from __future__ import annotations

from ._facts import Fact
from ._slots import Slot, fixed, learned, running, sampled, scheduled
from ._spec import KINDS, Axis, LayerFunction, catalogue, layer_function

__all__ = [
    "KINDS",
    "Axis",
    "Fact",
    "LayerFunction",
    "Slot",
    "catalogue",
    "fixed",
    "layer_function",
    "learned",
    "running",
    "sampled",
    "scheduled",
]
