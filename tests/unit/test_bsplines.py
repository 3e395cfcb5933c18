"""B-splines of any order on any grid: against scipy in single precision, what happens outside, and bad grids and inputs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from neurofn._errors import SettingError, ShapeError
from neurofn.edges import Basis, find_edge
from neurofn.edges._splines import knots_in
from neurofn.neurons import neuron

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

LOW, HIGH = -1.5, 2.5
INF, NAN = float("inf"), float("nan")


def basis_of(**settings: Any) -> Basis:
    return find_edge("bspline").basis({"low": LOW, "high": HIGH, **settings})


def grid_of(kind: str, cells: int) -> dict[str, torch.Tensor]:
    if kind == "equal":
        return {}
    inner = np.sort(np.random.default_rng(cells).uniform(LOW, HIGH, cells - 1))
    return {"breaks": torch.tensor([[LOW, *inner, HIGH]], dtype=torch.float32)}


@pytest.mark.parametrize("kind", ["equal", "unequal"])
@pytest.mark.parametrize("cells", [1, 2, 5, 64, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("order", range(6))
def test_single_precision_is_exact_to_rounding(order: int, cells: int, kind: str) -> None:
    """Against scipy in double precision on the same single precision knots; at the knots themselves, too."""
    given, basis = grid_of(kind, cells), basis_of(grid=cells, order=order)
    knots = knots_in(torch.zeros(1), (cells, LOW, HIGH), order, given.get("breaks")).reshape(-1)
    places = np.concatenate([np.random.default_rng(0).uniform(LOW, HIGH, 4000), knots[order : -1 - order].numpy()])
    x = torch.tensor(places, dtype=torch.float32).clamp(float(knots[order]), float(knots[-1 - order]))
    expected = BSpline.design_matrix(x.double().numpy(), knots.double().numpy(), order).toarray()
    terms = basis.terms(x.unsqueeze(-1), **given).squeeze(1).double().numpy()
    np.testing.assert_allclose(terms, expected, rtol=0, atol=3e-7)
    np.testing.assert_allclose(terms.sum(-1), 1, rtol=0, atol=6e-7)
    assert (terms >= -1e-7).all()
    few = slice(None, None, 20)
    np.testing.assert_allclose(
        basis.reference(x[few].unsqueeze(-1), **given).squeeze(1), expected[few], rtol=0, atol=3e-7
    )


@pytest.mark.parametrize("order", range(1, 6))
@pytest.mark.parametrize("kind", ["equal", "unequal"])
def test_outside_is_as_it_is_declared(order: int, kind: str) -> None:
    given = {name: value.double() for name, value in grid_of(kind, 5).items()}
    weight = torch.randn(5 + order, dtype=torch.float64)
    border = torch.tensor([[LOW], [HIGH]], dtype=torch.float64, requires_grad=True)
    far = torch.tensor([[LOW - 2.0], [HIGH + 2.0]], dtype=torch.float64)
    away = torch.tensor([-2.0, 2.0], dtype=torch.float64)
    for way in ("constant", "linear", "zero"):
        basis = basis_of(grid=5, order=order, outside=way)
        for statement in (basis.terms, basis.reference):
            at = statement(border, **given)[:, 0] @ weight
            (slope,) = torch.autograd.grad(at.sum(), border)
            expected = {"constant": at, "linear": at + away * slope[:, 0], "zero": 0 * at}[way]
            torch.testing.assert_close(statement(far, **given)[:, 0] @ weight, expected)


def test_a_line_stays_a_line_to_infinity() -> None:
    layer = neuron("sum(bspline(outside='linear'), bias=False)").dense(1, 1).double()
    with torch.no_grad():
        layer.body.weight[0, :, 0] = torch.arange(8.0)  # the coefficients of a line, one step of 6/5 per coefficient
    x = torch.tensor([[-1e6], [-4.0], [0.3], [5.0], [1e6]], dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer(torch.zeros_like(x)) + x / 1.2)


@pytest.mark.parametrize("way", ["constant", "linear", "zero"])
@pytest.mark.parametrize("kind", ["equal", "unequal"])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_nan_and_infinity_are_no_index(order: int, kind: str, way: str) -> None:
    if order == 0 and way == "linear":
        return
    terms = basis_of(grid=5, order=order, outside=way).terms(torch.tensor([[NAN], [INF], [-INF]]), **grid_of(kind, 5))
    assert terms[0].isnan().any()
    if way != "linear":
        assert terms[1:].isfinite().all()
        assert float(terms[1:].sum()) == pytest.approx(0.0 if way == "zero" else 2.0)


def test_order_0_has_no_slope_to_continue_with() -> None:
    with pytest.raises(SettingError, match="no slope"):
        basis_of(order=0, outside="linear")


def test_equal_knots_are_refused_by_layers_and_give_no_nan() -> None:
    layer = neuron("sum(bspline(grid=3))").dense(2, 1)
    ((_, gather),) = layer.gathers
    with pytest.raises(SettingError, match="must increase"):
        gather.regrid(0, torch.tensor([[-3.0, 0.0, 0.0, 3.0]] * 2))
    with pytest.raises(ShapeError, match=r"breaks must be \(2, 4\)"):
        gather.regrid(0, torch.zeros(1, 4))
    for breaks in ([[-1.0, 0.0, 0.0, 3.0]], [[0.0, 0.0, 0.0, 3.0]], [[1.0, 1.0, 1.0, 1.0]]):
        for order in range(6):
            basis = basis_of(grid=3, order=order)
            x = torch.linspace(-4, 4, 33).unsqueeze(-1)
            assert basis.terms(x, breaks=torch.tensor(breaks)).isfinite().all()


@pytest.mark.parametrize(
    "text",
    ["sum(bspline(grid=1000000))", pytest.param("max(bspline(grid=1000000, order=1))", marks=pytest.mark.slow)],
)
def test_a_million_cells(text: str) -> None:
    """Nothing is laid out over all of them: 64 rows of all terms would be 512 MB."""
    layer, x = neuron(text).dense(2, 1), torch.rand(64, 2) * 6 - 3
    layer(x).square().mean().backward()
    assert int((layer.body.weight.grad != 0).sum()) <= 64 * 2 * 4
    coarse = layer.body.bases[0].local(x.double())
    assert int(coarse[0].max()) < 10**6
    torch.testing.assert_close(coarse[1].sum(-1), torch.ones(64, 2, dtype=torch.float64))


@pytest.mark.parametrize("cells", [3, 300])
def test_each_input_has_its_own_grid(cells: int) -> None:
    """With few terms, laid out in full, and with many, of which only those that are not 0 are."""
    layer = neuron(f"sum(bspline(grid={cells}))").dense(3, 2).double()
    ((_, gather),) = layer.gathers
    breaks = torch.stack([torch.linspace(-1, k + 1, cells + 1) for k in range(3)]).double() ** 3
    gather.regrid(0, breaks)
    x = torch.rand(11, 3, dtype=torch.float64) * 2 - 1
    torch.testing.assert_close(layer(x), layer.definition(x))
    torch.testing.assert_close(gather.edges(x).sum(-2) + gather.bias, layer(x))
    alone = torch.stack(
        [layer.body.bases[0].terms(x[:, k : k + 1], breaks=breaks[k : k + 1])[:, 0] for k in range(3)], 1
    )
    torch.testing.assert_close(torch.einsum("bik,iko->bo", alone, gather.weight) + gather.bias, layer(x))
    torch.testing.assert_close(torch.func.vmap(layer)(x), layer(x))
    twin = neuron(str(layer.neuron)).dense(3, 2).double()
    twin.load_state_dict(layer.state_dict())
    for other in (twin, copy.deepcopy(layer)):
        assert torch.equal(other(x), layer(x))


def test_narrow_formats_are_computed_widely() -> None:
    x = torch.linspace(-1.4, 2.4, 50).unsqueeze(-1)
    for dtype, within in ((torch.float16, 5e-4), (torch.bfloat16, 4e-3)):
        terms = basis_of(grid=64).terms(x.to(dtype))
        assert terms.dtype == dtype
        torch.testing.assert_close(
            terms.float(), basis_of(grid=64).terms(x.to(dtype).float()), atol=within, rtol=within
        )


def test_inputs_that_are_not_contiguous() -> None:
    layer = neuron("sum(silu + bspline)").dense(5, 3)
    x = torch.randn(5, 40).T[::2]
    assert not x.is_contiguous()
    torch.testing.assert_close(layer(x), layer(x.contiguous()))
