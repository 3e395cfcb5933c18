"""Edges as curves, and how much inputs count: what is planted is found, and layers say the same as their edges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from neurofn import neuron, report
from neurofn._errors import DataError, SettingError
from neurofn.neurons._attribution import NORMS, attributed, seen_layers
from neurofn.neurons.curves import curves
from neurofn.neurons.importance import KINDS, importance, untrained

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")
KAN = "sum(silu + bspline)"


def rows(count: int = 200, inputs: int = 3) -> Tensor:
    return torch.rand(count, inputs, generator=torch.Generator().manual_seed(1)) * 2 - 1


def model(inputs: int = 3) -> nn.Sequential:
    return nn.Sequential(neuron(KAN).dense(inputs, 4), neuron(KAN).dense(4, 2))


def linear(weights: list[float]) -> nn.Module:
    layer = neuron("sum(linear)").dense(len(weights), 1)
    with torch.no_grad():
        layer.gathers[0][1].weight.copy_(torch.tensor(weights).reshape(-1, 1, 1))
    return layer


def test_the_curves_of_a_neuron_add_up_to_it() -> None:
    layer = neuron(KAN).dense(1, 2)
    x = rows(inputs=1)
    found = curves(layer, x, points=33)
    assert [(one.input, one.output) for one in found] == [(0, 0), (0, 1)]
    grid = torch.tensor(found[0].x)[:, None]
    bias = layer.gathers[0][1].bias
    assert bias is not None
    expected = layer(grid) - bias
    for one in found:
        torch.testing.assert_close(torch.tensor(one.y), expected[:, one.output].detach(), atol=1e-6, rtol=0)
    assert found[0].x[0] == x.min().item()
    assert found[0].x[-1] == x.max().item()


def test_every_edge_of_every_layer_is_there_once_with_the_data_that_reach_it() -> None:
    network, x = model(), rows()
    found = curves(network, x, names=("a", "b", "c"))
    assert len(found) == 3 * 4 + 4 * 2
    assert len({(one.layer, one.part, one.input, one.output) for one in found}) == len(found)
    assert [one.name for one in found[:12:4]] == ["a", "b", "c"]
    hidden = network[0](x)
    for one in found[12:]:
        assert one.layer == "1"
        assert one.x[0] == pytest.approx(hidden[:, one.input].min().item(), abs=1e-6)
    for one in found:
        assert sum(one.density) == pytest.approx(1.0)
    for layer in ("0", "1"):
        assert sum(one.importance for one in found if one.layer == layer) == pytest.approx(1.0)


def test_every_aggregate_of_a_composite_neuron_has_its_curves() -> None:
    layer = neuron("silu(sum(linear)) * sum(linear)").dense(2, 3)
    found = curves(layer, rows(inputs=2))
    assert len({one.part for one in found}) == 2
    assert len(found) == 12


def test_pruned_edges_are_left_out_and_count_nothing() -> None:
    layer = neuron(KAN).dense(2, 2)
    layer.gathers[0][1].prune(torch.tensor([[True, False], [True, True]]))
    x = rows(inputs=2)
    assert [(one.input, one.output) for one in curves(layer, x)] == [(0, 0), (1, 0), (1, 1)]
    gone = next(one for one in curves(layer, x, pruned=True) if (one.input, one.output) == (0, 1))
    assert gone.importance == 0.0
    assert set(gone.y) == {0.0}


def test_curves_of_odd_data() -> None:
    layer = neuron("sum(linear)").dense(3, 1)
    x = rows(5)
    x[:, 0] = 2.0
    x[0, 1] = torch.nan
    x[:, 2] = torch.inf
    constant, partly, none = curves(layer, x)
    assert set(constant.x) == {2.0}
    assert sum(constant.density) == pytest.approx(1.0)
    assert sum(partly.density) == pytest.approx(0.8)
    assert sum(none.density) == 0.0
    for wrong in (torch.zeros(0, 3), torch.zeros(3)):
        with pytest.raises(DataError, match="rows"):
            curves(layer, wrong)
    with pytest.raises(DataError, match="2 names for 3"):
        curves(layer, rows(), names=("a", "b"))
    with pytest.raises(SettingError, match="points"):
        curves(layer, rows(), points=1)
    with pytest.raises(SettingError, match="no layer of neurons"):
        curves(nn.Linear(3, 1), rows())


def test_they_are_drawn_and_written(tmp_path: Path) -> None:
    found = curves(model(), rows(), names=("<a>", "b", "c"))
    assert "&lt;a&gt;" in report(found, tmp_path / "out.html").read_text(encoding="utf-8")
    assert json.loads(report(found, tmp_path / "out.json").read_text())["edges"][0]["name"] == "<a>"


def test_looking_leaves_a_model_as_it_was() -> None:
    network = model()
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    curves(network, rows())
    importance(network, rows(), controls=2)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_sizes_are_passed_on_by_definition() -> None:
    network, x = model(), rows()
    seen = seen_layers(network, x)
    first, second = attributed(seen, NORMS["l2"])
    edges = [one.layer.gathers[0][1].edges(one.inputs).detach().double() for one in seen]
    sizes = [edge.std(dim=0, correction=0) for edge in edges]
    for i in range(4):
        for j in range(2):
            expected = 0.5 * sizes[1][i, j] / sum(sizes[1][k, j] for k in range(4))
            assert second[0][i, j] == pytest.approx(float(expected), rel=1e-4)
    counts = second[0].sum(dim=1)
    expected = counts * sizes[0] / sizes[0].sum(dim=0)
    torch.testing.assert_close(first[0], expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_count_as_they_were_planted(kind: str) -> None:
    found = importance(linear([3.0, 1.0, 0.0]), rows(2000), kind=kind, names=("a", "b", "c"))
    assert [one.name for one in found] == ["a", "b", "c"]
    assert [one.share for one in found] == pytest.approx([0.75, 0.25, 0.0], abs=0.02)
    assert sum(one.share for one in found) == pytest.approx(1.0)
    assert found[2].p == 1.0
    assert all(0 < one.control < 1 for one in found)


@pytest.mark.slow
def test_what_training_made_stands_out_and_an_untrained_network_does_not() -> None:
    x, network = rows(400), model()
    y = torch.stack([torch.sin(3 * x[:, 0]), x[:, 0] ** 2], dim=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(150):
        loss = (network(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for kind in KINDS:
        found = importance(network, x, kind=kind)
        assert found[0].share > 0.6
        assert found[0].p < 0.05, kind
        assert max(found[1].share, found[2].share) < 0.25
    assert all(one.p > 0.05 for one in importance(model(), x))


def test_units_of_inputs_and_outputs_do_not_matter() -> None:
    x = rows()
    small = importance(linear([3.0, 1.0]), x[:, :2], kind="sensitivity")
    large = importance(linear([3000.0, 0.01]), x[:, :2] * torch.tensor([1.0, 1e5]), kind="sensitivity")
    assert [one.value for one in small] == pytest.approx([one.value for one in large], rel=1e-4)


def test_any_model_can_be_asked_by_outputs_alone() -> None:
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    assert len(importance(network, rows(), kind="knockout", controls=3)) == 3
    with pytest.raises(SettingError, match="no layer of neurons"):
        importance(network, rows(), kind="l1")
    apart = nn.Sequential(neuron("sum(linear)").dense(3, 4), nn.Linear(4, 2), neuron("sum(linear)").dense(2, 1))
    with pytest.raises(SettingError, match="sensitivity"):
        importance(apart, rows(), kind="l2")
    assert importance(apart, rows(), kind="sensitivity", controls=1)[0].p in (0.5, 1.0)


def test_bad_questions() -> None:
    layer = linear([1.0, 2.0])
    with pytest.raises(SettingError, match="did you mean 'knockout'"):
        importance(layer, rows(inputs=2), kind="knock-out")
    with pytest.raises(SettingError, match="controls"):
        importance(layer, rows(inputs=2), controls=0)
    with pytest.raises(DataError, match="names"):
        importance(layer, rows(inputs=2), names=("a",))
    dead = importance(linear([0.0, 0.0]), rows(inputs=2), kind="sensitivity")
    assert [(one.value, one.share) for one in dead] == [(0.0, 0.0), (0.0, 0.0)]


def test_an_untrained_copy_is_new_and_repeatable() -> None:
    network = model()
    one, two, other = untrained(network, 3), untrained(network, 3), untrained(network, 4)
    weights = [each[0].gathers[0][1].weight for each in (network, one, two, other)]  # type: ignore[index, union-attr]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[3])
    assert json.dumps(importance(network, rows(), controls=1)[0].to_dict())
