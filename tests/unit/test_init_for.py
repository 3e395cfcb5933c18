"""Weights drawn for a function: signals keep their size over fifty layers, and nothing else is touched."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurofn import catalogue, init_for
from neurofn._errors import SettingError, UnknownNameError
from neurofn.functions import gains
from neurofn.neurons.gains import MODES

DEPTH, WIDTH = 50, 256
pytestmark = pytest.mark.usefixtures("random_state_of_its_own")  # layers draw weights when they are made


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mean_squares(name: str, mode: str, seed: int = 1) -> list[float]:
    """The mean square before the function at every layer."""
    layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(DEPTH))
    init_for(layers, name, mode=mode, generator=seeded(seed))
    h, found = torch.randn(64, WIDTH, generator=seeded(2)), []
    with torch.no_grad():
        for layer in layers:
            z = layer(h)
            found.append(float(z.square().mean()))
            h = catalogue[name](z)
    return found


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "elu", "tanh", "snake", "sine", "softplus"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_variance_is_kept_over_fifty_layers(name: str, seed: int) -> None:
    found = mean_squares(name, "stable", seed)
    assert min(found[10:]) > 0.4
    assert max(found[10:]) < 2.5


@pytest.mark.parametrize("name", ["gelu", "silu", "mish"])
def test_the_forward_gain_alone_does_not_keep_it(name: str) -> None:
    """Variance 1 is an unstable fixed point of these: the control of the test above."""
    assert not 0.1 < mean_squares(name, "forward")[-1] < 10


@pytest.mark.parametrize("name", ["elu", "tanh", "snake", "relu"])
def test_stable_is_forward_where_that_holds(name: str) -> None:
    assert MODES["stable"](catalogue[name], {}) == MODES["forward"](catalogue[name], {})


def test_gradients_keep_their_size_in_mode_backward() -> None:
    """One layer back: slopes at inputs of variance 1, as the gain supposes."""
    layer = init_for(nn.Linear(512, 512), "tanh", mode="backward", generator=seeded())
    z = torch.randn(256, 512, generator=seeded(3), requires_grad=True)
    upstream = torch.randn(256, 512, generator=seeded(4))
    (gradient,) = torch.autograd.grad(layer(z.tanh()), z, upstream)
    assert gradient.square().mean().item() == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize(
    ("layer", "inward", "outward"),
    [
        (nn.Linear(30, 50), 30, 50),
        (nn.Conv2d(8, 12, 3), 8 * 9, 12 * 9),
        (nn.Conv2d(8, 12, 3, groups=4), 2 * 9, 3 * 9),
        (nn.Conv1d(4, 6, 5), 20, 30),
        (nn.ConvTranspose2d(8, 12, 3), 8 * 9, 12 * 9),
        (nn.ConvTranspose2d(8, 12, 3, groups=4), 2 * 9, 3 * 9),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_fans(layer: nn.Module, inward: int, outward: int) -> None:
    both = gains(catalogue["tanh"])
    fans = {"forward": inward, "backward": outward, "mean": (inward + outward) // 2}
    for mode, fan in fans.items():
        layer.weight = nn.Parameter(torch.empty_like(layer.weight))
        init_for(layer, "tanh", mode=mode, generator=seeded())
        drawn = torch.empty_like(layer.weight).normal_(generator=seeded())
        torch.testing.assert_close(layer.weight.detach(), drawn * both[mode] / fan**0.5)
        assert (layer.bias == 0).all()


def test_embeddings_norms_and_shared_weights_stay() -> None:
    net = nn.ModuleDict({"words": nn.Embedding(20, 8), "norm": nn.LayerNorm(8), "out": nn.Linear(8, 20, bias=False)})
    net["body"] = nn.Linear(8, 8)
    net["out"].weight = net["words"].weight
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert init_for(net, "gelu", generator=seeded()) is net
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"body.weight", "body.bias"}


def test_same_generator_same_weights_and_global_numbers_unmoved() -> None:
    state = torch.get_rng_state()
    one, two = (init_for(nn.Conv2d(3, 4, 3, bias=False), "silu", generator=seeded(5)).weight for _ in range(2))
    assert torch.equal(one, two)
    layer = nn.Linear(3, 3)
    torch.set_rng_state(state)
    init_for(layer, "relu", generator=seeded(1))
    assert torch.equal(torch.get_rng_state(), state)
    assert layer.weight.requires_grad


def test_settings_of_the_function_count() -> None:
    for a in (0.0, 1.0):
        layer = init_for(nn.Linear(400, 400), "leaky_relu", a=a, generator=seeded())
        assert layer.weight.var().item() * 400 == pytest.approx(2 / (1 + a * a), rel=0.02)


def test_bad_input() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(UnknownNameError, match="did you mean 'gelu'"):
        init_for(layer, "gelo")
    with pytest.raises(SettingError, match="did you mean 'forward'"):
        init_for(layer, "gelu", mode="foward")
    with pytest.raises(SettingError, match="no linear or convolution layer"):
        init_for(nn.ReLU(), "gelu")
    with pytest.raises(SettingError, match="no setting 'b'"):
        init_for(layer, "leaky_relu", b=1)
    with pytest.raises(SettingError, match="run the network once"):
        init_for(nn.LazyLinear(3), "relu")
    from neurofn import declare

    own = declare("nothing", "0*z", source="an example")
    try:
        with pytest.raises(SettingError, match="nothing has no forward gain"):
            init_for(layer, own, mode="forward")
    finally:
        catalogue.remove("nothing")
