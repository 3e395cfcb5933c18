"""Every function of the catalogue against every check of its suite: a sample of them fast, all of them slowly."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofn.functions import catalogue
from neurofn.testing._function_modules import check_machine_code
from neurofn.testing._functions import FUNCTION_CHECKS

NAMES = list(catalogue)
CORE = {
    "celu",
    "chebyshev",
    "elu",
    "gelu",
    "mish",
    "prelu",
    "rational",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "snake",
    "softplus",
    "tanh",
}
SAMPLE = CORE | set(NAMES[::18])
CHEAP = {
    "source is given",
    "formula is readable",
    "latex is balanced",
    "enough facts are stated",
    "nan is not swallowed",
}
COMPILED = sorted(CORE)[:10] + NAMES[5 :: len(NAMES) // 10][:10]

ALL = [
    pytest.param(name, check, marks=() if name in SAMPLE or check in CHEAP else pytest.mark.slow)
    for name in NAMES
    for check in FUNCTION_CHECKS
]


@pytest.mark.parametrize(("function", "check"), ALL)
def test_function(function: str, check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # compilers make folders where they stand
    FUNCTION_CHECKS[check](catalogue[function])


@pytest.mark.slow
@pytest.mark.parametrize("function", COMPILED)
def test_machine_code(function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_machine_code(catalogue[function])
