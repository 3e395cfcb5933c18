"""The neurons of the language's table, every edge and every aggregate pass the suite of neurons; slowly, every function too."""

from __future__ import annotations

import pytest

from neurofn.aggregates import catalogue as aggregates
from neurofn.edges import catalogue as edges
from neurofn.edges import find_edge
from neurofn.functions import catalogue as functions
from neurofn.neurons import Neuron, neuron
from neurofn.testing._neurons import NEURON_CHECKS, neurons_of

DESIGN = [  # the neurons by which the language is explained, each as it is written there
    "relu(sum(linear))", "sum(bspline(grid=5, order=3))", "sum(silu + bspline(grid=5))", "mean(bspline(grid=5))",
    "median(bspline)", "product(bspline)", "sum(rational(5, 4))", "silu(sum(linear)) * sum(linear)",
    "sum(linear) * sum(linear)", "sum(linear) * sum(linear) + sum(square)", "max(shift)", "norm(linear)",
    "leaky_relu(sum(linear), a=0.1)", "lp(linear, p=3)",
]  # fmt: skip
TABLE = [
    *DESIGN, "sum(linear) / (sum(linear) + sum(square))", "prelu(mean(rational(3, 2)))",
    "snake(var(linear, bias=False))", "rational(sum(linear))", "chebyshev(sum(linear), degree=3)",
    "sigmoid(sum(linear)) * sum(linear)", "gelu(sum(linear)) * sum(linear)", "relu(sum(linear)) * sum(linear)",
    "sum(linear + square) / sum(linear, bias=False)", "product(nmu, bias=False)", "sum(nau, bias=False)",
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
SAMPLE = {  # one neuron of every part of its own; the other neurons of a part, and functions, are there slowly
    *map(neuron, TABLE),
    *(neurons_of(part)[0] for part in [*map(find_edge, edges), *aggregates.values()]),
}
PARTS = [*map(find_edge, [*edges, *CORE]), *aggregates.values()]
EVERY = SAMPLE.union(*map(neurons_of, PARTS), (neuron(f"sum({name})") for name in functions))
ALL = [
    pytest.param(one, check, marks=() if one in SAMPLE else pytest.mark.slow)
    for one in sorted(EVERY, key=str)
    for check in NEURON_CHECKS
]


@pytest.mark.parametrize(("subject", "check"), ALL, ids=str)
def test_neuron(subject: Neuron, check: str) -> None:
    NEURON_CHECKS[check](subject)
