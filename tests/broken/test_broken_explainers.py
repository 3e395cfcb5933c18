"""Every check of the suite has a search that fails it and no other; one that breaks nothing passes all."""

from __future__ import annotations

import pytest

from broken.broken_explainers import BROKEN
from neurofn.explaining.search import Exact
from neurofn.testing._explaining import EXPLAINER_CHECKS, Search


def failures(search: Search) -> dict[str, str]:
    failed = {}
    for name, check in EXPLAINER_CHECKS.items():
        try:
            check(search)
        except AssertionError as error:
            failed[name] = str(error)
    return failed


@pytest.mark.parametrize("check", EXPLAINER_CHECKS)
def test_each_check_can_fail_alone(check: str) -> None:
    failed = failures(BROKEN[check])
    assert list(failed) == [check]
    assert len(failed[check]) > 20  # it says what was seen


def test_a_sound_search_passes() -> None:
    assert failures(Exact()) == {}
    assert set(BROKEN) == set(EXPLAINER_CHECKS)
