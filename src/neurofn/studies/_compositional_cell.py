"""One cell of the study compositional: a network, its explanations up to each length, and the statistics of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._compositional import (
    BEFORE,
    accuracy_when_firing,
    activation_maps,
    flips,
    network,
    predicted,
    readout,
    tests,
)
from ._compositional_contributions import matrices, shared_concepts
from ._compositional_explained import Layer, explained, explained_by_length
from ._compositional_formulas import asked_objects, concepts_in, meaning, named_causes, objects_at_random, shares

if TYPE_CHECKING:
    from ..explaining import Explanation

__all__ = ["measured"]

Array = np.ndarray[Any, Any]
Metrics = dict[str, float]
Found = Sequence["Explanation"]


def measured(layer: Layer, *, proved: int, longest: int) -> Metrics:
    """Every metric of one network. ``proved``: up to how many concepts formulas are the best of all; most metrics are of
    these. ``longest``: up to how many a beam seeks them."""
    by_length = explained_by_length(layer, proved=proved, longest=longest)
    metrics = _by_length(by_length)
    if layer.kind == "trained":
        dealt_out = explained_by_length(replace(layer, dealt_out=True), proved=proved, longest=longest)
        metrics |= {f"dealt out {name}": value for name, value in _by_length(dealt_out).items()}
    best, scenes = by_length[proved - 1], tests(layer.setup)
    correct = predicted(network(layer.setup, layer.kind, layer.seed), scenes.images) == scenes.labels
    metrics["test accuracy"] = float(correct.mean())
    metrics["explained"] = float(np.mean([bool(one.formula) for one in best]))
    metrics["beyond chance"] = float(np.mean([one.p is not None and one.p < 0.05 for one in best]))
    metrics["null IoU"] = _mean([one.null_score for one in best])
    metrics["r with accuracy"] = _with_accuracy(layer, best)
    return metrics | _pasted(layer, best) | _contributions(layer, best, length=proved)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _by_length(by_length: Sequence[Found]) -> Metrics:
    metrics: Metrics = {}
    for length, found in enumerate(by_length, start=1):
        texts = [one.formula for one in found if one.formula]
        by_text, by_mask = shares(texts), shares([meaning(text) for text in texts])
        metrics |= {
            f"IoU {length}": _mean([one.score for one in found]),
            f"held-out IoU {length}": _mean([one.holdout_score for one in found]),
            f"occurrences by text {length}": by_text[0],
            f"unique by text {length}": by_text[1],
            f"occurrences by mask {length}": by_mask[0],
            f"unique by mask {length}": by_mask[1],
        }
    return metrics


def _with_accuracy(layer: Layer, found: Found) -> float:
    """Pearson's r of held-out IoU with accuracy when firing; NaN where it is not defined.

    The accuracy is always that of a network that learned: with units of an untrained one, that is the control.
    """
    scenes = tests(layer.setup)
    judge = network(layer.setup, "trained" if layer.kind == "untrained" else layer.kind, layer.seed)
    correct = predicted(judge, scenes.images) == scenes.labels
    maps = activation_maps(network(layer.setup, layer.kind, layer.seed), scenes.images)
    accuracy = accuracy_when_firing(maps, correct, share=layer.share)
    scores = np.array([np.nan if one.holdout_score is None else one.holdout_score for one in found])
    known = np.isfinite(scores) & np.isfinite(accuracy)
    if known.sum() < 3 or np.ptp(scores[known]) == 0 or np.ptp(accuracy[known]) == 0:
        return float("nan")
    return float(np.corrcoef(scores[known], accuracy[known])[0, 1])


def _pasted(layer: Layer, found: Found) -> Metrics:
    """Copy and paste: objects asked for by the explanations, by the same explanations dealt out anew, and random ones."""
    net, count = network(layer.setup, layer.kind, layer.seed), len(tests(layer.setup))
    formulas, scores = [one.formula for one in found], [one.score or 0.0 for one in found]
    weights = readout(net)
    asked = asked_objects(formulas, scores, weights)
    order = np.random.default_rng(layer.seed).permutation(len(scores))
    dealt = asked_objects([formulas[k] for k in order], [scores[k] for k in order], weights)
    return {
        "causes named": named_causes(asked),
        "flips explained": _flips(layer, _for_all(asked, count)),
        "flips dealt out": _flips(layer, _for_all(dealt, count)),
        "flips random": _flips(layer, objects_at_random(count, seed=layer.seed)),
    }


def _for_all(objects: Sequence[tuple[str, str]], count: int) -> Array:
    return np.repeat(np.array(objects)[:, None, :], count, axis=1)


def _flips(layer: Layer, pairs: Array) -> float:
    share = flips(network(layer.setup, layer.kind, layer.seed), tests(layer.setup), pairs=pairs, seed=layer.seed)
    return 0.0 if np.isnan(share) else share


def _contributions(layer: Layer, found: Found, *, length: int) -> Metrics:
    """The concepts that units share with their contributors and inhibitors, by each of the three matrices."""
    earlier = explained(replace(layer, site=BEFORE), length=length)
    after, before = ([concepts_in(one.formula) for one in some] for some in (found, earlier))
    net = network(layer.setup, layer.kind, layer.seed)
    metrics: Metrics = {}
    for name, matrix in matrices(net, tests(layer.setup), share=layer.share).items():
        shared = shared_concepts(after, before, matrix)
        metrics |= {f"shared with {pairs} by {name}": shared[pairs] for pairs in ("contributors", "inhibitors")}
        metrics["shared with any"] = shared["any"]
    return metrics
