"""Formulas: as modules, from networks and back, their constants rounded."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import sympy
import torch
from torch import nn

from neurofn import NeurofnError, neuron
from neurofn.neurons.symbolic import (
    DEFAULT_LIBRARY,
    SymbolicNetwork,
    formula_of,
    network_of,
    read_expression,
)
from neurofn.neurons.symbolic._expressions import form_expression
from neurofn.neurons.symbolic._least_squares import levenberg_marquardt
from neurofn.neurons.symbolic._library import form_of
from neurofn.neurons.symbolic._rounding import Data, rounded, simple_numbers

POINTS = np.random.default_rng(0).uniform(-1, 1, (300, 3))
X = torch.as_tensor(POINTS)


@pytest.fixture(autouse=True)
def drawn_aside() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


# --- formulas as modules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DEFAULT_LIBRARY, "mish", "gelu", "elu", "hard_sigmoid"])
def test_a_form_is_the_same_in_numbers_and_as_an_expression(name: str) -> None:
    u = np.linspace(0.05, 0.95, 23)
    network = SymbolicNetwork(form_expression(form_of(name), sympy.Symbol("u")), inputs=["u"])
    assert np.allclose(network(torch.as_tensor(u)[:, None])[:, 0].detach(), form_of(name)(u), rtol=1e-12, atol=1e-14)


def test_constants_are_parameters_and_are_fitted_again() -> None:
    y = 3 * np.exp(2 * POINTS[:, 0]) + POINTS[:, 1] ** 2
    network = SymbolicNetwork("2.5*exp(1.7*x) + 0.5*y**2 + 0.1", inputs=["x", "y", "z"])
    assert len(network.constants) == 4
    assert network.refit(POINTS, y) < 1e-13
    assert np.allclose(sorted(network.constants.tolist()), [0, 1, 2, 3], atol=1e-12)
    assert copy.deepcopy(network)(X).equal(network(X))
    assert "e^{" in network.latex


def test_slopes_of_constants_are_those_of_autograd() -> None:
    network = SymbolicNetwork(["2.5*exp(1.7*x)*sin(0.3*y)", "max(x, 0.2) + 0.7*mish(y)"], inputs=["x", "y", "z"])
    slow = torch.autograd.functional.jacobian(lambda c: network._at(X[:20], c), network.constants.detach())
    fast = network._jacobian(X[:20])(network.constants.detach().numpy())
    assert np.allclose(fast, slow.reshape(-1, len(network.constants)), rtol=1e-12)


def test_least_squares_refuse_steps_out_of_the_domain() -> None:
    x = np.linspace(0.1, 1, 30)
    with np.errstate(all="ignore"):
        best, left = levenberg_marquardt(
            lambda p: np.sqrt(x - p[0]) - np.sqrt(x - 0.05),
            lambda p: -0.5 / np.sqrt(x - p[0])[:, None],
            np.array([-3.0]),
        )
    assert best[0] == pytest.approx(0.05)
    assert left < 1e-20


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sinn(x)", "did you mean"),
        ("x +", "not a formula"),
        ("x if y else z", "numbers, names"),
        ("__import__('os')", "this is none of them"),
        ("x**1000", "at most 64"),
        ("sin(x, y)", "one argument"),
        ("", "a formula is text"),
        ("(" * 3000 + "x", "not a formula"),
    ],
)
def test_texts_that_are_no_formula(text: str, says: str) -> None:
    with pytest.raises(NeurofnError, match=says):
        read_expression(text)


def test_what_a_module_refuses() -> None:
    with pytest.raises(NeurofnError, match="no input"):
        SymbolicNetwork("x + y", inputs=["x"])
    with pytest.raises(NeurofnError, match="expected"):
        SymbolicNetwork("x + y")(torch.zeros(3))
    with pytest.raises(NeurofnError, match="no tensor code"):
        SymbolicNetwork(sympy.gamma(sympy.Symbol("x")))
    with pytest.raises(NeurofnError, match="no finite real"):
        SymbolicNetwork(sympy.sqrt(-1) * sympy.Symbol("x"))


# --- constants ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.00001, "2"),
        (-0.33333333, "-1/3"),
        (6.2831853, "2*pi"),
        (1.41421356, "sqrt(2)"),
        (2.7182818, "E"),
        (0.1234567, ""),
    ],
)
def test_simple_numbers(value: float, expected: str) -> None:
    found = simple_numbers(value)
    assert (str(found[0]) if found else "") == expected


def test_idle_constants_go_and_others_are_rounded() -> None:
    y = np.exp(np.sin(np.pi * POINTS[:, 0]) + POINTS[:, 1] ** 2)
    data = Data(POINTS[:200], y[:200], POINTS[200:], y[200:], ("x", "y", "z"))
    found = rounded(read_expression("1.1*exp(0.9*sin(3.2*x + 0.1) + 1.1*(y + 0.05)**2 + 0.2) - 0.1"), data)
    assert found == read_expression("exp(sin(pi*x) + y**2)")


def test_constants_are_not_rounded_where_it_costs() -> None:
    y = 1.2345 * np.sin(0.7 * POINTS[:, 0])
    data = Data(POINTS[:200], y[:200], POINTS[200:], y[200:], ("x", "y", "z"))
    found = rounded(read_expression("1.2*sin(0.7*x + 0.01)"), data)
    assert found.has(sympy.Float)
    assert data.held_out(SymbolicNetwork(found, inputs=data.inputs)) < 1e-12


# --- networks to formulas and back --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["exp(sin(pi*x) + y**2)", "x*y*z + 3*x^5 - 2", "sqrt(x**2 + y**2)", "tanh(5*x - 1)*y", "max(x, y, z) + min(x, 0)",
     "cosh(x) + sinh(y*z)", "log(1 + exp(y))/(1 + exp(-3*x))", "exp(-x**2/2)/sqrt(2*pi)", "z",
     "3*x*cos(2*x*y + 1)*atan(z) + abs(x)"],
)  # fmt: skip
def test_a_formula_is_a_network_that_computes_it(text: str) -> None:
    network = network_of(text, inputs=["x", "y", "z"])
    assert (network(X) - SymbolicNetwork(text, inputs=["x", "y", "z"])(X)).abs().max() < 1e-9
    assert (network[0].definition(X) - network[0](X)).abs().max() < 1e-9  # type: ignore[operator]


def test_there_and_back() -> None:
    network = network_of(["exp(sin(pi*x) + y**2)", "x*tanh(z)"], inputs=["x", "y", "z"])
    again = formula_of(network, X, inputs=["x", "y", "z"], library=["x", "x^2", "sin"])
    assert (again(X) - network(X)).abs().max() < 1e-9


@pytest.mark.parametrize("text", ["log(x)", "1/x", "x**0.3", "w"])
def test_what_no_neuron_says(text: str) -> None:
    with pytest.raises(NeurofnError, match=r"SymbolicNetwork|no input"):
        network_of(text, inputs=["x"])


READABLE = ["sum(linear)", "mean(linear)", "product(linear)", "max(linear)", "norm(linear)", "tanh(sum(linear))",
            "silu(sum(linear)) * sum(linear)", "sum(linear) / sum(square)", "prelu(sum(linear)) + sum(sine)"]  # fmt: skip


@pytest.mark.parametrize("text", READABLE)
@pytest.mark.parametrize("init", ["matched", pytest.param("fan_in", marks=pytest.mark.slow)])
def test_aggregates_and_activations_are_read_as_they_are(text: str, init: str) -> None:
    model = nn.Sequential(neuron(text).dense(3, 2, init=init), neuron("sum(linear)").dense(2, 1)).double()
    model[0].gathers[0][1].prune(torch.tensor([[True, True], [True, False], [True, True]]))  # type: ignore[index,operator]
    formula = formula_of(model, X, refit=False, library=["x", "x^2", "sin"])
    assert (formula(X) - model(X)).abs().max() < 1e-6


def test_what_formulas_are_not_read_from() -> None:
    layer = neuron("sum(linear)").dense(3, 1)
    for model in (nn.Linear(3, 1), nn.Sequential(layer, nn.ReLU()), neuron("median(linear)").dense(3, 1)):
        with pytest.raises(NeurofnError):
            formula_of(model, X, library=["x"])
    with pytest.raises(NeurofnError, match="at least 8"):
        formula_of(neuron("sum(linear)").dense(3, 1), X[:4])
