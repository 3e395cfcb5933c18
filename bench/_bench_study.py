"""The study of the benchmark of studies, in a file of its own, so that workers can import it."""

from __future__ import annotations

from typing import Any

from neurofn.studies import Study


def _fit(neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 150) -> list[dict[str, Any]]:
    import torch
    from torch import nn

    from neurofn import neuron as written
    from neurofn.train import Recipe, Stack, train

    def build(seed: int) -> nn.Module:
        return nn.Sequential(written(neuron).dense(1, width), written(neuron).dense(width, width), nn.Linear(width, 1))

    x = torch.linspace(-1, 1, 256).reshape(-1, 1)
    history = train(Stack(build, seeds), (x, torch.sin(6 * x)), recipe=Recipe(steps), loss=nn.functional.mse_loss)
    return [{"metrics": {"error": float(losses[-1])}} for losses in history.losses]


fits = Study(
    name="fits",
    cell=_fit,
    question="How fast are cells computed?",
    factors={"neuron": ["relu(sum(linear))", "tanh(sum(linear))"], "width": [16, 32]},
    seeds=10,
)
