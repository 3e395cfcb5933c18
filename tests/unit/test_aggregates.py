"""Aggregates whose edges are selected or laid out in blocks: the median against sorting, blocks against the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from neurofn.aggregates import catalogue
from neurofn.neurons import _gather as gathers
from neurofn.neurons import neuron

UNFUSED = [name for name, aggregate in catalogue.items() if aggregate.share is None]
MEDIAN = catalogue["median"].reduce

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("levels", [2, 3, 1000])
def test_the_median_is_the_middle_of_the_sorted_edges(n: int, levels: int) -> None:
    edges = torch.randint(levels, (60, n, 4)).double()
    np.testing.assert_array_equal(MEDIAN(edges), np.median(edges.numpy(), axis=-2))


@pytest.mark.parametrize(
    ("edges", "middle"),
    [
        ([1.0, math.inf], math.inf),
        ([-math.inf, 1.0, math.inf], 1.0),
        ([math.inf, math.inf, 0.0], math.inf),
        ([1.0, 2.0, math.nan], math.nan),
        ([math.nan, math.inf, math.inf, math.inf], math.nan),
    ],
)
def test_the_median_of_numbers_that_are_not_finite(edges: list[float], middle: float) -> None:
    np.testing.assert_equal(float(MEDIAN(torch.tensor(edges)[:, None])), middle)


def test_equal_edges_in_the_middle_share_the_slope() -> None:
    """The median of two edges is their mean, also where they are equal; of four edges, the mean of the middle two."""
    for edges, slopes in [([3.0, 3.0], [0.5, 0.5]), ([2.0, 9.0, 2.0, 1.0], [0.5, 0.0, 0.5, 0.0]), ([4.0], [1.0])]:
        x = torch.tensor(edges)[:, None].requires_grad_()
        assert torch.autograd.grad(MEDIAN(x).sum(), x)[0].flatten().tolist() == slopes


@pytest.mark.parametrize("at_once", [1, 100, 211, 2**23])
@pytest.mark.parametrize("aggregate", UNFUSED)
def test_blocks_of_neurons_are_the_layer(aggregate: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 samples of 7 inputs: blocks of 1, of 2 (13 neurons do not divide by it), of 6, and all at once."""
    monkeypatch.setattr(gathers, "EDGES_AT_ONCE", at_once)
    layer, x = neuron(f"{aggregate}(silu + bspline)").dense(7, 13).double(), torch.randn(5, 7, dtype=torch.float64)
    sizes: list[int] = []
    layer.body._edges = _spied(layer.body._edges, sizes)
    targets = [x.requires_grad_(), *layer.parameters()]
    fast, slow = layer(x), layer.definition(x)
    torch.testing.assert_close(fast, slow)
    assert sizes == {1: [1] * 13, 100: [2] * 6 + [1], 211: [6, 6, 1], 2**23: [13]}[at_once]
    upstream = torch.randn(5, 13, dtype=torch.float64)
    gradients = (torch.autograd.grad((path * upstream).sum(), targets) for path in (fast, slow))
    for got, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected)


def _spied(edges: object, sizes: list[int]) -> object:
    def spy(seen: object, weights: list[torch.Tensor], mask: None) -> object:
        sizes.append(weights[0].shape[-1])
        return edges(seen, weights, mask)  # type: ignore[operator]

    return spy


def test_no_rows_have_no_edges() -> None:
    for aggregate in UNFUSED:
        assert neuron(f"{aggregate}(linear)").dense(3, 4)(torch.zeros(0, 3)).shape == (0, 4)
