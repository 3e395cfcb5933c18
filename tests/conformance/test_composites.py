"""Every composite neuron, at its defaults and with other settings, passes the suite of composites."""

from __future__ import annotations

import pytest

from neurofn.neurons.composites import Composite, catalogue, composite
from neurofn.testing._composites import COMPOSITE_CHECKS

MORE = [
    "pi_net(degree=1)", "pi_net(degree=4, rank=3)", "mu_layer(expansion=1, shrink=64)", "paon(p=1, form='smooth')",
    "paon(p=3, q=2)", "paon(p=3, q=2, form='smooth')", "paon(p=1, q=3)", "micro_network(depth=1)",
    "micro_network(width=3, depth=3)", "monotone(function='elu')", "monotone(function='softplus')",
]  # fmt: skip


@pytest.mark.parametrize("check", COMPOSITE_CHECKS)
@pytest.mark.parametrize("subject", [composite(text) for text in [*catalogue, *MORE]], ids=str)
def test_composite(subject: Composite, check: str) -> None:
    COMPOSITE_CHECKS[check](subject)
