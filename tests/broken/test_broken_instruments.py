"""Every check of the suite has an instrument that fails it and no other; one that breaks nothing passes all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from broken.broken_instruments import BROKEN, LeavesAHook, Mean
from neurofn.instruments import Instrument
from neurofn.testing._instruments import INSTRUMENT_CHECKS


@pytest.fixture(autouse=True)
def _clean_up() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield
    while LeavesAHook.handles:
        LeavesAHook.handles.pop().remove()


def failures(instrument: Instrument) -> dict[str, str]:
    failed = {}
    for name, check in INSTRUMENT_CHECKS.items():
        try:
            check(instrument)
        except AssertionError as error:
            failed[name] = str(error)
    return failed


@pytest.mark.parametrize("check", INSTRUMENT_CHECKS)
def test_each_check_can_fail_alone(check: str) -> None:
    failed = failures(BROKEN[check])
    assert list(failed) == [check]
    assert len(failed[check]) > 20  # it says what was seen


def test_a_sound_instrument_passes() -> None:
    assert failures(Mean()) == {}
    assert set(BROKEN) == set(INSTRUMENT_CHECKS)
