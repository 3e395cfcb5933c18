"""Every registered instrument, with each of its example settings, passes every check."""

from __future__ import annotations

import pytest

from neurofn.instruments import Instrument, catalogue
from neurofn.testing._instruments import INSTRUMENT_CHECKS

EXAMPLES = [example for part in catalogue.values() for example in part.examples()]


@pytest.mark.parametrize("check", INSTRUMENT_CHECKS)
@pytest.mark.parametrize("instrument", EXAMPLES, ids=str)
def test_instrument(instrument: Instrument, check: str) -> None:
    INSTRUMENT_CHECKS[check](instrument)
