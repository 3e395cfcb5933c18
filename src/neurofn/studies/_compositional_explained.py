"""The explanations of the study compositional: exact search on drawn scenes as far as it goes, a beam beyond."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ._compositional import SITE, Setup, activation_maps, network, probes

if TYPE_CHECKING:
    from ..explaining import Beam, Concepts, Exact, Explanation, Units

__all__ = ["Layer", "explained", "explained_by_length"]

_HELD_OUT = 0.3
_NULLS = 200


@dataclass(frozen=True)
class Layer:
    """The units of a site of one network, which fire at the highest ``share`` of their activations.

    ``dealt_out``: each map is laid over another scene, drawn at random, so that nothing is left to explain.
    """

    setup: Setup
    kind: str
    seed: int
    share: float
    site: str = SITE
    dealt_out: bool = False


@lru_cache(maxsize=2)
def _concepts(setup: Setup) -> Concepts:
    from ..explaining import Concepts

    return Concepts.from_planes(probes(setup).planes())


@lru_cache(maxsize=4)
def _units(layer: Layer) -> Units:
    from ..explaining import Quantile, Units

    maps = activation_maps(network(layer.setup, layer.kind, layer.seed), probes(layer.setup).images, at=layer.site)
    if layer.dealt_out:
        maps = maps[np.random.default_rng(layer.seed).permutation(len(maps))]
    return Units.from_activations(maps, threshold=Quantile(1 - layer.share))


def _found(layer: Layer, search: Beam | Exact, *, draws: int) -> tuple[Explanation, ...]:
    from ..explaining import Shuffled, explain

    null = Shuffled(draws)
    return tuple(explain(_units(layer), _concepts(layer.setup), search=search, holdout=_HELD_OUT, null=null))


def explained(layer: Layer, *, length: int) -> tuple[Explanation, ...]:
    """For every unit the best of all formulas of up to ``length`` concepts, 1 to 3, with held-out score and chance."""
    from ..explaining import Exact

    return _found(layer, Exact(length=length), draws=_NULLS)


def explained_by_length(layer: Layer, *, proved: int, longest: int) -> list[tuple[Explanation, ...]]:
    """The explanations of up to 1, 2, ..., ``longest`` concepts: the best of all up to ``proved``, then what a beam finds.

    A beam can miss what is proved best among shorter formulas; that one is then kept. Only those of ``proved`` concepts have
    a p-value to speak of: chance is drawn once for the others.
    """
    from ..explaining import Beam, Exact

    found = [_found(layer, Exact(length=length), draws=1) for length in range(1, proved)]
    found.append(explained(layer, length=proved))
    for length in range(proved + 1, longest + 1):
        pairs = zip(_found(layer, Beam(length=length), draws=1), found[proved - 1], strict=True)
        found.append(tuple(long if (long.score or 0.0) >= (short.score or 0.0) else short for long, short in pairs))
    return found
