"""Every registered probe, with each of its example settings, passes every check."""

from __future__ import annotations

import pytest

from neurofn.instruments import Probe, probes
from neurofn.testing._probes import PROBE_CHECKS

EXAMPLES = [example for part in probes.values() for example in part.examples()]


@pytest.mark.parametrize("check", PROBE_CHECKS)
@pytest.mark.parametrize("probe", EXAMPLES, ids=str)
def test_probe(probe: Probe, check: str) -> None:
    PROBE_CHECKS[check](probe)
