"""watch under torch.compile: the same readings, or an error at the first step; never silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch._dynamo
from torch import nn

from neurofn._errors import SiteError
from neurofn.instruments import EpsilonRank, Moments
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import in_gradient, watch

SILENT = r"torch\._dynamo\.reset\(\)"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch._dynamo.reset()
        yield
        torch._dynamo.reset()


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, behind any graph break
@pytest.mark.parametrize("whole", [True, False])
def test_compiled_models_read_the_same(whole: bool) -> None:
    model, inputs = mlp(), torch.randn(6, 16, 4)
    with watch(model, EpsilonRank(), Moments(), at=["0", "1"], every=2) as plain:
        for x in inputs:
            model(x)
    compiled = torch.compile(model, backend="eager")
    with watch(compiled if whole else model, EpsilonRank(), Moments(), at=["0", "1"], every=2) as record:
        for x in inputs:
            compiled(x)
    assert record.record == plain.record


def test_a_model_compiled_before_is_refused_at_the_first_step() -> None:
    model = torch.compile(mlp(), backend="eager")
    model(torch.randn(5, 4))
    with pytest.raises(SiteError, match=SILENT), watch(model, Moments(), at="1", every=1) as record:
        model(torch.randn(5, 4))
    assert record.steps == 0
    assert hooks(model) == 0


def test_a_second_model_of_the_same_structure_is_refused() -> None:
    first, second = (torch.compile(mlp(), backend="eager") for _ in range(2))
    first(torch.randn(5, 4))
    with pytest.raises(SiteError, match=SILENT), watch(second, Moments(), at="1", every=1):
        second(torch.randn(5, 4))


def test_one_graph_is_refused_with_a_reason() -> None:
    model = mlp()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with (
        pytest.raises(torch._dynamo.exc.Unsupported, match=r"watch what torch\.compile gave"),
        watch(model, Moments(), at="1", every=1),
    ):
        compiled(torch.randn(5, 4))
    with (
        pytest.raises(torch._dynamo.exc.Unsupported, match="leave out gradients"),
        watch(compiled, Moments(), at=in_gradient("1"), every=1),
    ):
        compiled(torch.randn(5, 4))
