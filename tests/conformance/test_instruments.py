"""Every registered instrument, with each of its example settings, passes every check; the long ones slowly."""

from __future__ import annotations

import pytest

from neurofn.instruments import Instrument, catalogue
from neurofn.testing._instruments import INSTRUMENT_CHECKS

CORE = ("ActivatedNeurons", "EpsilonRank", "Moments", "NeuralCollapse")
LONG = ("two_processes_equal_one", "watching_leaves_the_training", "no_hook_is_left", "same_for_any_split_and_order")
"""Checks that start processes or train: of the instruments that are not at the core, they are there slowly."""


def _marks(name: str, place: int, check: str) -> tuple[pytest.MarkDecorator, ...]:
    fast = check not in LONG or (name in CORE and place == 0) or (check == LONG[-1] and place == 0)
    return () if fast else (pytest.mark.slow,)


ALL = [
    pytest.param(example, check, marks=_marks(name, place, check))
    for name, part in catalogue.items()
    for place, example in enumerate(part.examples())
    for check in INSTRUMENT_CHECKS
]


@pytest.mark.parametrize(("instrument", "check"), ALL, ids=str)
def test_instrument(instrument: Instrument, check: str) -> None:
    INSTRUMENT_CHECKS[check](instrument)
