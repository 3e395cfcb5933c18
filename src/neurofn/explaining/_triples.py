"""The best formula of three concepts by a linear measure, compiled: pairs are walked only where bounds allow a better third.

Every position has a gain, positive or negative, and the gain of a formula is the sum where it is true. ``gain[a, b]`` is of
"a AND b" (the diagonal of a concept alone), ``plus[a, b]`` the sum of its positive gains only, which no part of it can exceed;
so "a AND b" with anything removed gains at most plus[a, b], and with something added at most that thing's plus more.
All numbers are integers: a bound that says no means no.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._compiled import compiled

__all__ = ["SHAPES", "Sets", "Tables", "best_triple", "key_of"]

Array = np.ndarray[Any, Any]

SHAPES = (
    ("OR", "OR"), ("AND", "AND"), ("OR", "AND"), ("OR", "AND NOT"),
    ("AND", "OR"), ("AND", "AND NOT"), ("AND NOT", "OR"), ("AND NOT", "AND NOT"),
)  # fmt: skip
"""Operators of all different formulas of three concepts; "AND NOT, AND" is "AND, AND NOT" in another order."""


class Tables(NamedTuple):
    """Gains of pairs, and what follows for each concept."""

    gain: Array
    plus: Array
    by_plus: Array  # concepts, the largest plus first
    rank: Array  # of each concept in by_plus
    by_gain: Array  # concepts, the largest gain first
    lift: Array  # for each concept the most negative gain that another one can remove from it, as a positive number
    join: Array  # for each concept the gain of the best "it OR another one"


class Sets(NamedTuple):
    """Label sets and the sets of each concept, both as sparse rows, and the gain of each set."""

    indptr: Array
    indices: Array
    starts: Array
    holders: Array
    gains: Array


@compiled
def key_of(shape: int, a: int, b: int, c: int, size: int) -> int:
    """A number for a formula, equal for all its orders; the least breaks ties."""
    if shape <= 5 and a > b:
        a, b = b, a
    if shape <= 1:
        if b > c:
            b, c = c, b
        if a > b:
            a, b = b, a
    if shape == 7 and b > c:
        b, c = c, b
    return int(((shape * size + a) * size + b) * size + c)


@compiled
def _gain(gain: Array, triple: int, shape: int, a: int, b: int, c: int) -> int:
    """The gain of formula number ``shape``, by inclusion and exclusion; triple is the gain of "a AND b AND c"."""
    ab, ac, bc = gain[a, b], gain[a, c], gain[b, c]
    if shape == 0:
        return int(gain[a, a] + gain[b, b] + gain[c, c] - ab - ac - bc + triple)
    if shape == 1:
        return triple
    if shape == 2:
        return int(ac + bc - triple)
    if shape == 3:
        return int(gain[a, a] + gain[b, b] - ab - ac - bc + triple)
    if shape == 4:
        return int(ab + gain[c, c] - triple)
    if shape == 5:
        return int(ab - triple)
    if shape == 6:
        return int(gain[a, a] - ab + gain[c, c] - ac + triple)
    return int(gain[a, a] - ab - ac + triple)


@compiled
def _most(t: Tables, shape: int, a: int, b: int, c: int) -> int:
    """A bound from above on the gain of formula number ``shape``, from pairs alone."""
    gain, plus = t.gain, t.plus
    ab, ac, bc = plus[a, b], plus[a, c], plus[b, c]
    if shape == 0:
        one = gain[a, a] + gain[b, b] - gain[a, b] + plus[c, c] - max(ac, bc)
        two = gain[a, a] + gain[c, c] - gain[a, c] + plus[b, b] - max(ab, bc)
        return int(min(one, two, gain[b, b] + gain[c, c] - gain[b, c] + plus[a, a] - max(ab, ac)))
    if shape == 1:
        return int(min(ab, ac, bc))
    if shape == 2:
        return int(min(gain[a, c] + bc, gain[b, c] + ac))
    if shape == 3:
        one = gain[a, a] - gain[a, c] + plus[b, b] - max(ab, bc)
        two = gain[b, b] - gain[b, c] + plus[a, a] - max(ab, ac)
        return int(min(one, two, gain[a, a] + gain[b, b] - gain[a, b] + ac - gain[a, c] + bc - gain[b, c]))
    if shape == 4:
        return int(min(gain[c, c] + min(ab, plus[a, a] - ac, plus[b, b] - bc), gain[a, b] + plus[c, c]))
    if shape == 5:
        removed = min(ac - gain[a, c], bc - gain[b, c])
        return int(min(ab, gain[a, b] + removed))
    if shape == 6:
        one = gain[c, c] + plus[a, a] - max(ab, ac)
        two = gain[a, a] + gain[c, c] - gain[a, c] + ab - gain[a, b]
        return int(min(one, two, gain[a, a] - gain[a, b] + plus[c, c]))
    one = gain[a, a] - gain[a, b] + ac - gain[a, c]
    return int(min(one, plus[a, a] - max(ab, ac), gain[a, a] - gain[a, c] + ab - gain[a, b]))


@compiled
def _promises(gain: Array, plus: Array, pair: tuple[int, int], edges: tuple[int, int, int, int], bar: int) -> int:
    """The shapes (bit ``shape``) that can gain more than ``bar`` from "a, b" with any third concept: cheap, and first.

    edges: the largest gain and the largest plus of a concept, and lift and join of a.
    """
    a, b = pair
    most_gain, most_plus, lift, join = edges
    one, both, common = gain[a, a], gain[a, b], plus[a, b]
    found = 0
    if one - both + plus[a, a] > bar:  # (a OR c) AND NOT b, where a has more plus than c
        found |= 1 << 3
    if join + common - both > bar and most_gain + plus[a, a] - common > bar:
        found |= 1 << 6
    if plus[a, a] - common > bar and one - both + lift > bar:
        found |= 1 << 7
    if one + gain[b, b] - both + min(plus[a, a], plus[b, b]) > bar:
        found |= 1
    if common > 0:
        if common > bar:
            found |= (1 << 1) | (1 << 5)
        if both + common > bar and plus[b, b] > bar:  # (a OR c) AND b, where "a AND b" has more plus than "c AND b"
            found |= 1 << 2
        if most_gain + common > bar and both + most_plus > bar:
            found |= 1 << 4
    return found


@compiled
def _walk(sets: Sets, marks: Array, concept: int, size: int) -> Array:
    """Gains of "a AND b AND c" for all c, where ``marks`` says which sets have a, and b is ``concept``."""
    found = np.zeros(size, np.int64)
    for place in range(sets.starts[concept], sets.starts[concept + 1]):
        row = sets.holders[place]
        if marks[row]:
            for entry in range(sets.indptr[row], sets.indptr[row + 1]):
                found[sets.indices[entry]] += sets.gains[row]
    return found


@compiled
def _third_list(t: Tables, shape: int, a: int, b: int) -> tuple[Array, int]:
    """The third concepts in the order in which they are tried, and where to begin."""
    if shape == 0:
        return t.by_plus, int(max(t.rank[a], t.rank[b])) + 1  # the one with the least plus comes third
    if shape == 3:
        return t.by_plus, int(t.rank[a])
    return t.by_gain, 0


@compiled
def _ends(t: Tables, shape: int, a: int, b: int, c: int) -> int:
    """A bound on formulas with this third concept, and with all after it in its list."""
    gain, plus = t.gain, t.plus
    if shape == 0:
        return int(gain[a, a] + gain[b, b] - gain[a, b] + plus[c, c])
    if shape == 3:
        return int(gain[a, a] - gain[a, b] + plus[c, c])
    if shape == 4:
        return int(gain[c, c] + plus[a, b])
    if shape == 6:
        return int(gain[c, c] + plus[a, a] - plus[a, b])
    return int(plus[b, b] if shape == 2 else plus[a, a])


@compiled
def _try(t: Tables, shape: int, pair: tuple[int, int], triples: Array, best: Array) -> bool:
    """Improve ``best`` (gain, key, floor) by formulas of this shape with this pair; True where triples are needed first."""
    a, b = pair
    order, begin = _third_list(t, shape, a, b)
    for place in range(begin, len(order)):
        c = order[place]
        bar = max(best[2], best[0] - 1)  # equal ones pass: the least key is wanted
        if _ends(t, shape, a, b, c) <= bar:
            break
        if c in (a, b) or (shape == 1 and c < max(a, b)):
            continue
        # Of shapes 2 and 3 the pair is the first concept and the last.
        x, y, z = (a, c, b) if shape in (2, 3) else (a, b, c)
        if _most(t, shape, x, y, z) <= bar:
            continue
        if len(triples) == 0:
            return True
        value, key = _gain(t.gain, triples[c], shape, x, y, z), key_of(shape, x, y, z, len(order))
        if value > best[0] or (value == best[0] > best[2] and key < best[1]):
            best[0], best[1] = value, key
    return False


@compiled
def _pair(t: Tables, shapes: int, pair: tuple[int, int], triples: Array, best: Array) -> bool:
    """All shapes with this pair; True where triples are needed first."""
    for shape in range(8):
        if shape in (0, 1, 4, 5) and t.rank[pair[0]] > t.rank[pair[1]]:
            continue  # done with the pair the other way round
        if shapes >> shape & 1 and _try(t, shape, pair, triples, best):
            return True
    return False


@compiled
def best_triple(t: Tables, sets: Sets, floor: int, nothing: Array) -> Array:
    """(gain, key, floor, pairs walked) of the best formula of three different concepts that gains more than ``floor``.

    floor: not below 0, nor below the gain of any formula of one concept or two. nothing: an empty int64 array. The gain is
    ``floor`` where there is no such formula. The first concept of a pair has some plus: without, nothing is gained by it.
    """
    size, gain, plus = len(t.rank), t.gain, t.plus
    most_gain, most_plus = gain[t.by_gain[0], t.by_gain[0]], plus[t.by_plus[0], t.by_plus[0]]
    marks = np.zeros(len(sets.gains), np.bool_)
    best = np.array([floor, -1, floor, 0])
    for a in t.by_plus:
        if plus[a, a] <= 0:
            break
        holders = sets.holders[sets.starts[a] : sets.starts[a + 1]]
        marked, edges = False, (most_gain, most_plus, t.lift[a], t.join[a])
        for b in range(size):
            shapes = _promises(gain, plus, (a, b), edges, max(floor, best[0] - 1)) if a != b else 0
            if shapes and _pair(t, shapes, (a, b), nothing, best):
                if not marked:
                    marks[holders] = True
                    marked = True
                best[3] += 1
                _pair(t, shapes, (a, b), _walk(sets, marks, b, size), best)
        if marked:
            marks[holders] = False
    return best
