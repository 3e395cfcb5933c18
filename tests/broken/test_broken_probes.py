"""Every check of the suite has a probe that fails it and no other; one that breaks nothing passes all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from broken.broken_probes import BROKEN, MeanSquare
from neurofn.instruments import Probe
from neurofn.testing._probes import PROBE_CHECKS


@pytest.fixture(autouse=True)
def _clean_up() -> Iterator[None]:
    state = np.random.get_state()
    yield
    np.random.set_state(state)


def failures(probe: Probe) -> dict[str, str]:
    failed = {}
    for name, check in PROBE_CHECKS.items():
        try:
            check(probe)
        except AssertionError as error:
            failed[name] = str(error)
    return failed


@pytest.mark.parametrize("check", PROBE_CHECKS)
def test_each_check_can_fail_alone(check: str) -> None:
    failed = failures(BROKEN[check])
    assert list(failed) == [check]
    assert len(failed[check]) > 20  # it says what was seen


def test_a_sound_probe_passes() -> None:
    assert failures(MeanSquare()) == {}
    assert set(BROKEN) == set(PROBE_CHECKS)
