"""Studies: questions about neurons, asked of many trainings, answered with claims, controls and verdicts.

A study is one file in this folder: a function that measures one cell, under `@study(...)`.
"""

from __future__ import annotations

from ._base import Cells, Claim, Evidence, Readings, Result, Study, Verdict, catalogue, study
from ._run import Progress, run

__all__ = [
    "Cells",
    "Claim",
    "Evidence",
    "Progress",
    "Readings",
    "Result",
    "Study",
    "Verdict",
    "catalogue",
    "run",
    "study",
]
