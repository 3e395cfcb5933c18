"""The beam of the original code, ties and twins included, to compare with what was published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import SettingError
from ._beam import Node
from ._signatures import Hits, Signatures
from ._tally import Tally
from .formula import OPERATORS, Formula
from .search import Found

__all__ = ["Original"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Original:
    """The search of the code of "Compositional Explanations of Neurons" (arXiv:2006.14032), formula for formula.

    Its IoU has 1e-10 in the denominator. It begins with the ``width`` best concepts of IoU above 0. A step keeps the best of
    the formulas before it and, of each with every concept in turn, OR, AND, AND NOT; equal IoUs stay in that order, and
    formulas that are the same function are all kept, so places of the beam are lost. penalty: the IoU of a new formula is
    multiplied by penalty**(n - 1), where n counts its concepts and each NOT. limit: only the best of them are joined.

    The formula is as it was found, not canonical. Raises SettingError for settings out of range.

    >>> import numpy as np
    >>> from neurofn.explaining._signatures import grouped, hits_of
    >>> masks = np.random.default_rng(0).random((4, 500)) < 0.4
    >>> signatures, place = grouped("abcd", masks)
    >>> found = Original().find(signatures, hits_of((masks[3] | masks[2])[None], place, len(signatures)), 0)
    >>> found.formula.text(signatures.concepts), round(found.score, 9)
    ('d OR c', 1.0)
    """

    length: int = 3
    width: int = 5
    penalty: float = 1.0
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.length < 1 or self.width < 1 or (self.limit is not None and self.limit < 1):
            raise SettingError(
                f"length={self.length}, width={self.width}, limit={self.limit}: give 1 or more, or limit=None"
            )
        if not 0 < self.penalty <= 1:
            raise SettingError(f"penalty={self.penalty}: give a number above 0 and at most 1, which is none")

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        """The formula of the original code for one unit."""
        tally = Tally(signatures, hits, unit)
        ious = _iou(tally.inside, tally.single, tally.total)
        ranked = [int(k) for k in np.argsort(-ious, kind="stable") if ious[k] > 0]
        if not ranked:
            return Found(None, 0.0)
        beam = [
            Node(tally, Formula(k), (int(tally.inside[k]), int(tally.single[k]), float(ious[k])))
            for k in ranked[: self.width]
        ]
        # Without a limit concepts come in their order, with one in the order of their IoU.
        candidates = np.array(ranked[: self.limit]) if self.limit else np.arange(len(ious))
        for _ in range(1, self.length):
            beam = self._step(tally, beam, candidates)
        return Found(beam[0].formula, beam[0].value)

    def _step(self, tally: Tally, before: list[Node], candidates: Array) -> list[Node]:
        counts = [node.joined() for node in before]
        # First formula by formula, then concept by concept, then operator by operator.
        both, size = (np.stack([part[:, candidates].T for part in parts]) for parts in zip(*counts, strict=True))
        made = _iou(both, size, tally.total)
        for number, node in enumerate(before):
            signs = len(node.formula) + sum(operator == "AND NOT" for operator, _ in node.formula.rest)
            made[number, :, :2] *= self.penalty**signs
            made[number, :, 2] *= self.penalty ** (signs + 1)
        values = np.concatenate([[node.value for node in before], made.ravel()])
        beam = []
        for place in np.argsort(-values, kind="stable")[: self.width]:
            if place < len(before):
                beam.append(before[place])
                continue
            parent, concept, operator = (int(k) for k in np.unravel_index(place - len(before), both.shape))
            formula = before[parent].formula.then(OPERATORS[operator], int(candidates[concept]))
            numbers = int(both[parent, concept, operator]), int(size[parent, concept, operator]), float(values[place])
            beam.append(Node(tally, formula, numbers, before[parent]))
        return beam


def _iou(both: Array, size: Array, total: int) -> Array:
    return np.asarray(both / (size + total - both + 1e-10))
