"""Where the edge of chaos lies, against the published values and the map of correlations itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurofn.studies._deep import Deep
from neurofn.studies.edge_of_chaos import edge_weight
from neurofn.train import build_seeded


def test_the_edge_of_tanh_is_the_published_one() -> None:
    assert edge_weight("tanh", 0.05**0.5) == pytest.approx(1.76**0.5, abs=0.02)


@pytest.mark.parametrize(("share", "grows"), [(0.8, False), (1.6, True)])
def test_small_differences_shrink_below_the_edge_and_grow_above(share: float, grows: bool) -> None:
    weight = share * edge_weight("tanh", 0.2)
    network = build_seeded(lambda seed: Deep("tanh", 20, 400, weight, 0.2).build(), 0)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 64, generator=generator)
    near = x + 1e-3 * torch.randn(1, 64, generator=generator)
    with torch.no_grad():
        start, end = (float((network[:k](x) - network[:k](near)).norm()) for k in (2, 40))
    assert (end > 3 * start) == grows
    assert (end < start / 3) == (not grows)


def test_a_lost_signal_is_what_variance_says() -> None:
    network = build_seeded(lambda seed: Deep("relu", 10, 500, 1.0, 0.0).build(), 0)
    x = torch.randn(200, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        ratio = float(network[:-1](x).square().mean() / network[:2](x).square().mean())
    assert np.log2(ratio) == pytest.approx(-9, abs=1)  # half at each of nine more layers
