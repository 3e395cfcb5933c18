"""Every registered task passes every check; every check has a broken task that fails it and no other."""

from __future__ import annotations

import functools

import pytest

from broken.broken_tasks import BROKEN, SOUND
from neurofn._errors import DataError
from neurofn.tasks import Splits, catalogue
from neurofn.testing._tasks import CHECKS, failures


@functools.cache
def _splits(name: str) -> Splits:
    return catalogue[name].read()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", catalogue)
def test_task(name: str, check: str) -> None:
    try:
        catalogue[name].locate()
    except DataError as absent:
        pytest.skip(str(absent))
    CHECKS[check](catalogue[name], _splits(name))


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_can_fail_alone(check: str) -> None:
    assert list(failures(BROKEN[check])) == [check]


def test_a_sound_task_passes() -> None:
    assert failures(SOUND) == {}
    assert set(BROKEN) == set(CHECKS)
