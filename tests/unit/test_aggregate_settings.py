"""Aggregates with settings: powers, soft maxima, a learned mixture; against scipy, at their limits, in every format."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor

from neurofn._errors import LanguageError
from neurofn.aggregates import catalogue
from neurofn.neurons import neuron

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

SETTINGS = [
    ("lp", {"p": 1.0}), ("lp", {"p": 2.0}), ("lp", {"p": 7.5}), ("power_mean", {"p": 1.0}), ("power_mean", {"p": 2.5}),
    ("power_mean", {"p": 5.0}), ("logsumexp", {"beta": 0.3}), ("logsumexp", {"beta": 4.0}), ("boltzmann", {"beta": -2.0}),
    ("boltzmann", {"beta": 3.0}),
]  # fmt: skip


def edges(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def _in_books(name: str, e: np.ndarray, value: float) -> np.ndarray:
    """Over the edges of one neuron; ``value`` is that of its one setting."""
    if name == "lp":
        return np.linalg.norm(e, ord=value)
    if name == "power_mean":
        return _signed_root(np.mean(np.sign(e) * np.abs(e) ** value), value)
    if name == "logsumexp":
        return special.logsumexp(value * e) / value
    return special.softmax(value * e) @ e


def _signed_root(value: np.ndarray, p: float) -> np.ndarray:
    return np.sign(value) * np.abs(value) ** (1 / p)


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_values_are_those_of_the_books(name: str, settings: dict[str, float]) -> None:
    e = edges(6, 4)
    expected = [_in_books(name, e.numpy()[:, k], *settings.values()) for k in range(4)]
    for way in (catalogue[name].reduce, catalogue[name].definition):
        np.testing.assert_allclose(way(e, **settings).numpy(), expected, rtol=1e-12)


def test_limits_are_the_plain_aggregates() -> None:
    e = edges(50, 6, 4)
    plain = {name: catalogue[name].reduce(e) for name in ("sum", "mean", "max", "min", "norm")}
    reduce = {name: part.reduce for name, part in catalogue.items()}
    torch.testing.assert_close(reduce["lp"](e, p=2.0), plain["norm"])
    torch.testing.assert_close(reduce["lp"](e, p=400.0), e.abs().amax(-2), rtol=0.01, atol=0)
    torch.testing.assert_close(reduce["power_mean"](e, p=1.0), plain["mean"])
    torch.testing.assert_close(reduce["logsumexp"](e, beta=1000.0), plain["max"], atol=0.01, rtol=0)
    torch.testing.assert_close(reduce["boltzmann"](e, beta=0.0), plain["mean"])
    torch.testing.assert_close(reduce["boltzmann"](e, beta=1e5), plain["max"])
    torch.testing.assert_close(reduce["boltzmann"](e, beta=-1e5), plain["min"])
    for chosen, expected in (("a", plain["sum"] / 6**0.5), ("b", plain["max"]), ("c", plain["min"])):
        logits = {name: torch.full((4,), 50.0 * (name == chosen), dtype=torch.float64) for name in "abc"}
        torch.testing.assert_close(reduce["convex_mixture"](e, **logits), expected)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("name", ["lp", "power_mean"])
def test_powers_neither_overflow_nor_vanish(name: str, size: float) -> None:
    e = edges(6, 4).float() * size
    found = catalogue[name].reduce(e, p=3.0)
    torch.testing.assert_close(found / size, catalogue[name].reduce(e / size, p=3.0), rtol=1e-4, atol=0)
    half = (edges(6, 4) * 100).half()
    torch.testing.assert_close(
        catalogue[name].reduce(half, p=3.0).double(),
        catalogue[name].definition(half.double(), p=3.0),
        rtol=0.02,
        atol=0.2,
    )


@pytest.mark.parametrize("name", ["lp", "power_mean", "logsumexp", "boltzmann", "convex_mixture"])
def test_edges_that_are_all_zero_have_finite_slopes(name: str) -> None:
    part = catalogue[name]
    e = torch.zeros(5, 3, requires_grad=True)
    values = {
        key: torch.full((3,), spec.default) if spec.learned else spec.default for key, spec in part.settings.items()
    }
    (slope,) = torch.autograd.grad(part.reduce(e, **values).sum(), e)
    assert bool(slope.isfinite().all())


def test_settings_stand_behind_the_edge() -> None:
    assert str(neuron("lp( linear, p=3 )")) == "lp(linear, p=3.0)"
    assert str(neuron("lp(linear, p=2)")) == "lp(linear)"
    assert str(neuron("softmax_retrieval(linear, beta=4, bias=False)")) == "boltzmann(linear, beta=4.0, bias=False)"
    with pytest.raises(LanguageError, match="no setting 'q'"):
        neuron("lp(linear, q=3)")
    with pytest.raises(LanguageError, match="must lie in"):
        neuron("lp(linear, p=0.5)")


def test_every_neuron_learns_its_own_mixture() -> None:
    layer = neuron("convex_mixture(linear, a=2.0)").dense(7, 4).double()
    shape = dict(layer.body.shape.items())
    assert {name: tuple(value.shape) for name, value in shape.items()} == {"a": (4,), "b": (4,), "c": (4,)}
    assert shape["a"].tolist() == [2.0] * 4
    x, target = edges(64, 7), edges(64, 4)
    layer(x).sub(target).square().sum().backward()
    for value in shape.values():
        assert len(set(value.grad.tolist())) == 4


@pytest.mark.parametrize(
    "text", ["logsumexp(bspline)", "logsumexp(linear, beta=8)", "boltzmann(linear, beta=2)", "lp(linear, p=6)"]
)
@pytest.mark.parametrize("n_in", [2, 64, pytest.param(400, marks=pytest.mark.slow)])
def test_the_start_has_unit_variance_whatever_the_setting(text: str, n_in: int) -> None:
    variance = float(neuron(text).dense(n_in, 64)(torch.randn(512, n_in).clamp(-3, 3)).detach().var())
    assert 0.5 < variance < 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", sorted(catalogue))
def test_narrow_formats_are_near_the_wide_one(name: str, dtype: torch.dtype) -> None:
    layer = neuron(f"{name}(linear)").dense(6, 5).to(dtype)
    x = torch.randn(40, 6).to(dtype)
    narrow = layer(x)
    wide = layer.double()(x.double())
    assert narrow.dtype == dtype
    scale = float(wide.detach().abs().max()) + 1
    steep = float(torch.finfo(dtype).eps) ** (1 / 3) if name == "power_mean" else 24 * torch.finfo(dtype).eps
    assert float((narrow.double() - wide).detach().abs().max()) <= steep * scale
