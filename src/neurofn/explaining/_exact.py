"""The best formula up to three concepts, with proof.

IoU, F1, precision and recall of a formula are above those of a known one exactly where a linear count is positive: with a known
IoU of A/B, a formula with t positions inside the unit's firing and f outside is better where t * B - f * A > fires * A. So each
label set has an integer gain, and the formula of the largest sum is sought. If it is no better than the known one, that one is
proven best; else it is the next known one (Dinkelbach 1967, doi:10.1287/mnsc.13.7.492: this ends after few rounds).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._errors import SettingError
from ._beam import Node
from ._compiled import AVAILABLE, compiled
from ._signatures import Signatures
from ._tally import Tally, pair_sums
from ._triples import SHAPES, Sets, Tables, best_triple, key_of
from .formula import OPERATORS, Formula
from .score import score

__all__ = ["LINEAR", "line", "prove"]

Array = np.ndarray[Any, Any]
LINEAR = ("iou", "f1", "precision", "recall")
_NOTHING = np.zeros(0, np.int64)


def line(measure: str, known: tuple[int, int], total: int) -> tuple[int, int, int]:
    """(inside, outside, floor): a formula is better than the known (both, size) where inside * t - outside * f > floor.

    >>> line("iou", (2, 3), 5)  # 2/6: 4 inside and 5 outside would be 4/10
    (3, 1, 5)
    """
    both, size = known
    if measure == "recall":
        return 1, 0, both
    if measure == "precision":
        shared = math.gcd(both, size)
        return (size - both) // shared, both // shared, 0
    union = total + size - both
    shared = math.gcd(both, union)
    return union // shared, both // shared, total * both // shared


def prove(tally: Tally, known: Node, *, length: int, measure: str) -> Node:
    """The best of all formulas of at most ``length`` concepts (2 or 3); ``known`` where none is better.

    Among equally good ones a shorter one is preferred (but by precision). Raises SettingError for more positions than exact
    integers allow.
    """
    if tally.signatures.positions >= 2**31:
        raise SettingError(
            "the exact search counts up to 2,147,483,647 positions: give fewer samples, or use Beam(...)"
        )
    best = known
    while True:
        inside, outside, floor = line(measure, (best.both, best.size), tally.total)
        gain = _gains(tally.both, tally.all, inside, outside)
        # A pair that is as good wins over three concepts; by precision one that is true nowhere would look as good.
        shorter = int(len(best.formula) == 3 and measure != "precision")
        value, operator, first, last = (int(k) for k in _best_pair(gain, floor - shorter))
        if value > floor - shorter:
            better = Formula(first, ((OPERATORS[operator], last),))
        elif length == 2:
            return best
        else:
            found = _third(tally, gain, (inside, outside, floor))
            if found is None:
                return best
            better = found
        best = _node(tally, better, measure)


def _node(tally: Tally, formula: Formula, measure: str) -> Node:
    counts = tally.of(formula.holds(tally.signatures))
    value = float(score(measure, (*counts, tally.total, tally.signatures.positions)))
    return Node(tally, formula.canonical(), (*counts, value))


def _third(tally: Tally, gain: Array, measured: tuple[int, int, int]) -> Formula | None:
    """The formula of three concepts with the largest gain above the floor; the least `key_of` among equal ones."""
    signatures, (inside, outside, floor) = tally.signatures, measured
    size = len(signatures.concepts)
    gains = -outside * signatures.weights
    gains[tally.rows] += (inside + outside) * tally.counts
    if AVAILABLE:
        value, key = _compiled_third(tally, gain, gains, floor)
    else:
        value, key = _plain_third(signatures, gain, gains, floor)
    if value <= floor:
        return None
    rest, c = divmod(key, size)
    rest, b = divmod(rest, size)
    shape, a = divmod(rest, size)
    return Formula(a, ((SHAPES[shape][0], b), (SHAPES[shape][1], c)))


def _compiled_third(tally: Tally, gain: Array, gains: Array, floor: int) -> tuple[int, int]:
    signatures = tally.signatures
    kept = tally.rows[gains[tally.rows] > 0]
    plus = pair_sums(signatures, kept, gains[kept])
    lift, join = _per_concept(gain, plus)
    by_plus = np.argsort(-plus.diagonal(), kind="stable")
    rank = np.empty_like(by_plus)
    rank[by_plus] = np.arange(len(by_plus))
    tables = Tables(gain, plus, by_plus, rank, np.argsort(-gain.diagonal(), kind="stable"), lift, join)
    starts, holders = signatures.postings
    sets = Sets(signatures.indptr, signatures.indices, starts, holders, gains)
    value, key, *_ = best_triple(tables, sets, floor, _NOTHING)
    return int(value), int(key)


def _plain_third(signatures: Signatures, gain: Array, gains: Array, floor: int) -> tuple[int, int]:
    """The same without bounds: every formula of three concepts, all with one first concept at a time."""
    one = gain.diagonal()
    size, best, least = len(one), floor, -1
    for a in range(size):
        rows = signatures.where(a)
        triple = pair_sums(signatures, rows, gains[rows])
        ab, ac, b, c = gain[a][:, None], gain[a][None, :], one[:, None], one[None, :]
        either = one[a] + b - ab
        values = np.stack([
            either + c - ac - gain + triple, triple, ac + gain - triple, either - ac - gain + triple,
            ab + c - triple, ab - triple, one[a] - ab + c - ac + triple, one[a] - ab - ac + triple,
        ])  # fmt: skip
        values[:, a] = values[:, :, a] = values[:, np.arange(size), np.arange(size)] = floor  # three different concepts
        top = int(values.max())
        if top > floor and top >= best:
            keys = [key_of(int(s), a, int(j), int(k), size) for s, j, k in np.argwhere(values == top)]
            least = min(keys) if top > best else min(least, *keys)
            best = top
    return best, least


@compiled
def _gains(both: Array, all_: Array, inside: int, outside: int) -> Array:
    gain = np.empty_like(both)
    for a in range(len(both)):
        for b in range(len(both)):
            gain[a, b] = (inside + outside) * both[a, b] - outside * all_[a, b]
    return gain


@compiled
def _best_pair(gain: Array, floor: int) -> Array:
    """(gain, operator, first, last) of the best formula of two concepts that gains more than ``floor``."""
    best = np.array([floor, 0, 0, 0])
    for a in range(len(gain)):
        for b in range(len(gain)):
            if a == b:
                continue
            if gain[a, a] - gain[a, b] > best[0]:
                best[0], best[1], best[2], best[3] = gain[a, a] - gain[a, b], 2, a, b
            if a < b:
                if gain[a, a] + gain[b, b] - gain[a, b] > best[0]:
                    best[0], best[1], best[2], best[3] = gain[a, a] + gain[b, b] - gain[a, b], 0, a, b
                if gain[a, b] > best[0]:
                    best[0], best[1], best[2], best[3] = gain[a, b], 1, a, b
    return best


@compiled
def _per_concept(gain: Array, plus: Array) -> tuple[Array, Array]:
    """For each concept the most that another one can remove from it, and the gain of the best "it OR another one"."""
    size = len(gain)
    lift, join = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for a in range(size):
        join[a] = gain[a, a]
        for b in range(size):
            if a != b:
                lift[a] = max(lift[a], plus[a, b] - gain[a, b])
                join[a] = max(join[a], gain[a, a] + gain[b, b] - gain[a, b])
    return lift, join
