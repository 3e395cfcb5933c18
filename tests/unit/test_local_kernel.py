"""The fast path of splines: every kernel equals the definition, for any shape, grid and number."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurofn import neuron
from neurofn.edges import find_edge
from neurofn.neurons import _local, _local_dense, _local_kernel, _local_numba
from neurofn.neurons._local_kernel import Grid

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

ORDERS = range(6)
SIZES = [(1, 1, 1), (3, 2, 7), (33, 17, 16), (70, 5, 37), (40, 9, 65), (5, 1, 130), (0, 3, 4), (1100, 3, 2)]
TOLERANCE = {torch.float32: 3e-6, torch.float64: 1e-13}
WAYS = ["native", pytest.param("numba", marks=pytest.mark.skipif(not _local_numba.AVAILABLE, reason="no numba"))]


def kernel_of(way: str, dtype: torch.dtype, order: int) -> _local.Way:
    found = _local_kernel.kernel(dtype, order) if way == "native" else _local_numba.kernel(dtype)
    if found is None:
        pytest.skip(_local_kernel.kernel_state(dtype, order))
    return found


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def uneven(n_in: int, cells: int, dtype: torch.dtype) -> Tensor:
    """A grid per input on about (-2, 2), with cells of very different widths."""
    steps = random(n_in, cells, seed=7, dtype=dtype).exp()
    ends = torch.cat([torch.zeros(n_in, 1, dtype=dtype), steps.cumsum(-1)], dim=-1)
    return ends / ends[:, -1:] * 4 - 2


def close(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    """Equal to rounding, against the largest number in it."""
    assert found.shape == expected.shape
    if not expected.numel():
        return
    scale = max(1.0, float(expected.detach().nan_to_num(0.0, 0.0, 0.0).abs().max()))
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE[dtype] * scale, equal_nan=True)


def by_definition(
    x: Tensor, weight: Tensor, grad: Tensor, order: int, **given: object
) -> tuple[Tensor, Tensor, Tensor]:
    """Sums and both gradients, from the terms as textbooks print them."""
    breaks, outside = given.get("breaks"), given.get("outside", "constant")
    basis = find_edge("bspline").basis({"grid": weight.shape[1] - order, "order": order, "outside": outside})
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    terms = basis.reference(x, **({} if breaks is None else {"breaks": breaks}))
    result = terms.flatten(-2) @ weight.flatten(0, 1)
    of_x, of_weight = torch.autograd.grad(result, [x, weight], grad, allow_unused=True)
    return result.detach(), torch.zeros_like(x) if of_x is None else of_x, of_weight


def by_kernel(way: _local.Way, x: Tensor, weight: Tensor, grad: Tensor, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    sums, of_weight = torch.zeros_like(grad), torch.full_like(weight, math.nan)
    way.add_sums(x, weight, grid, out=sums)
    way.weight_gradient(x, grid, grad=grad, out=of_weight)
    return sums, way.input_gradient(x, weight, grid, grad=grad), of_weight


def compare(
    way: str, size: tuple[int, int, int], order: int, *, dtype: torch.dtype, cells: int = 6, **given: object
) -> None:
    """One kernel against the definition; ``breaks=True`` asks for a grid per input."""
    batch, n_in, n_out = size
    breaks = uneven(n_in, cells, dtype) if given.pop("breaks", False) else None
    outside = str(given.get("outside", "constant"))
    x = 1.7 * random(batch, n_in, seed=1, dtype=dtype)
    weight, grad = random(n_in, cells + order, n_out, seed=2, dtype=dtype), random(batch, n_out, seed=3, dtype=dtype)
    basis = find_edge("bspline").basis({"grid": cells, "order": order, "outside": outside})
    grid = _local._grid(basis, dtype, breaks)
    expected = by_definition(x, weight, grad, order, breaks=breaks, outside=outside)
    for found, wanted in zip(by_kernel(kernel_of(way, dtype, order), x, weight, grad, grid), expected, strict=True):
        close(found, wanted, dtype)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("order", ORDERS)
def test_kernels_equal_the_definition(way: str, order: int) -> None:
    for size in SIZES:
        compare(way, size, order, dtype=torch.float32)
        compare(way, size, order, dtype=torch.float32, breaks=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("outside", ["constant", "linear", "zero"])
def test_kernels_continue_as_declared_and_know_float64(way: str, outside: str) -> None:
    for order in (1, 3):
        compare(way, (50, 5, 19), order, dtype=torch.float64, outside=outside)
        compare(way, (50, 5, 19), order, dtype=torch.float32, outside=outside, breaks=True, cells=40)


@pytest.mark.parametrize("way", WAYS)
def test_values_are_as_exact_as_the_numbers(way: str) -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    for order, cells in ((0, 64), (1, 5), (2, 1000), (3, 5), (3, 64), (3, 1000), (5, 1000)):
        basis = find_edge("bspline").basis({"grid": cells, "order": order})
        grid = _local._grid(basis, torch.float32, None)
        knots = grid.knots.double().numpy()
        x = torch.rand(2000, 1, generator=torch.Generator().manual_seed(0)) * 5.998 - 2.999
        values = torch.zeros(len(x), cells + order)
        kernel_of(way, torch.float32, order).add_sums(x, torch.eye(cells + order).unsqueeze(0), grid, out=values)
        wanted = interpolate.BSpline.design_matrix(x[:, 0].double().numpy(), knots, order).toarray()
        assert np.abs(values.double().numpy() - wanted).max() <= 3e-7


@pytest.mark.parametrize("way", WAYS)
def test_nan_and_infinity_reach_the_output_and_are_no_index(way: str) -> None:
    for order in ORDERS:
        basis = find_edge("bspline").basis({"grid": 4, "order": order})
        for breaks in (None, uneven(3, 4, torch.float32)):
            x = torch.tensor([[0.1, math.nan, 0.2], [math.inf, 0.0, -math.inf], [0.3, 1e30, -1e30]])
            weight, grid = random(3, 4 + order, 5), _local._grid(basis, torch.float32, breaks)
            sums, of_x, _ = by_kernel(kernel_of(way, torch.float32, order), x, weight, torch.ones(3, 5), grid)
            terms = basis.terms(x) if breaks is None else basis.terms(x, breaks=breaks)
            close(sums, terms.flatten(-2) @ weight.flatten(0, 1), torch.float32)
            assert sums[0].isnan().all()
            assert of_x[1:].isfinite().all()


@pytest.mark.parametrize("way", WAYS)
def test_equal_knots_and_empty_cells_divide_nothing_by_zero(way: str) -> None:
    breaks = torch.tensor([[0.0, 0.0, 0.5, 0.5, 1.0], [-1.0, 0.0, 0.0, 0.0, 2.0]])
    x = torch.tensor([[0.0, 0.0], [0.5, -1.0], [0.25, 1.9], [0.999, 0.5]])
    for order in (1, 3):
        basis = find_edge("bspline").basis({"grid": 4, "order": order})
        weight, grid = random(2, 4 + order, 3), _local._grid(basis, torch.float32, breaks)
        sums, of_x, of_weight = by_kernel(kernel_of(way, torch.float32, order), x, weight, torch.ones(4, 3), grid)
        close(sums, basis.terms(x, breaks=breaks).flatten(-2) @ weight.flatten(0, 1), torch.float32)
        assert of_x.isfinite().all()
        assert of_weight.isfinite().all()


@pytest.mark.parametrize("way", WAYS)
def test_a_million_knots(way: str) -> None:
    basis = find_edge("bspline").basis({"grid": 1_000_000})
    x = torch.linspace(-3, 3, 50).unsqueeze(-1)
    weight, grid = torch.ones(1, 1_000_003, 1), _local._grid(basis, torch.float32, None)
    sums, of_x, of_weight = by_kernel(kernel_of(way, torch.float32, 3), x, weight, torch.ones(50, 1), grid)
    torch.testing.assert_close(sums, torch.ones(50, 1))  # rounding has made some cells empty, but no term negative
    assert of_x.isfinite().all()
    assert float(of_weight.sum()) == pytest.approx(50, rel=1e-5)


def test_results_do_not_depend_on_the_threads() -> None:
    kernel = kernel_of("native", torch.float32, 3)
    basis = find_edge("bspline").basis({})
    for batch, n_in, n_out in ((2000, 20, 33), (8, 64, 200), (3, 500, 40)):
        x, weight, grad = random(batch, n_in), random(n_in, 8, n_out), random(batch, n_out, seed=1)
        before, found = torch.get_num_threads(), []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(by_kernel(kernel, x, weight, grad, _local._grid(basis, torch.float32, None)))
        torch.set_num_threads(before)
        assert all(torch.equal(one, three) for one, three in zip(*found, strict=True))


# --- in a layer -------------------------------------------------------------------------------------------------------


TEXTS = [
    "sum(bspline(grid=5))",
    "mean(silu + bspline(grid=7, order=2, outside='linear'))",
    "sum(bspline(grid=3, order=1) + rational(2, 1) + bspline(grid=20, order=4, outside='zero'))",
]


def gradients(layer: nn.Module, result: Tensor, x: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(result, [x, *layer.parameters()], torch.ones_like(result) + result.detach() / 7))


@pytest.mark.parametrize("text", TEXTS)
def test_a_layer_equals_its_definition(text: str) -> None:
    layer = neuron(text).dense(13, 9)
    _, gather = layer.gathers[0]
    assert isinstance(gather._path, _local.LocalPath)
    for x in (random(2, 50, 13), random(13, 40).t(), random(0, 13), random(13)):
        given = x.detach().requires_grad_()
        result, wanted = layer(given), layer.definition(given)
        close(result, wanted, torch.float32)
        for one, other in zip(gradients(layer, result, given), gradients(layer, wanted, given), strict=True):
            close(one, other, torch.float32)


@pytest.mark.parametrize("text", TEXTS)
def test_a_layer_can_be_differentiated_twice(text: str) -> None:
    layer = neuron(text).dense(3, 2).double()
    x = random(4, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradgradcheck(layer, (x,))


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own code of forward differentiation
@pytest.mark.parametrize("text", [TEXTS[0], *(pytest.param(text, marks=pytest.mark.slow) for text in TEXTS[1:])])
def test_a_layer_is_traced_transformed_and_copied(text: str) -> None:
    layer = neuron(text).dense(7, 3)
    x = random(6, 7).requires_grad_()
    wanted = layer(x)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)(x)
    close(compiled, wanted, torch.float32)
    for one, other in zip(gradients(layer, compiled, x), gradients(layer, wanted, x), strict=True):
        close(one, other, torch.float32)
    torch._dynamo.reset()
    close(torch.export.export(layer, (x,)).module()(x), wanted, torch.float32)
    close(torch.func.vmap(layer)(x), wanted, torch.float32)
    close(copy.deepcopy(layer)(x), wanted, torch.float32)
    _, slope = torch.func.jvp(layer, (x.detach(),), (torch.ones(6, 7),))
    close(slope, torch.func.vmap(torch.func.jacrev(layer))(x.detach()).sum(-1), torch.float32)


def test_other_formats_take_the_plain_path() -> None:
    layer = neuron("sum(bspline(grid=5))").dense(4, 3)
    x = random(5, 4)
    found = copy.deepcopy(layer).bfloat16()(x.bfloat16())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("outside", ["constant", "zero"])
def test_traced_terms_are_those_of_the_basis(order: int, outside: str) -> None:
    basis = find_edge("bspline").basis({"grid": 9, "order": order, "outside": outside})
    x = torch.cat([torch.linspace(-4, 4, 999), torch.tensor([math.inf, -math.inf, math.nan])])
    close(_local_dense._truncated(x, basis, 9 + order), basis.reference(x), torch.float32)
    close(_local_dense._compared(x, basis, None, 9 + order), basis.terms(x), torch.float32)


def test_ways_take_each_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = neuron("sum(bspline(grid=5))").dense(3, 2), random(9, 3)
    wanted = layer.definition(x)
    monkeypatch.setattr(_local_kernel, "kernel", lambda *_: None)
    monkeypatch.setattr(_local_kernel, "promised", lambda _: False)
    assert layer.path == ("numba" if _local_numba.AVAILABLE else "fused")
    close(layer(x), wanted, torch.float32)
    monkeypatch.setattr(_local_numba, "AVAILABLE", False)
    assert layer.path == "fused"
    close(layer(x), wanted, torch.float32)
