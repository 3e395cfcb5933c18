"""Grids that change under a layer that has learned: what it computes stays, or the change is stated and small."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from neurofn._errors import DataError, SettingError
from neurofn.edges._splines import knots_of
from neurofn.neurons import neuron
from neurofn.neurons._insertion import insert_knots, project
from neurofn.neurons.layer import NeuronLayer

pytestmark = [pytest.mark.usefixtures("random_state_of_its_own"), pytest.mark.filterwarnings("ignore:.*lie outside")]


def made(text: str, init: str = "fan_in") -> NeuronLayer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return neuron(text).dense(3, 4, init=init)


def rows(count: int = 400) -> Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(1)) * 6 - 3


def relative(got: Tensor, expected: Tensor) -> float:
    return float((got - expected).detach().norm() / expected.detach().norm())


NESTED = [
    *((f"sum(bspline(grid=4, order={order}))", {"grid": 12}) for order in range(6)),
    ("sum(silu + bspline(grid=500, outside='linear'))", {"grid": 1000}),
    ("max(bspline(grid=3))", {"grid": 6}),
    ("silu(sum(bspline(grid=2))) * sum(linear)", {"grid": 64}),
    ("sum(linear_spline(grid=5))", {"grid": 10}),
    ("sum(lookup(entries=9))", {"entries": 17}),
    ("sum(chebyshev(degree=3))", {"degree": 9}),
    ("sum(fourier_series(order=2))", {"order": 5}),
]


@pytest.mark.parametrize("init", ["fan_in", "matched"])
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("text", "settings"), NESTED)
def test_a_space_that_contains_the_old_one_keeps_the_function(
    text: str, settings: dict[str, int], fitted: bool, init: str
) -> None:
    layer, x = made(text, init), rows()
    if fitted:
        layer.fit_range(50 * x)
        x = 50 * x
    before = layer(x)
    assert layer.refine(**settings) <= 1e-6
    assert relative(layer(x), before) <= 1e-6
    assert all(f"{name}={value}" in str(layer.neuron) for name, value in settings.items())
    twin = neuron(str(layer.neuron)).dense(3, 4, init=init)
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin(x), layer(x))
    layer(x).sum().backward()
    assert layer.gathers[0][1].weight.grad is not None


@pytest.mark.parametrize(
    ("text", "settings", "most"),
    [
        ("sum(bspline(grid=4))", {"grid": 7}, 0.05),
        ("sum(bspline(grid=8))", {"grid": 6}, 0.3),
        ("sum(radial_basis(size=6))", {"size": 12}, 0.3),
    ],
)
def test_another_space_comes_near_and_says_how_near(text: str, settings: dict[str, int], most: float) -> None:
    layer, blind, x = made(text), made(text), rows()
    before = layer.gathers[0][1].edges(x)
    stated = layer.refine(x=x, **settings)
    assert stated == pytest.approx(relative(layer.gathers[0][1].edges(x), before), rel=1e-3)
    assert 1e-6 < stated < most
    assert 1e-6 < blind.refine(**settings) < most


def test_insertion_is_what_least_squares_finds() -> None:
    for order in range(6):
        old = torch.tensor([[-2.0, -0.5, 0.3, 1.0], [0.0, 1.0, 5.0, 9.0]], dtype=torch.float64)
        inner = torch.tensor([[-0.7, 0.1, 0.2], [0.5, 1.1, 8.8]], dtype=torch.float64)
        new = torch.cat([old, inner], dim=-1).sort(-1).values
        weight = torch.randn(2, 3 + order, 5, dtype=torch.float64)
        exact = insert_knots(weight, knots_of(old, order), knots_of(new, order), order)
        layers = [neuron(f"sum(bspline(grid={n}, order={order}))").dense(2, 5).double() for n in (3, 6)]
        share = torch.linspace(0, 1, 200, dtype=torch.float64).unsqueeze(-1)
        x = old[:, 0] + share * (old[:, -1] - old[:, 0])
        terms = [one.body.bases[0].terms(x, breaks=breaks) for one, breaks in zip(layers, (old, new), strict=True)]
        edges = torch.einsum("sik,iko->sio", terms[0], weight)
        torch.testing.assert_close(torch.einsum("sik,iko->sio", terms[1], exact), edges)
        torch.testing.assert_close(project(terms[1], edges), exact, rtol=1e-6, atol=1e-6)


def test_dependent_terms_share_a_weight() -> None:
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)
    terms = torch.stack([x, x, 1e-8 * x**2, torch.zeros_like(x)], dim=-1).unsqueeze(1)
    weight = project(terms, (2 * x + x**2).reshape(50, 1, 1))
    assert weight.flatten().tolist() == pytest.approx([1.0, 1.0, 1e8, 0.0])


def places(kind: str) -> Tensor:
    x = rows()
    if kind == "constant column":
        x[:, 1] = 0.7
    return {"wide": 3 * x, "few": x[:4], "one": x[:1], "normal": x.pow(3) / 9, "whole": x.round()}.get(kind, x)


@pytest.mark.parametrize("outside", ["constant", "linear"])
@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("even", 0.1),
        ("wide", 0.5),
        ("constant column", 0.1),
        ("few", 0.1),
        ("one", 1e-6),
        ("normal", 0.1),
        ("whole", 0.1),
    ],
)
def test_grids_move_to_the_data_and_say_what_that_changes(kind: str, most: float, outside: str) -> None:
    layer, x = made(f"sum(silu + bspline(grid=8, outside={outside!r}))"), places(kind)
    before = layer.gathers[0][1].edges(x)
    stated = layer.update_grid(x)
    ((_, gather),) = layer.gathers
    assert stated == pytest.approx(relative(gather.edges(x), before), rel=1e-5, abs=1e-7)
    assert stated <= most
    breaks = gather.grid(1)
    assert bool((breaks.diff(dim=-1) > 0).all())
    assert layer.gathers[0][1].weight.abs().max() < 100
    if kind in ("even", "wide", "normal"):
        torch.testing.assert_close(breaks[:, 0], x.amin(0))
        layer.outside()
        layer(x)
        assert layer.outside() == 0.0
    torch.testing.assert_close(layer(x), layer.definition(x), rtol=1e-4, atol=1e-5)
    twin = neuron(str(layer.neuron)).dense(3, 4)
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin(x), layer(x))
    assert layer.refine(16) <= 1e-6  # and the moved grid is refined exactly


def test_more_cells_than_rows_and_both_kinds_of_grid() -> None:
    layer, x = made("sum(bspline(grid=64))"), rows(10)
    before = layer(x)
    assert relative(layer(x), before) == 0
    assert layer.update_grid(x) < 0.05
    assert layer(x).isfinite().all()
    even = copy.deepcopy(layer)
    even.update_grid(x, uniform_share=1.0)
    steps = even.gathers[0][1].grid(0).diff(dim=-1)
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps), rtol=1e-3, atol=1e-4)


def test_pruned_edges_stay_pruned() -> None:
    layer, x = made("sum(bspline)"), rows()
    keep = torch.ones(3, 4, dtype=torch.bool)
    keep[0] = False
    layer.gathers[0][1].prune(keep)
    before = layer(x)
    assert layer.refine(10) <= 1e-6
    assert relative(layer(x), before) <= 1e-6
    assert not layer.gathers[0][1].edges(x)[:, 0].any()


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(SettingError, match="no edge of it has any"):
        made("sum(linear)").refine(8)
    with pytest.raises(SettingError, match="its whole-number settings are grid, order"):
        made("sum(bspline)").refine(degree=8)
    with pytest.raises(SettingError, match="whole number from 1"):
        made("sum(bspline)").refine(0)
    with pytest.raises(SettingError, match="has no grid to update"):
        made("sum(linear)").update_grid(rows())
    with pytest.raises(SettingError, match="uniform_share must lie above 0"):
        made("sum(bspline)").update_grid(rows(), uniform_share=0.0)
    with pytest.raises(DataError, match="at least one row"):
        made("sum(bspline)").update_grid(rows(0))
    with pytest.raises(DataError, match="NaN or infinity"):
        made("sum(bspline)").update_grid(rows() / 0)
    assert made("sum(bspline)").refine(5) == 0.0
