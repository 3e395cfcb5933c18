"""Signals keep their size through fifty layers, whatever the edge, the aggregate and the activation."""

from __future__ import annotations

import itertools

import pytest
import torch

from neurofn.aggregates import catalogue as aggregates
from neurofn.neurons import neuron
from neurofn.neurons.init import steady

pytestmark = pytest.mark.filterwarnings("ignore:.*lie outside")

WIDTH, DEPTH, FACTOR = 48, 50, 16.0
EDGES = (
    "linear",
    "bspline",
    "silu + bspline",
    "chebyshev",
    "wavelet_sum",
    "rational",
    "fourier_series",
    "linear_spline",
)
ACTIVATIONS = ("", "relu", "gelu", "tanh", "silu", "snake")
EVERY = [
    f"{activation}({aggregate}({edge}))" if activation else f"{aggregate}({edge})"
    for edge, activation, aggregate in itertools.product(EDGES, ACTIVATIONS, sorted(aggregates))
]
FAST = {*EVERY[::190], "max(linear)", "norm(linear)", "gelu(sum(silu + bspline))", "relu(sum(linear))"}
LOST = {
    "relu(product(wavelet_sum))",
    "snake(product(rational))",
}  # a product of 48 edges without bound has no steady size
SLOW = {*EVERY[::5]} - FAST - LOST


def sizes(text: str, init: str) -> list[float]:
    """The mean square after each layer, for standard normal inputs."""
    x = torch.randn(128, WIDTH, generator=torch.Generator().manual_seed(1))
    found = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        for _ in range(DEPTH):
            x = neuron(text).dense(WIDTH, WIDTH, init=init)(x)
            found.append(float(x.square().mean()))
    return found


@pytest.mark.parametrize(
    "text", [*sorted(FAST), *(pytest.param(text, marks=pytest.mark.slow) for text in sorted(SLOW))]
)
def test_fifty_layers_keep_the_mean_square(text: str) -> None:
    found = sizes(text, "stable")
    assert min(found) > 1 / FACTOR, f"{text}: {min(found):.2g} at layer {found.index(min(found)) + 1}"
    assert max(found) < FACTOR, f"{text}: {max(found):.2g} at layer {found.index(max(found)) + 1}"


@pytest.mark.slow
@pytest.mark.parametrize("text", sorted(LOST))
def test_what_is_known_not_to_hold(text: str) -> None:
    assert not max(sizes(text, "stable")) < FACTOR


@pytest.mark.parametrize("text", ["max(linear)", "norm(linear)"])
def test_one_exact_layer_is_not_enough(text: str) -> None:
    """The control: with unit variance after one layer, and no more than that, fifty layers explode."""
    assert not max(sizes(text, "matched")) < 1e6


def test_what_is_steady_already_is_left_alone() -> None:
    assert steady(neuron("tanh(sum(linear))"), 64) == 1.0
    layers = []
    for init in ("matched", "stable"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers.append(neuron("tanh(sum(linear))").dense(5, 3, init=init))
    assert torch.equal(layers[0].gathers[0][1].weight, layers[1].gathers[0][1].weight)
