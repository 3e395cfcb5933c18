"""Every search, with settings of all kinds, passes every check."""

from __future__ import annotations

import pytest

from neurofn._errors import SettingError
from neurofn.explaining import Beam, Exact, Original
from neurofn.testing import check
from neurofn.testing._explaining import EXPLAINER_CHECKS, Search

SEARCHES: list[Search] = [
    *(Exact(length) for length in (1, 2, 3)),
    Exact(3, "f1"),
    Beam(),
    Beam(length=2, width=10),
    Beam(length=3, width=10, measure="mcc"),
    Original(),
]


@pytest.mark.parametrize("name", EXPLAINER_CHECKS)
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_search(search: Search, name: str) -> None:
    EXPLAINER_CHECKS[name](search)


@pytest.mark.parametrize("search", [Exact(), Beam(length=2, width=10)], ids=str)
def test_the_public_check_takes_searches(search: Search) -> None:
    results = check(search)
    assert [result.name for result in results] == list(EXPLAINER_CHECKS)
    assert all(result.passed for result in results)


@pytest.mark.parametrize("thing", ["a text", b"bytes", Exact])
def test_what_finds_something_else_is_no_search(thing: object) -> None:
    with pytest.raises(SettingError, match="has no suite of checks"):
        check(thing)
