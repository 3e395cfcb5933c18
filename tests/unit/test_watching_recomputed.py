"""watch where modules run twice for one pass: activation checkpointing, and copies of modules."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from neurofn._errors import SiteError
from neurofn.instruments import ActivatedNeurons, Moments
from neurofn.watching import watch

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


class Recomputed(nn.Module):
    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.body, self.reentrant = mlp(), reentrant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(self.body, x, use_reentrant=self.reentrant)


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputation_counts_once(reentrant: bool) -> None:
    model = Recomputed(reentrant=reentrant)
    with watch(model, ActivatedNeurons(), at="body.0", every=1) as record:
        for _ in range(2):
            model(torch.randn(10, 4, requires_grad=True)).sum().backward()
    assert record.steps == 2
    assert record.where(reading="curve").columns["unit"].max() == 10
    assert set(record.columns["site"].tolist()) == {"body.0"}


class Inner(Recomputed):
    """Differentiates inside its forward pass, so that the recomputation comes before the pass ends."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(super().forward(x).sum(), x, create_graph=True)[0]


def test_recomputation_inside_a_pass_counts_once() -> None:
    model = Inner(reentrant=False)
    with watch(model, Moments(), at="body.0", every=1) as record:
        model(torch.randn(10, 4, requires_grad=True))
    assert set(record.columns["site"].tolist()) == {"body.0"}


class Copies(nn.Module):
    """Runs a copy of its layer, as the replicas of data parallelism do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return copy.deepcopy(self.layer)(x)


def test_copies_of_a_module_are_other_modules() -> None:
    with pytest.raises(SiteError, match="no output of the sites"), watch(model := Copies(), Moments(), every=1):
        model(torch.randn(5, 4))


def test_a_model_that_is_recomputed_as_a_whole_counts_once() -> None:
    model = mlp()
    with watch(model, Moments(), at="1", every=1) as record:
        for _ in range(2):
            checkpoint(model, torch.randn(10, 4, requires_grad=True), use_reentrant=False).sum().backward()
    assert record.steps == 2
    assert not record._sampler.on
