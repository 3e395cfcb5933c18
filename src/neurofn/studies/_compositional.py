"""The networks of the study compositional: a small convolutional network, as it was drawn, trained, or trained on labels
dealt out at random; and what its units do on drawn scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tasks.scenes import CAUSES, Scenes, Thing, draw_scenes, paste

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "BEFORE",
    "NETWORKS",
    "SITE",
    "Setup",
    "accuracy_when_firing",
    "activation_maps",
    "flips",
    "kernels",
    "network",
    "predicted",
    "probes",
    "tests",
]

Array = np.ndarray[Any, Any]
NETWORKS = ("trained", "untrained", "shuffled")
SITE = "7"  # the last activation before pooling
BEFORE = "4"  # the activation of the layer before
_BETWEEN = 6  # the convolution between them
_CENTRE, _SCALE = 0.40, 0.21  # mean and deviation of the values of drawn scenes
_SEEDS = (11, 12, 13)  # of the training scenes, the probes, and the test scenes
_BATCH = 64


@dataclass(frozen=True)
class Setup:
    """How large everything is: scenes to train, to explain (probes) and to test on; steps; units of the last layer."""

    scenes: int
    probes: int
    tests: int
    steps: int
    width: int
    learning_rate: float


@lru_cache(maxsize=6)
def _drawn(count: int, seed: int) -> Scenes:
    return draw_scenes(count, seed=seed)


def probes(setup: Setup) -> Scenes:
    """The scenes on which units are explained; no network was trained on them."""
    return _drawn(setup.probes, _SEEDS[1])


def tests(setup: Setup) -> Scenes:
    """The scenes on which accuracy and pasted objects are measured; no unit was explained on them."""
    return _drawn(setup.tests, _SEEDS[2])


def as_input(images: Array) -> Tensor:
    """Images (n, 3, 36, 36) from 0 to 1 as the network takes them."""
    import torch

    values = torch.from_numpy((images - np.float32(_CENTRE)) / np.float32(_SCALE))
    return values.contiguous(memory_format=torch.channels_last)  # pooling and convolutions take half the time


@lru_cache(maxsize=64)
def network(setup: Setup, kind: str, seed: int) -> nn.Module:
    """The network of a seed: "untrained", "trained", or "shuffled" (trained on the same labels in random order)."""
    import torch
    from torch import nn

    from ..train import Recipe, build_seeded, train_alone

    made = build_seeded(lambda _: _layers(setup.width), seed)
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch declares it for tensors alone
    if kind != "untrained":
        scenes = _drawn(setup.scenes, _SEEDS[0])
        labels = scenes.labels
        if kind == "shuffled":
            labels = np.random.default_rng(seed).permutation(labels)
        recipe = Recipe(steps=setup.steps, learning_rate=setup.learning_rate, batch=_BATCH)
        data = (as_input(scenes.images), torch.from_numpy(labels))
        train_alone(made, data, seed=seed, recipe=recipe, loss=nn.functional.cross_entropy)
    return made.eval()


def _layers(width: int) -> nn.Module:
    from torch import nn

    few, more = width // 4, width // 2
    return nn.Sequential(
        nn.Conv2d(3, few, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(few, more, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(more, width, 3, padding=1), nn.ReLU(),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(width, len(CAUSES)),
    )  # fmt: skip


def _in_batches(module: nn.Module, images: Array) -> Array:
    import torch

    with torch.no_grad():
        parts = [module(as_input(images[first : first + 256])).numpy() for first in range(0, len(images), 256)]
    return np.concatenate(parts)


def activation_maps(net: nn.Module, images: Array, *, at: str = SITE) -> Array:
    """The activations at a site: (n, units, 9, 9) at SITE, (n, units, 18, 18) at BEFORE."""
    from torch import nn

    assert isinstance(net, nn.Sequential)
    return _in_batches(net[: int(at) + 1], images)


def predicted(net: nn.Module, images: Array) -> Array:
    """The class that the network gives each image, (n,)."""
    return np.asarray(_in_batches(net, images).argmax(axis=1))


def readout(net: nn.Module) -> Array:
    """The weights of the last layer, (classes, units)."""
    from torch import nn

    assert isinstance(net, nn.Sequential)
    last = net[-1]
    assert isinstance(last, nn.Linear)
    return np.asarray(last.weight.detach().numpy())


def kernels(net: nn.Module) -> Array:
    """The weights from BEFORE to SITE, mean over the kernel: (units after, units before)."""
    return np.asarray(dict(net.named_parameters())[f"{_BETWEEN}.weight"].detach().numpy().mean(axis=(2, 3)))


def accuracy_when_firing(maps: Array, correct: Array, *, share: float) -> Array:
    """For each unit the accuracy over the images in which it fires anywhere; NaN where it fires in none.

    maps: (n, units, h, w). correct: bool (n,). share: of its activations a unit's highest are firing, and above 0.
    """
    flat = maps.transpose(1, 0, 2, 3).reshape(maps.shape[1], -1)
    thresholds = np.maximum(np.quantile(flat, 1 - share, axis=1), 0)
    fires = (maps > thresholds[:, None, None]).any(axis=(2, 3))  # (n, units)
    counts = fires.sum(axis=0)
    return np.where(counts > 0, (fires & correct[:, None]).sum(axis=0) / np.maximum(counts, 1), np.nan)


def flips(net: nn.Module, scenes: Scenes, *, pairs: Array, seed: int) -> float:
    """The share of scenes whose prediction becomes the wanted class when an object is pasted into them.

    pairs: (classes, n, 2) texts: for each wanted class and scene the colour and shape to paste. Scenes that are of the class,
    or are taken for it already, do not count. NaN where none counts.
    """
    before, hits, count = predicted(net, scenes.images), 0, 0
    for wanted in range(len(CAUSES)):
        rows = np.flatnonzero((scenes.labels != wanted) & (before != wanted))
        if len(rows) == 0:
            continue
        some = Scenes(scenes.images[rows], scenes.labels[rows], tuple(scenes.things[row] for row in rows), ())
        things = [Thing(str(colour), str(shape)) for colour, shape in pairs[wanted, rows]]
        after = predicted(net, paste(some, things, seed=seed))
        hits, count = hits + int((after == wanted).sum()), count + len(rows)
    return hits / count if count else float("nan")
