"""Every layer function against every check of its suite."""

from __future__ import annotations

import pytest

from neurofn.functions.layerwise import catalogue
from neurofn.testing import SLOW
from neurofn.testing._layer_functions import LAYER_CHECKS

CHECKS = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in LAYER_CHECKS]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("function", catalogue)
def test_layer_function(function: str, check: str) -> None:
    LAYER_CHECKS[check](catalogue[function])
