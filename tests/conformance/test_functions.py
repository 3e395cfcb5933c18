"""Every function of the catalogue against every check of its suite."""

from __future__ import annotations

import pytest

from neurofn.functions import catalogue
from neurofn.testing._functions import FUNCTION_CHECKS, SLOW_FUNCTION_CHECKS

CHECKS = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW_FUNCTION_CHECKS else ()) for name in FUNCTION_CHECKS
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("function", catalogue)
def test_function(function: str, check: str) -> None:
    FUNCTION_CHECKS[check](catalogue[function])
