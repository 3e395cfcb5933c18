"""Sums over the values of each neuron: compiled against torch, and both against float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurofn.instruments import _column_sums
from neurofn.instruments._column_sums import ColumnSums, CompiledSums, column_sums, kernel_state

DTYPES = {torch.float32: 2e-5, torch.float64: 1e-12}


@pytest.fixture(scope="module")
def compiled() -> CompiledSums:
    sums = column_sums()
    if not isinstance(sums, CompiledSums):
        pytest.skip(kernel_state())
    return sums


def block(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def moments(sums: ColumnSums, values: Tensor, shift: Tensor) -> Tensor:
    into = torch.ones(2, values.shape[1], dtype=torch.float64)
    assert sums.add(values, moments=(shift, into))
    return into - 1


def counts(sums: ColumnSums, values: Tensor, threshold: float = 0.0) -> Tensor:
    into = torch.ones(values.shape[1], dtype=torch.float64)
    assert sums.add(values, above=(threshold, into))
    return into - 1


def both(sums: ColumnSums, values: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    first, second = (
        torch.ones(2, values.shape[1], dtype=torch.float64),
        torch.ones(values.shape[1], dtype=torch.float64),
    )
    assert sums.add(values, moments=(shift, first), above=(0.0, second))
    return first - 1, second - 1


def by_definition(values: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    rows = (values if values.ndim == 2 else values.movedim(1, 2).flatten(0, 1)).double()
    apart = rows - shift.double()
    return torch.stack([apart.sum(dim=0), apart.square().sum(dim=0)]), (rows > 0).double().sum(dim=0)


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(0, 70), st.integers(1, 300))
    | st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(1, 600)),
    dtype=st.sampled_from(list(DTYPES)),
    seed=st.integers(0, 99),
)
def test_both_are_the_sums(compiled: CompiledSums, shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> None:
    values = block(*shape, dtype=dtype, seed=seed)
    shift = block(shape[1], dtype=dtype, seed=seed + 1)
    expected, above = by_definition(values, shift)
    within = DTYPES[dtype] * (1 + values.numel() // max(shape[1], 1))
    for sums in (ColumnSums(), compiled):
        torch.testing.assert_close(moments(sums, values, shift), expected, rtol=within, atol=within)
        assert torch.equal(counts(sums, values), above)
        assert all(map(torch.equal, both(sums, values, shift), (moments(sums, values, shift), above)))


@pytest.mark.parametrize("shape", [(70, 300), (5, 4, 200)])
def test_what_equals_the_threshold_is_not_above_it(compiled: CompiledSums, shape: tuple[int, ...]) -> None:
    values = block(*shape).relu()  # about half are 0, the threshold
    shift = torch.zeros(shape[1])
    _, above = by_definition(values, shift)
    assert above.sum() < 0.6 * values.numel()
    for sums in (ColumnSums(), compiled):
        assert torch.equal(counts(sums, values), above)
        assert torch.equal(both(sums, values, shift)[1], above)


@pytest.mark.parametrize("shape", [(600, 517), (40, 35, 333)])
def test_threads_change_nothing(compiled: CompiledSums, shape: tuple[int, ...]) -> None:
    values, shift, before = block(*shape), block(shape[1]), torch.get_num_threads()
    assert values.numel() >= _column_sums._ALONE
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append((moments(compiled, values, shift), counts(compiled, values)))
    finally:
        torch.set_num_threads(before)
    for sums, above in found:
        assert torch.equal(sums, found[0][0])
        assert torch.equal(above, found[0][1])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("shape", [(9, 20), (3, 4, 40)])
def test_what_is_not_finite_adds_nothing(compiled: CompiledSums, shape: tuple[int, ...], bad: float) -> None:
    values = block(*shape)
    values.view(-1)[-3] = bad
    for sums in (ColumnSums(), compiled):
        into = torch.ones(2, shape[1], dtype=torch.float64)
        assert not sums.add(values, moments=(torch.zeros(shape[1]), into), above=(0.0, into[0]))
        assert torch.equal(into, torch.ones_like(into))


def test_views_are_read_as_they_lie(compiled: CompiledSums) -> None:
    wide = block(64, 40)
    shift = torch.zeros(20)
    for view in (wide[::3, :20], wide[:, 20:], wide[:, ::2], wide.t()[:20].t(), wide[:, :20].flip(1), wide[:0, :20]):
        expected, above = by_definition(view, shift)
        torch.testing.assert_close(moments(compiled, view, shift), expected, rtol=1e-5, atol=1e-4)
        assert torch.equal(counts(compiled, view), above)
    imaginary = torch.complex(wide, wide).conj().imag  # its sign is a flag of the view
    torch.testing.assert_close(moments(compiled, imaginary, torch.zeros(40)), by_definition(-wide, torch.zeros(40))[0],
                               rtol=1e-5, atol=1e-4)  # fmt: skip


def test_without_a_compiler_torch_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_column_sums, "_find", lambda: (None, "none: no C++ compiler"))
    assert type(column_sums()) is ColumnSums
