"""Edges against the books: polynomials and wavelets of scipy and numpy, tables, shared and selected bases, a qubit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor, nn

from neurofn._errors import SettingError
from neurofn.edges import Basis, find_edge
from neurofn.edges import catalogue as edges
from neurofn.functions import catalogue as functions
from neurofn.neurons import neuron

pytestmark = [
    pytest.mark.usefixtures("random_state_of_its_own"),
    pytest.mark.filterwarnings("ignore::neurofn.neurons._range.RangeWarning"),
]

U = np.linspace(-1, 1, 201)


def basis_of(name: str, **settings: Any) -> Basis:
    return find_edge(name).basis(settings)


def terms_of(basis: Basis, x: np.ndarray, **values: Any) -> list[np.ndarray]:
    """By both statements of the basis."""
    given = torch.from_numpy(np.asarray(x, dtype=np.float64))
    ways = (basis.terms, basis.reference)
    return [way(given, **{**basis.values, **values}).numpy() for way in ways]


def built(text: str, size: tuple[int, int] = (6, 5)) -> nn.Module:
    return neuron(text).dense(*size).double()


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.0, 0.0), (-0.5, -0.5), (2.0, 0.5), (-0.9, 3.0)])
def test_jacobi_polynomials_are_those_of_scipy(a: float, b: float) -> None:
    basis = basis_of("jacobi", degree=12, a=a, b=b, low=-2.0, high=6.0)
    expected = np.stack([special.eval_jacobi(k, a, b, U) for k in range(13)], axis=-1)
    for found in terms_of(basis, 2 + 4 * U):
        np.testing.assert_allclose(found, expected, atol=1e-10 * np.abs(expected).max())


def test_jacobi_without_weight_is_legendre() -> None:
    for found in terms_of(basis_of("jacobi", degree=9, a=0.0, b=0.0, low=-1.0, high=1.0), U):
        np.testing.assert_allclose(found, np.polynomial.legendre.legvander(U, 9), atol=1e-12)


@pytest.mark.parametrize(("degree", "points"), [(1, 2), (4, 5), (6, 64), (16, 200)])
def test_gram_polynomials_are_orthonormal_over_their_points(degree: int, points: int) -> None:
    places = (2 * np.arange(points) + 1) / points - 1
    for found in terms_of(basis_of("gram", degree=degree, points=points, low=-1.0, high=1.0), places):
        np.testing.assert_allclose(found.T @ found / points, np.eye(degree + 1), atol=1e-8)
        assert (found[-1] > 0).all()  # the sign with which all are positive at the end


def test_gram_polynomials_of_many_points_are_legendre() -> None:
    expected = np.polynomial.legendre.legvander(U, 4) * np.sqrt(2 * np.arange(5) + 1)
    found, _ = terms_of(basis_of("gram", degree=4, points=512, low=-1.0, high=1.0), U)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["jacobi", "gram"])
def test_polynomials_go_on_outside_as_they_are_told(name: str) -> None:
    x, border, step = np.array([-9.0, 7.0]), np.array([-2.0, 4.0]), 1e-6
    inside = np.sign(border - 1) * step
    for way in range(2):
        constant, linear, zero = (basis_of(name, low=-2.0, high=4.0, outside=o) for o in ("constant", "linear", "zero"))
        at_border, before = terms_of(constant, border)[way], terms_of(constant, border - inside)[way]
        np.testing.assert_allclose(terms_of(constant, x)[way], at_border)
        np.testing.assert_array_equal(terms_of(zero, x)[way], 0 * at_border)
        np.testing.assert_array_equal(terms_of(zero, border)[way], at_border)
        slope = (at_border - before) / inside[:, None]
        np.testing.assert_allclose(terms_of(linear, x)[way], at_border + slope * (x - border)[:, None], rtol=1e-4)


def test_function_families_are_the_polynomials_of_numpy() -> None:
    """The families that are functions too: declared once, used as bases by position."""
    x = np.linspace(-3, 3, 101)
    squashed = np.tanh(x)
    books = {
        "chebyshev": ({"degree": 7}, np.polynomial.chebyshev.chebvander(squashed, 7)),
        "legendre_sum": ({"degree": 7}, np.polynomial.legendre.legvander(squashed, 7)),
        "hermite": (
            {"degree": 6},
            np.polynomial.hermite_e.hermevander(x, 6) / np.sqrt(special.factorial(np.arange(7))),
        ),
        "polynomial": ({"degree": 5}, np.vander(x, 6, increasing=True)),
        "fourier": ({"order": 2}, np.stack([0 * x + 1, np.cos(x), np.cos(2 * x), np.sin(x), np.sin(2 * x)], -1)),
    }
    for name, (settings, expected) in books.items():
        for found in terms_of(basis_of(name, **settings), x):
            np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max(), err_msg=name)


def test_lines_and_tables() -> None:
    x = np.random.default_rng(0).uniform(-2, 5, 300)
    points = np.linspace(-1, 3, 9)
    for name, settings in {"linear_spline": {"grid": 8}, "lookup": {"entries": 9}}.items():
        for found in terms_of(basis_of(name, low=-1.0, high=3.0, **settings), x):
            for k in range(9):
                np.testing.assert_allclose(found[:, k], np.interp(x, points, np.eye(9)[k]), atol=1e-12)
    for found in terms_of(basis_of("lookup", entries=8, order=0, low=-1.0, high=3.0), x):
        nearest = np.clip(np.floor((x + 1) * 2), 0, 7).astype(int)
        np.testing.assert_array_equal(found, np.eye(8)[nearest])


WAVELETS = {
    "morlet": lambda u: np.cos(5 * u) * np.exp(-u * u / 2),
    "difference_of_gaussians": lambda u: (stats.norm.pdf(u) - stats.norm.pdf(u, scale=1.6)) * math.sqrt(2 * math.pi),
    "derivative_of_gaussian": lambda u: -u * stats.norm.pdf(u) * math.sqrt(2 * math.pi),
    "wavelet_sum": lambda u: 2 / math.sqrt(3) / math.pi**0.25 * (1 - u * u) * np.exp(-u * u / 2),
}


@pytest.mark.parametrize("name", WAVELETS)
def test_wavelets_are_shifted_and_stretched(name: str) -> None:
    x = np.linspace(-6, 6, 121)
    for found in terms_of(basis_of(name, size=2), x, t1=0.5, s1=2.0, t2=-1.0, s2=0.25):
        expected = np.stack([WAVELETS[name]((x - 0.5) / 2), WAVELETS[name]((x + 1) / 0.25)], axis=-1)
        np.testing.assert_allclose(found, expected, atol=1e-13)
    area, _ = integrate.quad(lambda u: WAVELETS[name](u), -12, 12)
    assert abs(area) < 1e-4


def test_cauchys_kernel() -> None:
    """At d = 1 the even term is pi times the density of the standard Cauchy law, the odd one x times that."""
    x = np.linspace(-30, 30, 61)
    for found in terms_of(basis_of("cauchy"), x):
        np.testing.assert_allclose(
            found, np.stack([x, 1 + 0 * x], -1) * math.pi * stats.cauchy.pdf(x)[:, None], rtol=1e-13
        )


def test_a_group_of_inputs_shares_one_rational_function() -> None:
    layer = built("sum(group_rational(groups=2))", (6, 4))
    inner = layer.body.inner
    assert {tuple(each.shape) for each in inner.values()} == {(2,)}
    with torch.no_grad():
        for index, each in enumerate(inner.values()):
            each.copy_(torch.tensor([0.1, 0.3]) * (index + 1))
    x = torch.randn(7, 1, dtype=torch.float64).expand(7, 6)
    one = functions["rational"].shaped(p=5, q=4)
    for group, inputs in enumerate([slice(0, 3), slice(3, 6)]):
        values = {name.removesuffix("_0"): float(each[group].detach()) for name, each in inner.items()}
        expected = one(x[:, 0], **values)[:, None, None] * layer.body.weight[inputs, 0] * layer.body.scale
        torch.testing.assert_close(layer.body.edges(x)[:, inputs], expected)


@pytest.mark.parametrize("combine", ["quad1", "quad2", "sum", "prod", "sum_prod", "cubic1", "cubic2"])
@pytest.mark.parametrize("function", ["silu", "relu", "tanh"])
def test_af_kan_combines_two_shifted_functions(combine: str, function: str) -> None:
    u = np.linspace(-0.5, 1.5, 41)
    f = {"silu": lambda z: z * special.expit(z), "relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}[function]
    for outside in ("formula", "constant", "zero"):
        basis = basis_of("af_kan", grid=2, order=1, function=function, combine=combine, outside=outside)
        near = u if outside == "formula" else u.clip(0, 1)
        for found in terms_of(basis, 6 * u - 3):
            for k, (low, high) in enumerate([(-0.5, 0.5), (0.0, 1.0), (0.5, 1.5)]):
                a, b = f(near - low), f(high - near)
                expected = {
                    "quad1": (a * b) ** 2, "quad2": a * b + a**2 + b**2, "sum": a + b, "prod": a * b,
                    "sum_prod": a + b + a * b, "cubic1": (a + b) * (a**2 + b**2), "cubic2": (a * b) ** 3,
                }[combine]  # fmt: skip
                within = (6 * u >= 0) & (6 * u - 3 <= 3) if outside == "zero" else 1
                np.testing.assert_allclose(found[:, k], expected * within, atol=1e-13)


def test_relu_kan_is_one_of_the_combinations() -> None:
    u = np.linspace(0, 1, 81)
    ours, _ = terms_of(basis_of("relu_kan", grid=4, order=3), 4 * u - 2)
    general, _ = terms_of(basis_of("af_kan", grid=4, order=3, function="relu"), 6 * u - 3)
    np.testing.assert_allclose(ours, general * 16, atol=1e-12)  # (2/(order + 1)*grid)**4 brings the bumps to height 1


def test_a_qubit_by_rotations_is_the_qubit_by_matrices() -> None:
    for layers in (1, 2, 5):
        basis = basis_of("daruan", layers=layers)
        assert basis.direct is not None
        assert basis.begin is not None
        raw = basis.begin(3, basis.size, 4).double().requires_grad_()
        x = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
        fast, slow = basis.direct(x, raw), basis.reference(x, raw)
        torch.testing.assert_close(fast, slow)
        assert bool((fast.abs() <= raw[:, 0].abs() + 1e-12).all())
        for got, expected in zip(*(torch.autograd.grad(y.square().sum(), (x, raw)) for y in (fast, slow)), strict=True):
            torch.testing.assert_close(got, expected)


def test_frequencies_of_a_qubit_grow_exponentially_with_its_layers() -> None:
    """With frequencies 1, 2, 4 the edge is a Fourier series of order 7, and of no lower one."""
    basis = basis_of("daruan", layers=3)
    assert basis.direct is not None
    assert basis.begin is not None
    raw = basis.begin(1, basis.size, 1).double()
    raw[0, -3:, 0] = torch.tensor([1.0, 2.0, 4.0])
    x = torch.linspace(0, 2 * math.pi, 33, dtype=torch.float64)[:-1]
    spectrum = torch.fft.rfft(basis.direct(x[:, None], raw)[:, 0, 0]).abs()
    assert float(spectrum[8:].max()) < 1e-12
    assert float(spectrum[7]) > 1e-6


def test_a_selection_without_doubt_is_one_basis() -> None:
    basis = basis_of("selectable")
    assert basis.weights is not None
    raw = torch.randn(4, basis.size, 3, dtype=torch.float64)
    raw[:, -5:] = 0.0
    raw[:, -4] = 60.0  # the second: B-splines
    used = basis.weights(raw)
    assert used.shape == (4, basis.size - 5, 3)
    torch.testing.assert_close(used[:, 1:9], raw[:, 1:9])
    assert float(used[:, :1].abs().max()) < 1e-20
    assert float(used[:, 9:].abs().max()) < 1e-20
    powers = [b.power() for b in (find_edge("bspline").basis({}), find_edge("silu").basis({}))]
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    terms = basis.terms(x, **basis.values)
    expected = find_edge("bspline").basis({}).terms(x) / powers[0] ** 0.5
    torch.testing.assert_close(terms[:, 1:9], expected)


FAMILIES = [
    "chebyshev",
    "fourier",
    "hermite",
    "legendre_sum",
    "polynomial",
    "radial_basis",
    "rational",
    "relu_kan",
    "wavelet_sum",
]
ALL = [*edges, *FAMILIES]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ALL)
def test_narrow_formats_are_near_the_wide_one(name: str, dtype: torch.dtype) -> None:
    layer = built(f"sum({name})").to(dtype)
    x = torch.randn(40, 6).clamp(-3, 3).to(dtype)
    narrow: Tensor = layer(x)
    assert narrow.dtype == dtype
    wide = layer.double()(x.double())
    assert bool(narrow.isfinite().all())
    scale = float(wide.detach().abs().max()) + 1
    assert float((narrow.double() - wide).detach().abs().max()) <= 24 * torch.finfo(dtype).eps * scale


@pytest.mark.parametrize("name", ALL)
def test_second_slopes_exist(name: str) -> None:
    layer, x = built(f"tanh(sum({name}))"), torch.randn(4, 6, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    found = torch.autograd.grad(slope.square().sum(), list(layer.parameters()), allow_unused=True)
    assert all(bool(each.isfinite().all()) for each in found if each is not None)


def test_wrong_settings_are_refused() -> None:
    for name in ("jacobi", "gram", "selectable"):
        with pytest.raises(SettingError, match="low must be below high"):
            basis_of(name, low=1.0, high=1.0)
    with pytest.raises(SettingError, match="degree must be below points"):
        basis_of("gram", degree=4, points=4)


@pytest.mark.parametrize("name", ["jacobi", "gram", "af_kan", "lookup", "linear_spline"])
def test_zero_outside_does_not_hide_what_is_no_number(name: str) -> None:
    basis = basis_of(name, outside="zero")
    x = torch.tensor([math.nan, 9.0, math.inf, -math.inf], dtype=torch.float64)
    found = basis.terms(x, **basis.values)
    assert bool(found[0].isnan().any())
    assert bool((found[1:] == 0).all())
