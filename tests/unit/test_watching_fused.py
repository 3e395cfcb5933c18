"""watch of compiled models of one graph: the readings of an uncompiled one, or refused at the first step."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch._dynamo
from torch import nn
from torch.utils.checkpoint import checkpoint

from neurofn._errors import SiteError
from neurofn.instruments import ActivatedNeurons, EpsilonRank, Moments
from neurofn.saving._kernel import has_compiler
from neurofn.testing._instrument_runs import hooks
from neurofn.watching import Every, Windows, in_evaluation, watch

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
        with watch(compiled, *instruments, every=ALL) as record:
            for x in inputs:
                compiled(x)
        assert "1#2" in record.columns["site"]
        assert record.record == plain.record


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")  # torch's own
@pytest.mark.skipif(not has_compiler(), reason="no C++ compiler")
@pytest.mark.usefixtures("fresh")
def test_what_a_compiler_makes_of_the_code_keeps_the_readings() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 8), nn.GELU())
    inputs = torch.randn(6, 16, 4)
    inputs[3, 2] = torch.nan  # a batch that takes the exact route
    found = []
    for made in (model, torch.compile(model, fullgraph=True)):
        with watch(made, Moments(), ActivatedNeurons(), every=Windows(2, 3, readings=Every(4))) as record:
            for x in inputs:
                made(x).sum().backward()
        found.append(record.record)
    plain, compiled = found
    assert (compiled.columns["reading"] == plain.columns["reading"]).all()
    np.testing.assert_allclose(compiled.columns["value"], plain.columns["value"], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("fresh")
def test_single_steps_and_parts_of_tuples_are_in_one_graph_too() -> None:
    class Two(nn.Module):
        neuron_axis = -1

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            return x, {"twice": 2 * x}

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.two = Two()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one, more = self.two(x)
            return one + more["twice"]

    model, x = Sum(), torch.ones(3, 2)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with watch(compiled, Moments(), at=["two", "two[1]['twice']"], every=1) as record:
        compiled(x)
    means = record.where(reading="average mean").columns
    assert dict(zip(means["site"], means["value"], strict=True)) == {"two": 1.0, "two[1]['twice']": 2.0}


@pytest.mark.usefixtures("fresh")
def test_compiled_recomputation_is_not_counted_and_evaluation_is() -> None:
    class Recomputed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(checkpoint(self.first, x, use_reentrant=False))  # type: ignore[no-any-return]

    model, inputs = Recomputed(), torch.randn(3, 5, 4)
    found = []
    for made in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        with watch(
            made, Moments(), at=["first.1", in_evaluation("last")], every=Windows(1, 1, readings=Every(2))
        ) as record:
            for x in inputs:
                made.train()(x).sum().backward()
                with torch.inference_mode():
                    made.eval()(x)
        found.append(record)
    plain, compiled = found
    assert set(plain.columns["site"]) == {"first.1", "last@evaluation"}
    for name in ("step", "site", "reading"):
        assert (compiled.columns[name] == plain.columns[name]).all()
    np.testing.assert_allclose(compiled.columns["value"], plain.columns["value"], rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, behind any graph break
@pytest.mark.usefixtures("fresh")
def test_a_copy_of_a_watched_model_is_compiled_and_not_read() -> None:
    model = mlp()
    with watch(model, Moments(), at="0", every=1) as record:
        copied = torch.compile(copy.deepcopy(model), backend="eager")
        for _ in range(2):
            copied(torch.randn(5, 4))
        model(torch.randn(7, 4))
    assert record.steps == 1
    assert (record.where(reading="average mean").columns["step"] == 0).all()


@pytest.mark.usefixtures("fresh")
def test_a_model_compiled_before_is_refused_at_its_first_compiled_step() -> None:
    model = torch.compile(mlp(), backend="eager")
    model(torch.randn(5, 4))
    with (  # noqa: PT012
        pytest.raises(SiteError, match=r"torch\._dynamo\.reset\(\)"),
        watch(model, every=ALL) as record,
    ):
        for _ in range(3):
            model(torch.randn(5, 4))
    assert record.steps == 0
    assert hooks(model) == 0


@pytest.mark.usefixtures("fresh")
def test_a_compiled_model_is_watched_by_a_budget() -> None:
    model = torch.compile(mlp(), backend="eager", fullgraph=True)
    with watch(model, budget=1.0) as record:
        for _ in range(20):
            model(torch.randn(16, 4)).sum().backward()
    assert record.steps == 20
    assert record.where(site="", reading="steps").columns["value"][-1] >= 1
