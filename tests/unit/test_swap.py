"""Swapping neuron functions: recognised by what they compute, nothing left out in silence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn import catalogue, swap
from neurofn._errors import SettingError, SiteError, UnknownNameError

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Own(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return z.clamp(min=0)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(4)
        self.block = nn.Sequential(nn.Linear(4, 4), Own(), nn.LeakyReLU(0.0), nn.LeakyReLU(0.1), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.block(self.norm(self.drop(self.act(self.first(x))))))


def test_modules_are_recognised_by_what_they_compute() -> None:
    model = Net()
    swapped = swap(model, "relu", "snake")
    assert swapped.sites == ("act", "block.1", "block.2", "relu_call")
    assert [type(m).__name__ for m in model.block][1:3] == ["Own", "LeakyReLU"]
    z = torch.linspace(-3, 3, 7)
    assert torch.equal(swapped.model.act(z), catalogue["snake"](z))
    assert swap(model, "identity", "tanh").sites == ("block.4",)


def test_a_module_under_two_paths_is_one_module() -> None:
    model = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Linear(2, 2)})
    model["c"] = model["a"]
    swapped = swap(model, "relu", "prelu")
    assert swapped.sites == ("a", "c")
    assert swapped.model["a"] is swapped.model["c"]
    only = swap(model, "relu", "prelu", at="c")
    assert only.sites == ("c",)
    assert isinstance(only.model["a"], nn.ReLU)


def test_the_result_prints_as_a_table() -> None:
    lines = str(swap(Net(), "relu", "gelu")).splitlines()
    assert lines[:2] == ["relu -> gelu: 4 places changed, 0 left", "  act        module ReLU"]
    assert lines[-1].startswith("  relu_call  call relu at test_swap.py:")
    assert (
        repr(swap(nn.Sequential(nn.LSTM(2, 2), nn.Tanh()), "tanh", "relu"))
        .splitlines()[-1]
        .startswith("  left: 0: gates of")
    )


def test_relu6_is_not_relu() -> None:
    model = nn.Sequential(nn.ReLU6(), nn.ReLU(), nn.Hardtanh(0.0, 6.0))
    assert swap(model, "relu", "gelu").sites == ("1",)
    assert swap(model, "relu6", "gelu").sites == ("0", "2")


def test_at_and_settings_choose_place_and_parameters() -> None:
    swapped = swap(Net(), "relu", "elu", at="block.*", settings={"a": 0.5})
    assert swapped.sites == ("block.1", "block.2")
    assert swapped.left == ()
    assert torch.allclose(swapped.model.block[1](torch.tensor([-50.0])), torch.tensor([-0.5]))


def test_the_mode_and_the_weights_stay() -> None:
    model = Net().eval()
    swapped = swap(model, "relu", "relu").model
    assert not swapped.act.training
    x = torch.ones(2, 3)
    assert torch.equal(model(x), swapped(x))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (("relo", "snake"), {}, UnknownNameError, "did you mean 'relu'"),
        (("relu", "snack"), {}, UnknownNameError, "did you mean 'snake'"),
        (("gelu", "snake"), {}, SiteError, "nothing in this model computes gelu"),
        (("relu", "snake"), {"at": "blok.*"}, SiteError, "no place that computes relu has a path like 'blok.*'"),
        (("relu", "elu"), {"settings": {"a": -1}}, SettingError, "must lie in"),
        (("relu", "elu"), {"settings": {"b": 1}}, SettingError, "known settings: a"),
    ],
)
def test_wrong_wishes_are_refused(arguments: tuple[str, str], options: dict, error: type, words: str) -> None:
    with pytest.raises(error) as caught:
        swap(Net(), *arguments, **options)
    assert words in str(caught.value)


def test_a_model_that_cannot_be_traced_says_so() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.act(x) if x.sum() > 0 else x

    swapped = swap(Branching(), "relu", "gelu")
    assert swapped.sites == ("act",)
    assert "cannot be traced" in swapped.left[0]
    assert swap(Branching(), "relu", "gelu", on=torch.ones(2)).left == ()


def test_where_there_is_nothing_the_message_says_what_there_is() -> None:
    with pytest.raises(SiteError, match=r"nothing in this model computes gelu; it has ReLU\(inplace=True\)"):
        swap(nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True)), "gelu", "relu")
    with pytest.raises(SiteError, match="nothing that can be exchanged computes sigmoid; left are: 0: gates of GRU"):
        swap(nn.Sequential(nn.GRU(2, 2)), "sigmoid", "relu")
    with pytest.raises(SettingError, match=r"takes a torch.nn.Module, got builtin"):
        swap(torch.relu, "relu", "gelu")


def test_the_model_itself_is_not_a_place() -> None:
    with pytest.raises(SiteError, match="the model is itself relu"):
        swap(nn.ReLU(), "relu", "gelu")
