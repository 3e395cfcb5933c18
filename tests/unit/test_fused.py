"""Compiled passes: the values and gradients of the plain function, from the input or from the output, and few bytes kept.

Most tests run the passes uncompiled, which shows what they compute; a few compile them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from neurofn import catalogue
from neurofn._errors import SettingError
from neurofn.saving import SLOPES_OF_OUTPUTS, Fused, _fused, fused, kept_bytes
from neurofn.saving._near import near_passes

CHANNELS = 6


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passes as Python runs them."""
    monkeypatch.setattr(_fused, "_compile", lambda code: code)
    monkeypatch.setattr(_fused, "_made", {})


@pytest.fixture
def compiler_room(random_state_of_its_own: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The compiler draws random numbers, and makes sure of a folder where it is."""
    monkeypatch.chdir(tmp_path)


def slopes(module: Callable[[Tensor], Tensor], z: Tensor, learned: list[Tensor], **options: Any) -> tuple[Tensor, ...]:
    options = {"allow_unused": True, "materialize_grads": True, **options}
    return torch.autograd.grad(module(z), [z, *learned], normal(*z.shape, seed=1).to(z.dtype), **options)


def agree(one: Fused, z: Tensor) -> None:
    learned = list(one.plain.parameters())
    tolerance = {"rtol": 1e-9, "atol": 1e-11} if z.dtype == torch.float64 else {"rtol": 1e-2, "atol": 1e-2}
    torch.testing.assert_close(one(z), one.plain(z), equal_nan=True, **tolerance)
    torch.testing.assert_close(slopes(one, z, learned), slopes(one.plain, z, learned), equal_nan=True, **tolerance)


@pytest.mark.parametrize("name", list(catalogue))
@pytest.mark.parametrize("channels", [None, CHANNELS])
def test_values_and_gradients_are_those_of_the_plain_module(name: str, channels: int | None, uncompiled: None) -> None:
    one = fused(name, channels=channels).double()
    agree(one, normal(50, CHANNELS).requires_grad_())
    agree(one.bfloat16(), normal(50, CHANNELS).bfloat16().requires_grad_())


@pytest.mark.parametrize("name", SLOPES_OF_OUTPUTS)
def test_the_slope_is_known_from_the_value(name: str, uncompiled: None) -> None:
    z = torch.cat([torch.linspace(-30, 30, 2001, dtype=torch.float64), torch.tensor([-1e6, 1e6])]).requires_grad_()
    for settings in {"": 0.0}, {"a": 0.3}:
        if set(settings) <= {"", *catalogue[name].parameters}:
            one = fused(name, keep="output", **{key: value for key, value in settings.items() if key})
            assert one.keep == "output"
            torch.testing.assert_close(slopes(one, z, []), slopes(one.plain, z, []), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("name", "keep"), [("mish", "input"), ("tanh", "output"), ("swish", "input")])
def test_one_tensor_is_kept(name: str, keep: str, uncompiled: None) -> None:
    one, z = fused(name), normal(3000).float()
    assert one.keep == keep
    learned = sum(4 * p.numel() for p in one.plain.parameters())
    assert kept_bytes(one, z) == 4 * len(z) + learned
    assert kept_bytes(fused("softsign"), z) < kept_bytes(catalogue["softsign"], z)
    z.requires_grad_()
    node: Any = one(z).grad_fn
    assert (node.saved_tensors[0].data_ptr() == z.data_ptr()) == (keep == "input")


def test_bytes_of_one_memory_count_once() -> None:
    z = normal(100)
    assert kept_bytes(lambda z: z * z, z) == 800
    assert kept_bytes(lambda z: z.exp() + z.sin(), z) == 1600
    assert kept_bytes(lambda z: z + 1, z) == 0


@pytest.mark.parametrize("name", ["tanh", "mish", "swish", "elu"])
def test_it_can_be_differentiated_twice(name: str, uncompiled: None) -> None:
    one, z = fused(name).double(), normal(50).requires_grad_()
    twice = [torch.autograd.grad(slopes(f, z, [], create_graph=True)[0].sum(), z)[0] for f in (one, one.plain)]
    torch.testing.assert_close(*twice)


@pytest.mark.parametrize("settings", [{"p": 5, "q": 4}, {"p": 0, "q": 1}, {"p": 2, "q": 3}])
def test_short_passes_are_used_near_and_only_there(settings: dict[str, int], uncompiled: None) -> None:
    one = fused("rational", **settings).double()
    near = near_passes(one.plain.function)
    assert near is not None
    z = normal(200)
    for reach, used in ((1.0, True), (near.bound / float(z.abs().amax()), True), (near.bound, False)):
        wide = (z * reach).requires_grad_()
        node: Any = one(wide).grad_fn
        assert node.near == used
        agree(one, wide)
    assert one(torch.tensor([float("nan"), 1.0], dtype=torch.float64)).isnan().tolist() == [True, False]
    assert one(torch.zeros(0, dtype=torch.float64)).shape == (0,)


def test_copies_learn_apart(uncompiled: None) -> None:
    one = fused("swish")
    other = copy.deepcopy(one)
    with torch.no_grad():
        other.plain.get_parameter("b").add_(1)
    z = normal(20)
    assert torch.equal(one(z), catalogue["swish"](z))
    assert torch.equal(other(z), catalogue["swish"](z, b=2.0))
    fresh = fused("swish")
    fresh.load_state_dict(other.state_dict())
    assert torch.equal(fresh(z), other(z))


def test_inside_other_graphs_it_is_the_plain_module(uncompiled: None) -> None:
    one, z = fused("mish"), normal(20).float()
    exact = z.double()  # of float32 a compiler is given other words, whose last bit may differ
    assert torch.equal(torch.compile(one, backend="eager", fullgraph=True)(exact), one.plain(exact))
    torch._dynamo.reset()
    assert torch.equal(torch.func.vmap(one)(z), one.plain(z))
    torch.testing.assert_close(torch.func.grad(lambda z: one(z).sum())(z), slopes_of_mish(z))


def slopes_of_mish(z: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    return torch.autograd.grad(torch.nn.functional.mish(z).sum(), z)[0]


def test_wrong_plans_are_refused() -> None:
    with pytest.raises(SettingError, match="keep must be one of auto, input, output, got 'bits'"):
        fused("tanh", keep="bits")
    with pytest.raises(SettingError, match="the slope of mish is not known from its value; keep='input' works for all"):
        fused("mish", keep="output")
    assert fused("tanh", keep="input").keep == "input"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("name", ["mish", "tanh", "rational", "leaky_relu", "prelu"])
@pytest.mark.usefixtures("compiler_room")
def test_compiled_passes_agree_in_any_shape(name: str) -> None:
    one = fused(name).double()
    for shape in ((40, 3), (7,), (2, 3, 4), (0,), ()):
        agree(one, normal(*shape).requires_grad_())
    agree(one, normal(30, 20).t()[::2].requires_grad_())
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("compiler_room")
def test_many_functions_are_compiled_in_one_process() -> None:
    """More than the compiler allows for one code."""
    z = normal(8).float().requires_grad_()
    for name in list(catalogue)[:10]:
        fused(name)(z)
    torch._dynamo.reset()
