"""Every function of the catalogue against every check of its suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofn.functions import catalogue
from neurofn.testing._functions import FUNCTION_CHECKS, SLOW_FUNCTION_CHECKS

CHECKS = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW_FUNCTION_CHECKS else ()) for name in FUNCTION_CHECKS
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("function", catalogue)
def test_function(function: str, check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # compilers make folders where they stand
    FUNCTION_CHECKS[check](catalogue[function])
