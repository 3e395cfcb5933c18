"""Penalties on edges, and pruning: what is said to change is what changes, and never more than asked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from neurofn import NeurofnError, neuron
from neurofn.neurons.curves import curves
from neurofn.neurons.penalties import edge_sizes, entropy, smoothness, sparsity
from neurofn.neurons.pruning import edge_effects, prune, shrink

TEXTS = ["sum(bspline)", "mean(silu + bspline)", "tanh(sum(linear))", "norm(linear)", "sum(linear) * sum(bspline)"]


@pytest.fixture(autouse=True)
def drawn_aside() -> Iterator[None]:
    with torch.random.fork_rng():
        yield


def network(text: str, seed: int = 0, init: str = "fan_in") -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        part = neuron(text)
        model = nn.Sequential(part.dense(4, 5, init=init), part.dense(5, 3, init=init)).double()
        with torch.no_grad():  # some edges matter less
            for layer in model:
                for _, gather in layer.gathers:  # type: ignore[operator]
                    gather.weight *= torch.logspace(-4, 0, gather.n_in, dtype=torch.float64)[:, None, None]
    return model


X = torch.randn(200, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("change", [0.0, 0.01, 0.1])
def test_pruning_changes_no_more_than_asked_and_says_how_much(text: str, change: float) -> None:
    model = network(text)
    before = model(X).detach()
    small, report = prune(model, X, change=change)
    moved = (small(X) - before).square().mean().sqrt() / (before - before.mean(0)).square().mean().sqrt()
    assert report.change <= change
    assert moved.item() == pytest.approx(report.change, rel=1e-9, abs=1e-15)
    assert torch.equal(model(X), before)  # the model given stays
    assert report.after == sum(left for _, left, _ in report.edges)
    assert json.loads(json.dumps(report.to_json()))["before"] == report.before
    if change == 0.1:
        assert report.after < report.before


def test_one_more_edge_would_be_too_much() -> None:
    model = network("sum(bspline)")
    small, report = prune(model, X, change=0.05)
    effects = edge_effects(model, X)
    order = sorted((float(v), name, i) for name, values in effects.items() for i, v in enumerate(values.flatten()))
    _, name, index = order[report.before - report.after]
    gather = dict(small.named_modules())[name]
    keep = gather.alive.clone().flatten()
    keep[index] = False
    gather.prune(keep.reshape(gather.alive.shape))
    before = model(X)
    assert (small(X) - before).square().mean().sqrt() > 0.05 * (before - before.mean(0)).square().mean().sqrt()


def test_effects_are_the_changes_of_a_linear_network() -> None:
    model = nn.Sequential(neuron("sum(linear)").dense(4, 1)).double()
    effects = edge_effects(model, X)["0.body"]
    weight = model[0].gathers[0][1].weight[:, 0]  # type: ignore[index,operator]
    assert torch.allclose(effects, weight.abs().detach() * X.std(0, correction=0)[:, None])


def test_effects_have_the_units_of_outputs_and_importance_is_a_share() -> None:
    model = nn.Sequential(neuron("sum(linear)").dense(4, 2)).double()
    with torch.no_grad():
        model[0].gathers[0][1].weight[:, 0, 1] = 1000 * model[0].gathers[0][1].weight[:, 0, 0]  # type: ignore[index,operator]
    effects = edge_effects(model, X)["0.body"]
    shares = torch.tensor([curve.importance for curve in curves(model, X)], dtype=torch.float64).reshape(4, 2)
    assert torch.allclose(effects[:, 1], 1000 * effects[:, 0])
    assert torch.allclose(shares, (effects / effects.sum(0) / 2))


@pytest.mark.parametrize("text", [*TEXTS, "max(linear)", "prelu(sum(bspline))"])
@pytest.mark.parametrize("init", ["fan_in", "matched"])
def test_smaller_layers_compute_the_same(text: str, init: str) -> None:
    model = network(text, init=init)
    model[0].fit_range(X)  # type: ignore[operator]
    for layer in model:
        for _, gather in layer.gathers:  # type: ignore[operator]
            keep = torch.ones(gather.n_in, gather.n_out, dtype=torch.bool)
            keep[1] = False
            keep[3, 0] = False
            gather.prune(keep)
    before = model(X)
    small, inputs = shrink(model)
    assert torch.allclose(small(X[:, list(inputs)]), before, rtol=1e-12, atol=1e-12)
    expected = (0, 1, 2, 3) if text == "max(linear)" else (0, 2, 3)
    assert inputs == expected
    assert small[1].n_in == (5 if text == "max(linear)" else 4)
    again = neuron(text).dense(len(inputs), small[0].n_out, init=init).double()  # type: ignore[arg-type]
    again.load_state_dict(small[0].state_dict())
    assert torch.equal(again(X[:, list(inputs)]), small[0](X[:, list(inputs)]))


def test_a_node_without_readers_goes_with_its_edges() -> None:
    model = network("sum(bspline)")
    keep = torch.ones(5, 3, dtype=torch.bool)
    keep[2:] = False
    model[1].gathers[0][1].prune(keep)  # type: ignore[index,operator]
    small, _ = shrink(model)
    assert (small[0].n_out, small[1].n_in) == (2, 2)
    assert torch.allclose(small(X), model(X), rtol=1e-12)


def test_penalties_are_what_they_say() -> None:
    layer = neuron("sum(bspline) * sum(linear)").dense(4, 3).double()
    (_, one), (_, two) = layer.gathers
    sizes = [one.edges(X).abs().mean(0), two.edges(X).abs().mean(0)]
    assert sparsity(layer, X).item() == pytest.approx(sum(size.sum().item() for size in sizes))
    expected = -sum((size / size.sum() * (size / size.sum()).log()).sum().item() for size in sizes)
    assert entropy(layer, X).item() == pytest.approx(expected)
    assert all(torch.allclose(a, b) for a, b in zip(edge_sizes(layer, X), sizes, strict=True))
    (sparsity(layer, X) + entropy(layer, X) + smoothness(layer)).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or p.grad.isfinite().all() for p in layer.parameters())
    assert one.weight.grad is not None


def test_penalties_of_a_layer_of_zeros() -> None:
    layer = neuron("sum(bspline)").dense(2, 2)
    layer.gathers[0][1].weight.data.zero_()
    value = entropy(layer, torch.randn(5, 2)) + sparsity(layer, torch.randn(5, 2)) + smoothness(layer)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 0
    assert layer.gathers[0][1].weight.grad.isfinite().all()  # type: ignore[union-attr]


def test_smoothness_is_zero_for_lines_and_not_for_bends() -> None:
    layer = neuron("sum(bspline)").dense(1, 1).double()
    weight = layer.gathers[0][1].weight
    weight.data.copy_(torch.linspace(0, 1, weight.shape[1])[None, :, None])
    assert smoothness(layer).item() == pytest.approx(0, abs=1e-14)
    assert smoothness(layer, order=1).item() == pytest.approx(1 / (weight.shape[1] - 1) ** 2)
    weight.data[0, 3] += 1
    assert smoothness(layer).item() > 0.1
    assert smoothness(neuron("sum(linear)").dense(2, 2)).item() == 0
    assert math.isfinite(entropy(layer, torch.ones(3, 1, dtype=torch.float64)).item())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: prune(nn.Linear(2, 2), torch.randn(5, 2)), "no layer of neurons"),
        (lambda: prune(network("sum(linear)"), X, change=-1.0), "at least 0"),
        (lambda: edge_effects(network("sum(linear)"), X[:1]), "at least 2"),
        (lambda: shrink(nn.Sequential(nn.Linear(2, 2))), "layers of neurons"),
        (lambda: sparsity(neuron("sum(linear)").dense(2, 2), torch.zeros(0, 2)), "at least one sample"),
        (lambda: smoothness(neuron("sum(linear)").dense(2, 2), order=0), "at least 1"),
    ],
)
def test_bad_input(call: object, says: str) -> None:
    with pytest.raises(NeurofnError, match=says):
        call()  # type: ignore[operator]
