"""Searches that each break one rule: check name -> the search that must fail that check and no other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from neurofn.explaining._signatures import Hits, Signatures
from neurofn.explaining.search import Beam, Exact, Found
from neurofn.testing._explaining import Search


class ClaimsTheBeamIsOptimal:
    """With a beam of 1, though wide enough for what is planted."""

    length = 3

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        width = 1 if len(signatures.concepts) < 5 else 10
        return replace(Beam(length=3, width=width).find(signatures, hits, unit), optimal=True)


class LosesTheLastConcept:
    """Stops one concept early where formulas are long."""

    length = 3

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        return replace(Exact(2).find(signatures, hits, unit), optimal=None)


class TrustsTheFirstConcept:
    """Looks for longer formulas only where the concepts come in the order of their names."""

    length = 3

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        in_order = list(signatures.concepts) == sorted(signatures.concepts)
        return replace(Exact(3 if in_order else 1).find(signatures, hits, unit), optimal=None)


class GivesTheScoreOfAnother:
    """Formula and score do not belong together."""

    length = 3

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        found = Exact(3).find(signatures, hits, unit)
        return replace(found, score=0.99 * found.score, optimal=None)


@dataclass
class RemembersByName:
    """Keeps what it found, by names and sizes, not by content."""

    length: int = 3
    kept: dict[object, Found] = field(default_factory=dict)

    def find(self, signatures: Signatures, hits: Hits, unit: int) -> Found:
        key = signatures.concepts, signatures.positions, int(hits.totals[unit])
        if key not in self.kept:
            self.kept[key] = Exact(3).find(signatures, hits, unit)
        return self.kept[key]


BROKEN: dict[str, Search] = {
    "against_brute_force": ClaimsTheBeamIsOptimal(),
    "planted_formulas_are_found": LosesTheLastConcept(),
    "order_of_concepts_does_not_matter": TrustsTheFirstConcept(),
    "score_is_that_of_the_printed_formula": GivesTheScoreOfAnother(),
    "shuffled_labels_score_lower": RemembersByName(),
}
