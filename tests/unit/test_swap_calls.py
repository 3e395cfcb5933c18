"""Swapping calls in the code of a forward: found as they are written, exchanged where they stand."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn import swap
from neurofn._errors import SettingError

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Block(nn.Module):
    """A block of a residual network, with a change in place and a flag that is read at every call."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.rate = 0.0

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        out = functional.dropout(out, self.rate, self.training)
        out = self.bn2(self.conv2(out))
        out += x
        return out.relu_()


class Residual(nn.Module):
    """Shaped like a ResNet: a stem, two layers, a head; the features have a method of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.layer1 = nn.Sequential(Block(8), Block(8))
        self.layer2 = nn.Sequential(Block(8))
        self.head = nn.Linear(8, 5)

    def features(self, x: Tensor) -> Tensor:
        return self.layer2(self.layer1(torch.relu(self.stem(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


SITES = (
    "relu_call", "layer1.0.relu_call", "layer1.0.relu_call_2", "layer1.1.relu_call", "layer1.1.relu_call_2",
    "layer2.0.relu_call", "layer2.0.relu_call_2",
)  # fmt: skip


def pictures() -> Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("on", [None, pictures()], ids=["traced", "run"])
def test_a_residual_network(on: Tensor | None) -> None:
    model, x = Residual(), pictures()
    same = swap(model, "relu", "relu", on=on)
    assert same.sites == SITES
    assert same.left == ()
    assert same.model.state_dict().keys() == model.state_dict().keys()
    assert same.difference == (None if on is None else 0.0)
    before, after = copy.deepcopy(model), same.model  # in training: batch norms move
    assert torch.equal(before(x), after(x))
    assert torch.equal(before.layer1[0].bn1.running_mean, after.layer1[0].bn1.running_mean)
    other = swap(model, "relu", "tanh", on=on)
    assert other.model(x).sub(model(x)).abs().max() > 1e-3
    assert on is None or other.difference > 1e-3


def test_neither_the_model_nor_its_buffers_are_touched() -> None:
    model = Residual()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    swap(model, "relu", "gelu", on=pictures())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert type(model.layer1[0]) is Block
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_every_call_has_parameters_of_its_own_that_learn() -> None:
    model = swap(Residual(), "relu", "snake", at="layer1.*").model
    new = [name for name in model.state_dict() if "_call" in name]
    assert new == [f"{site}.a" for site in SITES[1:5]]
    model(pictures()).square().sum().backward()
    assert all(model.get_parameter(name).grad.abs() > 0 for name in new)
    again = swap(Residual(), "relu", "snake", at="layer1.*").model
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(pictures()), model.eval()(pictures()))


def test_at_names_a_block_or_one_of_its_calls() -> None:
    assert swap(Residual(), "relu", "gelu", at="layer1.0").sites == SITES[1:3]
    assert swap(Residual(), "relu", "gelu", at="*.relu_call_2").sites == SITES[2::2]
    first, x = swap(Residual(), "relu", "tanh", at="layer1.0.relu_call").model.eval(), pictures()
    out = torch.zeros(1, 8, 4, 4)
    assert torch.equal(first.layer1[0](out - 1), first.layer1[0](out - 1).relu())  # the second call is still there
    assert first(x).isfinite().all()


def test_flags_and_attributes_mean_what_they_did() -> None:
    model, x = swap(Residual(), "relu", "relu").model, pictures()
    assert torch.equal(model(x), model(x))
    model.layer1[0].rate = 0.5
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_other_methods_are_exchanged_too() -> None:
    model = Residual().eval()
    swapped = swap(model, "relu", "tanh").model
    assert swapped.features(pictures()).sub(model.features(pictures())).abs().max() > 1e-2


def test_a_swapped_model_is_copied_saved_and_swapped_again() -> None:
    model, x = Residual().eval(), pictures()
    swapped = swap(model, "relu", "snake").model
    twin = copy.deepcopy(swapped)
    with torch.no_grad():
        twin.layer1[0].relu_call.a.fill_(3.0)
    assert isinstance(twin.layer1[0], Block)
    assert not torch.equal(twin(x), swapped(x))
    file = io.BytesIO()
    torch.save(twin, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), twin(x))
    back = swap(swapped, "snake", "relu")
    assert set(back.sites) == set(SITES)
    assert back.left == ()
    assert torch.equal(back.model(x), model(x))


def test_two_swaps_in_one_forward() -> None:
    class Both(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return functional.relu(x) + torch.tanh(x)

    x = torch.linspace(-2, 2, 9)
    once = swap(Both(), "relu", "sine").model
    twice = swap(once, "tanh", "gelu")
    assert twice.sites == ("tanh_call",)
    torch.testing.assert_close(twice.model(x), x.sin() + functional.gelu(x))


def test_gradients_pass_the_exchange() -> None:
    x = torch.randn(5, 8, 6, 6, requires_grad=True)
    block = Block(8)
    wanted = torch.autograd.grad(block(x).square().sum(), x)
    given = torch.autograd.grad(swap(block, "relu", "relu").model(x).square().sum(), x)
    torch.testing.assert_close(given, wanted)


class Steered(nn.Module):
    """Goes one way or another by its data."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(x.sum())):
            x = functional.relu(x) - 1
        return x.tanh() if x.mean() > 0 else x.relu()


def test_control_flow_by_data_needs_a_batch_to_be_seen() -> None:
    model = nn.Sequential(nn.ReLU(), Steered())
    blind = swap(model, "relu", "sine")
    assert blind.sites == ("0",)
    assert blind.left[0].startswith("1: cannot be traced")
    assert "on=" in blind.left[0]
    seen = swap(nn.Sequential(model[1]), "relu", "sine", on=torch.tensor([1.0, 2.0]))
    assert seen.sites == ("0.relu_call", "0.relu_call_2")
    x = torch.tensor([0.5, 1.5])
    torch.testing.assert_close(seen.model(x), (((x.sin() - 1).sin()) - 1).sin())


def test_what_a_batch_does_not_reach_is_listed() -> None:
    class Sometimes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = Steered(), Steered()

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.one(x)) if x.sum() > 0 else self.other(x)

    swapped = swap(Sometimes(), "relu", "gelu", on=torch.ones(2))
    assert swapped.left == ("other: was not reached by the batch on=, calls in it were not looked for",)


def test_a_batch_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingError, match="does not run on the batch on="):
        swap(Residual(), "relu", "gelu", on=torch.ones(2, 2))
    assert swap(Residual(), "relu", "gelu", on=(pictures(),)).sites == SITES
    assert swap(Residual(), "relu", "gelu", on={"x": pictures()}).sites == SITES


def test_helpers_belong_to_the_module_that_calls_them() -> None:
    def helper(z: Tensor) -> Tensor:
        return functional.relu(z)

    class Calls(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return helper(x) - 1

    model = nn.Sequential(Calls(), Calls())
    swapped = swap(model, "relu", "sine", at="1*")
    assert swapped.sites == ("1.relu_call",)
    x = torch.linspace(-1, 1, 5)
    torch.testing.assert_close(swapped.model(x), (x.relu() - 1).sin() - 1)


def test_exchanged_calls_in_compiled_and_exported_models() -> None:
    model, x = Residual().eval(), pictures()
    swapped = swap(model, "relu", "tanh").model
    with torch.no_grad():
        wanted = swapped(x)
        torch.testing.assert_close(torch.compile(swapped, backend="eager")(x), wanted)
        torch.testing.assert_close(torch.export.export(swapped, (x,)).module()(x), wanted)
