"""Edges whose weights keep to a rule: the rule holds exactly, and what it is for holds of the neurons."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurofn.edges import Basis, find_edge
from neurofn.neurons import neuron

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

RAW = torch.linspace(-3, 3, 61, dtype=torch.float64).reshape(1, 1, -1)


def used(name: str, raw: Tensor = RAW, **given: float) -> tuple[Basis, Tensor]:
    basis = find_edge(name).basis(given)
    assert basis.weights is not None
    return basis, basis.weights(raw)


@pytest.mark.parametrize(("name", "low"), [("unit", 0.0), ("bounded", -1.0)])
def test_weights_in_an_interval_never_leave_it_and_never_stop(name: str, low: float) -> None:
    raw = RAW.clone().requires_grad_()
    _, weight = used(name, raw)
    assert torch.equal(weight, raw.clamp(low, 1.0))
    (slope,) = torch.autograd.grad(weight.sum(), raw)
    assert torch.equal(slope, torch.ones_like(slope))


def test_a_weight_that_left_its_interval_comes_back() -> None:
    """First x_0*x_1 is wanted, then x_2*x_3: weights held by a clamp alone would stay where they are."""
    layer = neuron("product(nmu, bias=False)").dense(5, 1)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    for step in range(800):
        x = torch.rand(64, 5) * 2 + 1
        target = x[:, :2].prod(-1) if step < 300 else x[:, 2:4].prod(-1)
        optimiser.zero_grad()
        (layer(x)[:, 0] - target).square().mean().backward()
        optimiser.step()
    share = used("nmu", layer.body.weight)[1][:, 0, 0]
    torch.testing.assert_close(share.detach(), torch.tensor([0.0, 0.0, 1.0, 1.0, 0.0]), atol=0.02, rtol=0)


@pytest.mark.parametrize(("name", "given"), [("binary", {}), ("periodic_binary", {}), ("periodic_binary", {"f": 3.0})])
def test_binary_weights_are_exactly_one_and_learn(name: str, given: dict[str, float]) -> None:
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        raw = (RAW + 0.01).to(dtype).requires_grad_()
        _, weight = used(name, raw, **given)
        assert set(weight.flatten().tolist()) == {-1.0, 1.0}
        (slope,) = torch.autograd.grad(weight.sum(), raw)
        f = given.get("f", 20.0)
        expected = torch.ones_like(raw) if name == "binary" else f * (raw * f).cos()
        torch.testing.assert_close(slope, expected)
        wave = raw if name == "binary" else (raw * f).sin()
        assert torch.equal(weight, torch.where(wave >= 0, 1.0, -1.0).to(dtype))


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 4), (4, 7), (5, 5), (1, 3)])
def test_orthonormal_edges_keep_lengths(n_in: int, n_out: int) -> None:
    layer = neuron("sum(orthonormal, bias=False)").dense(n_in, n_out).double()
    _, weight = used("orthonormal", layer.body.weight)
    matrix = weight[:, 0]
    smaller = matrix.T @ matrix if n_in >= n_out else matrix @ matrix.T
    torch.testing.assert_close(smaller, torch.eye(min(n_in, n_out), dtype=torch.float64))
    torch.testing.assert_close(used("orthonormal", weight)[1], weight)  # an orthonormal matrix is left as it is
    x = torch.randn(50, n_in, dtype=torch.float64)
    ratio = layer(x).detach().norm(dim=-1) / x.norm(dim=-1)
    assert bool((ratio <= 1 + 1e-12).all())
    if n_in <= n_out:
        torch.testing.assert_close(ratio, torch.ones_like(ratio))


def test_units_of_arithmetic_are_exact() -> None:
    """w in {0, 1}: the product of the inputs that are taken, in every bit; a sum and a difference likewise."""
    x = torch.randn(100, 4)
    product = neuron("product(nmu, bias=False)").dense(4, 2)
    total = neuron("sum(bounded, bias=False)").dense(4, 1)
    with torch.no_grad():
        product.body.weight.copy_(torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 1.0]]).unsqueeze(1))
        total.body.weight.copy_(torch.tensor([[1.0], [-1.0], [0.0], [0.0]]).unsqueeze(1))
        assert torch.equal(product(x), torch.stack([x[:, 0] * x[:, 1], x[:, 1] * x[:, 3]], dim=-1))
        assert torch.equal(total(x)[:, 0], x[:, 0] - x[:, 1])


def test_tropical_neurons_take_the_largest_of_shifted_inputs() -> None:
    layer = neuron("max(shift, bias=False)").dense(5, 3)
    x = torch.randn(8, 5)
    expected = (x.unsqueeze(-1) + layer.body.weight[:, 0]).amax(dim=1)
    torch.testing.assert_close(layer(x), expected)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), at=st.integers(0, 4), step=st.floats(1e-3, 10.0))
@pytest.mark.parametrize(
    "text", ["tanh(sum(positive))", "softplus(mean(positive))", "max(positive)", "logsumexp(positive)"]
)
def test_positive_edges_make_a_monotone_network(text: str, seed: int, at: int, step: float) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = torch.nn.Sequential(neuron(text).dense(5, 6), neuron("sum(positive)").dense(6, 2)).double()
        x = torch.randn(9, 5, dtype=torch.float64)
        raised = x.clone()
        raised[:, at] += step
        assert bool((network(raised) >= network(x) - 1e-12).all())


def test_the_same_network_of_linear_edges_is_not_monotone() -> None:
    """The control of the property above: it can fail."""
    network = torch.nn.Sequential(neuron("tanh(sum(linear))").dense(5, 6), neuron("sum(linear)").dense(6, 2)).double()
    x = torch.randn(9, 5, dtype=torch.float64)
    raised = x.clone()
    raised[:, 0] += 1
    assert not bool((network(raised) >= network(x) - 1e-12).all())


@pytest.mark.parametrize(
    "text", ["sum(binary)", "mean(binary)", "max(periodic_binary)", "norm(positive)", "sum(silu + binary)"]
)
@pytest.mark.parametrize("n_in", [8, 300])
def test_a_fixed_factor_keeps_the_variance(text: str, n_in: int) -> None:
    layer = neuron(text).dense(n_in, 64)
    variance = float(layer(torch.randn(512, n_in)).detach().var())
    assert 0.5 < variance < 2


@pytest.mark.parametrize(("name", "n_in"), [("unit", 12), ("bounded", 12), ("orthonormal", 64), ("unit", 300)])
def test_exact_weights_begin_with_unit_variance_under_sum(name: str, n_in: int) -> None:
    layer = neuron(f"sum({name})").dense(n_in, 64)
    assert layer.body.scale == 1
    assert 0.5 < float(layer(torch.randn(512, n_in)).detach().var()) < 2
