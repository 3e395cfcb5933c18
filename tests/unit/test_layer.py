"""Layers of neurons: sizes, state, known values, and the relation of mean and sum."""

from __future__ import annotations

import copy
import io
import warnings

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from torch import nn

from neurofn._errors import SettingError, ShapeError
from neurofn.edges import find_edge
from neurofn.neurons import neuron

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

X = torch.linspace(-2, 2, 35, dtype=torch.float64).reshape(7, 5)
TEXTS = ["relu(sum(linear))", "sum(silu + bspline)", "prelu(max(linear))", "silu(sum(linear)) * sum(rational)"]


def built(text: str, init: str = "fan_in", size: tuple[int, int] = (5, 3)) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return neuron(text).dense(*size, init=init).double()


def test_the_perceptron_is_torch_linear_and_relu() -> None:
    layer, linear = built("relu(sum(linear))"), nn.Linear(5, 3).double()
    with torch.no_grad():
        linear.weight.copy_(layer.body.inside.weight[:, 0].T)
        linear.bias.copy_(layer.body.inside.bias)
    torch.testing.assert_close(layer(X), torch.relu(linear(X)))


@pytest.mark.parametrize("grid", [1, 5, 64])
@pytest.mark.parametrize("order", range(6))
def test_bsplines_equal_those_of_scipy(grid: int, order: int) -> None:
    low, high = -1.5, 2.5
    step = (high - low) / grid
    knots = low + step * np.arange(-order, grid + order + 1)
    inside = np.random.default_rng(0).uniform(low, high, 400)
    expected = BSpline.design_matrix(inside, knots, order).toarray()
    basis = find_edge("bspline").basis({"grid": grid, "order": order, "low": low, "high": high})
    for terms in (basis.terms, basis.reference):
        np.testing.assert_allclose(terms(torch.from_numpy(inside)).numpy(), expected, atol=1e-12)
    narrow = basis.terms(torch.from_numpy(inside).float()).double().numpy()
    if order:  # a step function is not continuous: rounding may move an input across a knot
        np.testing.assert_allclose(narrow, expected, atol=2e-6 * grid**0.5)
    np.testing.assert_allclose(narrow.sum(-1), 1, atol=2e-6)


@pytest.mark.parametrize("text", TEXTS)
def test_a_layer_can_be_copied_saved_and_loaded(text: str) -> None:
    layer = built(text)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    twins = [copy.deepcopy(layer), torch.load(file, weights_only=False), built(text).float().double()]
    twins[2].load_state_dict(layer.state_dict())
    for twin in twins:
        assert torch.equal(twin(X), layer(X))


def test_matched_mean_is_sum() -> None:
    """With one scale of weights and a fixed factor, mean and sum are the same layer, as arXiv:2407.20667 does not say."""
    torch.testing.assert_close(built("mean(bspline)", "matched")(X), built("sum(bspline)", "matched")(X))


def test_matched_functions_have_unit_mean_square() -> None:
    inputs = torch.randn(2000, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for text in ("relu(sum(linear))", "tanh(sum(linear))", "gelu(mean(linear))"):
        outputs = built(text, "matched", (5, 400))(inputs)
        assert 0.8 < float(outputs.detach().square().mean()) < 1.25


@pytest.mark.parametrize(("n_in", "n_out"), [(0, 3), (3, 0), (-1, 2), (2.0, 3), (True, 3)])
def test_wrong_sizes_are_refused(n_in: int, n_out: int) -> None:
    with pytest.raises(SettingError, match="whole number of at least 1"):
        neuron("sum(linear)").dense(n_in, n_out)


def test_wrong_inputs_and_schemes_are_refused() -> None:
    with pytest.raises(SettingError, match="did you mean 'matched'"):
        neuron("sum(linear)").dense(5, 3, init="match")
    for shape in [(), (4,), (2, 4), (5, 1)]:
        with pytest.raises(ShapeError, match=r"expected \(..., 5\)"):
            built("sum(linear)")(torch.zeros(shape, dtype=torch.float64))


def test_one_input_and_one_neuron() -> None:
    for aggregate in ("sum", "mean", "max", "min", "median", "product", "norm", "var", "std"):
        layer = built(f"{aggregate}(linear)", size=(1, 1))
        outputs = layer(X[:, :1])
        (slope,) = torch.autograd.grad(outputs.sum(), layer.body.weight)
        assert outputs.isfinite().all()
        assert slope.isfinite().all()


def test_building_leaves_the_shared_sample_alone() -> None:
    """The moments of a maximum are measured on a sample of its own; what a user's seed gives does not depend on it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        first = neuron("max(linear)").dense(9, 2)
        torch.manual_seed(5)
        second = neuron("max(linear)").dense(9, 2)
    assert torch.equal(first.body.weight, second.body.weight)


def test_the_quotient_is_safe_for_any_sign_of_the_denominator() -> None:
    layer = neuron("sum(linear, bias=False) / sum(linear, bias=False)").dense(1, 1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0)
    x = torch.tensor([[-3.0], [-1.0], [0.0], [1.0]])
    expected = torch.tensor([[-0.75], [-0.5], [0.0], [0.5]])  # x / (1 + |x|)
    assert torch.equal(layer(x), expected)
    assert torch.equal(layer.definition(x), expected)


@pytest.mark.parametrize("aggregate", ["max", "min", "norm", "std", "var"])
def test_outputs_start_around_zero(aggregate: str) -> None:
    with torch.no_grad():
        outputs = neuron(f"{aggregate}(linear)").dense(64, 64)(torch.randn(512, 64))
    assert abs(float(outputs.mean())) < 0.2 * float(outputs.std())


def test_a_layer_is_one_graph_to_the_compiler() -> None:
    layer = neuron("silu(sum(linear)) * median(rational)").dense(5, 3)
    x = torch.randn(4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own
        compiled = torch.compile(layer, fullgraph=True, backend="eager")
        assert torch.equal(compiled(x), layer(x))
