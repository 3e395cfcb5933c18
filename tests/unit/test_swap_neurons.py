"""Swapping whole linear layers by learnable neurons that start as the same function."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurofn import swap
from neurofn._errors import LanguageError, SettingError, SiteError
from neurofn.neurons._swap_neurons import like
from neurofn.neurons.layer import NeuronLayer
from neurofn.neurons.ranges import RangeWarning

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

NEURONS = {  # the text asked for, and the text of what is built
    "sum(silu + bspline)": "sum(linear + silu + bspline)",
    "sum(linear + bspline(grid=8))": "sum(linear + bspline(grid=8))",
    "mean(bspline(order=0))": "mean(linear + bspline(order=0))",
    "sum(rational)": "sum(linear + rational)",
    "sum(linear) * sum(linear)": "sum(linear) * sum(linear)",
    "silu(sum(linear)) * sum(linear)": "silu(sum(linear)) * sum(linear)",
    "sum(linear) * sum(linear) + sum(square)": "sum(linear) * sum(linear) + sum(linear + square)",
    "sum(linear) / sum(linear)": "sum(linear) / sum(linear)",
}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3, bias=False))


@pytest.mark.parametrize("text", NEURONS)
def test_neurons_start_as_the_layer_and_learn_from_there(text: str) -> None:
    model, x = network(), 5 * torch.randn(64, 6)
    swapped = swap(model, "linear", text, on=x)
    assert swapped.sites == ("0", "2")
    assert all(isinstance(swapped.model[i], NeuronLayer) for i in (0, 2))
    assert swapped.difference < 2e-6 * model(x).abs().max() + 1e-6
    before = swapped.model[0](x).detach()
    swapped.model(x).square().sum().backward()
    weights = [part.weight for _, part in swapped.model[0].gathers]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)
    torch.optim.SGD(swapped.model.parameters(), lr=1e-3).step()
    assert not torch.equal(before, swapped.model[0](x))
    if text != "sum(linear) * sum(linear) + sum(square)":
        assert swapped.new == NEURONS[text]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max(linear)", "cannot start as a linear layer"),
        ("relu(sum(linear))", "cannot start as a linear layer"),
        ("sum(linear, bias=False)", "cannot start as a linear layer"),
        ("relu(sum(linear)) + max(linear)", "cannot start as a linear layer"),
    ],
)
def test_what_cannot_start_equal_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        swap(network(), "linear", text)


def test_pairs_of_a_layer_and_a_function() -> None:
    model, x = network(), torch.randn(9, 6)
    swapped = swap(model, "relu(sum(linear))", "relu(sum(silu + bspline))", on=x)
    assert swapped.sites == ("0",)
    assert isinstance(swapped.model[1], nn.Identity)
    assert swapped.how == ("Linear and relu 6 -> 8",)
    assert swapped.left == ("2: no module of a Sequential that computes relu is behind it",)
    assert swapped.difference < 1e-6
    with pytest.raises(SettingError, match=r"are relu\(...\) too"):
        swap(model, "relu(sum(linear))", "gelu(sum(linear))")
    with pytest.raises(SettingError, match="names no layers to replace"):
        swap(model, "max(linear)", "sum(bspline)")


def test_at_and_what_does_not_match() -> None:
    assert swap(network(), "linear", "sum(bspline)", at="2").sites == ("2",)
    with pytest.raises(SiteError, match="has a path like 'head'"):
        swap(network(), "linear", "sum(bspline)", at="head")
    with pytest.raises(SiteError, match="no layer linear that can be replaced"):
        swap(nn.Sequential(nn.ReLU()), "linear", "sum(bspline)")
    with pytest.raises(SiteError, match="the model is itself a linear layer"):
        swap(nn.Linear(2, 2), "linear", "sum(bspline)")
    with pytest.raises(LanguageError):
        swap(network(), "linear", "sum(bsplin)")
    with pytest.raises(SettingError, match="written in its text"):
        swap(network(), "linear", "sum(bspline)", settings={"grid": 8})


def test_layers_that_are_more_than_a_product_are_left() -> None:
    model = nn.ModuleDict({"lazy": nn.LazyLinear(3), "plain": nn.Linear(4, 4), "words": nn.Embedding(5, 4)})
    model["tied"] = nn.Linear(4, 5, bias=False)
    model["tied"].weight = model["words"].weight
    model["normed"] = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    swapped = swap(model, "linear", "sum(bspline)")
    assert swapped.sites == ("plain",)
    reasons = [line.split(":")[0] for line in swapped.left]
    assert reasons == ["lazy", "tied", "normed"]
    assert "shared with another layer (Embedding)" in swapped.left[1]


def test_a_shared_layer_stays_shared() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    model.append(model[0])
    swapped = swap(model, "linear", "sum(bspline)", on=torch.randn(4, 3))
    assert swapped.sites == ("0", "2")
    assert swapped.model[0] is swapped.model[2]
    assert swapped.difference < 1e-6


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes(dtype: torch.dtype) -> None:
    layer = like(nn.Linear(5, 4).to(dtype), "sum(silu + bspline)")
    assert all(weight.dtype is dtype for weight in layer.parameters())
    assert layer(torch.randn(3, 5, dtype=dtype)).dtype is dtype


def test_meta_layers_and_the_random_state() -> None:
    with torch.device("meta"):
        model = network()
    assert all(weight.is_meta for weight in swap(model, "linear", "sum(bspline)").model.parameters())
    model, before = network(), torch.get_rng_state()
    swap(model, "linear", "sum(bspline)", on=torch.zeros(2, 6))
    assert torch.equal(before, torch.get_rng_state())


def test_edges_live_in_the_range_of_the_batch() -> None:
    model, x = network(), 3 * torch.randn(200, 6) + torch.tensor([0.0, 10.0, -50.0, 0.0, 0.0, 0.0])
    x[:, 3] = 7.0  # a constant column has no width
    swapped = swap(model, "linear", "sum(bspline(low=-1, high=1))", at="0", on=x)
    low, high = swapped.model[0].range
    assert torch.equal(low, x.amin(0))
    assert torch.equal(high, x.amax(0))
    assert swapped.difference < 1e-5
    with pytest.warns(RangeWarning):
        torch.testing.assert_close(swapped.model(10 * x), model(10 * x), rtol=1e-4, atol=1e-4)
    assert swap(model, "linear", "sum(bspline(low=-1, high=1))", at="0").model[0].range is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(4, 6, 3, padding=1),
        lambda: nn.Conv2d(4, 8, (3, 2), stride=2, padding=(1, 0), groups=4, bias=False),
        lambda: nn.Conv2d(4, 4, 4, dilation=2, padding="same"),
        lambda: nn.Conv1d(4, 6, 5, padding=2),
        lambda: nn.Conv3d(4, 2, 2, groups=2),
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_convolutions(make: object) -> None:
    layer = make()
    x = torch.randn(2, 4, *[9, 10, 8][: len(layer.kernel_size)])
    swapped = swap(nn.Sequential(layer, nn.ReLU()), "conv", "sum(silu + bspline)", on=x)
    assert swapped.sites == ("0",)
    assert swapped.difference < 2e-6
    swapped.model(x).square().sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in swapped.model.parameters())


def test_convolutions_that_are_more_are_left() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Conv2d(2, 2, 1), nn.Linear(3, 3))
    swapped = swap(model, "conv", "sum(bspline)")
    assert swapped.sites == ("1",)
    assert swapped.left == ("0: there are no neurons with padding_mode='circular'",)
