"""One cell of the study compositional: a network, its explanations up to each length, and the statistics of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._compositional import (
    SITE,
    Setup,
    accuracy_when_firing,
    activation_maps,
    flips,
    network,
    predicted,
    readout,
    tests,
)
from ._compositional_explained import Explained, explained
from ._compositional_formulas import (
    asked_objects,
    concepts_in,
    meaning,
    named_causes,
    objects_at_random,
    shared_concepts,
    shares,
)

__all__ = ["measured"]

Array = np.ndarray[Any, Any]
Metrics = dict[str, float]
BEFORE = "4"  # the activation of the layer before SITE
_LAYER = 6  # the convolution between them


def measured(setup: Setup, kind: str, seed: int, *, length: int, share: float) -> Metrics:
    """Every metric of one network."""
    net = network(setup, kind, seed)
    by_length = [explained(setup, kind, seed, site=SITE, length=n, share=share) for n in range(1, length + 1)]
    scenes = tests(setup)
    metrics: Metrics = {"test accuracy": float((predicted(net, scenes.images) == scenes.labels).mean())}
    for n, found in enumerate(by_length, start=1):
        metrics |= _by_length(found, n)
    best = by_length[-1]
    metrics["beyond chance"] = float(np.mean([p is not None and p < 0.05 for p in best.p]))
    metrics["null IoU"] = _mean(best.null)
    metrics["r with accuracy"] = _with_accuracy(setup, kind, seed, best, share)
    metrics |= _pasted(setup, kind, seed, best)
    earlier = explained(setup, kind, seed, site=BEFORE, length=length, share=share)
    weights = dict(net.named_parameters())[f"{_LAYER}.weight"].detach().numpy().mean(axis=(2, 3))
    names = ("contributors", "any", "inhibitors")
    pairs = shared_concepts(list(map(concepts_in, best.formulas)), list(map(concepts_in, earlier.formulas)), weights)
    return metrics | {f"concepts shared with {name}": value for name, value in zip(names, pairs, strict=True)}


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else 0.0


def _by_length(found: Explained, length: int) -> Metrics:
    texts = [text for text in found.formulas if text]
    by_text, by_mask = shares(texts), shares([meaning(text) for text in texts])
    return {
        f"IoU {length}": _mean(found.scores),
        f"held-out IoU {length}": _mean(found.held_out),
        f"occurrences by text {length}": by_text[0],
        f"unique by text {length}": by_text[1],
        f"occurrences by mask {length}": by_mask[0],
        f"unique by mask {length}": by_mask[1],
    }


def _with_accuracy(setup: Setup, kind: str, seed: int, found: Explained, share: float) -> float:
    """Pearson's r of held-out IoU with accuracy when firing; 0 where it is not defined.

    The accuracy is always that of a network that learned: with units of an untrained one, that is the control.
    """
    scenes = tests(setup)
    judge = network(setup, "trained" if kind == "untrained" else kind, seed)
    correct = predicted(judge, scenes.images) == scenes.labels
    accuracy = accuracy_when_firing(activation_maps(network(setup, kind, seed), scenes.images), correct, share=share)
    scores = np.array([np.nan if value is None else value for value in found.held_out])
    known = np.isfinite(scores) & np.isfinite(accuracy)
    if known.sum() < 3 or np.ptp(scores[known]) == 0 or np.ptp(accuracy[known]) == 0:
        return 0.0
    return float(np.corrcoef(scores[known], accuracy[known])[0, 1])


def _pasted(setup: Setup, kind: str, seed: int, found: Explained) -> Metrics:
    """Copy and paste: objects asked for by the explanations, by the same explanations dealt out anew, and random ones."""
    net, scenes = network(setup, kind, seed), tests(setup)
    scores = [value or 0.0 for value in found.scores]
    weights = readout(net)
    asked = asked_objects(found.formulas, scores, weights)
    order = np.random.default_rng(seed).permutation(len(scores))
    dealt = asked_objects([found.formulas[k] for k in order], [scores[k] for k in order], weights)
    return {
        "causes named": named_causes(asked),
        "flips explained": _flips(setup, kind, seed, _for_all(asked, len(scenes))),
        "flips dealt out": _flips(setup, kind, seed, _for_all(dealt, len(scenes))),
        "flips random": _flips(setup, kind, seed, objects_at_random(len(scenes), seed=seed)),
    }


def _for_all(objects: Sequence[tuple[str, str]], count: int) -> Array:
    return np.repeat(np.array(objects)[:, None, :], count, axis=1)


def _flips(setup: Setup, kind: str, seed: int, pairs: Array) -> float:
    share = flips(network(setup, kind, seed), tests(setup), pairs=pairs, seed=seed)
    return 0.0 if np.isnan(share) else share
