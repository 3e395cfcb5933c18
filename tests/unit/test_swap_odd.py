"""Swapping in models that are odd: shared, lazy, compiled, scripted, without values, of torch's own blocks."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn import catalogue, neuron, swap
from neurofn._errors import SettingError, SiteError

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Attributes(nn.Module):
    """Functions in attributes, a shared module that overwrites its input, and boxes in boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.partial = functional.relu, functools.partial(functional.leaky_relu, negative_slope=0.0)
        self.overwrites = functools.partial(functional.relu, inplace=True)
        self.kind, self.linear, self.act = nn.ReLU, nn.Linear(4, 4), nn.ReLU(inplace=True)
        self.boxes = nn.ModuleDict({"a": nn.Sequential(nn.Linear(4, 4), nn.ReLU())})

    def forward(self, x: Tensor) -> Tensor:
        h = self.linear(x)
        y = self.act(h)
        z = self.act(h - 1) + y + h  # h was overwritten
        self.overwrites(z)
        return self.plain(self.partial(self.boxes["a"](z) - 0.1) - 0.1)


def test_attributes_that_hold_functions_become_modules() -> None:
    model, x = Attributes(), torch.randn(5, 4)
    swapped = swap(model, "relu", "relu")
    assert swapped.sites == ("plain", "partial", "overwrites", "act", "boxes.a.1")
    assert swapped.how[:3] == ("attribute relu", "attribute leaky_relu", "attribute relu")
    assert torch.equal(swapped.model(x), model(x))
    assert torch.equal(swap(model, "relu", "relu", on=x).model(x), model(x))
    assert set(swap(model, "relu", "prelu").model.state_dict()) > {"plain.a", "partial.a", "boxes.a.1.a"}
    assert swapped.model.kind is nn.ReLU


def test_what_overwrites_its_input_goes_on_where_that_is_seen() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.act = nn.Linear(3, 3), nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            h = self.linear(x)
            return self.linear(self.act(h)) + h

    model, x = Residual(), torch.randn(4, 3)
    swapped = swap(model, "relu", "softplus").model
    h = functional.softplus(model.linear(x))
    torch.testing.assert_close(swapped(x), model.linear(h) + h)
    swapped(x).sum().backward()
    assert swapped.linear.weight.grad.isfinite().all()
    plain = swap(nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True)), "relu", "softplus").model
    z = torch.tensor([1.0, -1.0])
    plain[1](z)
    assert z.tolist() == [1.0, -1.0]


@pytest.mark.parametrize("activation", ["relu", "gelu", functional.gelu, nn.ReLU()], ids=str)
@pytest.mark.parametrize("norm_first", [True, False])
def test_transformer_layers_of_torch(activation: Any, norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first)
    name = "relu" if activation == "relu" or isinstance(activation, nn.ReLU) else "gelu"
    same, other = swap(model, name, name), swap(model, name, "sine")
    assert same.sites == other.sites == ("layers.0.activation", "layers.1.activation")
    x, mask = torch.randn(3, 5, 8), torch.arange(5) > torch.tensor([[4], [3], [2]])
    for mode in (True, False):  # in evaluation without gradients there is a fast path in one kernel
        for each in (model, same.model, other.model):
            each.train(mode)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nested tensors are a prototype
            wanted, given, far = (m(x, src_key_padding_mask=mask) for m in (model, same.model, other.model))
        kept = ~mask if wanted.shape == given.shape else ...
        torch.testing.assert_close(given[kept], wanted[kept], rtol=1e-4, atol=1e-5)
        assert far[kept].sub(given[kept]).abs().max() > 1e-2


def test_linear_layers_of_transformer_layers() -> None:
    model = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
    swapped = swap(model, "linear", "sum(silu + bspline)", on=torch.randn(2, 5, 8))
    assert swapped.sites == ("linear1", "linear2")
    assert swapped.left[0].startswith("self_attn.out_proj: NonDynamicallyQuantizableLinear")
    assert swapped.difference < 1e-5


def test_gates_of_linear_units() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.glu = nn.GLU(dim=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.glu(x) + functional.glu(x, dim=1)

    x = torch.randn(3, 8, 2)
    swapped = swap(Gated(), "sigmoid", "silu")
    assert swapped.sites == ("glu", "sigmoid_call")
    a, b = x.chunk(2, 1)
    torch.testing.assert_close(swapped.model(x), 2 * a * functional.silu(b))
    torch.testing.assert_close(swap(Gated(), "sigmoid", "sigmoid").model(x), Gated()(x))


def test_gated_mlp_as_language_models_have_it() -> None:
    class GatedMLP(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate_proj, self.up_proj, self.down_proj = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)
            self.act_fn = nn.SiLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))

    model, x = nn.Sequential(GatedMLP(), GatedMLP()), torch.randn(2, 3, 4)
    swapped = swap(model, "silu", "gelu", on=x)
    assert swapped.sites == ("0.act_fn", "1.act_fn")
    assert swapped.difference > 1e-4
    assert swap(model, "linear", "sum(bspline)", at="*.gate_proj", on=x).difference < 1e-5


def test_recurrent_networks_are_left_with_the_reason() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.rnn = nn.LSTM(4, 6, batch_first=True), nn.RNN(6, 6, nonlinearity="relu", batch_first=True)
            self.head = nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.tanh(self.rnn(self.lstm(x)[0])[0]))

    x = torch.randn(2, 5, 4)
    swapped = swap(Tagger(), "tanh", "softsign", on=x)
    assert swapped.sites == ("tanh_call",)
    assert swapped.left == ("lstm: gates of LSTM are inside one kernel; write the cell as a module to swap them",)
    with pytest.raises(SiteError, match="relu of RNN is inside one kernel"):
        swap(Tagger(), "relu", "gelu")


def test_compiled_and_scripted_parts() -> None:
    inner = torch.compile(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), backend="eager")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated
        scripted = torch.jit.script(nn.Sequential(nn.ReLU()))
    swapped = swap(nn.Sequential(inner, scripted, nn.ReLU()), "relu", "gelu", at="[02]*")
    assert swapped.sites == ("0._orig_mod.1", "2")
    assert [line.split(":")[0] for line in swapped.left] == ["0", "1"]
    assert swap(nn.Sequential(inner, nn.ReLU()), "relu", "gelu", at="0.1").sites == ("0._orig_mod.1",)


def test_models_without_values() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.PReLU(), nn.Linear(2, 1))
    swapped = swap(model, "relu", "prelu")
    assert swapped.model[1].a.is_meta
    assert swapped.left == ("2: PReLU has weights without values, nobody can say what it computes",)
    lazy = nn.Sequential(nn.LazyLinear(3), nn.ReLU())
    assert swap(lazy, "relu", "prelu").model(torch.ones(1, 2)).shape == (1, 3)


def test_dtype_mode_and_hooks_stay() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).half().eval()
    seen: list[int] = []
    model[1].register_forward_hook(lambda *_: seen.append(1))
    swapped = swap(model, "relu", "prelu").model
    assert swapped[1].a.dtype is torch.float16
    assert not swapped[1].training
    assert swapped(torch.ones(1, 2, dtype=torch.float16)).dtype is torch.float16
    assert seen == [1]


def test_shared_weights_stay_shared() -> None:
    model = nn.ModuleDict({"words": nn.Embedding(5, 4), "act": nn.ReLU(), "head": nn.Linear(4, 5, bias=False)})
    model["head"].weight = model["words"].weight
    swapped = swap(model, "relu", "gelu").model
    assert swapped["head"].weight is swapped["words"].weight


def test_a_model_that_cannot_be_copied() -> None:
    class Stubborn(nn.Module):
        def __deepcopy__(self, memo: object) -> Any:
            raise RuntimeError("never")

    with pytest.raises(SettingError, match=r"cannot be copied \(RuntimeError: never\); swap the part of it"):
        swap(nn.Sequential(Stubborn(), nn.ReLU()), "relu", "gelu")


def test_neurons_keep_their_text() -> None:
    model = nn.Sequential(neuron("relu(sum(linear))").dense(3, 3), nn.ReLU())
    swapped = swap(model, "relu", "gelu")
    assert swapped.sites == ("1",)
    assert swapped.left == ("0: the function is part of the neurons relu(sum(linear)); build them from another text",)


def test_a_forward_of_the_instance_is_listed() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model[0].forward = lambda x: functional.relu(x)
    assert swap(model, "relu", "gelu").left[0].startswith("0: its forward was replaced on the instance")


def test_weights_around_the_places_are_drawn_anew_on_request() -> None:
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 64), nn.Tanh(), nn.Linear(64, 2))
    swapped = swap(model, "relu", "gelu")
    assert torch.equal(swapped.model[2].weight, model[2].weight)
    drawn = swapped.init_for(mode="forward", generator=torch.Generator().manual_seed(0))
    assert drawn.redrawn == ("0", "2")
    assert torch.equal(drawn.model[4].weight, model[4].weight)
    wanted = catalogue["gelu"].gain() ** 2 / 512
    assert drawn.model[2].weight.var().item() == pytest.approx(wanted, rel=0.03)
    with pytest.raises(SettingError, match="no mode is called"):
        swapped.init_for(mode="forwards")
    with pytest.raises(SettingError, match="start as what they replace"):
        swap(model, "linear", "sum(bspline)").init_for()
