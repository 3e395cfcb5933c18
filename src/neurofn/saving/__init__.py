"""What a function keeps for its backward: its input, its output, or a few bits. Drop-ins for any function of the catalogue."""

from __future__ import annotations

from ._fewbit import FewBit, fewbit
from ._fused import SLOPES_OF_OUTPUTS, Fused, fused, kept_bytes
from ._kernel import kernel_state
from ._steps import Steps, step_table

__all__ = [
    "SLOPES_OF_OUTPUTS",
    "FewBit",
    "Fused",
    "Steps",
    "fewbit",
    "fused",
    "kept_bytes",
    "kernel_state",
    "step_table",
]
