"""Every search, with settings of all kinds, passes every check."""

from __future__ import annotations

import pytest

from neurofn.explaining._original import Original
from neurofn.explaining.search import Beam, Exact
from neurofn.testing._explaining import EXPLAINER_CHECKS, Search

SEARCHES: list[Search] = [
    *(Exact(length) for length in (1, 2, 3)),
    Exact(3, "f1"),
    Beam(),
    Beam(length=2, width=10),
    Beam(length=3, width=10, measure="mcc"),
    Original(),
]


@pytest.mark.parametrize("check", EXPLAINER_CHECKS)
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_search(search: Search, check: str) -> None:
    EXPLAINER_CHECKS[check](search)
