"""The explanations of the study compositional: exact search on drawn scenes, kept so that each is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ._compositional import Setup, as_input, network, probes

if TYPE_CHECKING:
    from ..explaining import Concepts

__all__ = ["Explained", "explained"]

_HELD_OUT = 0.3
_NULLS = 60


@dataclass(frozen=True)
class Explained:
    """For each unit of a site the best formula ("" where it cannot be explained), its score on the scenes it was sought on
    and on held-out ones, the score that chance reaches, and the corrected p-value."""

    formulas: tuple[str, ...]
    scores: tuple[float | None, ...]
    held_out: tuple[float | None, ...]
    null: tuple[float | None, ...]
    p: tuple[float | None, ...]


@lru_cache(maxsize=2)
def _concepts(setup: Setup) -> Concepts:
    from ..explaining import Concepts

    return Concepts.from_planes(probes(setup).planes())


def explained(setup: Setup, kind: str, seed: int, *, site: str, length: int, share: float) -> Explained:
    """The best formulas of up to ``length`` concepts for every unit at a site of one network."""
    from ..explaining import Exact, Quantile, Shuffled, Units, explain

    scenes = probes(setup)
    batches = [as_input(scenes.images[first : first + 256]) for first in range(0, len(scenes), 256)]
    units = Units.from_model(network(setup, kind, seed), batches, at=site, threshold=Quantile(1 - share))
    found = explain(units, _concepts(setup), search=Exact(length=length), holdout=_HELD_OUT, null=Shuffled(_NULLS))
    return Explained(
        formulas=tuple(one.formula for one in found),
        scores=tuple(one.score for one in found),
        held_out=tuple(one.holdout_score for one in found),
        null=tuple(one.null_score for one in found),
        p=tuple(one.p for one in found),
    )
