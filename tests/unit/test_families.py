"""Families: other members than the default one, the sum that they are, and what they are as edges."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from neurofn import neuron
from neurofn.edges import find_edge
from neurofn.functions import catalogue
from neurofn.functions._sums import cardinal, horner, legendre, powers
from neurofn.testing._functions import FUNCTION_CHECKS

MEMBERS = {
    "polynomial": {"degree": 5}, "hermite": {"degree": 2}, "legendre_sum": {"degree": 6}, "bernstein": {"degree": 5},
    "fourier": {"order": 1}, "sine_sum": {"waves": 1}, "rowdy": {"terms": 1}, "gaussian_mixture": {"size": 1},
    "radial_basis": {"size": 3}, "kernel_activation": {"size": 3}, "wavelet_sum": {"size": 1},
    "variable_activation": {"size": 1}, "piecewise_linear": {"points": 4}, "adaptive_piecewise_linear": {"hinges": 1},
    "splash": {"hinges": 2}, "mexican_relu": {"hats": 5}, "gaussian_relu": {"waves": 1}, "multi_bin_linear": {"bins": 3},
    "look_up_table": {"points": 4}, "spline_activation": {"points": 4}, "kan_activation": {"points": 4},
    "relu_kan": {"grid": 3, "order": 2}, "series_activation": {"size": 1}, "polyrelu": {"order": 2},
    "multistate_activation": {"states": 3}, "relu_sum": {"size": 1}, "softplus_sum": {"size": 1},
    "enhanced_rational": {"p": 3, "factors": 1}, "orthogonal_rational": {"p": 2, "q": 3},
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("check", ["formula is readable", "parameters matter", "vmap equals a loop"])
def test_other_members(name: str, check: str) -> None:
    FUNCTION_CHECKS[check](catalogue[name].shaped(**MEMBERS[name]))


@pytest.mark.parametrize("name", MEMBERS)
def test_the_terms_sum_to_the_function_and_to_its_formula(name: str) -> None:
    function, z = catalogue[name].shaped(**MEMBERS[name]), torch.linspace(-3, 3, 49, dtype=torch.float64)
    weights = torch.tensor([function.defaults[c] for c in function.coefficients], dtype=torch.float64)
    torch.testing.assert_close(function.terms(z) @ weights, function(z), rtol=1e-12, atol=1e-12)
    written = torch.as_tensor(function.definition(z.numpy(), **function.defaults))
    torch.testing.assert_close(function(z), written.expand(z.shape), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MEMBERS)
def test_as_an_edge_by_position(name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        layer = neuron(f"sum({name}({', '.join(map(str, MEMBERS[name].values()))}))").dense(2, 3)
    assert layer(torch.linspace(-2, 2, 8).reshape(4, 2)).shape == (4, 3)
    basis, x = find_edge(name).basis(MEMBERS[name]), torch.linspace(-2.9, 2.9, 31, dtype=torch.float64)
    torch.testing.assert_close(
        basis.terms(x, **basis.values), basis.reference(x, **basis.values), rtol=1e-11, atol=1e-11
    )


def test_splines_sum_to_one_and_interpolate() -> None:
    z = torch.linspace(-0.99, 0.99, 23, dtype=torch.float64)
    terms = catalogue["spline_activation"].shaped(points=7).terms(z)
    torch.testing.assert_close(terms.sum(-1), torch.ones_like(z))
    knots = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    values = catalogue["spline_activation"](knots)
    torch.testing.assert_close(values, knots)  # it starts with the knots themselves as heights


def test_legendre_polynomials_are_orthogonal() -> None:
    rows = legendre(6)
    for k, row in enumerate(rows):
        assert sum(row) == 2**k  # P_k(1) = 1
        for other in rows[:k]:
            products = [(a * b, i + j) for i, a in enumerate(row) for j, b in enumerate(other) if (i + j) % 2 == 0]
            assert sum(Fraction(2 * product, power + 1) for product, power in products) == 0


def test_polynomials_are_computed_and_printed() -> None:
    z = torch.tensor([2.0, 1e200], dtype=torch.float64)
    assert horner(z, [1.0, 0.0, -3.0])[0] == -11
    assert powers([1.0, 0.0, -2.5, 1.0], "t") == "1 - 2.5*t**2 + t**3"


def test_a_bump_takes_the_right_slope_at_its_corners_and_keeps_nan() -> None:
    z = torch.tensor([-1.0, 0.0, 1.0, float("nan")], requires_grad=True)
    hat = cardinal(z, Fraction(0), Fraction(1), [lambda u, v: u])
    (slope,) = torch.autograd.grad(hat[:3].sum(), z)
    assert hat[:3].tolist() == [0.0, 1.0, 0.0]
    assert slope[:3].tolist() == [1.0, -1.0, 0.0]
    assert hat[3].isnan()
