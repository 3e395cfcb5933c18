"""A network whose units are known, its data and concepts, for tests of the command explain."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from neurofn.explaining import Concepts
from neurofn.tasks.scenes import draw_scenes

SCENES = 40
FORMULAS = {0: "red", 1: "green", 2: "blue"}  # unit 3 never fires


def net() -> nn.Module:
    """Units 0 to 2 fire where one of red, green and blue outweighs the two others together; unit 3 is always 0."""
    weights = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [0, 0, 0]])
    with torch.random.fork_rng():
        first = nn.Conv2d(3, 4, 1, bias=False)
    first.weight.data = weights[:, :, None, None]
    return nn.Sequential(first, nn.ReLU())


def scenes() -> torch.Tensor:
    """The images, (40, 3, 36, 36)."""
    return torch.from_numpy(draw_scenes(SCENES, seed=9).images)


def loader() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The same in batches, with labels that nobody reads."""
    return [(part, torch.zeros(len(part))) for part in scenes().split(16)]


def once() -> Iterator[torch.Tensor]:
    """The same as an iterator that can be read once."""
    yield from scenes().split(16)


def concepts() -> Concepts:
    """Every label of the scenes."""
    return Concepts.from_planes(draw_scenes(SCENES, seed=9).planes())


def fewer() -> Concepts:
    """Concepts of other samples than the data."""
    return Concepts.from_planes(draw_scenes(SCENES - 1, seed=9).planes())


number = 3
