"""Moments where sums of squares would fail, the base class's reductions, and the catalogue."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from neurofn import instruments
from neurofn.instruments import EpsilonRank, Moments, catalogue


def test_a_mean_that_dwarfs_the_deviation() -> None:
    spread = torch.randn(3000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moments = Moments()
    state = moments.start(3)
    for batch in (spread + 1e9).split(7):
        state = moments.update(state, batch)
    np.testing.assert_allclose(moments.compute(state)["std"], spread.numpy().std(axis=0), rtol=1e-6)


def test_known_values() -> None:
    moments = Moments()
    seen = moments.compute(
        moments.update(moments.start(2), torch.tensor([[0.0, 1.0], [4.0, 1.0]]), torch.tensor([3.0, 1.0]))
    )
    assert seen["mean"].tolist() == [1.0, 1.0]  # type: ignore[union-attr]
    np.testing.assert_allclose(seen["std"], [np.sqrt(3), 0])
    assert seen["average mean"] == 1.0


def test_no_rows_and_one_row() -> None:
    moments = Moments()
    assert np.isnan(moments.compute(moments.start(2))["mean"]).all()
    one = moments.compute(moments.update(moments.start(2), torch.tensor([[3.0, 4.0]])))
    assert one["std"].tolist() == [0.0, 0.0]  # type: ignore[union-attr]


def test_integer_and_boolean_activations() -> None:
    moments = Moments()
    for values in (torch.tensor([[1, 2]]), torch.tensor([[True, False]]), torch.tensor([[1, 2]], dtype=torch.uint8)):
        assert moments.compute(moments.update(moments.start(2), values))["nonfinite rows"] == 0


def test_declared_reductions() -> None:
    rank = EpsilonRank()
    coarse = rank.update(rank.start(2), torch.ones(3, 2, dtype=torch.bfloat16))
    fine = rank.update(rank.start(2), torch.ones(3, 2, dtype=torch.float64))
    assert rank.compute(rank.merge(fine, coarse))["noise floor"] == rank.compute(coarse)["noise floor"]


def test_all_reduce_without_processes_is_the_state() -> None:
    state = Moments().start(2)
    assert Moments().all_reduce(state) is state


def test_every_instrument_can_be_imported_by_its_name() -> None:
    assert {name: getattr(instruments, name) for name in catalogue} == dict(catalogue)
    with pytest.raises(AttributeError, match="no attribute 'Moment'"):
        _ = instruments.Moment
    with pytest.raises(AttributeError):
        _ = instruments._nothing


def test_listing_loads_no_torch() -> None:
    code = "import sys; from neurofn.instruments import catalogue; list(catalogue); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
