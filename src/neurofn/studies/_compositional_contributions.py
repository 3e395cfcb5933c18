"""Contributions between layers in the study compositional: which units make up which, and what their explanations share.

The paper reads it from three matrices: the weights, the correlation of the activations, and how often both fire. The
last two see units that fire at the same places, and so have the same labels there; only the weights know nothing of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tasks.scenes import Scenes
from ._compositional import BEFORE, activation_maps, kernels

if TYPE_CHECKING:
    from torch import nn

__all__ = ["MATRICES", "matrices", "shared_concepts"]

Array = np.ndarray[Any, Any]
MATRICES = {"weight": "weights", "correlation": "correlations", "firing": "Jaccard indices of firing"}


def matrices(net: nn.Module, scenes: Scenes, *, share: float) -> Mapping[str, Array]:
    """Of every unit with every unit of the layer before, (units after, units before): the weight, mean over the kernel; the
    correlation over all places of all scenes; the Jaccard index of firing there, the highest ``share`` of activations.
    """
    after, before = activation_maps(net, scenes.images), activation_maps(net, scenes.images, at=BEFORE)
    return {"weight": kernels(net), **together(after, pooled(before, after.shape[2:]), share=share)}


def pooled(maps: Array, places: tuple[int, ...]) -> Array:
    """Maps (n, units, h, w) averaged down to ``places``, of which h and w are multiples."""
    n, units = maps.shape[:2]
    rows, columns = places
    return np.asarray(maps.reshape(n, units, rows, maps.shape[2] // rows, columns, -1).mean(axis=(3, 5)))


def together(after: Array, before: Array, *, share: float) -> dict[str, Array]:
    """The correlation and the Jaccard index of firing of every unit of one layer with every unit of another.

    after, before: maps (n, units, h, w) with the same places. A constant unit correlates 0 with all, and never fires.
    """
    flat = [np.moveaxis(maps, 1, 0).reshape(maps.shape[1], -1).astype(np.float64) for maps in (after, before)]
    # Thresholds are those of the pooled maps, so that units of both layers fire at the same share of places.
    fires = [(v > np.maximum(np.quantile(v, 1 - share, axis=1, keepdims=True), 0)).astype(np.float64) for v in flat]
    both = fires[0] @ fires[1].T
    either = fires[0].sum(axis=1)[:, None] + fires[1].sum(axis=1) - both
    centred = [values - values.mean(axis=1, keepdims=True) for values in flat]
    norms = np.outer(*(np.sqrt((values**2).sum(axis=1)) for values in centred))
    return {
        "correlation": np.divide(centred[0] @ centred[1].T, norms, out=np.zeros_like(norms), where=norms > 0),
        "firing": np.divide(both, either, out=np.zeros_like(both), where=either > 0),
    }


def shared_concepts(
    after: Sequence[frozenset[str]], before: Sequence[frozenset[str]], matrix: Array, *, share: float = 0.01
) -> dict[str, float]:
    """How many concepts the explanations of two connected units share: intersection over union, mean over pairs.

    matrix: (units after, units before). "contributors" are the pairs with the highest ``share`` of its values, "inhibitors"
    those with the lowest, "any" are all; equal values go together. Pairs of which one asks for no concept are left out;
    NaN where no pair is left.
    """
    overlap = np.array([[len(a & b) / len(a | b) if a and b else np.nan for b in before] for a in after])
    low, high = np.quantile(matrix, [share, 1 - share])
    chosen = {"contributors": matrix >= high, "any": np.ones(matrix.shape, bool), "inhibitors": matrix <= low}
    kept = {name: overlap[pairs & np.isfinite(overlap)] for name, pairs in chosen.items()}
    return {name: float(values.mean()) if len(values) else float("nan") for name, values in kept.items()}
