"""Neurons over windows: both paths agree, and where torch has the same convolution it is the same."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurofn._errors import SettingError, ShapeError
from neurofn.neurons import _unfold, neuron
from neurofn.neurons.composites import composite
from neurofn.neurons.geometry import Convolution
from neurofn.neurons.ranges import RangeWarning
from neurofn.sites import find_sites, to_rows

TEXTS = [
    "relu(sum(linear))", "mean(bspline)", "sum(silu + bspline(grid=3))", "silu(sum(linear)) * sum(linear)",
    "sum(chebyshev(degree=2))", "prelu(sum(linear))", "max(linear)", "prelu(mean(rational(3, 2)))", "norm(shift)",
]  # fmt: skip
PLACES: list[dict[str, Any]] = [
    {"kernel_size": 3, "padding": 1}, {"kernel_size": (2, 3), "stride": (1, 2), "dilation": (2, 1)},
    {"kernel_size": (2, 4), "padding": "same"}, {"kernel_size": 1},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def made(text: str, size: tuple[int, int] = (4, 8), dimensions: int = 2, **geometry: Any) -> Convolution:
    return Convolution(neuron(text), size, dimensions, geometry).double()


def images(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def close(got: Tensor, expected: Tensor) -> bool:
    return got.shape == expected.shape and torch.allclose(got, expected, rtol=1e-9, atol=1e-9)


def gradients(output: Tensor, targets: list[Tensor]) -> tuple[Tensor, ...]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    return torch.autograd.grad((output * weights).sum(), targets)


@pytest.mark.parametrize("geometry", PLACES, ids=str)
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("text", TEXTS)
def test_both_paths_agree_forward_and_backward(text: str, groups: int, geometry: dict[str, Any]) -> None:
    conv, x = made(text, groups=groups, **geometry), images(2, 4, 7, 8).requires_grad_()
    targets = [x, *conv.parameters()]
    fast, slow = conv(x), conv.definition(x)
    assert close(fast, slow)
    assert all(itertools.starmap(close, zip(gradients(fast, targets), gradients(slow, targets), strict=True)))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_a_sum_of_linear_edges_is_the_convolution_of_torch(dimensions: int, groups: int) -> None:
    geometry = {"kernel_size": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": groups}
    conv = made("sum(linear)", (6, 12), dimensions, **geometry).float()
    expected = CONVOLUTIONS[dimensions](6, 12, **geometry)
    with torch.no_grad():
        weights = [layer.body.weight.squeeze(1).T for layer in conv.layers]  # type: ignore[union-attr, operator]
        expected.weight.copy_(torch.cat(weights).reshape(expected.weight.shape))
        assert expected.bias is not None
        expected.bias.copy_(torch.cat([layer.body.bias for layer in conv.layers]))  # type: ignore[misc, union-attr]
    x = images(3, 6, *[7] * dimensions).float()
    assert torch.equal(conv(x), expected(x))
    assert torch.equal(conv(x[0]), expected(x[0]))


def test_zeros_around_an_image_are_inputs() -> None:
    conv, x = made("sum(chebyshev(degree=2))", kernel_size=3, padding=1), images(2, 4, 5, 5)
    assert conv.path == "conv"  # although a constant term counts at a padded pixel
    columns = nn.functional.unfold(x, 3, padding=1).transpose(1, 2)
    expected = conv.layers[0](columns).transpose(1, 2).reshape(2, 8, 5, 5)
    assert close(conv(x), expected)
    inside = made("sum(chebyshev(degree=2))", kernel_size=3)
    inside.load_state_dict(conv.state_dict())
    assert close(inside(nn.functional.pad(x, (1, 1, 1, 1))), conv(x))


def test_the_path_is_named() -> None:
    paths = {text: made(text, kernel_size=3).path for text in TEXTS}
    assert [paths[text] for text in TEXTS[:6]] == ["conv"] * 6
    assert all(paths[text].startswith("unfold") for text in TEXTS[6:])  # the inner parameters of rational are per input


def test_a_pruned_convolution_is_still_one() -> None:
    conv, x = made("sum(bspline)", kernel_size=2), images(2, 4, 5, 5)
    _, gather = conv.layers[0].gathers[0]  # type: ignore[index, union-attr]
    gather.prune(images(16, 8) > 0)
    assert conv.path == "conv"
    assert close(conv(x), conv.definition(x))


def test_raw_units_are_fitted_by_channel() -> None:
    conv, x = made("sum(bspline)", kernel_size=2, groups=2), images(2, 4, 5, 5)
    scale, shift = torch.tensor([1.0, 10, 100, 1000]).double()[:, None, None], 50.0
    conv.fit_range(x)
    expected = conv(x)
    conv.fit_range(x * scale + shift)
    assert close(conv(x * scale + shift), expected)
    assert conv.path.startswith("unfold")
    assert close(conv(x * scale + shift), conv.definition(x * scale + shift))
    first = conv.layers[1].range[0]  # type: ignore[index]
    assert first.reshape(2, 4).unique(dim=1).shape == (2, 1)  # one number for all taps of a channel


def test_pixels_outside_the_interval_are_counted_and_warned_of() -> None:
    conv, x = made("sum(bspline)", kernel_size=2), 10 * images(2, 4, 5, 5)
    with pytest.warns(RangeWarning, match=r"sum\(bspline\): \d+% of 200 inputs"):
        conv(x)
    assert conv.outside() == pytest.approx(float((x.abs() > 3).double().mean()))
    assert conv.outside() == 0


@pytest.mark.parametrize("limit", [2**23, 100])
def test_a_range_is_learned_from_whole_batches(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_unfold, "NUMBERS_AT_ONCE", limit)
    conv, x = made("sum(bspline)", kernel_size=1), images(3, 4, 5, 5)
    conv.learn_range(2)
    for batch in (x, 2 * x, 99 * x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RangeWarning)  # the third is far outside
            conv(batch)
    assert torch.equal(conv.layers[0].range[1], (2 * x).amax((0, 2, 3)))  # type: ignore[index]


def test_a_finer_grid_keeps_what_is_computed() -> None:
    conv, x = made("sum(bspline(grid=4))", kernel_size=2, groups=2), images(2, 4, 5, 5)
    before = conv(x)
    assert conv.refine(8) < 1e-9
    assert close(conv(x), before)
    assert "sum(bspline(grid=8)), 4 -> 8" in repr(conv)
    for run in (
        composite("quadratic").conv2d(4, 8, kernel_size=2).refine,
        composite("paon").conv2d(4, 8, kernel_size=2).outside,
    ):
        with pytest.raises(SettingError, match="composite"):
            run()


@pytest.mark.parametrize("limit", [100, 1000, 4000])
@pytest.mark.parametrize("groups", [1, 2])
def test_windows_are_laid_out_in_blocks(limit: int, groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    conv, x = made("max(linear)", kernel_size=3, padding=1, groups=groups), images(3, 4, 9, 8).requires_grad_()
    targets = [x, *conv.parameters()]
    whole, slopes = conv(x), gradients(conv(x), targets)
    monkeypatch.setattr(_unfold, "NUMBERS_AT_ONCE", limit)
    sizes: list[int] = []
    for layer in conv.layers:
        layer.register_forward_pre_hook(lambda _, given: sizes.append(given[0].numel()))
    assert close(conv(x), whole)
    row_of_places = 8 * 4 * 9  # the smallest block: one row of places of one sample
    assert max(sizes) * groups <= max(limit, row_of_places)
    assert all(itertools.starmap(close, zip(gradients(conv(x), targets), slopes, strict=True)))


@pytest.mark.slow
def test_slopes_of_slopes_exist_on_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    x, direction = images(1, 2, 3, 3).requires_grad_(), images(1, 2, 4, 4).requires_grad_()
    for text, limit in (("sum(bspline)", 2**23), ("norm(linear)", 2**23), ("norm(linear)", 1)):
        monkeypatch.setattr(_unfold, "NUMBERS_AT_ONCE", limit)
        conv = made(text, (2, 2), kernel_size=2, padding=1, groups=2)
        assert torch.autograd.gradcheck(conv, (x,))
        assert torch.autograd.gradgradcheck(conv, (x,), (direction,))


@pytest.mark.parametrize("text", ["sum(bspline)", "max(linear)"])
def test_any_leading_dimensions(text: str) -> None:
    conv, x = made(text, kernel_size=3), images(6, 4, 5, 6)
    together = conv(x)
    assert close(conv(x.reshape(2, 1, 3, 4, 5, 6)), together.reshape(2, 1, 3, 8, 3, 4))
    assert close(conv(x[2]), together[2])
    assert conv(x[:0]).shape == (0, 8, 3, 4)
    assert close(conv(x.transpose(-1, -2).contiguous().transpose(-1, -2)), together)
    assert close(torch.func.vmap(conv)(x.reshape(2, 3, 4, 5, 6)), together.reshape(2, 3, 8, 3, 4))


@pytest.mark.parametrize("text", ["sum(bspline)", "max(linear)"])
def test_a_nan_is_seen_by_the_windows_that_reach_it_alone(text: str) -> None:
    x = images(1, 4, 6, 6)
    x[0, 1, 0, 0] = torch.nan
    seen = made(text, kernel_size=2)(x).isnan()
    assert bool(seen[0, :, 0, 0].all())
    assert int(seen.sum()) == 8


def test_a_depthwise_neuron_sees_its_channel_alone() -> None:
    conv, x = made("max(linear)", (4, 8), kernel_size=3, groups=4), images(2, 4, 5, 5)
    other = x.clone()
    other[:, 1] += 1
    changed = (conv(x) != conv(other)).flatten(2).any(-1).any(0)
    assert changed.tolist() == [False, False, True, True, False, False, False, False]


def test_copies_and_states() -> None:
    conv, x = made("prelu(sum(bspline))", kernel_size=3, groups=2), images(2, 4, 5, 5)
    assert close(copy.deepcopy(conv)(x), conv(x))
    other = Convolution(neuron("prelu(sum(bspline))"), (4, 8), 2, {"kernel_size": 3, "groups": 2}).double()
    assert not close(other(x), conv(x))
    other.load_state_dict(conv.state_dict())
    assert close(other(x), conv(x))
    assert conv.bfloat16()(x.bfloat16()).isfinite().all()


def test_its_neurons_lie_on_the_channels() -> None:
    model = nn.Sequential(made("sum(bspline)", kernel_size=3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
    sites = find_sites(model)
    assert [(site.path, site.axis) for site in sites] == [("0", 1), ("1", 1), ("2", 1), ("3", -1)]
    assert to_rows(model[0](images(2, 4, 5, 5)), sites[0]).shape == (2 * 9, 8)


@pytest.mark.parametrize("text", ["quadratic", "paon(p=2, q=2)", "neural_multiplication"])
def test_composites_are_convolutions_too(text: str) -> None:
    conv, x = composite(text).conv2d(4, 6, kernel_size=2, groups=2, padding=1).double(), images(2, 4, 5, 5)
    assert conv.path == "unfold"
    assert close(conv(x), conv.definition(x))
    assert composite(text).conv1d(2, 3, kernel_size=1).double()(images(5, 2, 7)).shape == (5, 3, 7)
    assert composite(text).conv3d(2, 3, kernel_size=1).double()(images(2, 3, 3, 3)).shape == (3, 3, 3, 3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [((2, 3, 5, 5), ["max(linear)", "4 channels", "(2, 3, 5, 5)"]), ((5, 5), ["height, width", "(5, 5)"]),
     ((2, 4, 2, 9), ["max(linear)", "(3, 3) pixels", "(2, 4, 2, 9)"]), ((2, 4, 0, 9), ["(2, 4, 0, 9)"])],
)  # fmt: skip
def test_wrong_images_are_refused_in_words(shape: tuple[int, ...], words: list[str]) -> None:
    for run in (made("max(linear)", kernel_size=3), made("max(linear)", kernel_size=3).definition):
        with pytest.raises(ShapeError) as caught:
            run(images(*shape))
        assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("geometry", "words"),
    [({}, "kernel_size=3"), ({"kernel_size": 0}, "kernel_size must be"), ({"kernel_size": (3, 3, 3)}, "or 2 of them"),
     ({"kernel_size": 3, "stride": 1.5}, "stride must be"), ({"kernel_size": 3, "pad": 1}, "did you mean 'padding'"),
     ({"kernel_size": 3, "groups": 3}, "divided into 3"), ({"kernel_size": 3, "padding": -1}, "at least 0"),
     ({"kernel_size": 3, "padding": "same", "stride": 2}, "stride 1"), ({"kernel_size": 3, "init": "fan"}, "fan_in"),
     ({"kernel_size": 3, "padding": "full"}, "padding must be")],
    ids=str,
)  # fmt: skip
def test_wrong_settings_are_refused_in_words(geometry: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        made("sum(linear)", **geometry)
    with pytest.raises(SettingError, match="n_in must be"):
        made("sum(linear)", (0, 8), kernel_size=3)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["sum(silu + bspline(grid=3))", "prelu(max(linear))"])
def test_compiled_and_exported(text: str) -> None:
    conv, x = made(text, kernel_size=3, padding=1, groups=2), images(2, 4, 5, 5)
    torch._dynamo.reset()  # type: ignore[no-untyped-call]
    assert close(torch.compile(conv, fullgraph=True, backend="eager")(x), conv(x))
    assert close(torch.export.export(conv, (x,)).module()(x), conv(x))
