"""Learned shifts of channels: torch's own sampling, their definition, and whole pixels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from neurofn._errors import SettingError, ShapeError
from neurofn.neurons.composites import composite
from neurofn.neurons.shift import ChannelShift


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def made(limit: float = 3.0, dimensions: int = 2) -> ChannelShift:
    return ChannelShift(4, dimensions=dimensions, limit=limit).double()


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_both_statements_agree_with_their_slopes(dimensions: int) -> None:
    layer, x = made(dimensions=dimensions), torch.randn(2, 4, *[5] * dimensions).double().requires_grad_()
    fast, slow = layer(x), layer.definition(x)
    assert torch.allclose(fast, slow)
    weights = torch.randn_like(fast)
    slopes = [torch.autograd.grad((way * weights).sum(), [x, layer.shift]) for way in (fast, slow)]
    assert all(torch.allclose(a, b) for a, b in zip(*slopes, strict=True))


def test_it_is_the_sampling_of_torch() -> None:
    layer, x = made(), torch.randn(2, 4, 5, 6).double()
    rows, columns = torch.meshgrid(torch.arange(5.0).double(), torch.arange(6.0).double(), indexing="ij")
    for channel in range(4):
        down, right = layer.shift[channel]
        grid = torch.stack([(2 * (columns + right) + 1) / 6 - 1, (2 * (rows + down) + 1) / 5 - 1], dim=-1)
        expected = torch.nn.functional.grid_sample(x[:, channel, None], grid.expand(2, 5, 6, 2), align_corners=False)
        assert torch.allclose(layer(x)[:, channel], expected[:, 0])


def test_slopes_and_slopes_of_slopes() -> None:
    layer, x = made(limit=1.0), torch.randn(1, 4, 3, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradgradcheck(layer, (x,), (torch.randn(1, 4, 3, 3).double().requires_grad_(),))


def test_whole_pixels_and_the_limit() -> None:
    layer, x = made(limit=1.0), torch.randn(3, 4, 5, 5).double()
    with torch.no_grad():
        layer.shift.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0], [9.0, 0.0]]))  # 9 is clamped to 1
    output = layer(x)
    assert torch.equal(output[:, 0], x[:, 0])
    assert torch.equal(output[:, 1, :-1], x[:, 1, 1:])
    assert bool((output[:, 1, -1] == 0).all())
    assert torch.equal(output[:, 2, :, 1:], x[:, 2, :, :-1])
    assert torch.equal(output[:, 3, :-1], x[:, 3, 1:])
    assert bool((torch.autograd.grad((layer(x) ** 2).sum(), layer.shift)[0][3, 0] != 0).any())


def test_any_leading_dimensions_and_what_is_refused() -> None:
    layer, x = made(), torch.randn(6, 4, 5, 5).double()
    assert torch.allclose(layer(x.reshape(2, 3, 4, 5, 5)).reshape(x.shape), layer(x))
    assert torch.allclose(layer(x[0]), layer(x)[0])
    assert layer(x[:0]).shape == (0, 4, 5, 5)
    with pytest.raises(ShapeError, match=r"4 channels .* got \(6, 3, 5, 5\)"):
        layer(x[:, :3])
    for wrong in ({"channels": 0}, {"channels": 1, "limit": -1.0}, {"channels": 1, "dimensions": 0}):
        with pytest.raises(SettingError):
            ChannelShift(**wrong)  # type: ignore[arg-type]


def test_a_pade_neuron_with_shifts() -> None:
    model = torch.nn.Sequential(ChannelShift(4), composite("paon").conv2d(4, 2, kernel_size=3, padding=1)).double()
    output = model(torch.randn(2, 4, 6, 6).double())
    assert output.shape == (2, 2, 6, 6)
    output.square().sum().backward()
    assert all(bool((weight.grad != 0).any()) for weight in model.parameters())
