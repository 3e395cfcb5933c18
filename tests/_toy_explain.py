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


# --- Rows and texts: the unit is a formula, but in a few samples the network sees something else ------------------------

AGES = [float(age) for age in range(20, 60)]
FRIENDS = ["dog" if i % 3 else "cat" for i in range(40)]
TEXTS = [(("a", "cat", "saw", "the", "dog"), ("the", "dog", "barks"), ("a", "saw"))[i % 3] for i in range(45)]
_NUMBERS = {"a": 0, "the": 1, "dog": 2, "cat": 3, "barks": 4, "saw": 5}


def row_net() -> nn.Module:
    """Its unit fires above an age of 39.5."""
    return _line(torch.tensor([[1.0, 0.0]]), -39.5)


def rows() -> torch.Tensor:
    """Ages and friends, (40, 2); row 3 fires out of turn, row 37 keeps silent."""
    found = torch.tensor([[age, friend == "dog"] for age, friend in zip(AGES, FRIENDS, strict=True)])
    found[3, 0], found[37, 0] = 50.0, 10.0
    return found


def row_concepts() -> Concepts:
    """Which half of the ages, and which friend."""
    return Concepts.from_predicates({"age": AGES, "friend": FRIENDS}, ["age > 39.5", "friend == dog"])


def text_net() -> nn.Module:
    """Its unit fires at dogs and cats."""
    weights = torch.zeros(1, 7)
    weights[0, [2, 3]] = torch.tensor([2.0, 1.0])
    return _line(weights, 0.0)


def texts() -> torch.Tensor:
    """One-hot tokens, (45, 5, 7), the last number for padding; in text 6 no animal is written."""
    found = torch.full((len(TEXTS), 5), 6)
    for i, text in enumerate(TEXTS):
        found[i, : len(text)] = torch.tensor([_NUMBERS[word] for word in text])
    found[6, [1, 4]] = 5
    return nn.functional.one_hot(found, 7).float()


def text_concepts() -> Concepts:
    """The words, and which are animals."""
    return Concepts.from_tokens(TEXTS, words=2, features={"animal": {"dog", "cat"}})


def sentence_concepts() -> Concepts:
    """The same for whole texts."""
    return text_concepts().per_sample()


def _line(weights: torch.Tensor, bias: float) -> nn.Module:
    with torch.random.fork_rng():
        first = nn.Linear(weights.shape[1], 1)
    first.weight.data, first.bias.data = weights, torch.tensor([bias])
    return nn.Sequential(first, nn.ReLU())
