"""Every check of the suite of layer functions can fail, and fails alone."""

from __future__ import annotations

import pytest

from broken.broken_layer_functions import BROKEN, SOUND, failing
from neurofn.testing import SLOW
from neurofn.testing._layer_functions import LAYER_CHECKS

FAST = [name for name in LAYER_CHECKS if name not in SLOW]
CASES = [pytest.param(check, index, id=f"{check} {index}") for check in BROKEN for index in range(len(BROKEN[check]))]


def test_every_check_has_a_broken_layer_function() -> None:
    assert set(BROKEN) == set(LAYER_CHECKS)


@pytest.mark.parametrize(("check", "index"), CASES)
def test_it_fails_this_check_and_no_other(check: str, index: int) -> None:
    assert failing(BROKEN[check][index], among=FAST) == [check] * (check in FAST)


@pytest.mark.slow
@pytest.mark.parametrize(("check", "index"), CASES)
def test_the_slow_checks_pass_or_fail_as_they_should(check: str, index: int) -> None:
    assert failing(BROKEN[check][index], among=SLOW) == [check] * (check in SLOW)


@pytest.mark.parametrize("index", range(len(SOUND)))
def test_what_is_sound_passes(index: int) -> None:
    assert failing(SOUND[index], among=FAST) == []
