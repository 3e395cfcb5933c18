"""Studies: questions about neurons, asked of many trainings, answered with claims, controls and verdicts.

A study is one file in this folder: a function that measures one cell, under `@study(...)`.
"""

from __future__ import annotations

from ._base import Cells, Claim, Evidence, Readings, Result, Study, Verdict, catalogue, study
from ._executor import Executor, Limits
from ._executor_dask import Dask
from ._executor_local import Local
from ._looks import Looks
from ._run import Progress, run

__all__ = [
    "Cells",
    "Claim",
    "Dask",
    "Evidence",
    "Executor",
    "Limits",
    "Local",
    "Looks",
    "Progress",
    "Readings",
    "Result",
    "Study",
    "Verdict",
    "catalogue",
    "run",
    "study",
]
