"""Every edge, aggregate and neuron of the language's table passes the suite of neurons; slowly, sums of every function too."""

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
CORE = (
    "chebyshev",
    "elu",
    "gelu",
    "identity",
    "mish",
    "prelu",
    "rational",
    "relu",
    "silu",
    "sine",
    "snake",
    "square",
    "tanh",
)
PARTS = [*map(find_edge, [*edges, *CORE]), *aggregates.values()]
FAST = {*map(neuron, TABLE), *(one for part in PARTS for one in neurons_of(part))}
SLOW = {neuron(f"sum({name})") for name in functions} - FAST
SUBJECTS = [
    pytest.param(one, marks=() if one in FAST else pytest.mark.slow, id=str(one))
    for one in sorted(FAST | SLOW, key=str)
]


@pytest.mark.parametrize("check", NEURON_CHECKS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_neuron(subject: Neuron, check: str) -> None:
    NEURON_CHECKS[check](subject)
