"""Preferred inputs for the report of the command explain: what the best explained units would most like to see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from .explaining import Explanation, PreferredInput, Units

__all__ = ["preferred_of"]

MOST_IMAGES = 512  # real ones: they give scale, starts and the control
FACETS, STEPS = 2, 128


def preferred_of(
    found: Sequence[Explanation], units: Units, model: nn.Module, *, batches: Any, count: int
) -> list[list[dict[str, Any]]]:
    """For each explanation the pictures made for its unit: for the ``count`` best explained ones, where the data are images."""
    from .explaining import Ascent, Examples, Facets, Smooth, find_preferred_inputs

    pictures: list[list[dict[str, Any]]] = [[] for _ in found]
    images = _images(batches) if count else None
    if images is None:
        return pictures
    places = [(block.site, unit) for block in units.blocks for unit in range(block.units)]
    trusted = sorted((n for n, one in enumerate(found) if one.formula), key=lambda n: -_trust(found[n]))[:count]
    for start in (
        Facets(clusters=min(FACETS, len(images))),
        Examples(1),
    ):  # the mean of a facet may leave a unit silent
        search = Ascent(prior=Smooth(jitter=1), start=start, steps=STEPS)
        left = [number for number in trusted if not pictures[number]]
        for site in dict.fromkeys(places[number][0] for number in left):
            own = {places[number][1]: number for number in left if places[number][0] == site}
            for one in find_preferred_inputs(model, images, at=site, units=list(own), search=search):
                if one.input is not None:
                    pictures[own[one.unit]].append(_pictured(one))
    return pictures


def _trust(one: Explanation) -> float:
    return (one.score if one.holdout_score is None else one.holdout_score) or 0.0


def _images(batches: Any) -> Any:
    """The first images as one tensor (samples, 1 or 3, height, width); None where the data are no images."""
    import torch

    kept: list[torch.Tensor] = []
    for batch in [batches] if isinstance(batches, torch.Tensor) else batches:
        images = batch[0] if isinstance(batch, tuple | list) and batch else batch
        if not isinstance(images, torch.Tensor) or images.ndim != 4 or images.shape[1] not in (1, 3):
            return None
        kept.append(images[: MOST_IMAGES - sum(map(len, kept))])
        if sum(map(len, kept)) >= MOST_IMAGES:
            break
    return torch.cat(kept).float() if kept else None


def _pictured(one: PreferredInput) -> dict[str, Any]:
    from .reporting import pictured

    assert one.input is not None
    nowhere = np.zeros(one.input.shape[-2:], dtype=bool)
    label = (
        f"facet {one.facet + 1}: {one.activation:.3g}; best real {one.best_example:.3g}, random {one.random_best:.3g}"
    )
    return {**pictured(one.input, nowhere, sample=label), "kind": "made"}
