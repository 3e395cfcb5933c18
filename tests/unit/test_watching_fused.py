"""watch over many steps of compiled models: traced into the graph, or refused at the first compiled step."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch._dynamo
from torch import nn

from neurofn._errors import SiteError
from neurofn.instruments import ActivatedNeurons, EpsilonRank, Moments
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import Every, Windows, watch

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

ALL = Windows(1, 1, readings=Every(100))


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.fixture
def fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("fresh")
def test_windows_are_compiled_into_one_graph() -> None:
    model, inputs = nn.Sequential(nn.Linear(4, 8), act := nn.ReLU(), nn.Linear(8, 8), act), torch.randn(6, 16, 4)
    instruments = Moments(), ActivatedNeurons(), EpsilonRank(eps=1e-3, relative=True)
    with watch(model, *instruments, every=ALL) as plain:
        for x in inputs:
            model(x)
    for model_again in range(2):  # a second model of the same structure too
        del model_again
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        with warnings.catch_warnings(), watch(compiled, *instruments, every=ALL) as record:
            for x in inputs:
                compiled(x)
        assert record._sampler.fused
        assert "1#2" in record.columns["site"]
        for name in ("step", "site", "reading"):
            assert (record.columns[name] == plain.columns[name]).all()
        np.testing.assert_allclose(record.columns["value"], plain.columns["value"], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("fresh")
def test_a_model_compiled_before_is_refused_at_its_first_compiled_step() -> None:
    model = torch.compile(mlp(), backend="eager")
    model(torch.randn(5, 4))
    with (  # noqa: PT012
        pytest.raises(SiteError, match=r"first compiled.*torch\._dynamo\.reset\(\)"),
        watch(model, every=ALL) as record,
    ):
        for _ in range(3):
            model(torch.randn(5, 4))
    assert record.steps == 1
    assert hooks(model) == 0


@pytest.mark.usefixtures("fresh")
def test_a_compiled_model_is_watched_by_a_budget() -> None:
    model = torch.compile(mlp(), backend="eager", fullgraph=True)
    with watch(model, budget=1.0) as record:
        for _ in range(20):
            model(torch.randn(16, 4)).sum().backward()
    assert record.steps == 20
    assert record.where(site="", reading="steps").columns["value"][-1] >= 1
