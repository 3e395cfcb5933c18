"""Every edge, every aggregate and the neurons of the language's table pass the suite of neurons."""

from __future__ import annotations

import pytest

from neurofn.aggregates import catalogue as aggregates
from neurofn.edges import catalogue as edges
from neurofn.edges import find_edge
from neurofn.functions import catalogue as functions
from neurofn.neurons import Neuron, neuron
from neurofn.testing._neurons import NEURON_CHECKS, neurons_of

TABLE = [
    "relu(sum(linear))", "sum(silu + bspline(grid=5))", "product(bspline)", "silu(sum(linear)) * sum(linear)",
    "sum(linear) * sum(linear) + sum(square)", "sum(linear) / (sum(linear) + sum(square))", "norm(linear)",
    "leaky_relu(sum(linear), a=0.1)", "prelu(mean(rational(3, 2)))", "snake(var(linear, bias=False))",
    "rational(sum(linear))", "chebyshev(sum(linear), degree=3)",
]  # fmt: skip
PARTS = [*map(find_edge, [*edges, *functions]), *aggregates.values()]
SUBJECTS = sorted({*map(neuron, TABLE), *(one for part in PARTS for one in neurons_of(part))}, key=str)


@pytest.mark.parametrize("check", NEURON_CHECKS)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_neuron(subject: Neuron, check: str) -> None:
    NEURON_CHECKS[check](subject)
