"""Paths, patterns, neuron axes and rows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurofn._errors import ShapeError, SiteError
from neurofn.sites import Site, find_module, find_sites, first_tensor, to_rows

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Block(nn.Module):
    """A block of its own kind: attention and a feed-forward part."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.feed(self.attention(x, x, x)[0])


class Convolutional(nn.Module):
    """Its activation is the first module in it, and its channels come before the places."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.conv = nn.Conv1d(2, 3, 1)
        self.norm = nn.BatchNorm1d(3)


class Own(nn.Module):
    neuron_axis = 2

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)


def vision() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 5),
        nn.GELU(),
    )


def axes(model: nn.Module, at: object = "*") -> dict[str, int]:
    return {site.path: site.axis for site in find_sites(model, at)}  # type: ignore[arg-type]


def test_axis_is_that_of_the_layer_in_front() -> None:
    assert axes(vision()) == {"0": 1, "1": 1, "2": 1, "3": 1, "4": 1, "5": -1, "6": -1}


def test_axis_of_a_block_is_that_of_its_last_layer() -> None:
    assert axes(nn.Sequential(vision(), Block()), ["0", "1"]) == {"0": -1, "1": -1}
    assert axes(nn.Sequential(nn.Linear(2, 2), Convolutional(), nn.Tanh())) == {
        "0": -1, "1": 1, "1.act": -1, "1.conv": 1, "1.norm": 1, "2": 1,
    }  # fmt: skip


def test_a_module_can_say_its_axis_and_is_one_layer() -> None:
    assert axes(nn.Sequential(Own(), nn.Tanh())) == {"0": 2, "1": 2}
    assert axes(Own()) == {"": 2}
    assert axes(Own(), "inner") == {"inner": -1}


def test_patterns_leave_out_boxes_and_the_inside_of_layers() -> None:
    paths = list(axes(nn.ModuleDict({"a": nn.Sequential(Block()), "b": nn.Linear(1, 1)})))
    assert paths == ["a.0", "a.0.attention", "a.0.feed.0", "a.0.feed.1", "a.0.feed.2", "b"]


def test_exact_paths_find_anything() -> None:
    model = nn.Sequential(Block())
    assert list(axes(model, ["0.attention.out_proj", "0.feed", ""])) == ["", "0.attention.out_proj", "0.feed"]


@pytest.mark.parametrize(
    ("at", "paths"), [("?", ["0", "1"]), ("[1-9]", ["1"]), (["1", "*"], ["0", "1"]), (("1", "1"), ["1"])]
)
def test_patterns(at: object, paths: list[str]) -> None:
    assert list(axes(nn.Sequential(nn.Linear(1, 1), nn.Tanh()), at)) == paths


def test_a_lone_layer_is_its_own_site() -> None:
    assert find_sites(nn.Linear(1, 1)) == [Site("", "Linear", -1)]


def test_a_site_overrides_the_axis() -> None:
    assert axes(vision(), ["*", Site("2", "ReLU", -2)])["2"] == -2
    assert axes(vision(), [Site("2", "ReLU", -2), "*"])["2"] == -2


def test_compiled_models_keep_their_paths() -> None:
    inner = torch.compile(nn.Sequential(nn.Linear(1, 1)), backend="eager")
    assert list(axes(torch.compile(nn.Sequential(inner, nn.Tanh()), backend="eager"))) == ["0.0", "1"]


@pytest.mark.parametrize(
    ("at", "hint"),
    [
        ("hiden", "did you mean 'hidden'"),
        ("*.act", "known paths: hidden, hidden.0"),
        ([], "at='*'"),
        (Site("x", "", 1), "'x'"),
    ],
)
def test_unknown_paths_say_what_is_near(at: object, hint: str) -> None:
    model = nn.Sequential()
    model.add_module("hidden", nn.Sequential(nn.Linear(1, 1)))
    with pytest.raises(SiteError, match=hint.replace("*", r"\*")):
        find_sites(model, at)  # type: ignore[arg-type]


def test_find_module() -> None:
    model = vision()
    assert find_module(model, Site("5", "Linear", -1)) is model[5]
    assert find_module(model, Site("", "Sequential", -1)) is model
    with pytest.raises(SiteError, match="'55'"):
        find_module(model, Site("55", "Linear", -1))


def test_rows_keep_samples_in_order() -> None:
    images = torch.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    rows = to_rows(images, Site("c", "Conv2d", 1))
    assert rows.shape == (8, 3)
    assert torch.equal(rows[5], images[1, :, 0, 1])
    assert to_rows(torch.zeros(4, 5, 6), Site("l", "Linear", -1)).shape == (20, 6)
    assert to_rows(torch.zeros(6), Site("l", "Linear", -1)).shape == (1, 6)
    assert to_rows(torch.zeros(0, 6), Site("l", "Linear", -1)).shape == (0, 6)
    assert to_rows(torch.zeros(3, 6), Site("f", "Flatten", 1)).shape == (3, 6)


def test_first_tensor_of_what_modules_give() -> None:
    inside = torch.ones(1)
    assert first_tensor({"logits": (None, inside), "b": torch.zeros(1)}) is inside
    assert first_tensor([]) is None
    output = nn.LSTM(2, 3)(torch.zeros(4, 1, 2))
    assert to_rows(output, Site("rnn", "LSTM", -1)).shape == (4, 3)


@pytest.mark.parametrize(
    ("output", "axis", "error", "hint"),
    [
        (None, -1, SiteError, "NoneType, no tensor"),
        (torch.zeros(2, dtype=torch.complex64), -1, SiteError, "complex"),
        (torch.tensor(1.0), -1, ShapeError, "no axis -1"),
        (torch.zeros(3), 1, ShapeError, r"at=Site\('a', 'A', AXIS\)"),
    ],
)
def test_outputs_without_neurons(output: object, axis: int, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        to_rows(output, Site("a", "A", axis))
